"""Leases within one process keep the port's promises."""

import asyncio

import pytest

from pubsub.leases import LEASE_MS, SeatId
from pubsub.leases_memory import SLICE, MemoryLeases
from tests.contracts.leases_suite import ROOM, LeasesSuite, lease


class MemoryHall:
    """One store and its clock."""

    def __init__(self) -> None:
        self.now_ms = 0
        self.store = self._open()

    def node(self) -> MemoryLeases:
        return self.store

    async def pass_time(self, ms: int) -> None:
        self.now_ms += ms

    async def flush(self) -> None:
        self.store._seats.clear()

    def _open(self) -> MemoryLeases:
        return MemoryLeases(monotonic_ms=lambda: self.now_ms)


@pytest.fixture
def hall() -> MemoryHall:
    return MemoryHall()


class TestMemoryLeases(LeasesSuite):
    """The contract suite."""


async def test_seats_that_nobody_renews_are_forgotten_as_others_come(hall: MemoryHall) -> None:
    node = hall.node()
    await node.hold(ROOM, [lease("phone", seat=SeatId(f"early-{number}")) for number in range(10)])
    await hall.pass_time(LEASE_MS)
    await node.hold(ROOM, [lease("phone", seat=SeatId(f"late-{number}")) for number in range(10)])
    assert len(node._seats) == 10


async def test_others_have_their_turn_while_a_full_house_renews_its_seats(hall: MemoryHall) -> None:
    leases = [lease("phone", seat=SeatId(f"chair-{number}")) for number in range(20 * SLICE)]
    renewing = asyncio.create_task(hall.node().hold(ROOM, leases))
    turns = 0
    while not renewing.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns >= 20
    assert [verdict.holds for verdict in await renewing] == [True] * len(leases)
