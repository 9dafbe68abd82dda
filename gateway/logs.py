"""Structured logs: events with room, hashed user and order ids; never tokens, keys or personal data."""

import hashlib
import logging
import math
import sys
import time
from collections.abc import Callable

import structlog

MAX_CAUSES = 1000
"""Of warnings that are remembered; a library that writes what it was sent into its message has no end of them."""


def configure(log_format: str) -> None:
    """Send structlog and the standard library's records to stderr, as JSON or for people."""
    # plain: the renderer's own tracebacks tell the values of variables, tokens among them, and take a second each
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if log_format == "console"
        else structlog.processors.JSONRenderer()
    )
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if log_format != "console":
        shared.append(structlog.processors.format_exc_info)
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(OncePerSecond())
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processor=renderer, foreign_pre_chain=shared))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


class OncePerSecond(logging.Filter):
    """Lets one warning a second through for each cause: a stranger's noise on the line must not fill a disk.

    For the standard library's records, which is where the libraries under the sockets log. Errors are never held back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._told: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a record is told; its cause is its logger and its message without the arguments."""
        if record.levelno != logging.WARNING:
            return True
        cause, now = (record.name, str(record.msg)), self._clock()
        if now - self._told.get(cause, -math.inf) < 1.0:
            return False
        if len(self._told) >= MAX_CAUSES:
            self._told.clear()
        self._told[cause] = now
        return True


def user_hash(user: str) -> str:
    """A user id as it may stand in a log."""
    return hashlib.blake2s(user.encode(), digest_size=6).hexdigest()
