"""What may be planned when."""

from collections.abc import Callable

import pytest

from auth.denials import Code, Denied
from auth.planning import AHEAD_MS, OVER_MS, PAST_MS, beginning, deadline

NOW_MS = 1_790_000_000_000
Rule = Callable[[str, int, int], Denied | None]

each_rule = pytest.mark.parametrize(("rule", "past_ms"), [(beginning, PAST_MS), (deadline, OVER_MS)])


@each_rule
def test_both_ends_of_the_span_can_be_planned(rule: Rule, past_ms: int) -> None:
    assert rule("starts_ms", NOW_MS - past_ms, NOW_MS) is None
    assert rule("starts_ms", NOW_MS + AHEAD_MS, NOW_MS) is None


@each_rule
def test_what_lies_beyond_is_refused_with_the_field_and_the_span(rule: Rule, past_ms: int) -> None:
    earliest_ms, latest_ms = NOW_MS - past_ms, NOW_MS + AHEAD_MS
    detail = {"field": "starts_ms", "earliest_ms": earliest_ms, "latest_ms": latest_ms}
    refusal = Denied(Code.BAD_REQUEST, detail=detail)
    # seconds, microseconds and 1970 among them
    for at_ms in (earliest_ms - 1, latest_ms + 1, NOW_MS // 1000, NOW_MS * 1000, 0):
        assert rule("starts_ms", at_ms, NOW_MS) == refusal
