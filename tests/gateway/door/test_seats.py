"""Seats: the newest devices of a ticket keep theirs, on one gateway at once, on several as soon as they know."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import pytest

from auth.denials import Code, Denied
from auth.identity import RoomId, UserId
from gateway.door import devices as timing
from gateway.door.devices import BATCH, Seats
from gateway.features.registry import BOOK
from pubsub.broker import Delivery
from pubsub.broker_memory import MemoryBroker
from pubsub.leases import Lease, SeatId, Verdict
from pubsub.leases_memory import MemoryLeases
from rooms.gateways import SeatsTaken

ROOM = RoomId("room")
ANN = UserId("ann")
SOCKETS = 3
SOCKETS_OF_ANN = SeatId("\0ann")


class Line:
    """What a seat needs of a connection."""

    leaving = False


class Fan:
    """What a seat needs of a member."""

    def __init__(self, gateway: "Gateway", user: UserId, device: str, *, asks_first: bool) -> None:
        self.room = gateway
        self.user = user
        self.device = device
        self.asks_first = asks_first
        self.is_seated = True
        self.connection: Line | None = None
        self.byes: list[Code] = []

    def bye(self, code: Code) -> None:
        assert self.connection is not None
        self.connection.leaving = True
        self.byes.append(code)


class Gateway:
    """A room on one of several gateways, as far as seats go."""

    def __init__(self, seats: Seats, room: RoomId = ROOM) -> None:
        self.id = room
        self.seats = seats
        self.fans: dict[UserId, list[Fan]] = {}

    def of_user(self, user: UserId) -> list[Fan]:
        return list(self.fans.get(user, ()))

    def arrive(self, device: str = "", user: UserId = ANN, *, asks_first: bool = False) -> Fan:
        """Somebody whose rights are looked up."""
        fan = Fan(self, user, device, asks_first=asks_first)
        self.fans.setdefault(user, []).append(fan)
        return fan

    def open(self, fan: Fan) -> Fan:
        """Its welcome is sent."""
        fan.connection = Line()
        self.settle(fan.user)
        return fan

    def enter(self, device: str = "", user: UserId = ANN) -> Fan:
        return self.open(self.arrive(device, user))

    def leave(self, fan: Fan) -> None:
        self.fans[fan.user].remove(fan)
        self.seats.leave(fan)

    def settle(self, user: UserId) -> None:
        self.seats.settle(self, user)

    async def taken(self, fan: Fan) -> Denied | None:
        return await self.seats.taken(fan)


class Store(MemoryLeases):
    """The store, and what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[int] = []
        self.epoch: str | None = "first"
        self.looks = 0
        self.open = asyncio.Event()
        self.open.set()
        self.fails = 0

    async def hold(self, room: RoomId, leases: Sequence[Lease]) -> list[Verdict]:
        self.calls.append(len(leases))
        if self.fails:
            self.fails -= 1
            raise RuntimeError("a fault of ours")
        verdicts = await super().hold(room, leases)
        await self.open.wait()
        return verdicts

    async def era(self, room: RoomId) -> str | None:
        self.looks += 1
        return self.epoch


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "LOOK_SECONDS", 0.005)


@asynccontextmanager
async def city(
    gateways: int = 2, *, devices: int = 1, renew_seconds: float = 3600.0, deaf: bool = False
) -> AsyncIterator[tuple[Store, list[Gateway]]]:
    """Gateways with one store, and one broker unless they are deaf; their seats are at work."""
    store, broker, ids = Store(), MemoryBroker(), (f"id{number}" for number in count())
    opened = []
    for _ in range(gateways):
        seats = Seats(
            store,
            broker,
            devices=devices,
            sockets=SOCKETS,
            renew_seconds=renew_seconds,
            new_id=ids.__next__,
            clock=lambda: 1,
        )
        opened.append(Gateway(seats))
        if not deaf:
            await broker.subscribe(ROOM, _hears(seats))
    tasks = [asyncio.create_task(gateway.seats.run()) for gateway in opened]
    try:
        yield store, opened
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for gateway in opened:
            await gateway.seats.close()
        await broker.close()


def _hears(seats: Seats) -> Callable[[Delivery], None]:
    def receive(delivery: Delivery) -> None:
        event = BOOK.decode(delivery.publication.body)
        assert isinstance(event, SeatsTaken)
        seats.lost(ROOM, event.holders)

    return receive


async def until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.002)


async def claimed(store: Store, seats: int) -> None:
    """So many seats are known to the store."""
    await until(lambda: sum(len(seat.standing) for seat in store._seats.values()) == seats)


def used(store: Store) -> dict[str, int]:
    """How many leases stand of each seat that is used."""
    return {seat: len(found.standing) for (_, seat), found in store._seats.items() if found.standing}


def stranger(gateway: Gateway) -> Fan:
    """A socket without a ticket."""
    fan = gateway.arrive()
    fan.is_seated = False
    return gateway.open(fan)


# ---- on one gateway ----------------------------------------------------------------------------------


async def test_on_one_gateway_the_newest_wins_without_waiting_for_anybody() -> None:
    async with city(1) as (_, (gateway,)):
        phone, laptop = gateway.enter(), gateway.enter()
        assert (phone.byes, laptop.byes) == ([Code.SEAT_TAKEN], [])


async def test_of_too_many_sockets_without_a_seat_the_newest_stay() -> None:
    async with city(1) as (_, (gateway,)):
        crowd = [gateway.arrive() for _ in range(SOCKETS + 2)]
        for fan in crowd:
            fan.is_seated = False
            gateway.open(fan)
        assert [fan.byes for fan in crowd] == [[Code.SEAT_TAKEN]] * 2 + [[]] * SOCKETS
        seated = gateway.enter()
        assert (seated.byes, crowd[-1].byes, crowd[2].byes) == ([], [], [])


async def test_a_device_that_comes_again_takes_nobody_elses_place() -> None:
    async with city(1, devices=2) as (_, (gateway,)):
        phone, tv, again = [gateway.enter(device) for device in ("phone", "tv", "phone")]
        assert (phone.byes, tv.byes, again.byes) == ([Code.SEAT_TAKEN], [], [])


async def test_devices_without_a_name_are_all_different() -> None:
    async with city(1, devices=2) as (store, (gateway,)):
        fans = [gateway.enter() for _ in range(2)]
        await claimed(store, 2)
        assert [fan.byes for fan in fans] == [[], []]


async def test_who_holds_no_ticket_uses_no_seat_until_they_do_and_no_more_once_it_is_refunded() -> None:
    async with city() as (store, (here, there)):
        fan = here.arrive()
        fan.is_seated = False
        here.open(fan)
        other = there.enter()
        await claimed(store, 2)
        assert used(store) == {"ann": 1, SOCKETS_OF_ANN: 1}
        fan.is_seated = True
        here.settle(ANN)
        await until(lambda: other.byes)
        await until(lambda: used(store) == {"ann": 1})
        fan.is_seated = False
        here.settle(ANN)
        await until(lambda: used(store) == {SOCKETS_OF_ANN: 1})
        assert fan.byes == []


async def test_of_devices_that_get_the_ticket_together_the_newest_keep_it_when_more_come() -> None:
    """They were claimed newest first: the store took the oldest for the newest, and a third device put both out."""
    async with city(devices=2) as (store, (here, there)):
        opened = [stranger(here) for _ in range(2)]
        await claimed(store, 2)
        for fan in opened:
            fan.is_seated = True
        here.settle(ANN)
        await until(lambda: used(store) == {"ann": 2})
        third = there.enter()
        await until(lambda: opened[0].byes)
        await until(lambda: used(store) == {"ann": 2})
        assert (opened[1].byes, third.byes) == ([], [])


# ---- on several --------------------------------------------------------------------------------------


async def test_who_loses_the_seat_to_another_gateway_is_told_by_a_publication() -> None:
    async with city() as (store, (here, there)):
        phone = here.enter("phone")
        await claimed(store, 1)
        laptop = there.enter("laptop")
        await until(lambda: phone.byes)
        assert (phone.byes, laptop.byes) == ([Code.SEAT_TAKEN], [])


async def test_who_did_not_hear_that_it_lost_its_seat_is_told_at_its_next_renewal() -> None:
    async with city(deaf=True, renew_seconds=0.01) as (store, (here, there)):
        phone = here.enter("phone")
        await claimed(store, 1)
        there.enter("laptop")
        await until(lambda: phone.byes)


async def test_of_too_many_sockets_without_a_ticket_the_newest_stay_at_whichever_gateway() -> None:
    async with city() as (store, gateways):
        crowd = []
        for number in range(SOCKETS + 2):
            crowd.append(stranger(gateways[number % 2]))
            await until(lambda: len(store.calls) > number)  # noqa: B023 - awaited right here
        await until(lambda: all(fan.byes for fan in crowd[:2]))
        seated = gateways[0].enter()
        await claimed(store, SOCKETS + 1)
        assert [fan.byes for fan in crowd] == [[Code.SEAT_TAKEN]] * 2 + [[]] * SOCKETS
        assert seated.byes == []


async def test_sockets_that_were_put_out_here_are_no_news_for_others() -> None:
    """A client in a loop made every gateway hear of each of its sockets that made way for the next."""
    async with city(1) as (store, (gateway,)):
        heard: list[Delivery] = []
        await gateway.seats._broker.subscribe(ROOM, heard.append)
        for _ in range(SOCKETS):
            stranger(gateway)
        await claimed(store, SOCKETS)
        oldest = gateway.of_user(ANN)[0]
        latest = stranger(gateway)
        gateway.leave(oldest)  # as its connection does when it has said bye
        claim = gateway.seats._rooms[ROOM].held[latest]
        standing = store._seats[ROOM, SOCKETS_OF_ANN]
        await until(lambda: claim.holder in {one.holder for one in standing.standing})
        assert (oldest.byes, heard) == ([Code.SEAT_TAKEN], [])


async def test_of_many_that_come_to_both_gateways_at_once_as_many_stay_as_there_is_room_for() -> None:
    async with city(devices=3) as (_, gateways):
        fans = [gateways[number % 2].enter(f"device-{number}") for number in range(20)]
        await until(lambda: sum(not fan.byes for fan in fans) == 3)
        assert all(fan.byes in ([], [Code.SEAT_TAKEN]) for fan in fans)


async def test_who_leaves_gives_up_the_seat_even_while_it_is_being_claimed() -> None:
    async with city() as (store, (here, _)):
        phone = here.enter("phone")
        await claimed(store, 1)
        here.leave(phone)
        await claimed(store, 0)
        store.open.clear()
        laptop = here.enter("laptop")
        await claimed(store, 1)
        here.leave(laptop)
        store.open.set()
        await claimed(store, 0)


async def test_a_gateway_that_closes_gives_up_its_seats() -> None:
    async with city() as (store, (here, _)):
        phone = here.enter("phone")
        await claimed(store, 1)
    here.leave(phone)
    await here.seats.close()
    await claimed(store, 0)


async def test_whatever_the_store_forgot_stands_again_and_the_newest_still_wins() -> None:
    async with city(devices=2) as (store, (here, there)):
        fans = []
        for number in range(3):
            fans.append((here, there, here)[number].enter(f"device-{number}"))
            await until(lambda: len(store.calls) > number)  # noqa: B023 - awaited right here
        await until(lambda: fans[0].byes)
        store._seats.clear()
        store.epoch = "second"
        await claimed(store, 2)
        assert [fan.byes for fan in fans] == [[Code.SEAT_TAKEN], [], []]


async def test_nobody_is_asked_to_hold_again_while_the_store_is_away_and_everybody_when_it_is_back() -> None:
    async with city(renew_seconds=0.001) as (store, (here, _)):
        store.epoch = None
        fan = here.enter()
        await claimed(store, 1)
        calls = len(store.calls)
        store._seats.clear()
        looks = store.looks
        await until(lambda: store.looks > looks + 3)
        assert len(store.calls) == calls
        store.epoch = "first"
        await claimed(store, 1)
        assert fan.byes == []


async def test_a_fault_costs_nobody_their_seat() -> None:
    async with city() as (store, (here, _)):
        store.fails = 1
        fan = here.enter()
        await claimed(store, 1)
        assert fan.byes == []


async def test_a_fault_in_one_room_does_not_keep_another_one_waiting() -> None:
    async with city(gateways=1) as (store, [gateway]):
        store.fails, store.epoch = 1, None  # so that nothing is held for another reason
        other = Gateway(gateway.seats, RoomId("other"))
        gateway.enter()
        fan = other.enter(user=UserId("bob"))
        await until(lambda: (other.id, SeatId(fan.user)) in store._seats)


async def test_calls_to_the_store_grow_with_batches_and_not_with_seats() -> None:
    async with city() as (store, (here, _)):
        fans = [here.enter("phone", UserId(f"fan-{number}")) for number in range(10 * BATCH)]
        await claimed(store, len(fans))
        await until(lambda: here.seats._rooms[ROOM].era == "first")
        assert len(store.calls) == 20  # claimed, and held once more because of an era not heard of yet
        assert max(store.calls) == BATCH


# ---- asking first ------------------------------------------------------------------------------------


async def test_who_asks_first_is_refused_where_its_coming_would_cost_another_device_the_seat() -> None:
    async with city(devices=2) as (store, gateways):
        here, there = gateways
        here.enter("phone")
        there.enter("tv")
        await claimed(store, 2)
        for gateway in gateways:
            laptop = gateway.arrive("laptop", asks_first=True)
            assert await gateway.taken(laptop) == Denied(Code.SEAT_TAKEN, detail={"devices": 2})
            nameless = gateway.arrive(asks_first=True)
            assert await gateway.taken(nameless) == Denied(Code.SEAT_TAKEN, detail={"devices": 2})
            assert await gateway.taken(gateway.arrive("phone", asks_first=True)) is None
            assert await gateway.taken(gateway.arrive("laptop")) is None
            assert await gateway.taken(gateway.arrive("laptop", UserId("bob"), asks_first=True)) is None
        stranger = there.arrive("laptop", asks_first=True)
        stranger.is_seated = False
        assert await there.taken(stranger) is None


async def test_who_asks_first_is_refused_for_a_seat_that_was_taken_here_a_moment_ago() -> None:
    async with city(1) as (_, (gateway,)):
        gateway.enter("phone")
        laptop = gateway.arrive("laptop", asks_first=True)
        assert await gateway.taken(laptop) == Denied(Code.SEAT_TAKEN, detail={"devices": 1})
        assert await gateway.taken(gateway.arrive("phone", asks_first=True)) is None


async def test_who_asks_first_comes_in_while_the_store_is_away() -> None:
    async with city() as (store, (here, there)):
        here.enter("phone")
        await claimed(store, 1)
        store._seats.clear()  # as an adapter answers then
        assert await there.taken(there.arrive("laptop", asks_first=True)) is None
