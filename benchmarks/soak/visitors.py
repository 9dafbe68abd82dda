"""The crowd of a soak: each visitor connects in some way, acts, buys or refunds, and leaves in some way."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

import httpx2

from auth.identity import Tier, UserId
from auth.tokens import mint
from benchmarks.soak.evening import Evening, Forgetful
from benchmarks.soak.transports import UpgradingDevice, Wreck, run_aground
from gateway.rehearsal.desk import PROVIDER
from gateway.rehearsal.device import Device
from gateway.rehearsal.fan import Stall
from gateway.rehearsal.wire import Encoding, Wire
from gateway.setup import clock
from gateway.setup.settings import DEMO_JWT_SECRET, Mode, Settings

TOKEN_MS = 600_000
STAY_SECONDS = 30.0
"""How long a visitor stays on average."""
AWAY_SECONDS = 2.0
AT_HOME = 2
"""How many users there are per concurrent visitor: a new visitor is usually another user."""
ACT_SECONDS = (1.0, 9.0)
PAID_SECONDS = 20.0
WRECK_SECONDS = 25.0
"""How long an abandoned connection is kept, longer than the gateway tolerates a silent one."""
MAX_TROUBLES = 50


class Way(StrEnum):
    """How somebody comes."""

    WEBSOCKET = "websocket"
    MSGPACK = "msgpack"
    POLLING = "polling"
    UPGRADE = "upgrade"
    WRECK = "half-dead"


WAYS = {Way.WEBSOCKET: 45, Way.MSGPACK: 20, Way.POLLING: 10, Way.UPGRADE: 20, Way.WRECK: 5}
"""Weights that add up to a hundred."""


@dataclass
class Regular:
    """Somebody, and what they have."""

    user: str
    stall: Stall
    order: str = ""
    cursor: str = ""
    orders: int = 0
    gifts: int = 0


class Crowd:
    """So many places, each taken by one person after another."""

    def __init__(self, evening: Evening, places: int, seed: int) -> None:
        self._evening = evening
        self._places = places
        self._chance = random.Random(seed)  # noqa: S311 - the same evening again
        stalls = evening.stalls
        people = [Regular(f"soak-{number:05}", stalls[number % len(stalls)]) for number in range(places * AT_HOME)]
        self._at_home = people
        self._settings = Settings.load(Mode.TEST)
        self._acts: list[tuple[Callable[[Regular, Device], Awaitable[None]], int]] = [
            (self._say, 60),
            (self._like, 20),
            (self._give, 15),
            (self._buy_or_return, 15),
        ]

    async def run(self, seconds: float) -> None:
        """Come and go for so long; everybody is gone at the end."""
        try:
            async with asyncio.timeout(seconds), asyncio.TaskGroup() as group:
                group.create_task(self._evening.run_shows())
                for number in range(self._places):
                    group.create_task(self._hold(number * min(20.0, seconds / 4) / self._places))
        except TimeoutError:
            return

    async def _hold(self, after: float) -> None:
        await asyncio.sleep(after)
        while True:
            person = self._at_home.pop(self._chance.randrange(len(self._at_home)))
            try:
                await self._visit(person)
            except (OSError, TimeoutError, httpx2.HTTPError, asyncio.IncompleteReadError) as error:
                self._trouble(f"{type(error).__name__}: {error}")
            finally:
                self._at_home.append(person)
            await asyncio.sleep(self._chance.uniform(0, 2 * AWAY_SECONDS))

    # ---- one visit -------------------------------------------------------------------------------------

    async def _visit(self, person: Regular) -> None:
        way = self._chance.choices(list(WAYS), list(WAYS.values()))[0]
        number = self._chance.randrange(len(self._evening.desks))
        if way is Way.WRECK:
            await self._run_aground(person, number)
            return
        if not person.order and self._chance.random() < 0.9:
            await self._buy(person)
        device = self._device(way, person, number)
        device.cursor = person.cursor
        resume = bool(person.cursor) and self._chance.random() < 0.8
        try:
            with _saying(lambda: f"neither welcome nor a refusal ({way}, {'resuming' if resume else 'anew'})"):
                refused = await device.connect(self._token(person), person.stall.room, resume=resume)
            if refused is not None:
                self._evening.count(f"refused: {refused.code}")
                return
            self._evening.count(f"came by {way}")
            if resume:
                self._evening.count("recovered" if device.journal.sockets[-1].recovered else "begun afresh")
            await self._stay(person, device)
            person.cursor = device.cursor
            if self._chance.random() < 0.5:
                device.leave()
                self._evening.count("left")
            else:
                self._evening.count("dropped")
        finally:
            device.drop()
            for trouble in device.journal.troubles:
                self._trouble(trouble)

    async def _stay(self, person: Regular, device: Device) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + self._chance.expovariate(1 / STAY_SECONDS)
        acts, weights = zip(*self._acts, strict=True)
        while device.online and loop.time() < until:
            await device.gone(min(self._chance.uniform(*ACT_SECONDS), max(0.0, until - loop.time())))
            await self._chance.choices(acts, weights)[0](person, device)
        if not device.online:
            self._evening.count(f"ended: {device.journal.sockets[-1].bye or 'silent'}")

    async def _run_aground(self, person: Regular, number: int) -> None:
        how = self._chance.choice(list(Wreck))
        auth = {"token": self._token(person), "room": person.stall.room}
        connect = Wire(Encoding.JSON, "/live", self._evening.memo).connect(auth)
        address = self._evening.address
        port = (address.port, *address.farther_ports)[number]
        self._evening.count(f"came and fell silent: {how}")
        if not await run_aground(port, how, connect, WRECK_SECONDS):
            self._trouble(f"a socket that fell silent ({how}) still stood after {WRECK_SECONDS:.0f} s")

    def _device(self, way: Way, person: Regular, number: int) -> Device:
        made = UpgradingDevice if way is Way.UPGRADE else Device
        return made(
            Forgetful(person.user),
            self._evening.desks[number].http,
            self._evening.memo,
            encoding=Encoding.MSGPACK if way is Way.MSGPACK else Encoding.JSON,
            polling=way is Way.POLLING,
        )

    def _token(self, person: Regular) -> str:
        issuer, audience = self._settings.jwt_issuer, self._settings.jwt_audience
        now_ms, id_ = clock.now_ms(), clock.new_id()
        return mint(DEMO_JWT_SECRET, UserId(person.user), person.user, issuer, audience, now_ms, TOKEN_MS, id_)

    # ---- what somebody does ----------------------------------------------------------------------------

    async def _say(self, _: Regular, device: Device) -> None:
        self._told(
            "danmaku", await device.ask("danmaku", {"text": "encore! 安可 " + "la" * self._chance.randrange(20)})
        )

    async def _like(self, _: Regular, device: Device) -> None:
        self._told("likes", await device.ask("like", {"count": self._chance.randrange(1, 9)}))

    async def _give(self, person: Regular, device: Device) -> None:
        person.gifts += 1
        gift = {"gift": "rose", "count": self._chance.randrange(1, 5), "key": f"{person.user}-{person.gifts}"}
        self._told("gifts", await device.ask("gift", gift))

    async def _buy_or_return(self, person: Regular, _: Device) -> None:
        if person.order:
            await self._return(person)
        else:
            await self._buy(person)

    async def _buy(self, person: Regular) -> None:
        person.orders += 1
        desk = self._chance.choice(self._evening.desks)
        product = person.stall.products[Tier.VIP if self._chance.random() < 0.2 else Tier.MAIN]
        body = {"show": person.stall.show, "items": [{"product": product}], "provider": PROVIDER}
        journal, token = Forgetful(person.user), self._token(person)
        order = await desk.ask("POST", "/orders", token, journal, body, f"{person.user}-{person.orders}")
        if isinstance(order, str):
            self._evening.count(f"order refused: {order}")
            return
        if not await desk.press(order["pay_url"], "pay", journal):
            return
        person.order = order["order"]
        state: object = None
        with _saying(lambda: f"an order not paid {PAID_SECONDS:.0f} s after its cashier took the money: {state}"):
            async with asyncio.timeout(PAID_SECONDS):
                while True:
                    answer = await desk.ask("GET", f"/orders/{person.order}", token, journal)
                    state = answer if isinstance(answer, str) else answer["state"]
                    if state == "paid":
                        break
                    await asyncio.sleep(0.5)
        self._evening.count("purchases")

    async def _return(self, person: Regular) -> None:
        desk = self._chance.choice(self._evening.desks)
        path = f"/orders/{person.order}/refunds"
        answer = await desk.ask("POST", path, self._token(person), Forgetful(person.user), {"reason": "cannot come"})
        person.order = ""
        self._evening.count("refunds" if not isinstance(answer, str) else f"refund refused: {answer}")

    def _told(self, deed: str, answer: dict[str, object] | None) -> None:
        if answer is not None:
            self._evening.count(deed if answer["ok"] else f"{deed} refused")

    def _trouble(self, what: str) -> None:
        self._evening.count("troubles")
        if len(self._evening.troubles) < MAX_TROUBLES:
            self._evening.troubles.append(what)


@contextmanager
def _saying(what: Callable[[], str]) -> Iterator[None]:
    """Have a TimeoutError, which says nothing, say what was waited for in vain."""
    try:
        yield
    except TimeoutError as error:
        raise TimeoutError(what()) from error
