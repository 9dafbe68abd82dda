"""What every lease adapter must keep. An adapter's test file inherits `LeasesSuite` and provides `hall`."""

import asyncio
import itertools
from dataclasses import replace
from typing import Protocol

from auth.identity import RoomId
from pubsub.leases import LEASE_MS, HolderId, Lease, Leases, SeatId, Verdict

ROOM = RoomId("leases: room {1}")
OTHER_ROOM = RoomId("leases-other")
ANN = SeatId("ann")


class Hall(Protocol):
    """One adapter under test: a store that several nodes use."""

    def node(self) -> Leases:
        """One more node."""
        ...

    async def pass_time(self, ms: int) -> None:
        """Let leases grow older by `ms`."""
        ...

    async def flush(self) -> None:
        """Lose everything."""
        ...


def lease(name: str, *, device: str | None = None, seat: SeatId = ANN, devices: int = 1) -> Lease:
    return Lease(seat, name if device is None else device, HolderId(f"socket-{name}"), devices)


async def claim(node: Leases, asked: Lease) -> Lease:
    """A lease as it was granted."""
    (verdict,) = await node.hold(ROOM, [asked])
    assert verdict.holds
    return replace(asked, fence=verdict.fence)


async def holding(node: Leases, *asked: Lease) -> list[str]:
    """The devices that hold when asked in this order, as of the last time that each was asked."""
    for one in asked:
        await node.hold(ROOM, [one])
    return [one.device for one in asked if (await node.hold(ROOM, [one]))[0].holds]


class LeasesSuite:
    """The tests."""

    async def test_the_newest_wins_and_the_older_is_named_at_once_and_told_when_it_holds_again(
        self, hall: Hall
    ) -> None:
        here, there = hall.node(), hall.node()
        phone = await claim(here, lease("phone"))
        (verdict,) = await there.hold(ROOM, [lease("laptop")])
        assert (verdict.holds, verdict.ousted) == (True, (phone.holder,))
        assert await here.hold(ROOM, [phone]) == [Verdict(phone.fence, holds=False)]

    async def test_so_many_devices_share_a_seat_and_the_oldest_makes_way(self, hall: Hall) -> None:
        node = hall.node()
        tv, phone = await claim(node, lease("tv", devices=2)), await claim(node, lease("phone", devices=2))
        (verdict,) = await node.hold(ROOM, [lease("laptop", devices=2)])
        assert verdict.ousted == (tv.holder,)
        assert await holding(node, tv, phone) == ["phone"]

    async def test_seats_of_different_sizes_are_held_in_one_call(self, hall: Hall) -> None:
        node, bob = hall.node(), SeatId("bob")
        asked = [lease(f"ann-{number}") for number in range(3)]
        asked += [lease(f"bob-{number}", seat=bob, devices=2) for number in range(3)]
        await node.hold(ROOM, asked)
        assert [await node.others(ROOM, seat, "") for seat in (ANN, bob)] == [1, 2]

    async def test_a_device_that_comes_again_takes_its_own_place_and_nobody_elses(self, hall: Hall) -> None:
        node = hall.node()
        phone, tv = await claim(node, lease("phone", devices=2)), await claim(node, lease("tv", devices=2))
        (verdict,) = await node.hold(ROOM, [lease("again", device="phone", devices=2)])
        assert verdict.ousted == (phone.holder,)
        assert await holding(node, tv, phone) == ["tv"]

    async def test_a_lease_ends_unless_it_is_held_again(self, hall: Hall) -> None:
        node = hall.node()
        dead, alive = await claim(node, lease("dead", devices=3)), await claim(node, lease("alive", devices=3))
        await hall.pass_time(LEASE_MS - 1_000)
        await node.hold(ROOM, [alive])
        assert await node.others(ROOM, ANN, "") == 2
        await hall.pass_time(1_001)
        assert await node.others(ROOM, ANN, "") == 1
        assert (await node.hold(ROOM, [lease("new", devices=3)]))[0].ousted == ()
        assert await holding(node, alive, dead) == ["alive", "dead"]

    async def test_a_lease_that_stands_keeps_its_fence_whatever_its_holder_believes(self, hall: Hall) -> None:
        node = hall.node()
        phone = await claim(node, lease("phone"))
        for fence in (0, phone.fence, phone.fence + 10**9):
            assert await node.hold(ROOM, [replace(phone, fence=fence)]) == [Verdict(phone.fence, holds=True)]

    async def test_who_was_ousted_stays_out_when_the_newer_has_left(self, hall: Hall) -> None:
        node = hall.node()
        phone, laptop = await claim(node, lease("phone")), await claim(node, lease("laptop"))
        await node.release(ROOM, [laptop])
        assert await holding(node, phone) == []
        assert await holding(node, lease("tablet")) == ["tablet"]

    async def test_a_released_seat_is_free(self, hall: Hall) -> None:
        node = hall.node()
        phone = await claim(node, lease("phone"))
        await node.release(ROOM, [lease("stranger", seat=SeatId("bob")), phone])
        assert await node.others(ROOM, ANN, "") == 0
        assert (await node.hold(ROOM, [lease("laptop")]))[0].ousted == ()

    async def test_after_a_loss_of_everything_those_who_held_stand_again_in_whatever_order_they_come(
        self, hall: Hall
    ) -> None:
        node = hall.node()
        granted = [await claim(node, lease(name, devices=2)) for name in ("first", "second", "third")]
        for order in itertools.permutations(granted):
            await hall.flush()
            assert set(await holding(node, *order)) == {"second", "third"}

    async def test_fences_never_repeat_or_go_back_not_even_after_a_loss_of_everything(self, hall: Hall) -> None:
        here, there = hall.node(), hall.node()
        fences = [
            (await claim((here, there)[number % 2], lease(f"{number}", devices=99))).fence for number in range(20)
        ]
        await hall.flush()
        fences.append((await claim(there, lease("after", devices=99))).fence)
        ahead = replace(lease("ahead", devices=99), fence=fences[-1] + 10**9)
        await here.hold(ROOM, [ahead])
        fences += [ahead.fence, (await claim(there, lease("behind", devices=99))).fence]
        assert fences == sorted(set(fences))

    async def test_who_is_restored_loses_to_who_came_meanwhile(self, hall: Hall) -> None:
        node = hall.node()
        phone = await claim(node, lease("phone"))
        await hall.flush()
        laptop = await claim(node, lease("laptop"))
        assert await holding(node, phone, laptop) == ["laptop"]

    async def test_of_one_device_that_is_restored_twice_the_newer_stands(self, hall: Hall) -> None:
        node = hall.node()
        older, newer = [await claim(node, lease(name, device="phone", devices=2)) for name in ("older", "newer")]
        await hall.flush()
        assert await node.hold(ROOM, [newer, older]) == [
            Verdict(newer.fence, holds=True),
            Verdict(older.fence, holds=False),
        ]

    async def test_of_nodes_that_claim_at_once_exactly_as_many_hold_as_there_is_room_for(self, hall: Hall) -> None:
        nodes = [hall.node() for _ in range(2)]
        asked = [[lease(f"{number}-{device}", devices=3) for device in range(20)] for number in range(2)]
        verdicts = await asyncio.gather(
            *(node.hold(ROOM, [one]) for node, mine in zip(nodes, asked, strict=True) for one in mine)
        )
        granted = [
            replace(one, fence=verdict.fence)
            for one, (verdict,) in zip(itertools.chain(*asked), verdicts, strict=True)
            if verdict.holds
        ]
        assert len(await holding(nodes[0], *granted)) == 3
        assert {one.device for one in sorted(granted, key=lambda one: one.fence)[-3:]} == set(
            await holding(nodes[1], *granted)
        )

    async def test_seats_and_rooms_do_not_mix(self, hall: Hall) -> None:
        node = hall.node()
        bob = SeatId("bob: {x}")
        await node.hold(ROOM, [lease("phone"), lease("tablet", seat=bob)])
        await node.hold(OTHER_ROOM, [lease("laptop")])
        assert [await node.others(ROOM, seat, "") for seat in (ANN, bob)] == [1, 1]
        assert await node.others(OTHER_ROOM, bob, "") == 0

    async def test_others_are_counted_by_device_without_ones_own(self, hall: Hall) -> None:
        node = hall.node()
        assert await node.others(ROOM, ANN, "phone") == 0
        await node.hold(ROOM, [lease("phone", devices=3), lease("tv", devices=3), lease("tv2", device="tv", devices=3)])
        assert [await node.others(ROOM, ANN, device) for device in ("phone", "tv", "new", "")] == [1, 1, 2, 2]

    async def test_many_are_held_renewed_and_released_in_one_call(self, hall: Hall) -> None:
        node = hall.node()
        asked = [lease(f"phone-{number}", seat=SeatId(f"fan-{number}")) for number in range(1_001)]
        verdicts = await node.hold(ROOM, asked)
        assert all(verdict.holds for verdict in verdicts)
        granted = [replace(one, fence=verdict.fence) for one, verdict in zip(asked, verdicts, strict=True)]
        assert await node.hold(ROOM, granted) == verdicts
        await node.release(ROOM, granted)
        assert await node.others(ROOM, asked[-1].seat, "") == 0
        assert await node.hold(ROOM, []) == []

    async def test_two_of_one_seat_in_one_call_are_granted_in_their_order(self, hall: Hall) -> None:
        first, second = lease("first"), lease("second")
        verdicts = await hall.node().hold(ROOM, [first, second])
        assert verdicts[1].ousted == (first.holder,)
        assert verdicts[0].fence < verdicts[1].fence

    async def test_an_era_lasts(self, hall: Hall) -> None:
        here, there = hall.node(), hall.node()
        era = await here.era(ROOM)
        await claim(here, lease("phone"))
        assert era == await there.era(ROOM) == await here.era(ROOM)
