"""Logs are bounded in what strangers can make us write, and hold nothing that is somebody's."""

import contextlib
import io
import json
import logging
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from gateway.setup import logs
from gateway.setup.logs import EVENTS_PER_SECOND, MAX_CAUSES, MAX_FIELD_CHARS, SoManyASecond, Sparing, clip
from store.database_sql import Database, RacedError
from store.tables_sql import jobs
from tests.store.homes import migrated


def record(
    message: str, *arguments: object, level: int = logging.WARNING, name: str = "uvicorn.error"
) -> logging.LogRecord:
    return logging.LogRecord(name, level, __file__, 1, message, arguments, None)


def test_a_warning_is_told_once_a_second_and_others_beside_it() -> None:
    now = [0.0]
    told = Sparing(lambda: now[0])
    assert told.filter(record("Invalid HTTP request received."))
    for step in range(9):
        now[0] = step / 10
        assert not told.filter(record("Invalid HTTP request received."))
    assert told.filter(record("Unsupported upgrade request."))
    assert told.filter(record("Invalid HTTP request received.", name="another"))
    now[0] = 1.0
    assert told.filter(record("Invalid HTTP request received."))


def test_what_a_message_is_filled_with_makes_no_other_cause() -> None:
    told = Sparing(lambda: 0.0)
    assert told.filter(record("Invalid session %s", "a"))
    assert not told.filter(record("Invalid session %s", "b"))


def test_errors_are_told_more_often_but_not_without_end() -> None:
    told = Sparing(lambda: 0.0)
    assert [told.filter(record("failed", level=logging.ERROR)) for _ in range(EVENTS_PER_SECOND + 5)].count(True) == (
        EVENTS_PER_SECOND
    )


def test_no_end_of_causes_takes_no_end_of_memory() -> None:
    told, events = Sparing(lambda: 0.0), SoManyASecond(lambda: 0.0)
    for number in range(5 * MAX_CAUSES):
        told.filter(record(f"noise {number}"))
        with contextlib.suppress(structlog.DropEvent):
            events(None, "warning", {"event": f"noise {number}"})
    assert len(told._told) <= MAX_CAUSES
    assert len(events._written) <= MAX_CAUSES
    assert len(events._dropped) <= MAX_CAUSES


def test_of_one_event_so_many_a_second_are_written_and_the_next_says_how_many_were_not() -> None:
    now = [0.0]
    limit = SoManyASecond(lambda: now[0])

    def written(event: str) -> bool:
        try:
            limit(None, "warning", {"event": event})
        except structlog.DropEvent:
            return False
        return True

    assert [written("callback.refused") for _ in range(EVENTS_PER_SECOND + 7)].count(True) == EVENTS_PER_SECOND
    assert written("callback.failed"), "another event is not held back for it"
    now[0] = 1.0
    assert limit(None, "warning", {"event": "callback.refused"})["dropped"] == 7
    assert "dropped" not in limit(None, "warning", {"event": "callback.refused"})


@contextlib.contextmanager
def written(log_format: str = "json") -> Iterator[io.StringIO]:
    """What is logged inside, as production writes it, or for people."""
    stream, before = io.StringIO(), (structlog.get_config(), logging.root.handlers[:], logging.root.level)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stderr", stream)
        logs.configure(log_format)
        yield stream
    structlog.configure(**before[0])
    logging.root.handlers[:] = before[1]
    logging.root.setLevel(before[2])


def test_what_a_stranger_sends_is_clipped_in_every_field() -> None:
    # a callback to /pay/<7000 x A>/notify wrote 7 KB each, 12.9 GB an hour at what nginx lets through
    with written() as log:
        structlog.get_logger("a").warning("callback.refused", provider="A" * 7_000, reason=["B" * 7_000], code="C")
        logging.getLogger("b").warning("Invalid %s", "D" * 7_000)
    lines = log.getvalue().splitlines()
    assert len(lines) == 2
    assert all(len(line) < 1_000 for line in lines)
    assert json.loads(lines[0])["code"] == "C"


def test_a_clipped_field_says_how_long_it_was() -> None:
    told = clip(None, "info", {"event": "x", "text": "é" * 1_000, "count": 7, "flag": True})
    assert str(told["text"]).endswith("(1000 characters)")
    assert len(str(told["text"])) < MAX_FIELD_CHARS + 40
    assert (told["count"], told["flag"]) == (7, True)


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_what_a_stranger_sends_steers_no_terminal(log_format: str) -> None:
    # ESC of a path went to the terminal of whoever read the log, which obeys it
    bad = "/pay/\x1b[2J\x1b]0;owned\x07\r\nall is well\x9b31m\u202e\x7f/notify"
    with written(log_format) as log:
        structlog.get_logger("a").warning("callback.refused", path=bad, reasons=[bad])
        logging.getLogger("b").warning("Invalid %s", bad)
        try:
            int(bad.replace("\n", "\v"))  # a traceback keeps its lines
        except ValueError:
            structlog.get_logger("a").exception("callback.failed")
    text = re.sub("\x1b\\[[0-9]{1,2}m", "", log.getvalue())  # our own colours
    assert "all is well" in text
    assert [one for one in text if not one.isprintable() and one != "\n"] == []
    assert not any(line.startswith("all is well") for line in text.splitlines())


async def test_a_statement_that_fails_tells_none_of_its_values(home: str, tmp_path: Path) -> None:
    # user ids and idempotency keys stood in the log, once as parameters and once as PostgreSQL's DETAIL
    secret = "user-whose-id-is-nobodys-business"
    row = {"kind": "kind", "key": secret, "payload": b"", "state": "waiting", "attempt": 0, "run_at_ms": 1}
    with written() as log, migrated(home, tmp_path) as url:
        database = await Database.open(url, clock=lambda: 1, new_id=lambda: "id")
        try:
            for number in range(2):
                async with database.write() as uow:
                    await uow.connection.execute(insert(jobs).values(id=str(number), created_ms=1, **row))
        except (IntegrityError, RacedError):
            structlog.get_logger("a").exception("worker.failed")
        finally:
            await database.close()
    assert "worker.failed" in log.getvalue()
    assert "Traceback" in log.getvalue()
    assert secret not in log.getvalue()
