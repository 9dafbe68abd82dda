"""One live show on two gateways: who is inside, what is said and given, and what the staff and the box office do."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from gateway.rehearsal.device import Device
from gateway.rehearsal.journal import Entry, Journal
from gateway.rehearsal.wire import Encoding, Memo
from gateway.setup import clock
from tests.outages.processes import House

HOUR_MS = 3_600_000
SAY_SECONDS = 0.1
GIVE_SECONDS = 0.5
BUYERS_AT_ONCE = 12
AT_ONCE = 50
"""Sockets that are let in at a time."""
_keys = itertools.count()


class Notes(Journal):
    """A journal that leaves nothing out."""

    def hear(self, entry: Entry) -> None:
        self.events += 1
        self.entries.append(entry)


@dataclass(frozen=True, slots=True)
class Done:
    """Something acknowledged: a danmaku or a gift."""

    id: str
    gateway: int
    at_ms: int
    """When it was asked for."""
    acked_ms: int


@dataclass
class Fan:
    """Somebody with a ticket, at one of the gateways."""

    user: str
    gateway: int
    device: Device
    token: str
    order: str = ""

    @property
    def notes(self) -> Journal:
        return self.device.journal


@dataclass
class Show:
    """A show, whoever is inside, and what was acknowledged."""

    house: House
    id: str
    room: str
    product: str
    host: Device
    fans: list[Fan] = field(default_factory=list)
    said: list[Done] = field(default_factory=list)
    given: list[Done] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    """Codes of what was not."""
    memo: Memo = field(default_factory=Memo)

    async def buy(self, fan: Fan) -> int:
        """A paid ticket; when the cashier had taken the money."""
        desk = self.house.desk
        order = await desk.order(fan.token, self.id, self.product, f"order-{next(_keys)}")
        await desk.cashier(order["pay_url"])
        fan.order, paid_ms = order["order"], clock.now_ms()
        async with asyncio.timeout(60):
            await asyncio.sleep(0.05)
            while await self._state(fan) != "paid":
                await asyncio.sleep(0.25)
        return paid_ms

    async def refund(self, fan: Fan) -> int:
        """The ticket goes back; when the answer came."""
        answer = await self.house.desk.refund(fan.token, fan.order)
        assert answer.status_code == 202, answer.text
        return clock.now_ms()

    async def invite(self, count: int, prefix: str) -> list[Fan]:
        """So many fans with tickets, at either gateway by turns, not inside yet."""
        fans = [self._fan(f"{prefix}-{number}", number) for number in range(count)]
        turns = asyncio.Semaphore(BUYERS_AT_ONCE)

        async def buy(fan: Fan) -> None:
            async with turns:
                await self.buy(fan)

        await asyncio.gather(*map(buy, fans))
        self.fans += fans
        return fans

    async def enter(self, fans: Iterable[Fan]) -> None:
        """Let them in, some at a time."""
        for batch in _batched(fans, AT_ONCE):
            refusals = await asyncio.gather(*(fan.device.connect(fan.token, self.room) for fan in batch))
            assert refusals == [None] * len(refusals), refusals

    async def come_back(self, fan: Fan) -> None:
        """With the cursor, at the other gateway."""
        fan.gateway = 1 - fan.gateway
        fan.device = self._device(fan.gateway, fan.notes, fan.device.cursor)
        async with asyncio.timeout(20):
            while True:
                with suppress(OSError, TimeoutError):
                    if await fan.device.connect(fan.token, self.room, resume=True) is None:
                        return
                await asyncio.sleep(0.2)

    async def speak(self, fan: Fan, enough: asyncio.Event) -> None:
        """Say something ten times a second until it is enough."""
        for number in itertools.count():
            if enough.is_set():
                return
            await self.say(fan, f"line {number}")
            await asyncio.sleep(SAY_SECONDS)

    async def say(self, fan: Fan, text: str) -> Done | None:
        """A danmaku, None where it was refused."""
        return await self._ask(fan, "danmaku", {"text": f"{text} of {fan.user}"}, self.said)

    async def give(self, fan: Fan, enough: asyncio.Event) -> None:
        """Give a rose twice a second until it is enough."""
        while not enough.is_set():
            await self.rose(fan)
            with suppress(TimeoutError):
                await asyncio.wait_for(enough.wait(), GIVE_SECONDS)

    async def rose(self, fan: Fan) -> Done | None:
        """A gift, None where it was refused."""
        return await self._ask(fan, "gift", {"gift": "rose", "key": f"rose-number-{next(_keys)}"}, self.given)

    async def command(self, event: str, payload: object) -> int:
        """What the host does on the console; when it was acknowledged."""
        answer = await self.host.ask(event, payload)
        assert answer is not None, event
        assert answer["ok"], answer
        return clock.now_ms()

    async def _ask(self, fan: Fan, event: str, payload: object, kept: list[Done]) -> Done | None:
        at_ms = clock.now_ms()
        answer = await fan.device.ask(event, payload)
        if answer is None or not answer["ok"]:
            self.refused.append(f"{event}: {'no answer' if answer is None else answer['error']['code']}")
            return None
        done = Done(answer["data"]["id"], fan.gateway, at_ms, clock.now_ms())
        kept.append(done)
        return done

    async def _state(self, fan: Fan) -> str:
        bearer = {"authorization": f"Bearer {fan.token}"}
        answer = await self.house.desk.http.get(f"/api/v1/orders/{fan.order}", headers=bearer)
        state: str = answer.json()["state"]
        return state

    def _fan(self, user: str, number: int) -> Fan:
        gateway = number % 2
        return Fan(user, gateway, self._device(gateway, Notes(user)), self.house.desk.token(user))

    def _device(self, gateway: int, notes: Journal, cursor: str = "") -> Device:
        encoding = Encoding.MSGPACK if len(notes.user) % 2 else Encoding.JSON
        device = Device(notes, self.house.gateways[gateway], self.memo, encoding=encoding)
        device.cursor = cursor
        return device


def _batched(fans: Iterable[Fan], size: int) -> Iterable[list[Fan]]:
    left = list(fans)
    return [left[first : first + size] for first in range(0, len(left), size)]


@asynccontextmanager
async def live_show(
    house: House, *, capacity: int = 10_000, takes: Callable[[str], bool] = lambda _room: True
) -> AsyncIterator[Show]:
    """A show put on by an operator, on air, its host at the console of the first gateway; in a room that is taken."""
    operator = await house.desk.login("operator", "operator")
    bearer = {"authorization": f"Bearer {operator}"}
    made = await _put_on(house, bearer, capacity)
    while not takes(made["room"]):
        made = await _put_on(house, bearer, capacity)
    answer = await house.desk.http.put(f"/api/v1/shows/{made['show']}/roles/host/host", headers=bearer)
    assert answer.status_code == 204, answer.text
    host = Device(Notes("host"), house.gateways[0], Memo(), namespace="/console")
    assert await host.connect(house.desk.token("host"), made["room"]) is None
    show = Show(house, made["show"], made["room"], made["products"][0]["id"], host)
    try:
        for phase in ("presale", "doors", "live"):
            await show.command("show:phase", {"phase": phase})
        yield show
    finally:
        for device in (host, *(fan.device for fan in show.fans)):
            device.drop()


async def _put_on(house: House, bearer: dict[str, str], capacity: int) -> dict[str, Any]:
    opens_ms = clock.now_ms() + HOUR_MS
    product = {"name": "seat", "tier": "main", "price_minor": 6_800, "capacity": capacity, "credits": 10_000}
    body = {
        "title": "An evening with outages",
        "currency": "CNY",
        "doors_ms": opens_ms,
        "start_ms": opens_ms + HOUR_MS,
        "refund_until_ms": opens_ms + 24 * HOUR_MS,
        "credit_minor": 10,
        "products": [product],
    }
    answer = await house.desk.http.post("/api/v1/shows", headers=bearer, json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made
