"""Limits that bind are counted and logged, and those who have to wait their turn wait a bounded time."""

from typing import Any

import pytest

from gateway.door import address_limits
from gateway.door.address_limits import AddressLimits, Limit
from gateway.door.throttle import LATEST_MS, SUSPECTS_PER_SECOND, Turns
from gateway.setup.metrics import Metrics


class Recorder:
    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []

    def warning(self, event: str, **fields: Any) -> None:
        self.lines.append({"event": event, **fields})


def test_every_refusal_counts_and_is_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    recorder, metrics = Recorder(), Metrics()
    monkeypatch.setattr(address_limits, "log", recorder)
    limits = AddressLimits(metrics)
    told = metrics.registry.get_sample_value
    assert [told("liveroom_address_limits_total", {"limit": limit.value}) for limit in Limit] == [0] * len(Limit)
    limits.bound(Limit.BAD_TOKENS, "203.0.113.7")
    limits.bound(Limit.IDLE, "2001:db8::/64")
    assert recorder.lines == [
        {"event": "address.limited", "limit": "bad_tokens", "address": "203.0.113.7"},
        {"event": "address.limited", "limit": "idle", "address": "2001:db8::/64"},
    ]
    assert told("liveroom_address_limits_total", {"limit": "idle"}) == 1


def test_suspect_tokens_take_turns_and_none_waits_longer_than_it_may() -> None:
    turns = Turns()
    waits = [turns.wait_ms(1_000_000) for _ in range(10 * SUSPECTS_PER_SECOND)]
    assert waits[:3] == [0, 5, 10]
    assert waits == sorted(waits)
    assert waits[-1] == LATEST_MS
    assert turns.wait_ms(1_010_000) == 0
