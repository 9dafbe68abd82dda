"""When something may be planned: from yesterday to five years ahead. Seconds, microseconds and 1970 are neither."""

from auth.denials import Code, Denied

DAY_MS = 86_400_000
PAST_MS = DAY_MS
"""What begins may have begun so long ago: a show put on late, a clock that is wrong."""
OVER_MS = 366 * DAY_MS
"""What ends may have ended so long ago: a deadline that is meant to be over."""
AHEAD_MS = 5 * 366 * DAY_MS


def beginning(field: str, at_ms: int, now_ms: int) -> Denied | None:
    """Whether a show, its doors or a countdown can be at this time; BAD_REQUEST names the field."""
    return _between(field, at_ms, now_ms - PAST_MS, now_ms + AHEAD_MS)


def deadline(field: str, at_ms: int, now_ms: int) -> Denied | None:
    """Whether a deadline can be at this time, which may be over; BAD_REQUEST names the field."""
    return _between(field, at_ms, now_ms - OVER_MS, now_ms + AHEAD_MS)


def _between(field: str, at_ms: int, earliest_ms: int, latest_ms: int) -> Denied | None:
    if earliest_ms <= at_ms <= latest_ms:
        return None
    return Denied(Code.BAD_REQUEST, detail={"field": field, "earliest_ms": earliest_ms, "latest_ms": latest_ms})
