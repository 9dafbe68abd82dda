"""An evening on which all six actions go on at once, each by people of its own."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx2
import msgspec

from gateway.setup import clock
from presale.payments.webhook_signature import parse_secrets, request_content, sign
from tests.faults.journal import Journal, What
from tests.faults.line import FINAL, PATIENCE_SECONDS, Line, Socket
from tests.faults.quarter import GATEWAYS, Quarter
from tests.integration.evening import Evening, evening
from tests.integration.running import Liveroom

CREDITS = 100
PRODUCTS = [{"name": "main", "tier": "main", "price_minor": 6_800, "capacity": 5_000, "credits": CREDITS}]
GIVERS, WATCHERS, TRUSTING, VISITORS, LEAVERS = 4, 6, 2, 2, 16
ORDER_EVERY, GIFT_EVERY, SAY_EVERY, RETRACT_EVERY = 1.0, 1.0, 1.2, 2.5
VISIT_SECONDS, KNOCK_EVERY, PROBE_EVERY = 0.5, 1.0, 0.25
INSIDE_SECONDS = 2.0
"""For how long somebody is inside who then returns the ticket."""
COUNTER_SECONDS = 6.0
"""The patience of somebody at the box office."""
PROBE_SECONDS = 2.0
"""For how long somebody goes on trying who was told that their right has ended."""
PROBE_AT_MOST_SECONDS = 40.0
DUPLICATES = {"duplicates": 1, "jitter_ms": 400}
"""Every callback comes twice."""


@dataclass(frozen=True, slots=True)
class Served:
    """Somebody got what they had no right to any more."""

    what: str
    right_ended: float
    at: float
    gateway: int


@dataclass
class Scene:
    """A show, its people, and what they did."""

    house: Quarter
    show: Evening
    presale: httpx2.AsyncClient
    number: int
    """Of this evening: its people are nobody's who were there before."""
    journal: Journal = field(default_factory=Journal)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    said: dict[str, float] = field(default_factory=dict)
    """Danmaku that were acknowledged, and when."""
    retracted: dict[str, float] = field(default_factory=dict)
    served: list[Served] = field(default_factory=list)
    watchers: list[Line] = field(default_factory=list)
    givers: list[Line] = field(default_factory=list)
    orders: dict[str, str] = field(default_factory=dict)
    """Ticket holders of before, and their orders."""
    refused_strangers: int = 0

    @property
    def gateways(self) -> list[str]:
        return [self.house.address(name) for name in GATEWAYS]

    def name(self, part: str) -> str:
        """A user of this evening."""
        return f"{part}-of-{self.number}"

    def line(self, user: str, first: int, *, namespace: str = "/live", watches_over: bool = True) -> Line:
        """A line of somebody, to be held."""
        token = self.show.token(user)
        return Line(self.gateways, token, self.show.room, first=first, namespace=namespace, watches_over=watches_over)

    async def rest(self, seconds: float) -> None:
        """A while, or until the end."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.stopping.wait()

    async def post(self, what: What, path: str, user: str, body: Any, *, key: str = "", done: str = "") -> Any:
        """The answer of the box office; None where it should be asked again. `done`: a state that is as good."""
        bearer = {"authorization": f"Bearer {self.show.token(user)}", **({"idempotency-key": key} if key else {})}
        try:
            answer = await self.presale.post(path, headers=bearer, json=body)
            told = answer.json()
        except (httpx2.HTTPError, ValueError):
            return None
        if answer.is_success:
            return told
        if done and told["error"].get("state") == done:
            return told
        if not told["error"]["retryable"]:
            self.journal.broke(what, f"answered {told['error']['code']}")
        return None

    async def order(self, what: What, user: str) -> Any:
        """A place at the show, under the key of this user."""
        item = {"product": self.show.products["main"]}
        body = {"show": self.show.show, "items": [item], "provider": "sandbox"}
        return await self.post(what, "/api/v1/orders", user, body, key=f"key-of-{user}")

    async def pay(self, order: dict[str, Any]) -> None:
        """The provider has the money, and will say so twice."""
        async with httpx2.AsyncClient(trust_env=False, headers={"accept": "application/json"}) as cashier:
            payment = (await cashier.get(order["pay_url"])).json()["payment"]
            await _script(cashier, self.house, payment)
            assert (await cashier.post(order["pay_url"], data={"action": "pay"})).status_code == 200

    async def is_paid(self, user: str, order: str) -> Any:
        """The order once it is."""
        bearer = {"authorization": f"Bearer {self.show.token(user)}"}
        try:
            told = (await self.presale.get(f"/api/v1/orders/{order}", headers=bearer)).json()
        except (httpx2.HTTPError, ValueError):
            return None
        return told if told.get("state") == "paid" else None

    async def refund(self, user: str) -> Any:
        """The ticket goes back; who never heard the first answer may be told that the money is back already."""
        path = f"/api/v1/orders/{self.orders[user]}/refunds"
        return await self.post(What.REFUND, path, user, {"reason": "cannot come"}, done="refunded")


async def _script(cashier: httpx2.AsyncClient, house: Quarter, payment: str) -> None:
    path, body = "/v1/faults", msgspec.json.encode({"payment": payment, "faults": DUPLICATES})
    headers = sign(
        parse_secrets(house.settings.sandbox_secrets)[0],
        delivery=clock.new_id(),
        timestamp_seconds=clock.now_ms() // 1000,
        body=request_content("POST", path, body),
    )
    scripted = await cashier.post(house.settings.sandbox_url + path, content=body, headers=headers)
    assert scripted.status_code == 204, scripted.text


_evenings = itertools.count()


@asynccontextmanager
async def scene(house: Quarter, leavers: int = LEAVERS) -> AsyncIterator[Scene]:
    """A show that is live, with everybody in it who has a ticket from before."""
    async with AsyncExitStack() as stack:
        presale = await stack.enter_async_context(
            httpx2.AsyncClient(base_url=house.address("presale"), trust_env=False, timeout=COUNTER_SECONDS)
        )
        room = Liveroom(house.settings, presale, asyncio.Event())
        show = await stack.enter_async_context(evening(room, products=PRODUCTS))
        made = Scene(house, show, presale, next(_evenings))
        at_once = asyncio.Semaphore(5)

        async def ticket(user: str) -> None:
            async with at_once:
                made.orders[user] = await show.ticket(user)

        names = [
            *(f"giver-{number}" for number in range(GIVERS)),
            *(f"watcher-{number}" for number in range(WATCHERS + TRUSTING)),
            *(f"visitor-{number}" for number in range(VISITORS)),
            *(f"leaver-{number}" for number in range(leavers)),
        ]
        await asyncio.gather(*map(ticket, map(made.name, names)))
        for number in range(WATCHERS + TRUSTING):
            user = made.name(f"watcher-{number}")
            made.watchers.append(made.line(user, number % 2, watches_over=number < WATCHERS))
        made.givers += [made.line(made.name(f"giver-{number}"), number % 2) for number in range(GIVERS)]
        for line in (*made.watchers, *made.givers):
            await stack.enter_async_context(line.held())
        async with asyncio.timeout(10):
            while not all(line.arrivals for line in (*made.watchers, *made.givers)):
                await asyncio.sleep(0.02)
        yield made


# ---- order and callback --------------------------------------------------------------------------------


async def buy(here: Scene) -> None:
    """New fans order until the end; every second one pays."""
    async with asyncio.TaskGroup() as group:
        for number in itertools.count():
            if here.stopping.is_set():
                return
            group.create_task(_buy(here, here.name(f"buyer-{number}"), pays=bool(number % 2)))
            await here.rest(ORDER_EVERY)


async def _buy(here: Scene, user: str, *, pays: bool) -> None:
    ordered = await here.journal.insist(What.ORDER, user, user, lambda: here.order(What.ORDER, user))
    if pays:
        await here.pay(ordered.answer)
        number = ordered.answer["order"]
        await here.journal.insist(What.CALLBACK, user, number, lambda: here.is_paid(user, number))


# ---- refund --------------------------------------------------------------------------------------------


async def leave(here: Scene, seconds: float) -> None:
    """One after another returns their ticket, spread over so many seconds."""
    leavers = [user for user in here.orders if user.startswith("leaver-")]
    async with asyncio.TaskGroup() as group:
        for number, user in enumerate(leavers):
            group.create_task(_leave(here, user, number % 2, seconds * number / len(leavers)))


async def _leave(here: Scene, user: str, first: int, wait: float) -> None:
    await here.rest(wait)
    async with here.line(user, first).held() as line:
        while not line.arrivals:
            await asyncio.sleep(PROBE_EVERY)
        await here.rest(INSIDE_SECONDS)
        deed = await here.journal.insist(What.REFUND, user, here.orders[user], lambda: here.refund(user))
        assert deed.ended is not None
        await _probe(here, line, deed.ended)
        for heard in line.heard:
            grants = heard.data["grants"] if heard.event == "streams" else heard.data.get("streams")
            if grants and heard.at > deed.ended:
                here.served.append(Served(f"{heard.event} with grants", deed.ended, heard.at, line.gateway))


async def _probe(here: Scene, line: Line, ended: float) -> None:
    grant = next((heard.data["streams"][0]["url"] for heard in line.of("welcome") if heard.data["streams"]), "")
    told: float | None = None
    for number in itertools.count():
        now = time.monotonic()
        if told is None and _was_demoted(line, ended):
            told = now
        if now - ended > PROBE_AT_MOST_SECONDS or (told is not None and now - told > PROBE_SECONDS):
            return
        gateway = line.gateway
        answer = await line.ask("streams:refresh")
        if answer is not None and answer["ok"] and answer["data"]["grants"]:
            here.served.append(Served("stream grants", ended, time.monotonic(), gateway))
        if number % 4 == 0:
            for command, payload in (("danmaku", {"text": "still here"}), ("gift", _rose(f"late-{ended}-{number}"))):
                answer = await line.ask(command, payload)
                if answer is not None and answer["ok"]:
                    here.served.append(Served(command, ended, time.monotonic(), gateway))
            if grant and await _plays(here, grant):
                here.served.append(Served("media", ended, time.monotonic(), len(GATEWAYS) - 1))
        await asyncio.sleep(PROBE_EVERY)


def _was_demoted(line: Line, ended: float) -> bool:
    tiers = [heard.data["tier"] for heard in line.of("tier")[-1:]]
    return tiers == ["none"] or any(refusal.at > ended and refusal.code in FINAL for refusal in line.refusals)


def _rose(key: str) -> dict[str, str]:
    return {"gift": "rose", "key": key}


async def _plays(here: Scene, grant: str) -> bool:
    path = httpx2.URL(grant).path
    try:
        async with httpx2.AsyncClient(trust_env=False, timeout=PATIENCE_SECONDS) as media:
            asked = f"{here.gateways[-1]}/media/auth/nginx"
            return (await media.get(asked, headers={"x-original-uri": path})).status_code == 204
    except httpx2.HTTPError:
        return False


# ---- gift and broadcast --------------------------------------------------------------------------------


async def give(here: Scene) -> None:
    """Gifts until the end, by fans at both gateways."""
    await asyncio.gather(*(_give(here, line, number) for number, line in enumerate(here.givers)))


async def _give(here: Scene, line: Line, giver: int) -> None:
    for number in itertools.count():
        key = f"gift-{giver}-{number}"
        await here.journal.insist(What.GIFT, here.name(f"giver-{giver}"), key, lambda key=key: given(here, line, key))  # type: ignore[misc]
        await here.rest(GIFT_EVERY)
        if here.stopping.is_set():
            return


async def given(here: Scene, line: Line, key: str) -> Any:
    """The id of a rose that was taken."""
    answer = await line.ask("gift", _rose(key), seconds=2.0)
    if answer is None:
        return None
    if answer["ok"]:
        return answer["data"]["id"]
    if not answer["error"]["retryable"]:
        here.journal.broke(What.GIFT, f"a ticket holder was answered {answer['error']['code']}")
    return None


async def talk(here: Scene) -> None:
    """Danmaku until the end; nobody repeats one that was not acknowledged."""
    await asyncio.gather(*(_talk(here, line) for line in here.givers))


async def _talk(here: Scene, line: Line) -> None:
    while not here.stopping.is_set():
        answer = await line.ask("danmaku", {"text": "hello from the crowd"}, seconds=1.5)
        if answer is not None and answer["ok"] and not answer["data"].get("shed"):
            here.said[answer["data"]["id"]] = time.monotonic()
        await here.rest(SAY_EVERY)


async def moderate(here: Scene) -> None:
    """The host takes something back now and then."""
    async with here.line("host", 1, namespace="/console").held() as console:
        while not here.stopping.is_set():
            await here.rest(RETRACT_EVERY)
            old = [item for item, at in here.said.items() if 2 < time.monotonic() - at < 6]
            if old and old[0] not in here.retracted:
                deed = await here.journal.insist(
                    What.BROADCAST,
                    "host",
                    old[0],
                    lambda item=old[0]: _retract(console, item),  # type: ignore[misc]
                )
                if deed.answer == "retracted":
                    here.retracted[old[0]] = time.monotonic()


async def _retract(console: Line, item: str) -> str | None:
    answer = await console.ask("retract", {"id": item}, seconds=2.0)
    if answer is None or (not answer["ok"] and answer["error"]["retryable"]):
        return None
    return "retracted" if answer["ok"] else answer["error"]["code"]


# ---- connect -------------------------------------------------------------------------------------------


async def visit(here: Scene) -> None:
    """Ticket holders come and go until the end, at one gateway and at the other; so does a stranger, in vain."""
    await asyncio.gather(
        _knock(here), *(_visit(here, here.name(f"visitor-{number}"), number) for number in range(VISITORS))
    )


async def _visit(here: Scene, user: str, first: int) -> None:
    for number in itertools.count(first):
        trying = itertools.count(number)
        deed = await here.journal.insist(
            What.CONNECT,
            user,
            str(number),
            lambda trying=trying: _enter(here, user, next(trying) % 2),  # type: ignore[misc]
        )
        await here.rest(VISIT_SECONDS)
        await deed.answer.close()
        deed.answer = None
        if here.stopping.is_set():
            return


async def _enter(here: Scene, user: str, gateway: int) -> Socket | None:
    welcomes: list[Any] = []
    socket = Socket(here.gateways[gateway], "/live", partial(_keep, welcomes))
    auth = {"token": here.show.token(user), "room": here.show.room, "device": "one"}
    if await socket.enter(auth) and welcomes[0]["you"]["tier"] == "main" and welcomes[0]["streams"]:
        return socket
    if socket.refusal in FINAL or welcomes:
        here.journal.broke(What.CONNECT, f"a ticket holder was told {socket.refusal or welcomes[0]['you']['tier']}")
    await socket.close()
    return None


async def _knock(here: Scene) -> None:
    for number in itertools.count():
        if here.stopping.is_set():
            return
        welcomes: list[Any] = []
        socket = Socket(here.gateways[number % 2], "/live", partial(_keep, welcomes))
        if await socket.enter({"token": here.show.token("stranger"), "room": here.show.room}) or welcomes:
            here.journal.broke(What.CONNECT, "a stranger was let in")
        here.refused_strangers += socket.refusal in FINAL
        await socket.close()
        await here.rest(KNOCK_EVERY)


def _keep(welcomes: list[Any], event: str, data: Any) -> None:
    if event == "welcome":
        welcomes.append(data)
