"""What every presence adapter must keep. An adapter's test file inherits `PresenceSuite` and provides `crowd`."""

from typing import Protocol

from auth.identity import RoomId, Tier
from pubsub.presence import REPORT_MS, Counts, Presence

ROOM = RoomId("presence-room")
OTHER = RoomId("presence-other")


class Crowd(Protocol):
    """One adapter under test."""

    presence: Presence

    async def pass_time(self, ms: int) -> None:
        """Let reports grow older by `ms`."""
        ...


async def online(presence: Presence, room: RoomId) -> Counts:
    """What somebody hears who has nobody there."""
    return (await presence.report("looks on", {room: {}}))[room]


class PresenceSuite:
    """The tests."""

    async def test_an_unreported_room_is_empty_in_every_tier(self, crowd: Crowd) -> None:
        assert dict(await online(crowd.presence, ROOM)) == dict.fromkeys(Tier, 0)

    async def test_reports_of_several_nodes_add_up(self, crowd: Crowd) -> None:
        await crowd.presence.report("a", {ROOM: {Tier.NONE: 2, Tier.VIP: 1}})
        await crowd.presence.report("b", {ROOM: {Tier.VIP: 4}})
        found = await online(crowd.presence, ROOM)
        assert (found[Tier.NONE], found[Tier.MAIN], found[Tier.VIP]) == (2, 0, 5)

    async def test_a_report_replaces_the_nodes_earlier_one(self, crowd: Crowd) -> None:
        await crowd.presence.report("a", {ROOM: {Tier.NONE: 2, Tier.VIP: 1}})
        await crowd.presence.report("a", {ROOM: {Tier.MAIN: 3}})
        found = await online(crowd.presence, ROOM)
        assert (found[Tier.NONE], found[Tier.MAIN], found[Tier.VIP]) == (0, 3, 0)

    async def test_an_empty_report_withdraws_the_node(self, crowd: Crowd) -> None:
        await crowd.presence.report("a", {ROOM: {Tier.MAIN: 3}})
        await crowd.presence.report("a", {ROOM: {}})
        assert sum((await online(crowd.presence, ROOM)).values()) == 0

    async def test_rooms_do_not_mix(self, crowd: Crowd) -> None:
        await crowd.presence.report("a", {ROOM: {Tier.MAIN: 3}})
        assert sum((await online(crowd.presence, OTHER)).values()) == 0

    async def test_a_silent_nodes_sockets_vanish_and_a_renewed_report_stays(self, crowd: Crowd) -> None:
        await crowd.presence.report("dead", {ROOM: {Tier.MAIN: 3}})
        await crowd.presence.report("alive", {ROOM: {Tier.MAIN: 5}})
        await crowd.pass_time(REPORT_MS - 1_000)
        await crowd.presence.report("alive", {ROOM: {Tier.MAIN: 5}})
        assert (await online(crowd.presence, ROOM))[Tier.MAIN] == 8
        await crowd.pass_time(1_001)
        assert (await online(crowd.presence, ROOM))[Tier.MAIN] == 5
