"""A whole liveroom for tests: the gateway in this process on a free port, the sandbox provider as its own."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from auth.tokens import mint
from gateway.demo.processes import sandbox
from gateway.house.server import serve
from gateway.setup import clock
from gateway.setup.settings import Mode, Settings
from tests.ports import free_port

TOKEN_MS = 3_600_000


@dataclass
class Liveroom:
    """A running gateway and how to speak to it."""

    settings: Settings
    http: httpx2.AsyncClient
    stop: asyncio.Event

    @property
    def url(self) -> str:
        """Where it listens."""
        return self.settings.own_url

    def token(self, user: str) -> str:
        """A token as the platform mints it, without asking anybody."""
        settings, now_ms = self.settings, clock.now_ms()
        issuer, audience = settings.jwt_issuer, settings.jwt_audience
        return mint(settings.jwt_secrets[0], user, None, issuer, audience, now_ms, TOKEN_MS, clock.new_id())

    async def login(self, user: str, role: str = "viewer") -> str:
        """A token of the demo, with the role in SQL."""
        answer = await self.http.post("/demo/login", json={"user": user, "role": role})
        answer.raise_for_status()
        token: str = answer.json()["token"]
        return token

    async def show(self) -> dict[str, Any]:
        """The ticketed show in presale."""
        found: dict[str, Any] = (await self.http.get("/demo/show")).json()
        return found

    async def order(self, token: str, show: str, product: str, key: str) -> dict[str, Any]:
        """A placed order, not paid yet."""
        answer = await self.http.post(
            "/api/v1/orders",
            headers={"authorization": f"Bearer {token}", "idempotency-key": key},
            json={"show": show, "items": [{"product": product}], "provider": "sandbox"},
        )
        assert answer.status_code == 201, answer.text
        order: dict[str, Any] = answer.json()
        return order

    async def cashier(self, pay_url: str, action: str = "pay") -> None:
        """What a fan does at the cashier."""
        answer = await self.http.post(pay_url, data={"action": action})
        assert answer.status_code == 200, answer.text

    async def buy(self, token: str, show: str, product: str, key: str) -> dict[str, Any]:
        """An order paid at the cashier; the callback comes by itself."""
        order = await self.order(token, show, product, key)
        await self.cashier(order["pay_url"])
        return order

    async def refund(self, token: str, order: str) -> httpx2.Response:
        """Ask for the money back."""
        return await self.http.post(
            f"/api/v1/orders/{order}/refunds",
            headers={"authorization": f"Bearer {token}"},
            json={"reason": "cannot come"},
        )


@asynccontextmanager
async def liveroom(folder: Path, **overrides: Any) -> AsyncIterator[Liveroom]:
    """A gateway and its provider on an empty database in `folder`; both are ended at the end."""
    async with liverooms(folder, 1, **overrides) as (only,):
        yield only


@asynccontextmanager
async def liverooms(
    folder: Path, count: int, *, each: Sequence[dict[str, Any]] = (), **overrides: Any
) -> AsyncIterator[list[Liveroom]]:
    """Gateways side by side on one empty database in `folder`, and their provider; all are ended at the end.

    `each` has settings of the first, the second and so on.
    """
    sandbox_port = free_port()
    houses = [
        Settings.load(
            Mode.TEST,
            **{
                "data_dir": folder,
                "port": free_port(),
                "sandbox_port": sandbox_port,
                "drain_seconds": 0.0,
                "handshakes_per_minute": 1000,
                **overrides,
                **own,
            },
        )
        for own in itertools.islice(itertools.chain(each, itertools.repeat({})), count)
    ]
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(sandbox(houses[0]))
        yield [await stack.enter_async_context(_serving(settings)) for settings in houses]


@asynccontextmanager
async def _serving(settings: Settings) -> AsyncIterator[Liveroom]:
    stop, started = asyncio.Event(), asyncio.Event()
    async with httpx2.AsyncClient(base_url=settings.own_url, trust_env=False) as http:
        serving = asyncio.create_task(serve(settings, stop, started))
        waiting = asyncio.create_task(started.wait())
        await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED, timeout=30)
        if not started.is_set():
            waiting.cancel()
            serving.cancel()
            await serving
        try:
            yield Liveroom(settings, http, stop)
        finally:
            stop.set()
            await serving
