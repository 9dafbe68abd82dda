"""A show of its own for a test, on a gateway that may be shared: its staff, its fans and what they do."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2

from gateway.setup import clock
from tests.integration.clients import Client, client, connected
from tests.integration.running import Liveroom

HOUR_MS = 3_600_000
WAY = {
    "draft": [],
    "presale": ["presale"],
    "doors": ["presale", "doors"],
    "live": ["presale", "doors", "live"],
    "paused": ["presale", "doors", "live", "paused"],
    "replay": ["presale", "doors", "live", "ended", "replay"],
}
CREDITS = {"main": 100, "vip": 500}
PRICE_MINOR = {"main": 6_800, "vip": 18_800}
CAPACITY = {"main": 100, "vip": 10}

_keys = (f"evening-key-{number}" for number in itertools.count())


@dataclass
class Evening:
    """One show with a `main` and a `vip` product, and the console of its host."""

    house: Liveroom
    show: str
    room: str
    doors_ms: int
    start_ms: int
    products: dict[str, str]
    host: Client
    operator_token: str
    stack: AsyncExitStack
    tokens: dict[str, str] = field(default_factory=dict)
    inside: list[Client] = field(default_factory=list)

    def token(self, user: str) -> str:
        """A viewer's token."""
        if user not in self.tokens:
            self.tokens[user] = self.house.token(user)
        return self.tokens[user]

    async def role(self, user: str, role: str, *, method: str = "PUT") -> None:
        """Give (or DELETE) a role in this show."""
        answer = await self.house.http.request(
            method,
            f"/api/v1/shows/{self.show}/roles/{user}/{role}",
            headers={"authorization": f"Bearer {self.operator_token}"},
        )
        assert answer.status_code == 204, answer.text

    async def ticket(self, user: str, tier: str = "main") -> str:
        """A paid ticket; answers the order's number once the entitlement stands in SQL."""
        token = self.token(user)
        order = await self.house.buy(token, self.show, self.products[tier], next(_keys))
        number: str = order["order"]
        async with asyncio.timeout(5):
            while (await self.order(user, number))["state"] != "paid":
                await asyncio.sleep(0.005)
        return number

    async def order(self, user: str, number: str) -> dict[str, Any]:
        """An order as the API tells it."""
        bearer = {"authorization": f"Bearer {self.token(user)}"}
        found: dict[str, Any] = (await self.house.http.get(f"/api/v1/orders/{number}", headers=bearer)).json()
        return found

    async def refund(self, user: str, number: str) -> httpx2.Response:
        """The ticket goes back; done when the answer is there."""
        answer = await self.house.refund(self.token(user), number)
        assert answer.status_code == 202, answer.text
        return answer

    async def refusal(self, user: str, namespace: str = "/live", **auth: str) -> Any:
        """What somebody is told who is not let in."""
        async with client(self.house.url, namespace) as knocking:
            return await knocking.refused(token=self.token(user), room=self.room, **auth)

    async def enter(self, user: str, namespace: str = "/live", **auth: str) -> Client:
        """A socket that is welcome, closed with the evening."""
        token = self.token(user)
        entered = connected(self.house.url, namespace, token=token, room=self.room, **auth)
        socket = await self.stack.enter_async_context(entered)
        self.inside.append(socket)
        return socket

    async def fan(self, user: str, tier: str | None = "main", **auth: str) -> Client:
        """Somebody with a ticket (or None), inside."""
        if tier is not None:
            await self.ticket(user, tier)
        return await self.enter(user, **auth)

    async def phase(self, *phases: str) -> None:
        """Move the show on; on return everybody inside has heard of it."""
        for phase in phases:
            await self.told(await done(self.host, "show:phase", {"phase": phase}))

    async def switch(self, **switches: object) -> None:
        """Flip switches; on return everybody inside has heard of it."""
        await self.told(await done(self.host, "room:switches", switches))

    async def told(self, room: dict[str, Any]) -> None:
        """Wait until every socket inside knows the room as it is now."""
        for socket in (self.host, *self.inside):
            if not socket.disconnected.is_set():
                await socket.wait("room", lambda told: told["version"] >= room["version"])


async def done(socket: Client, command: str, payload: Any = None) -> Any:
    """The data of an ack that says ok."""
    answer = await socket.send(command, payload)
    assert answer["ok"], answer
    return answer["data"]


async def denied(socket: Client, command: str, payload: Any = None) -> dict[str, Any]:
    """The error of an ack that does not."""
    answer = await socket.send(command, payload)
    assert not answer["ok"], answer
    error: dict[str, Any] = answer["error"]
    return error


_operators: dict[str, str] = {}
"""Gateway -> token of the one who puts shows on."""


async def _operator(house: Liveroom) -> str:
    if house.url not in _operators:
        _operators[house.url] = await house.login("operator", "operator")
    return _operators[house.url]


@asynccontextmanager
async def evening(house: Liveroom, phase: str = "live", **show: Any) -> AsyncIterator[Evening]:
    """A show put on by an operator over the API, moved to a phase by its host on the console."""
    operator = await _operator(house)
    doors_ms = clock.now_ms() + HOUR_MS
    body = {
        "title": "An evening",
        "currency": "CNY",
        "doors_ms": doors_ms,
        "start_ms": doors_ms + HOUR_MS,
        "refund_until_ms": doors_ms + 24 * HOUR_MS,
        "credit_minor": 10,
        "products": [
            {
                "name": tier,
                "tier": tier,
                "price_minor": PRICE_MINOR[tier],
                "capacity": CAPACITY[tier],
                "credits": CREDITS[tier],
            }
            for tier in ("main", "vip")
        ],
        **show,
    }
    answer = await house.http.post("/api/v1/shows", headers={"authorization": f"Bearer {operator}"}, json=body)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    token = house.token("host")
    async with AsyncExitStack() as stack:
        host = await stack.enter_async_context(client(house.url, "/console"))
        found = Evening(
            house=house,
            show=made["show"],
            room=made["room"],
            doors_ms=made["schedule"]["doors_ms"],
            start_ms=made["schedule"]["start_ms"],
            products={product["tier"]: product["id"] for product in made["products"]},
            host=host,
            operator_token=operator,
            stack=stack,
            tokens={"host": token},
        )
        await found.role("host", "host")
        await host.connect(token=token, room=found.room)
        await host.wait("welcome")
        await found.phase(*WAY[phase])
        yield found
