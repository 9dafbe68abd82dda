"""Who is counted as being in a room, and what their tickets are worth."""

import asyncio
from collections.abc import Mapping

import pytest

from auth.identity import RoomId
from pubsub.presence import Counts
from pubsub.presence_memory import MemoryPresence
from tests.integration.evening import Evening, evening
from tests.integration.gate import EVERYBODY, Gate
from tests.integration.running import Liveroom

pytestmark = pytest.mark.asyncio(loop_scope="package")

DEADLINE_SECONDS = 10.0


class Reports:
    """The last report of each room."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._last: dict[RoomId, Counts] = {}
        report = MemoryPresence.report

        async def heard(self_: MemoryPresence, node: str, rooms: Mapping[RoomId, Counts]) -> Mapping[RoomId, Counts]:
            self._last.update(rooms)
            return await report(self_, node, rooms)

        monkeypatch.setattr(MemoryPresence, "report", heard)

    async def tell(self, show: Evening, **counts: int) -> None:
        """Wait until the room has so many of these tiers, and nobody else."""

        def told() -> dict[str, int]:
            return {tier.value: count for tier, count in self._last.get(RoomId(show.room), {}).items() if count}

        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                while told() != counts:
                    await asyncio.sleep(0.01)
        except TimeoutError:
            pytest.fail(f"{told()} are counted, {counts} are here")


async def test_viewers_are_counted_by_tier_as_they_come_and_go_and_as_their_tickets_change(
    house: Liveroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    reports = Reports(monkeypatch)
    async with evening(house, "doors") as show:
        fan, star = await show.fan("mei"), await show.fan("li", "vip")
        await reports.tell(show, main=1, vip=1)
        await show.fan("passer-by", None)
        await reports.tell(show, none=1, main=1, vip=1)
        upgrade = await show.ticket("mei", "vip")
        await reports.tell(show, none=1, vip=2)
        await show.refund("mei", upgrade)
        await reports.tell(show, none=1, main=1, vip=1)
        await show.ticket("passer-by")
        await reports.tell(show, main=2, vip=1)
        await star.close()
        await reports.tell(show, main=2)
        await fan.close()
        await reports.tell(show, main=1)


async def test_who_waits_at_the_door_is_counted_once_let_in(
    house: Liveroom, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    reports = Reports(monkeypatch)
    async with evening(house) as show:
        await show.fan("li")
        await show.ticket("mei")
        gate.left = 0
        fan = await show.enter("mei")
        assert (await fan.wait("welcome"))["admission"]["position"] == 1
        await reports.tell(show, main=1)
        gate.left = EVERYBODY
        await reports.tell(show, main=2)
