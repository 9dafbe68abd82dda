"""In-process presence keeps the port's promises."""

import pytest

from pubsub.presence_memory import MemoryPresence
from tests.contracts.presence_suite import ROOM, PresenceSuite


class MemoryCrowd:
    """A presence and its clock."""

    def __init__(self) -> None:
        self.now_ms = 0
        self.presence = MemoryPresence(monotonic_ms=lambda: self.now_ms)

    async def pass_time(self, ms: int) -> None:
        self.now_ms += ms


@pytest.fixture
def crowd() -> MemoryCrowd:
    return MemoryCrowd()


class TestMemoryPresence(PresenceSuite):
    """The contract suite."""


async def test_an_empty_room_leaves_nothing_behind(crowd: MemoryCrowd) -> None:
    await crowd.presence.report("a", {ROOM: {}})
    assert crowd.presence._reports == {}
