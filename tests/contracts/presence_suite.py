"""What every presence adapter must keep. An adapter's test file inherits `PresenceSuite` and provides `crowd`."""

from typing import Protocol

from auth.identity import RoomId, Tier
from pubsub.presence import REPORT_MS, Presence

ROOM = RoomId("presence-room")
OTHER = RoomId("presence-other")


class Crowd(Protocol):
    """One adapter under test."""

    presence: Presence

    async def pass_time(self, ms: int) -> None:
        """Let reports grow older by `ms`."""
        ...


class PresenceSuite:
    """The tests."""

    async def test_an_unreported_room_is_empty_in_every_tier(self, crowd: Crowd) -> None:
        assert dict(await crowd.presence.online(ROOM)) == dict.fromkeys(Tier, 0)

    async def test_reports_of_several_nodes_add_up(self, crowd: Crowd) -> None:
        await crowd.presence.report(ROOM, "a", {Tier.NONE: 2, Tier.VIP: 1})
        await crowd.presence.report(ROOM, "b", {Tier.VIP: 4})
        online = await crowd.presence.online(ROOM)
        assert (online[Tier.NONE], online[Tier.MAIN], online[Tier.VIP]) == (2, 0, 5)

    async def test_a_report_replaces_the_nodes_earlier_one(self, crowd: Crowd) -> None:
        await crowd.presence.report(ROOM, "a", {Tier.NONE: 2, Tier.VIP: 1})
        await crowd.presence.report(ROOM, "a", {Tier.MAIN: 3})
        online = await crowd.presence.online(ROOM)
        assert (online[Tier.NONE], online[Tier.MAIN], online[Tier.VIP]) == (0, 3, 0)

    async def test_an_empty_report_withdraws_the_node(self, crowd: Crowd) -> None:
        await crowd.presence.report(ROOM, "a", {Tier.MAIN: 3})
        await crowd.presence.report(ROOM, "a", {})
        assert sum((await crowd.presence.online(ROOM)).values()) == 0

    async def test_rooms_do_not_mix(self, crowd: Crowd) -> None:
        await crowd.presence.report(ROOM, "a", {Tier.MAIN: 3})
        assert sum((await crowd.presence.online(OTHER)).values()) == 0

    async def test_a_silent_nodes_sockets_vanish_and_a_renewed_report_stays(self, crowd: Crowd) -> None:
        await crowd.presence.report(ROOM, "dead", {Tier.MAIN: 3})
        await crowd.presence.report(ROOM, "alive", {Tier.MAIN: 5})
        await crowd.pass_time(REPORT_MS - 1_000)
        await crowd.presence.report(ROOM, "alive", {Tier.MAIN: 5})
        assert (await crowd.presence.online(ROOM))[Tier.MAIN] == 8
        await crowd.pass_time(1_001)
        assert (await crowd.presence.online(ROOM))[Tier.MAIN] == 5
