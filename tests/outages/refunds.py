"""Many tickets go back while their owners watch at two gateways: how long each still may what was paid for."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import httpx2

from gateway.setup import clock
from tests.outages.processes import House
from tests.outages.show import Fan, Show

AT_ONCE = 50
"""Refunds under way at a time."""
PATIENCE_SECONDS = 60.0


@dataclass
class Refunds:
    """What became of them, in seconds from the 202 of each."""

    tier_seconds: list[float] = field(default_factory=list)
    """To the `tier` event that says `none` and has no streams."""
    answer_seconds: list[float] = field(default_factory=list)
    """From the request to the 202."""
    never_told: int = 0
    still_played: int = 0
    """Whose old grant the media check let pass after the 202."""
    still_given: int = 0
    """Whose gift was taken after the 202."""
    seconds: float = 0.0
    """All of them."""

    def percentile(self, share: float) -> float:
        """Of the times to the `tier` event; infinite where it never came."""
        ordered = sorted(self.tier_seconds) + [float("inf")] * self.never_told
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


async def give_back(show: Show, fans: list[Fan], at_once: int = AT_ONCE) -> Refunds:
    """All of these tickets, many at a time."""
    came, turns = Refunds(), asyncio.Semaphore(at_once)

    async def one(fan: Fan) -> None:
        async with turns:
            await _give_back(show, fan, came)

    began = clock.now_ms()
    await asyncio.gather(*map(one, fans))
    came.seconds = (clock.now_ms() - began) / 1000
    return came


async def _give_back(show: Show, fan: Fan, came: Refunds) -> None:
    grants = _grants(fan)
    assert grants, "they watch what they paid for"
    asked_ms = clock.now_ms()
    accepted_ms = await show.refund(fan)
    came.answer_seconds.append((accepted_ms - asked_ms) / 1000)
    # from the 202 on, whatever the sockets know
    gift = await fan.device.ask("gift", {"gift": "rose", "key": f"too-late-{fan.user}"})
    came.still_given += gift is None or gift["ok"]
    came.still_played += [await _plays(show.house, fan, grant) for grant in grants].count(True)
    if not await fan.device.wait(lambda: _out_ms(fan) is not None, PATIENCE_SECONDS):
        came.never_told += 1
        return
    out_ms = _out_ms(fan)
    assert out_ms is not None
    came.tier_seconds.append(max(0, out_ms - accepted_ms) / 1000)


def _grants(fan: Fan) -> list[dict[str, Any]]:
    """Of all streams that they were told of last."""
    held: list[dict[str, Any]] = []
    for entry in fan.notes.entries:
        if entry.event in {"welcome", "tier"}:
            held = entry.payload["streams"]
    return held


def _out_ms(fan: Fan) -> int | None:
    for entry in reversed(fan.notes.entries):
        if entry.event == "tier" and entry.payload["tier"] == "none" and not entry.payload["streams"]:
            at_ms: int = entry.at_ms
            return at_ms
    return None


async def _plays(house: House, fan: Fan, grant: dict[str, Any]) -> bool:
    """Whether the media server would let the grant pass."""
    path = httpx2.URL(grant["url"]).path
    answer = await house.gateways[fan.gateway].get("/media/auth/nginx", headers={"x-original-uri": path})
    return answer.status_code == httpx2.codes.NO_CONTENT


async def watching(house: House, count: int, prefix: str, show: Show) -> list[Fan]:
    """So many fans with tickets, who watch at both gateways; each is told of a stream that plays."""
    fans = await show.invite(count, prefix)
    await show.enter(fans)
    assert await _plays(house, fans[0], _grants(fans[0])[0])
    return fans
