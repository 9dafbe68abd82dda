"""What a stranger may not do costs them a refusal and the house no write transaction.

`cohost:cancel` from sockets without a ticket kept 79 % of a core at it, and everybody's writes waiting.
"""

import sys
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.features.registry import CONSOLE_COMMANDS, VIEWER_COMMANDS
from store.database_sql import Database
from tests.integration.conftest import UNHURRIED
from tests.integration.evening import denied, done, evening
from tests.integration.running import Liveroom, liveroom
from tests.integration.test_room_stage import on_stage, state
from tests.writes import counted

pytestmark = pytest.mark.asyncio

PAYLOADS: dict[str, Any] = {
    "danmaku": {"text": "hello"},
    "gift": {"gift": "rose", "key": "a key of mine"},
    "like": {"count": 1},
    "cohost:request": {},
    "token:refresh": {"token": "none"},
    "clock": {"t0": 1},
}
TARGETS: dict[str, Any] = {
    "show:phase": {"phase": "ended"},
    "room:switches": {"chat": "off"},
    "mute": {"user": "fan", "minutes": 1},
    "retract": {"id": "danmaku"},
    "pin": {"id": "danmaku"},
    "unpin": {"id": "danmaku"},
    "announce": {"text": "hear me"},
    "countdown:set": {"kind": "custom", "target_ms": 2_000_000_000_000, "label": "soon"},
    "countdown:clear": {"id": "countdown"},
}


@pytest.mark.parametrize("access", ["ticketed", "open"])
async def test_no_command_of_a_stranger_opens_a_write_transaction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, access: str
) -> None:
    async with liveroom(tmp_path, **UNHURRIED) as house, evening(house, "doors", access=access) as show:
        stranger = await show.fan("stranger", None)
        await show.phase("live")
        writes = counted(monkeypatch)
        for command in (*VIEWER_COMMANDS, *CONSOLE_COMMANDS):
            payload = PAYLOADS.get(command.name) or TARGETS.get(command.name) or {"user": "fan"}
            for _ in range(3):
                await stranger.send(command.name, payload)
            assert writes.take() == [], command.name


async def test_what_the_stage_does_not_take_opens_no_write_transaction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with liveroom(tmp_path, **UNHURRIED) as house, evening(house) as show:
        cast = [await on_stage(show, f"singer-{number}") for number in range(4)]
        fan, invited, free = await show.fan("mei"), await show.fan("li"), await show.fan("bo")
        await done(fan, "cohost:request", {})
        await done(show.host, "cohost:invite", {"user": "li"})
        await state(invited, "invited")
        await show.host.wait("cohost:queue", lambda told: len(told["items"]) == 2)
        writes = counted(monkeypatch)
        for socket, command, code in (
            (free, "cohost:cancel", "STAGE_STATE"),
            (free, "cohost:accept", "STAGE_STATE"),
            (free, "cohost:leave", "STAGE_STATE"),
            (fan, "cohost:request", "STAGE_STATE"),
            (fan, "cohost:leave", "STAGE_STATE"),
            (invited, "cohost:accept", "STAGE_FULL"),
            (cast[0], "cohost:request", "STAGE_STATE"),
        ):
            assert (await denied(socket, command, {}))["code"] == code
        for command, user, code in (
            ("cohost:approve", "mei", "STAGE_FULL"),
            ("cohost:approve", "bo", "STAGE_STATE"),
            ("cohost:reject", "bo", "STAGE_STATE"),
            ("cohost:remove", "bo", "STAGE_STATE"),
            ("cohost:invite", "li", "STAGE_STATE"),
            ("cohost:invite", "nobody", "NOT_HERE"),
        ):
            assert (await denied(show.host, command, {"user": user}))["code"] == code
        assert writes.take() == []
        await done(fan, "cohost:cancel")
        assert writes.take() == ["commands._move"]


async def test_what_is_refused_by_what_sql_knows_better_is_not_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gateway that has not heard of an invitation yet asks SQL before it says that there is none."""
    async with liveroom(tmp_path, **UNHURRIED) as house, evening(house) as show:
        fan = await show.fan("mei")
        monkeypatch.setattr("gateway.replica.replica.Replica.take", lambda *_: ())
        await done(show.host, "cohost:invite", {"user": "mei"})
        await done(fan, "cohost:accept")


async def test_a_gift_that_cannot_be_paid_opens_no_write_transaction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with liveroom(tmp_path, **UNHURRIED) as house, evening(house, access="open") as show:
        await show.switch(gifts="everyone")
        fan, stranger = await show.fan("mei"), await show.fan("stranger", None)
        await done(fan, "gift", {"gift": "rose", "count": 100, "key": "all that there is"})
        writes = counted(monkeypatch)
        for socket in (fan, stranger):
            error = await denied(socket, "gift", {"gift": "rose", "key": "one too many"})
            assert (error["code"], error["credits"]) == ("INSUFFICIENT_CREDITS", 0)
            assert (await denied(socket, "gift", {"gift": "moon", "key": "unheard of"}))["code"] == "GIFT_UNKNOWN"
        # what was given before is answered as before, whatever is left
        again = await done(fan, "gift", {"gift": "rose", "count": 100, "key": "all that there is"})
        assert again["wallet"]["credits"] == 0
        assert writes.take() == []


async def test_no_route_opens_a_write_transaction_for_a_stranger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with liveroom(tmp_path, **UNHURRIED) as house, evening(house) as show, evening(house, "draft") as closed:
        order = await show.ticket("mei")
        wish = {"items": [{"product": "any"}], "provider": "sandbox"}
        body = {
            "title": "Mine",
            "currency": "CNY",
            "doors_ms": show.doors_ms,
            "start_ms": show.start_ms,
            "refund_until_ms": show.doors_ms,
            "products": [],
        }
        product = {"name": "cheap", "tier": "vip", "price_minor": 1, "capacity": 1}
        writes = counted(monkeypatch)
        for method, path, payload, status in (
            ("POST", "/api/v1/shows", body, 403),
            ("POST", f"/api/v1/shows/{show.show}/products", product, 403),
            ("POST", "/api/v1/shows/nowhere/products", product, 404),
            ("PATCH", f"/api/v1/shows/{show.show}", {"refund_until_ms": None}, 403),
            ("PUT", f"/api/v1/shows/{show.show}/roles/stranger/host", None, 403),
            ("DELETE", f"/api/v1/shows/{show.show}/roles/host/host", None, 403),
            ("POST", f"/api/v1/orders/{order}/refunds", {"reason": "mine now"}, 404),
            ("POST", "/api/v1/orders/nothing/refunds", {"reason": "mine now"}, 404),
            ("POST", "/api/v1/orders", {**wish, "show": "nowhere"}, 404),
            ("POST", "/api/v1/orders", {**wish, "show": closed.show}, 409),
            ("POST", f"/api/v1/orders/{order}/cancel", {}, 404),
            ("POST", "/api/v1/tokens/revocations", {"user": "mei"}, 403),
            ("DELETE", "/api/v1/tokens/revocations?user=mei", None, 403),
            ("PUT", f"/api/v1/shows/{show.show}/names", {"names": ["Mine"]}, 403),
            ("PUT", "/api/v1/shows/nowhere/names", {"names": ["Mine"]}, 404),
            ("POST", "/pay/sandbox/notify", {"paid": True}, 401),
            ("POST", "/pay/nobody/notify", {"paid": True}, 404),
        ):
            assert await status_of(house, method, path, payload) == status, path
            assert writes.take() == [], path


async def test_no_route_takes_a_place_among_the_long_reads_for_a_stranger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two run at a time, and rooms are opened by them: strangers who asked for the audit kept a show from opening."""
    async with liveroom(tmp_path, **UNHURRIED) as house, evening(house) as show:
        surveys, real = [], Database.survey

        def survey(db: Database) -> AbstractAsyncContextManager[AsyncConnection]:
            surveys.append(sys._getframe(1).f_code.co_name)
            return real(db)

        monkeypatch.setattr(Database, "survey", survey)
        for path, status in (
            (f"/api/v1/shows/{show.show}/audit", 403),
            ("/api/v1/shows/nowhere/audit", 403),
            (f"/api/v1/shows/{show.show}/entitlements", 403),
            ("/api/v1/shows/nowhere/entitlements", 404),
            (f"/api/v1/shows/{show.show}/roles", 403),
            (f"/api/v1/shows/{show.show}/names", 403),
            ("/api/v1/tokens/revocations", 403),
            (f"/api/v1/orders?show={show.show}", 200),
            ("/api/v1/inbox", 200),
        ):
            assert await status_of(house, "GET", path, None) == status, path
            assert surveys == [], path


async def status_of(house: Liveroom, method: str, path: str, payload: Any) -> int:
    """What a stranger is answered."""
    bearer = {"authorization": f"Bearer {house.token('stranger')}", "idempotency-key": "a stranger's key"}
    return (await house.http.request(method, path, headers=bearer, json=payload)).status_code
