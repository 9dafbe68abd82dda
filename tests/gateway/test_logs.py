"""The same warning again and again is told once a second."""

import logging

from gateway.logs import MAX_CAUSES, OncePerSecond


def record(
    message: str, *arguments: object, level: int = logging.WARNING, name: str = "uvicorn.error"
) -> logging.LogRecord:
    return logging.LogRecord(name, level, __file__, 1, message, arguments, None)


def test_a_cause_is_told_once_a_second_and_others_beside_it() -> None:
    now = [0.0]
    told = OncePerSecond(lambda: now[0])
    assert told.filter(record("Invalid HTTP request received."))
    for step in range(9):
        now[0] = step / 10
        assert not told.filter(record("Invalid HTTP request received."))
    assert told.filter(record("Unsupported upgrade request."))
    assert told.filter(record("Invalid HTTP request received.", name="another"))
    now[0] = 1.0
    assert told.filter(record("Invalid HTTP request received."))


def test_what_a_message_is_filled_with_makes_no_other_cause() -> None:
    told = OncePerSecond(lambda: 0.0)
    assert told.filter(record("Invalid session %s", "a"))
    assert not told.filter(record("Invalid session %s", "b"))


def test_errors_are_always_told() -> None:
    told = OncePerSecond(lambda: 0.0)
    assert all(told.filter(record("failed", level=logging.ERROR)) for _ in range(3))


def test_no_end_of_causes_takes_no_end_of_memory() -> None:
    told = OncePerSecond(lambda: 0.0)
    for number in range(5 * MAX_CAUSES):
        told.filter(record(f"noise {number}"))
    assert len(told._told) <= MAX_CAUSES
