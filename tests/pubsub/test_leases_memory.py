"""Leases within one process keep the port's promises."""

import pytest

from pubsub.leases import LEASE_MS, SeatId
from pubsub.leases_memory import MemoryLeases
from tests.contracts.leases_suite import ROOM, LeasesSuite, lease


class MemoryHall:
    """One store and its clock."""

    def __init__(self) -> None:
        self.now_ms = 0
        self.store = self._open()

    def node(self, devices: int = 1) -> MemoryLeases:
        self.store._devices = devices
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
