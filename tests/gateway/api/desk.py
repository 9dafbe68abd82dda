"""The API over a real box office on SQLite, asked through ASGI as a client would."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from starlette.applications import Starlette
from starlette.routing import Mount

from auth.identity import Role, RoomId, UserId
from auth.keys import KeyRing
from auth.situation import Access, Phase
from auth.tokens import TokenVerifier, mint
from gateway.api.app import create_api
from gateway.api.callers import ApiDependencies
from gateway.features.orders.callbacks import pay_routes
from gateway.features.registry import routers_of
from rooms.course import rooms_sql
from rooms.course.room import RoomRecord
from rooms.roles import roles_sql
from rooms.stage.stage import Terms
from tests.presale.house import SHOW, House, open_house

JWT_SECRET = "test-secret-of-thirty-two-bytes-or-more"
ISSUER, AUDIENCE = "platform", "liveroom"
ROOM = RoomId("room")
STAFF = {"olga": Role.OPERATOR, "hana": Role.HOST, "mo": Role.MODERATOR}
"""Olga everywhere, the others in the show."""


@dataclass
class Desk:
    house: House
    http: httpx2.AsyncClient
    deps: ApiDependencies

    def token(self, user: str, *, lifetime_ms: int = 3_600_000) -> str:
        now_ms = self.house.clock.now_ms
        return mint(JWT_SECRET, user, None, ISSUER, AUDIENCE, now_ms, lifetime_ms, "jti")

    async def ask(
        self,
        method: str,
        path: str,
        user: str | None = "fan",
        json: object = None,
        headers: dict[str, str] | None = None,
    ) -> httpx2.Response:
        bearer = {} if user is None else {"authorization": f"Bearer {self.token(user)}"}
        return await self.http.request(method, path, json=json, headers={**bearer, **(headers or {})})

    async def order(self, user: str = "fan", *, key: str = "key-1", **changes: Any) -> httpx2.Response:
        body = {"show": SHOW, "items": [{"product": "main", "quantity": 1}], "provider": "fake", **changes}
        return await self.ask("POST", "/api/v1/orders", user, body, {"idempotency-key": key})

    async def paid_order(self, user: str = "fan", key: str = "key-1") -> str:
        answer = await self.order(user, key=key)
        order: str = answer.json()["order"]
        payment = next(p for p in self.house.provider.payments.values() if p.request.order == order).request.payment
        assert await self.house.callback(self.house.provider.pay(payment)) is None
        return order


@asynccontextmanager
async def open_desk(folder: Path) -> AsyncIterator[Desk]:
    """One show in presale with its room, its staff, and the routes as the gateway mounts them."""
    async with open_house(folder) as house:
        now_ms = house.clock.now_ms
        room = RoomRecord(
            id=ROOM,
            show=SHOW,
            title="Opening night",
            access=Access.TICKETED,
            phase=Phase.PRESALE,
            doors_ms=now_ms + 3_600_000,
            start_ms=now_ms + 7_200_000,
        )
        async with house.db.write() as uow:
            await rooms_sql.create_room(uow, room)
            for user, role in STAFF.items():
                show = None if role is Role.OPERATOR else SHOW
                await roles_sql.grant(uow, UserId(user), role, show, UserId("setup"))
        verifier = TokenVerifier(KeyRing([JWT_SECRET]), ISSUER, AUDIENCE)
        deps = ApiDependencies(house.db, house.box, verifier, house.clock, Terms(15_000, 120_000))
        api = create_api(routers_of(deps))
        app = Starlette(routes=[Mount("/api", api), *pay_routes(house.box)])
        transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url="http://gateway") as http:
            yield Desk(house, http, deps)
