"""Limits that bind are counted each time, and logged so that a flood of them fills no disk."""

from typing import Any

import pytest

from gateway import address_limits
from gateway.address_limits import AddressLimits, Limit
from gateway.metrics import Metrics
from gateway.throttle import LATEST_MS, SUSPECTS_PER_SECOND, Turns


class Recorder:
    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []

    def warning(self, event: str, **fields: Any) -> None:
        self.lines.append({"event": event, **fields})


def test_every_refusal_counts_and_one_line_a_second_tells_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    recorder, now, metrics = Recorder(), [100.0], Metrics()
    monkeypatch.setattr(address_limits, "log", recorder)
    limits = AddressLimits(metrics, lambda: now[0])
    for _ in range(50):
        limits.bound(Limit.BAD_TOKENS, "203.0.113.7")
    limits.bound(Limit.IDLE, "203.0.113.8")
    now[0] += 1.0
    limits.bound(Limit.BAD_TOKENS, "2001:db8::/64")
    assert [(line["limit"], line["address"], line["others_before"]) for line in recorder.lines] == [
        ("bad_tokens", "203.0.113.7", 0),
        ("idle", "203.0.113.8", 0),
        ("bad_tokens", "2001:db8::/64", 49),
    ]
    counted = metrics.registry.get_sample_value("liveroom_address_limits_total", {"limit": "bad_tokens"})
    assert counted == 51


def test_suspect_tokens_take_turns_and_none_waits_longer_than_it_may() -> None:
    turns = Turns()
    waits = [turns.wait_ms(1_000_000) for _ in range(10 * SUSPECTS_PER_SECOND)]
    assert waits[:3] == [0, 5, 10]
    assert waits == sorted(waits)
    assert waits[-1] == LATEST_MS
    assert turns.wait_ms(1_010_000) == 0
