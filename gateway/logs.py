"""Structured logs: events with room, hashed user and order ids; never tokens, keys or personal data."""

import hashlib
import logging
import sys

import structlog


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
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processor=renderer, foreign_pre_chain=shared))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


def user_hash(user: str) -> str:
    """A user id as it may stand in a log."""
    return hashlib.blake2s(user.encode(), digest_size=6).hexdigest()
