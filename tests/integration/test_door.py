"""The door on real sockets: every refusal with its code, and those who are let in after all."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx2
import jwt
import msgspec
import pytest
from msgpack import ExtType

from auth.denials import RETRYABLE, Code
from auth.tokens import mint
from gateway.contract.rows import REFUSALS
from gateway.door.admission import Admission
from gateway.door.holdings import Records
from gateway.setup import clock
from presale.payments.payments import Unavailable
from presale.payments.payments_sandbox import SandboxPayments
from presale.payments.webhook_signature import parse_secrets, request_content, sign
from presale.use_cases.asking import Asking
from presale.use_cases.box_office import BoxOffice
from presale.use_cases.settlement import Settlement
from rooms.roles import roles_sql
from tests.gateway.sockets.raw import CONNECT, CONNECT_ERROR, Packet, RawSocket, raw_socket
from tests.integration.clients import client, connected
from tests.integration.evening import Evening, evening
from tests.integration.running import Liveroom

pytestmark = pytest.mark.asyncio(loop_scope="package")

HOUR_SECONDS = 3600
every_codec = pytest.mark.parametrize("codec", ["json", "msgpack"])
every_transport = pytest.mark.parametrize("transport", ["websocket", "polling", "upgrade"])


def token_of(house: Liveroom, user: str, *, expires_in_seconds: float = HOUR_SECONDS, **changes: Any) -> str:
    """A token as the platform mints it."""
    settings = house.settings
    fields: dict[str, Any] = {
        "secret": settings.jwt_secrets[0],
        "user": user,
        "name": None,
        "issuer": settings.jwt_issuer,
        "audience": settings.jwt_audience,
        "now_ms": clock.now_ms() + round((expires_in_seconds - HOUR_SECONDS) * 1000),
        "lifetime_ms": HOUR_SECONDS * 1000,
        "token_id": clock.new_id(),
        **changes,
    }
    return mint(**fields)


def refusal_in(packet: Packet) -> dict[str, Any]:
    """The data of a refusal, which says its code twice and whether coming back can help."""
    assert packet.kind == CONNECT_ERROR, packet
    data: dict[str, Any] = packet.data["data"]
    assert packet.data["message"] == data["code"]
    code = Code(data["code"])
    assert code in REFUSALS
    assert data["retryable"] is (code in RETRYABLE)
    assert ("retry_after_ms" in data) is (code in RETRYABLE)
    return data


async def knock(house: Liveroom, auth: object, *, namespace: str = "/live", codec: str = "json") -> dict[str, Any]:
    """What a socket is refused with; nothing else may reach it, and its transport may try again."""
    async with raw_socket(house.url, codec=codec) as fan:
        await fan.say(CONNECT, namespace, auth)
        data = refusal_in(await fan.next())
        await fan.say(CONNECT, namespace, auth)
        assert refusal_in(await fan.next())["code"] == data["code"]
        assert [one.kind for one in fan.heard] == [CONNECT_ERROR] * 2
        return data


# ---- BAD_REQUEST -----------------------------------------------------------------------------------


@every_codec
@pytest.mark.parametrize(
    ("auth", "field"),
    [
        ({}, "room"),
        ({"room": ""}, "room"),
        ({"room": "r" * 513}, "room"),
        ({"device": "d" * 513}, "device"),
        ({"cursor": "c" * 513}, "cursor"),
        ({"cursor": "not a cursor"}, "cursor"),
        ({"room": 7}, "auth"),
        ({"room": ["r"]}, "auth"),
        ({"room": {"id": "r"}}, "auth"),
        ({"room": True}, "auth"),
        ({"token": 7}, "auth"),
        ({"takeover": True}, "auth"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_a_connect_that_is_not_of_the_contract_is_a_bad_request(
    house: Liveroom, codec: str, auth: dict[str, Any], field: str
) -> None:
    known = {"token": token_of(house, "fan")} | ({} if "room" in auth or not auth else {"room": "r"})
    refused = await knock(house, {**known, **auth}, codec=codec)
    assert refused == {"code": "BAD_REQUEST", "retryable": False, "field": field}


@every_codec
@pytest.mark.parametrize("auth", [[], ["token"], "token", 7, True], ids=str)
async def test_auth_that_is_no_map_is_a_bad_request(house: Liveroom, codec: str, auth: object) -> None:
    if codec == "json" and isinstance(auth, int):
        auth = [auth]  # a bare number would read as the packet's own
    assert (await knock(house, auth, codec=codec))["field"] == "auth"


@pytest.mark.parametrize("auth", [b"\x00", {"token": b"x"}, {1: "x"}, {"room": ExtType(0, b"\x00")}], ids=str)
async def test_binary_auth_is_a_refusal_and_no_fault(house: Liveroom, auth: object) -> None:
    async with raw_socket(house.url, codec="msgpack") as fan:
        await fan.say(CONNECT, "/live", auth)
        if auth == {1: "x"}:  # not even a map of this codec's kind
            await fan.say(CONNECT, "/live", {})
        assert refusal_in(await fan.next())["code"] in {"BAD_REQUEST", "TOKEN_INVALID"}


@every_codec
@pytest.mark.parametrize("namespace", ["/", "/admin", "/live/", "/LIVE", "/live\u202e"])
async def test_a_namespace_that_does_not_exist_is_a_bad_request(house: Liveroom, codec: str, namespace: str) -> None:
    refused = await knock(house, {"token": token_of(house, "fan"), "room": "r"}, namespace=namespace, codec=codec)
    assert (refused["code"], refused["field"]) == ("BAD_REQUEST", "namespace")


# ---- TOKEN_INVALID, TOKEN_EXPIRED ------------------------------------------------------------------


def unsigned(house: Liveroom) -> str:
    claims = jwt.decode(token_of(house, "fan"), options={"verify_signature": False})
    return jwt.encode(claims, "", algorithm="none")


BAD_TOKENS: dict[str, Callable[[Liveroom], str | None]] = {
    "missing": lambda _: None,
    "empty": lambda _: "",
    "no token": lambda _: "not.a.token",
    "not ascii": lambda _: "令牌",
    "too large": lambda house: token_of(house, "fan") + "x" * 5000,
    "unsigned": unsigned,
    "foreign key": lambda house: token_of(house, "fan", secret="another-secret-of-32-bytes-or-more"),
    "foreign issuer": lambda house: token_of(house, "fan", issuer="somebody-else"),
    "foreign audience": lambda house: token_of(house, "fan", audience="somebody-else"),
    "cut off": lambda house: token_of(house, "fan")[:-3],
    "not yet": lambda house: token_of(house, "fan", expires_in_seconds=2 * HOUR_SECONDS),
}


@pytest.mark.parametrize("kind", BAD_TOKENS)
async def test_a_token_that_is_none_of_ours_is_refused(house: Liveroom, kind: str) -> None:
    show = await house.show()
    token = BAD_TOKENS[kind](house)
    refused = await knock(house, {"room": show["room"]} | ({} if token is None else {"token": token}))
    assert refused == {"code": "TOKEN_INVALID", "retryable": False}


async def test_a_token_whose_time_is_over_is_refused_as_such(house: Liveroom) -> None:
    show = await house.show()
    refused = await knock(house, {"token": token_of(house, "fan", expires_in_seconds=-11), "room": show["room"]})
    assert refused == {"code": "TOKEN_EXPIRED", "retryable": False}


# ---- rooms and people --------------------------------------------------------------------------------


@pytest.mark.parametrize("room", ["nowhere", "\u0000", "a\u0000b", "'; DROP TABLE rooms; --", "../../etc", "r" * 500])
@pytest.mark.parametrize("namespace", ["/live", "/console"])
async def test_a_room_that_does_not_exist_is_not_found(house: Liveroom, namespace: str, room: str) -> None:
    refused = await knock(house, {"token": token_of(house, "fan"), "room": room}, namespace=namespace)
    assert refused == {"code": "ROOM_NOT_FOUND", "retryable": False}


@pytest.mark.parametrize(
    ("phase", "namespace", "code"),
    [
        ("presale", "/console", "FORBIDDEN"),
        ("draft", "/live", "FORBIDDEN"),
        ("draft", "/console", "FORBIDDEN"),
        ("live", "/live", "TICKET_REQUIRED"),
        ("live", "/console", "FORBIDDEN"),
        ("paused", "/live", "TICKET_REQUIRED"),
        ("replay", "/live", "TICKET_REQUIRED"),
        ("ended", "/live", "ROOM_ENDED"),
        ("ended", "/console", "FORBIDDEN"),
        ("cancelled", "/live", "ROOM_CANCELLED"),
        ("cancelled", "/console", "ROOM_CANCELLED"),
    ],
)
async def test_a_stranger_is_refused_by_the_phase_of_the_show(
    house: Liveroom, phase: str, namespace: str, code: str
) -> None:
    start = {"ended": "live", "cancelled": "presale"}.get(phase, phase)
    async with evening(house, start) as show:
        if start != phase:
            assert (await show.host.send("show:phase", {"phase": phase}))["ok"]
            await show.host.wait("room", lambda one: one["phase"] == phase)
        auth = {"token": token_of(house, "stranger"), "room": show.room}
        refused = await knock(house, auth, namespace=namespace)
        assert refused["code"] == code
        if code != "TICKET_REQUIRED":
            assert refused == {"code": code, "retryable": False}


@every_codec
async def test_who_needs_a_ticket_is_told_what_to_buy_and_where(house: Liveroom, codec: str) -> None:
    async with evening(house, "live") as show:
        auth = {"token": token_of(house, "stranger"), "room": show.room}
        refused = await knock(house, auth, codec=codec)
        assert {key: refused[key] for key in ("show", "room", "buy", "retryable")} == {
            "show": show.show,
            "room": show.room,
            "buy": "/api/v1/orders",
            "retryable": False,
        }
        offered = {one["tier"]: one for one in refused["products"]}
        assert offered["main"] == {
            "id": show.products["main"],
            "name": "main",
            "tier": "main",
            "price_minor": 6_800,
            "currency": "CNY",
            "sold_out": False,
        }
        assert set(offered) == {"main", "vip"}


async def test_the_banned_are_refused_whatever_they_hold_until_the_ban_is_lifted(house: Liveroom) -> None:
    async with evening(house, "live") as show:
        await show.ticket("rude")
        auth = {"token": show.token("rude"), "room": show.room}
        await ban(show, "rude")
        assert await knock(house, auth) == {"code": "BANNED", "retryable": False}
        assert (await show.host.send("unban", {"user": "rude"}))["ok"]
        await show.host.wait("audit", lambda one: any(item["action"] == "unban" for item in one["items"]))
        async with raw_socket(house.url) as fan:
            await fan.enter(**auth)


async def ban(show: Evening, user: str) -> None:
    """On return the room has heard of it."""
    assert (await show.host.send("ban", {"user": user}))["ok"]
    await show.host.wait("audit", lambda one: any(item["action"] == "ban" for item in one["items"]))


async def test_somebody_may_be_banned_before_they_ever_came(house: Liveroom) -> None:
    async with evening(house, "presale") as show:
        await ban(show, "absent")
        assert (await show.refusal("absent"))["code"] == "BANNED"


# ---- the viewer at the door whose money is on its way ------------------------------------------------


def script_faults(house: Liveroom, **faults: object) -> None:
    """Make things go wrong with the next payment opened."""
    settings = house.settings
    body = msgspec.json.encode({"payment": None, "faults": faults})
    headers = sign(
        parse_secrets(settings.sandbox_secrets)[0],
        delivery=clock.new_id(),
        timestamp_seconds=clock.now_ms() // 1000,
        body=request_content("POST", "/v1/faults", body),
    )
    answer = httpx2.post(f"{settings.sandbox_url}/v1/faults", content=body, headers=headers, trust_env=False)
    assert answer.status_code == 204, answer.text


class Counted:
    """How often the provider was asked about an order at the door, and when; nobody is answered before `go_on`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.orders: list[str] = []
        self.at_ms: list[int] = []
        self.waiting = 0
        self.go_on = asyncio.Event()
        self.go_on.set()
        settle, ask, remember = BoxOffice.settle, BoxOffice.ask, Asking._remember

        async def counted(box_office: BoxOffice, order: Any) -> Any:
            self.orders.append(order)
            await self.go_on.wait()
            return await settle(box_office, order)

        async def waits(box_office: BoxOffice, *orders: Any) -> Any:
            self.waiting += 1
            return await ask(box_office, *orders)

        def remembered(asking: Asking, order: Any) -> None:
            remember(asking, order)
            self.at_ms.append(asking._asked_ms[order])

        monkeypatch.setattr(BoxOffice, "settle", counted)
        monkeypatch.setattr(BoxOffice, "ask", waits)
        monkeypatch.setattr(Asking, "_remember", remembered)

    async def has_waiting(self, count: int) -> None:
        """Wait until so many stand at the door for an answer."""
        async with asyncio.timeout(10):
            while self.waiting < count:
                await asyncio.sleep(0.01)


@every_transport
async def test_a_viewer_who_paid_is_let_in_though_the_callback_was_lost(house: Liveroom, transport: str) -> None:
    async with evening(house, "live") as show:
        token = show.token(f"paid-{transport}")
        script_faults(house, lost=True)
        order = await house.order(token, show.show, show.products["vip"], f"lost-{show.show}")
        await house.cashier(order["pay_url"])
        async with connected(house.url, transport=transport, token=token, room=show.room) as fan:
            welcome = await fan.wait("welcome")
            assert (welcome["you"]["tier"], welcome["you"]["wallet"]["credits"]) == ("vip", 500)
            assert [grant["stream"] for grant in welcome["streams"]] == ["main", "vip"]
            assert [one["state"] for one in welcome["you"]["orders"]] == ["paid"]


@pytest.mark.parametrize(("phase", "has"), [("presale", None), ("doors", None), ("doors", "main"), ("live", "main")])
async def test_whoever_gets_in_anyway_is_promoted_inside_though_the_callback_was_lost(
    house: Liveroom, phase: str, has: str | None
) -> None:
    # a fan in the foyer, or with one ticket buying a better one, waited for the query after five minutes
    async with evening(house, phase) as show:
        token = show.token("patient")
        if has is not None:
            await show.ticket("patient")
        script_faults(house, lost=True)
        order = await house.order(token, show.show, show.products["vip"], f"lost-{show.show}")
        await house.cashier(order["pay_url"])
        async with connected(house.url, token=token, room=show.room) as fan:
            welcome = await fan.wait("welcome")
            assert order["order"] in [one["order"] for one in welcome["you"]["orders"]]
            if welcome["you"]["tier"] != "vip":  # the answer may have been faster than the welcome
                assert (await fan.wait("tier", lambda one: one["tier"] == "vip"))["reason"] == "purchase"


async def test_a_provider_that_hangs_holds_up_nobody_who_gets_in_and_a_refusal_for_a_moment_only(
    house: Liveroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = asyncio.Event()

    async def hang(*_: object) -> None:
        asked.set()
        await asyncio.Event().wait()

    async with evening(house, "presale") as show:
        await house.order(show.token("early"), show.show, show.products["main"], f"hang-{show.show}")
        monkeypatch.setattr(SandboxPayments, "query", hang)
        async with connected(house.url, token=show.token("early"), room=show.room) as fan:
            await fan.wait("welcome")
            await asyncio.wait_for(asked.wait(), 5)
        await show.phase("doors", "live")
        began_ms = clock.now_ms()
        assert (await show.refusal("early"))["code"] == "TICKET_REQUIRED"
        longest_ms = (house.settings.order_ask_wait_seconds + 2) * 1000
        assert clock.now_ms() - began_ms < longest_ms


async def test_whoever_comes_to_a_show_that_is_over_has_the_money_found_and_returned(house: Liveroom) -> None:
    async with evening(house, "live") as show:
        token = show.token("late-payer")
        script_faults(house, lost=True)
        order = await house.order(token, show.show, show.products["main"], f"over-{show.show}")
        await house.cashier(order["pay_url"])
        assert (await show.host.send("show:phase", {"phase": "ended"}))["ok"]
        assert (await show.refusal("late-payer"))["code"] == "ROOM_ENDED"
        authorization = {"authorization": f"Bearer {token}"}
        async with asyncio.timeout(10):
            while True:
                now = (await house.http.get(f"/api/v1/orders/{order['order']}", headers=authorization)).json()
                if now["state"] == "refunded":
                    break
                await asyncio.sleep(0.05)
        (notice,) = (await house.http.get("/api/v1/inbox", headers=authorization)).json()["notices"]
        assert (notice["kind"], notice["order"]) == ("money_returning", order["order"])
        assert (await house.http.get(f"/api/v1/entitlements/{show.show}", headers=authorization)).json()[
            "tier"
        ] == "none"


async def test_an_unpaid_order_opens_no_door_and_is_asked_about_only_so_often(
    house: Liveroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Counted(monkeypatch)
    async with evening(house, "live") as show:
        token = show.token("not-yet")
        order = await house.order(token, show.show, show.products["main"], f"unpaid-{show.show}")
        # answered once all three stand there: who comes after an answer has the provider asked again, and rightly
        asked.go_on.clear()
        knocking = asyncio.gather(*(show.refusal("not-yet") for _ in range(3)))
        await asked.has_waiting(3)
        asked.go_on.set()
        assert {one["code"] for one in await knocking} == {"TICKET_REQUIRED"}
        assert asked.orders == [order["order"]]
        # whoever comes back too soon waits until it may be asked again: they may have paid in between
        assert (await show.refusal("not-yet"))["code"] == "TICKET_REQUIRED"
        assert asked.orders == [order["order"]] * 2
        assert asked.at_ms[1] - asked.at_ms[0] >= house.settings.order_ask_seconds * 1000
        asked.orders.clear()
        # one viewer's haste does not keep the next one waiting
        script_faults(house, lost=True)
        other = await house.order(show.token("paid"), show.show, show.products["main"], f"paid-{show.show}")
        await house.cashier(other["pay_url"])
        await show.enter("paid")
        assert asked.orders == [other["order"]]


async def test_a_provider_that_is_out_refuses_and_does_not_hang(
    house: Liveroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def out(*_: object) -> Unavailable:
        return Unavailable("out", retryable=True)

    async with evening(house, "live") as show:
        await house.order(show.token("unlucky"), show.show, show.products["main"], f"out-{show.show}")
        monkeypatch.setattr(SandboxPayments, "query", out)
        assert (await show.refusal("unlucky"))["code"] == "TICKET_REQUIRED"


async def test_a_fault_while_asking_about_an_order_is_a_refusal(
    house: Liveroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("a fault of the test")

    async with evening(house, "live") as show:
        await house.order(show.token("faulty"), show.show, show.products["main"], f"fault-{show.show}")
        monkeypatch.setattr(Settlement, "query_order", broken)
        refused = await show.refusal("faulty")
        assert (refused["code"], refused["retryable"]) == ("BUSY", True)
        assert refused["retry_after_ms"] > 0


# ---- what changes while somebody is at the door ------------------------------------------------------


class AtTheDoor:
    """Somebody whose rights were read, and who is let in, or not, when `answer` is asked for."""

    def __init__(self, fan: RawSocket, show: Evening, go_on: asyncio.Event, waiting: asyncio.Task[Packet]) -> None:
        self.fan = fan
        self.show = show
        self._go_on = go_on
        self._waiting = waiting

    async def answer(self) -> Packet:
        assert not self._waiting.done()
        self._go_on.set()
        return await self._waiting


@contextlib.asynccontextmanager
async def at_the_door(show: Evening, user: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[AtTheDoor]:
    reached, go_on = asyncio.Event(), asyncio.Event()
    know = Records.know

    async def slow(*arguments: Any) -> Any:
        found = await know(*arguments)
        reached.set()
        await go_on.wait()
        return found

    async with raw_socket(show.house.url) as fan:
        with monkeypatch.context() as patch:
            patch.setattr(Records, "know", slow)
            patch.setattr(Admission, "_is_known_and_welcome", lambda *_: False)
            token = show.token(user)
            waiting = asyncio.create_task(fan.connect(token=token, room=show.room))
            await reached.wait()
        yield AtTheDoor(fan, show, go_on, waiting)


@pytest.mark.parametrize(("phase", "code"), [("ended", "ROOM_ENDED"), ("cancelled", "ROOM_CANCELLED")])
async def test_a_show_that_ends_while_somebody_is_at_the_door_refuses_them(
    house: Liveroom, monkeypatch: pytest.MonkeyPatch, phase: str, code: str
) -> None:
    async with evening(house, "paused") as show:
        await show.ticket("late")
        async with at_the_door(show, "late", monkeypatch) as late:
            assert (await show.host.send("show:phase", {"phase": phase}))["ok"]
            await show.host.wait("room", lambda one: one["phase"] == phase)
            assert refusal_in(await late.answer())["code"] == code


async def test_a_ticket_given_back_while_its_holder_is_at_the_door_opens_nothing(
    house: Liveroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with evening(house, "live") as show:
        order = await show.ticket("late")
        await show.host.wait("sales", lambda one: any(product["sold"] for product in one["products"]))
        since = show.host.mark()
        async with at_the_door(show, "late", monkeypatch) as late:
            answer = await house.http.post(
                f"/api/v1/orders/{order}/refunds",
                headers={"authorization": f"Bearer {show.operator_token}"},
                json={"reason": "changed"},
            )
            assert answer.status_code == 202, answer.text
            await show.host.wait("sales", lambda one: not any(p["sold"] for p in one["products"]), since=since)
            assert refusal_in(await late.answer())["code"] == "TICKET_REQUIRED"


async def test_a_ticket_paid_while_its_holder_is_at_the_door_counts(
    house: Liveroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with evening(house, "live") as show, at_the_door(show, "buyer", monkeypatch) as buyer:
        await show.ticket("buyer")
        await show.host.wait("sales", lambda one: any(product["sold"] for product in one["products"]))
        assert (await buyer.answer()).kind == CONNECT
        welcome = await buyer.fan.event("welcome")
        assert (welcome["you"]["tier"], [one["stream"] for one in welcome["streams"]]) == ("main", ["main"])


@pytest.mark.parametrize(("command", "code"), [("ban", "BANNED"), ("kick", "KICKED")])
async def test_who_is_sent_out_while_at_the_door_does_not_stay(
    house: Liveroom, monkeypatch: pytest.MonkeyPatch, command: str, code: str
) -> None:
    async with evening(house, "presale") as show, at_the_door(show, "rude", monkeypatch) as rude:
        assert (await show.host.send(command, {"user": "rude"}))["ok"]
        await show.host.wait("audit", lambda one: any(item["action"] == command for item in one["items"]))
        answer = await rude.answer()
        if answer.kind == CONNECT:
            assert (await rude.fan.event("bye"))["code"] == code
            assert (await rude.fan.until_end()).reason == code
            assert (rude.fan.events()[0], rude.fan.events()[-1]) == ("welcome", "bye")
        else:
            assert refusal_in(answer)["code"] == code


async def test_a_fault_at_the_door_leaves_nobody_in_the_room(house: Liveroom, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("a fault of the test")

    async with evening(house, "presale") as show:
        await show.role("unlucky", "moderator")  # whose rights are read from SQL
        with monkeypatch.context() as patch:
            patch.setattr(roles_sql, "role_of", broken)
            for codec in ("json", "msgpack"):
                async with client(house.url, codec=codec) as fan:
                    refused = await fan.refused(token=show.token("unlucky"), room=show.room)
                    assert (refused["code"], refused["retryable"]) == ("BUSY", True)
        fan = await show.enter("unlucky")
        assert fan.all("bye") == []
