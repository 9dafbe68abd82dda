"""Structured logs: events with room, show and order ids; never tokens, keys, user ids or names.

Strangers can cause only a bounded amount of log: fields are clipped, and each event is rate-limited.
"""

import logging
import re
import sys
import time
from collections.abc import Callable

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

MAX_FIELD_CHARS = 200
"""The longest field of an event; a field may hold what strangers sent."""
MAX_TRACEBACK_CHARS = 8_000
"""The longest traceback; its end is kept, because that says what happened."""
EVENTS_PER_SECOND = 10
"""The rate limit per event and level; the next event written says how many were dropped."""
WARNINGS_PER_SECOND = 1
"""The rate limit per library warning."""
_ROW_VALUES = re.compile(r"(DETAIL: ).*?(?=\n[A-Z\[]|\n*$|\\n)", re.DOTALL)
MAX_CAUSES = 1000
"""How many different warnings are counted; a library that formats input into its messages makes unboundedly many."""


def configure(log_format: str) -> None:
    """Send structlog and the standard library's records to stderr, as JSON or for people."""
    # plain: the console renderer's own tracebacks tell the values of variables, tokens among them
    is_for_people = log_format == "console"
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if is_for_people
        else structlog.processors.JSONRenderer()
    )
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        clip,
    ]
    structlog.configure(
        processors=[*shared[:2], SoManyASecond(), *shared[2:], renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),  # as it is when something is logged
        cache_logger_on_first_use=False,  # else who configures anew is not heard by loggers that were used before
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(Sparing())
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processor=renderer, foreign_pre_chain=shared))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


class Sparing(logging.Filter):
    """Rate-limits the standard library's records per cause: strangers' errors must not fill the disk.

    The libraries below the sockets log through it.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._told: dict[tuple[str, str, int], list[float]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to write a record; its cause is its logger, its level and its message without the arguments."""
        cause, now = (record.name, str(record.msg)[:MAX_FIELD_CHARS], record.levelno), self._clock()
        allowed = WARNINGS_PER_SECOND if record.levelno <= logging.WARNING else EVENTS_PER_SECOND
        recent = [told for told in self._told.pop(cause, ()) if now - told < 1.0]
        if len(recent) < allowed:
            recent.append(now)
            is_told = True
        else:
            is_told = False
        if len(self._told) >= MAX_CAUSES:
            self._told.clear()
        self._told[cause] = recent
        return is_told


class SoManyASecond:
    """Drops an event written `EVENTS_PER_SECOND` times in this second; the next one says how many were dropped.

    A stranger who makes a request fail in a loop must not fill the disk.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._second = -1
        self._written: dict[tuple[str, str], int] = {}
        self._dropped: dict[tuple[str, str], int] = {}

    def __call__(self, _logger: WrappedLogger, level: str, event: EventDict) -> EventDict:
        """The structlog processor; it stands early in the chain, because the later ones cost time."""
        second = int(self._clock())
        if second != self._second:
            self._second = second
            self._written.clear()
        cause = (level, str(event.get("event", ""))[:MAX_FIELD_CHARS])
        written = self._written.get(cause, 0)
        if written >= EVENTS_PER_SECOND or (not written and len(self._written) >= MAX_CAUSES):
            if len(self._dropped) < MAX_CAUSES:
                self._dropped[cause] = self._dropped.get(cause, 0) + 1
            raise structlog.DropEvent
        self._written[cause] = written + 1
        dropped = self._dropped.pop(cause, 0)
        return {**event, "dropped": dropped} if dropped else event


def clip(_logger: WrappedLogger, _level: str, event: EventDict) -> EventDict:
    """Shorten long fields, and remove from a database error the values of the row that was refused.

    Control characters are escaped: what strangers send must not control the terminal of whoever reads the log.
    """
    return {key: _clipped(key, value) for key, value in event.items()}


def _clipped(key: str, value: object) -> object:
    if key == "exception":
        lines = _without_rows(str(value))[-MAX_TRACEBACK_CHARS:].split("\n")
        return "\n".join(map(_escaped, lines))
    if value is None or isinstance(value, bool | int | float):
        return value
    text = value if isinstance(value, str) else repr(value)
    text = _without_rows(text)
    if len(text) > MAX_FIELD_CHARS:
        return f"{_escaped(text[:MAX_FIELD_CHARS])[:MAX_FIELD_CHARS]}... ({len(text)} characters)"
    return _escaped(text) if isinstance(value, str) else value


def _escaped(text: str) -> str:
    """The text with an escape for each non-printing character: ESC, line breaks, changes of writing direction."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def _without_rows(text: str) -> str:
    """The text without the row values in PostgreSQL's messages: `DETAIL:  Key (user_id)=(ann) ...`."""
    return _ROW_VALUES.sub(r"\1(not told)", text)
