from typing import Any

import pytest

from auth.identity import RoomId, UserId
from auth.situation import Phase
from rooms.audit import audit_sql
from rooms.course import rooms_sql
from rooms.course.switches import SwitchChanges
from tests.gateway.api.desk import ROOM, Desk

SHOW: dict[str, Any] = {
    "title": "Encore",
    "access": "open",
    "currency": "CNY",
    "doors_ms": 1_900_000_000_000,
    "start_ms": 1_900_000_100_000,
    "credit_minor": 5,
    "products": [{"name": "Main", "tier": "main", "price_minor": 100, "capacity": 5, "credits": 3}],
}
PRODUCT: dict[str, Any] = {"name": "Late", "tier": "vip", "price_minor": 500, "capacity": 2}


async def test_anybody_sees_a_show_and_what_it_sells(desk: Desk) -> None:
    await desk.paid_order()
    answer = await desk.ask("GET", "/api/v1/shows/show", None)
    assert answer.status_code == 200
    body = answer.json()
    products = body.pop("products")
    now_ms = desk.house.clock.now_ms
    assert body == {
        "show": "show",
        "room": "room",
        "title": "Opening night",
        "access": "ticketed",
        "phase": "presale",
        "currency": "CNY",
        "currency_digits": 2,
        "schedule": {"doors_ms": now_ms + 3_600_000, "start_ms": now_ms + 7_200_000},
        "refund_until_ms": None,
        "credit_minor": 100,
        "server_ms": now_ms,
    }
    assert products[0] == {
        "id": "main",
        "name": "main",
        "tier": "main",
        "price_minor": 12_800,
        "currency": "CNY",
        "credits": 10,
        "repeatable": False,
        "capacity": 10,
        "sold": 1,
        "held": 0,
        "left": 9,
    }
    listed = await desk.ask("GET", "/api/v1/shows")
    assert [show["show"] for show in listed.json()["shows"]] == ["show"]


async def test_a_host_may_hide_from_fans_how_many_are_left(desk: Desk) -> None:
    async with desk.house.db.write() as uow:
        await rooms_sql.change_switches(uow, ROOM, SwitchChanges(sales_left=False), UserId("hana"))
    hidden = (await desk.ask("GET", "/api/v1/shows/show")).json()["products"][0]
    assert (hidden["left"], hidden["capacity"]) == (None, None)
    shown = (await desk.ask("GET", "/api/v1/shows/show", "mo")).json()["products"][0]
    assert (shown["left"], shown["capacity"]) == (10, 10)


async def test_an_operator_puts_on_a_show_with_its_room(desk: Desk) -> None:
    answer = await desk.ask("POST", "/api/v1/shows", "olga", SHOW)
    assert answer.status_code == 201
    body = answer.json()
    assert (body["title"], body["access"], body["phase"]) == ("Encore", "open", "draft")
    assert [(p["tier"], p["credits"], p["left"]) for p in body["products"]] == [("main", 3, 5)]
    async with desk.house.db.read() as connection:
        room = await rooms_sql.load_room(connection, RoomId(body["room"]))
        trail = await audit_sql.recent(connection, RoomId(body["room"]), 10)
    assert room is not None
    assert (room.show, room.phase) == (body["show"], Phase.DRAFT)
    assert [(entry.by, entry.action) for entry in trail] == [("olga", "room:create")]


async def test_titles_and_names_are_cleaned_as_every_text_is(desk: Desk) -> None:
    said = {"title": "\u202eप्रदर्शन２０２６！\n10²", "products": [{**PRODUCT, "name": " Late\x00  seat "}]}
    body = (await desk.ask("POST", "/api/v1/shows", "olga", {**SHOW, **said})).json()
    assert (body["title"], body["products"][0]["name"]) == ("प्रदर्शन２０２６！ 10²", "Late seat")


async def test_a_draft_is_seen_by_its_staff_only(desk: Desk) -> None:
    show = (await desk.ask("POST", "/api/v1/shows", "olga", SHOW)).json()["show"]
    for user in ("fan", "hana", None):
        assert (await desk.ask("GET", f"/api/v1/shows/{show}", user)).status_code == 404
        assert len((await desk.ask("GET", "/api/v1/shows", user)).json()["shows"]) == 1
    assert (await desk.ask("GET", f"/api/v1/shows/{show}", "olga")).status_code == 200
    assert len((await desk.ask("GET", "/api/v1/shows", "olga")).json()["shows"]) == 2


async def test_a_new_product_can_be_bought_at_once(desk: Desk) -> None:
    answer = await desk.ask("POST", "/api/v1/shows/show/products", "hana", PRODUCT)
    assert answer.status_code == 201
    product = answer.json()["id"]
    assert (await desk.order(items=[{"product": product}])).json()["amount_minor"] == 500
    assert (await desk.ask("POST", "/api/v1/shows/nowhere/products", "olga", PRODUCT)).status_code == 404


async def test_the_guest_list_holds_who_has_a_ticket(desk: Desk) -> None:
    await desk.paid_order("fan")
    answer = await desk.ask("GET", "/api/v1/shows/show/entitlements", "hana")
    assert answer.json() == {"show": "show", "guests": [{"user": "fan", "tier": "main", "version": 1}]}
    assert (await desk.ask("GET", "/api/v1/entitlements/show", "fan")).json()["tier"] == "main"
    assert (await desk.ask("GET", "/api/v1/entitlements/nowhere")).status_code == 404


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"title": " "}, "title"),
        ({"title": "\u202e\u200b\x00"}, "title"),
        ({"title": "x" * 121}, "title"),
        ({"title": "\u200d".join("👨" * 9)}, "title"),
        ({"products": [{**PRODUCT, "name": "\x07"}]}, "products.0.name"),
        ({"currency": "yuan"}, "currency"),
        ({"currency": "CNY\n"}, "currency"),
        *(({"currency": code}, "currency") for code in ("RMB", "ABC", "XXX", "XTS", "XAU", "cny", "", 156, None)),
        ({"doors_ms": "soon"}, "doors_ms"),
        ({"doors_ms": 2**60}, "doors_ms"),
        ({"access": "free"}, "access"),
        ({"products": [{**PRODUCT, "price_minor": 0}]}, "products.0.price_minor"),
        ({"products": [{**PRODUCT, "tier": "none"}]}, "products.0.tier"),
        ({"products": [{**PRODUCT, "capacity": -1}]}, "products.0.capacity"),
        ({"start_ms": 1}, "start_ms"),
        ({"start_ms": 1_899_999_999_999}, "start_ms"),
        # in 1970, in seconds, in microseconds, long over, in the year 287396, and too far ahead to be meant
        *(
            ({field: at}, field)
            for field in ("doors_ms", "start_ms", "refund_until_ms")
            for at in (0, 1_900_000_000, 1_900_000_000_000_000, 1_600_000_000_000, 2**53, 2_900_000_000_000, -1)
        ),
        ({"doors_ms": 1_799_000_000_000}, "doors_ms"),
        # gift credits without a price: buy, spend, return, and again
        ({"credit_minor": 0}, "credit_minor"),
        ({"credit_minor": -1}, "credit_minor"),
        ({"credit_minor": 10**13}, "credit_minor"),
    ],
)
async def test_a_malformed_show_is_refused(desk: Desk, change: dict[str, Any], field: str) -> None:
    answer = await desk.ask("POST", "/api/v1/shows", "olga", {**SHOW, **change})
    assert (answer.status_code, answer.json()["error"].get("field")) == (400, field)
    assert len((await desk.ask("GET", "/api/v1/shows", "olga")).json()["shows"]) == 1


NEEDED = [
    ("POST", "/api/v1/shows", SHOW, {"olga"}),
    ("PATCH", "/api/v1/shows/show", {"credit_minor": 7}, {"olga", "hana"}),
    ("POST", "/api/v1/shows/show/products", PRODUCT, {"olga", "hana"}),
    ("GET", "/api/v1/shows/show/entitlements", None, {"olga", "hana"}),
    ("GET", "/api/v1/shows/show/roles", None, {"olga", "hana"}),
    ("GET", "/api/v1/shows/show/names", None, {"olga", "hana"}),
    ("PUT", "/api/v1/shows/show/names", {"names": ["Aurora"]}, {"olga", "hana"}),
    ("PUT", "/api/v1/shows/show/roles/new/moderator", None, {"olga", "hana"}),
    ("PUT", "/api/v1/shows/show/roles/new/host", None, {"olga"}),
    ("PUT", "/api/v1/shows/show/roles/new/operator", None, {"olga"}),
    ("DELETE", "/api/v1/shows/show/roles/mo/moderator", None, {"olga", "hana"}),
    ("DELETE", "/api/v1/shows/show/roles/hana/host", None, {"olga"}),
]


@pytest.mark.parametrize("user", ["fan", "mo", "hana", "olga", None])
@pytest.mark.parametrize(("method", "path", "body", "allowed"), NEEDED)
async def test_staff_routes_open_to_their_roles_only(
    desk: Desk, method: str, path: str, body: object, allowed: set[str], user: str | None
) -> None:
    answer = await desk.ask(method, path, user, body)
    if user in allowed:
        assert answer.is_success
    elif user is None:
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "TOKEN_INVALID")
    else:
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "FORBIDDEN")


class TestRoles:
    async def test_a_given_role_works_at_once_and_ends_at_once(self, desk: Desk) -> None:
        path = "/api/v1/shows/show/roles/hugo/host"
        for _ in range(2):
            assert (await desk.ask("PUT", path, "olga")).status_code == 204
        listed = (await desk.ask("GET", "/api/v1/shows/show/roles", "hugo")).json()["roles"]
        assert {(held["user"], held["role"], held["scope"]) for held in listed} == {
            ("hugo", "host", "show"),
            ("hana", "host", "show"),
            ("mo", "moderator", "show"),
            ("olga", "operator", "everywhere"),
        }
        assert (await desk.ask("DELETE", path, "olga")).status_code == 204
        assert (await desk.ask("GET", "/api/v1/shows/show/roles", "hugo")).status_code == 403
        assert (await desk.ask("DELETE", path, "olga")).status_code == 404

    async def test_impossible_roles_users_and_shows_are_refused(self, desk: Desk) -> None:
        async def status(path: str) -> int:
            return (await desk.ask("PUT", f"/api/v1/shows/{path}", "olga")).status_code

        assert await status("show/roles/a/viewer") == 400
        assert await status("show/roles/a/king") == 400
        assert await status(f"show/roles/{'x' * 65}/host") == 400
        assert await status("show/roles/a%E2%80%AEb/host") == 400
        assert await status("nowhere/roles/a/host") == 404


class TestDescription:
    async def test_every_route_names_the_roles_it_needs(self, desk: Desk) -> None:
        described = (await desk.ask("GET", "/api/v1/openapi.json", None)).json()
        operations = {
            (method, path): operation
            for path, methods in described["paths"].items()
            for method, operation in methods.items()
        }
        assert len(operations) == 26
        for operation in operations.values():
            assert operation["x-roles"]
            assert ("security" in operation) == (operation["x-roles"] != ["anybody"])
            assert "422" not in operation["responses"]
            assert "default" in operation["responses"]
        assert described["servers"] == [{"url": "/api"}]

    async def test_no_page_that_loads_scripts_from_elsewhere_is_served(self, desk: Desk) -> None:
        for path in ("/api/docs", "/api/redoc"):
            assert (await desk.ask("GET", path)).status_code == 404


async def test_gift_credits_need_a_price_however_they_come_to_be_sold(desk: Desk) -> None:
    bare = {name: value for name, value in SHOW.items() if name != "credit_minor"}
    assert (await desk.ask("POST", "/api/v1/shows", "olga", bare)).json()["error"]["field"] == "credit_minor"
    plain = {**bare, "products": [PRODUCT]}
    show = (await desk.ask("POST", "/api/v1/shows", "olga", plain)).json()["show"]
    added = await desk.ask("POST", f"/api/v1/shows/{show}/products", "olga", {**PRODUCT, "credits": 1})
    assert (added.status_code, added.json()["error"]["field"]) == (400, "credits")
    priced = await desk.ask("PATCH", f"/api/v1/shows/{show}", "olga", {"credit_minor": 1})
    assert (priced.status_code, priced.json()["credit_minor"]) == (200, 1)
    assert (
        await desk.ask("POST", f"/api/v1/shows/{show}/products", "olga", {**PRODUCT, "credits": 1})
    ).status_code == 201
    free = await desk.ask("PATCH", f"/api/v1/shows/{show}", "olga", {"credit_minor": 0})
    assert (free.status_code, free.json()["error"]["field"]) == (400, "credit_minor")
    assert (await desk.ask("PATCH", "/api/v1/shows/nowhere", "olga", {})).status_code == 404


WEEK_MS = 7 * 86_400_000


async def test_a_show_is_moved_with_its_room_and_its_deadline_for_refunds(desk: Desk) -> None:
    now_ms = desk.house.clock.now_ms
    set_ = await desk.ask("PATCH", "/api/v1/shows/show", "hana", {"refund_until_ms": now_ms})
    assert set_.json()["refund_until_ms"] == now_ms
    order = await desk.paid_order()
    desk.house.clock.advance(60_000)
    late = await desk.ask("POST", f"/api/v1/orders/{order}/refunds", json={"reason": "cannot come"})
    assert late.json()["error"]["code"] == "REFUND_POLICY"
    times = {"doors_ms": now_ms + WEEK_MS, "start_ms": now_ms + WEEK_MS + 3_600_000}
    assert (await desk.ask("GET", "/api/v1/inbox")).json() == {"notices": []}
    moved = (await desk.ask("PATCH", "/api/v1/shows/show", "hana", times)).json()
    assert moved["schedule"] == times
    assert moved["refund_until_ms"] == now_ms + times["start_ms"] - (now_ms + 7_200_000)
    assert (await desk.ask("GET", "/api/v1/shows/show", None)).json()["schedule"] == times
    async with desk.house.db.read() as connection:
        trail = await audit_sql.recent(connection, ROOM, 10)
    assert [entry.action for entry in trail][-3:] == ["show:refunds", "show:schedule", "show:refunds"]
    opened_ms = now_ms + 60_000
    assert (await desk.ask("GET", "/api/v1/inbox")).json()["notices"] == [
        {
            "id": f"show.{opened_ms}.refunds_open",
            "kind": "refunds_open",
            "show": "show",
            "order": None,
            "amount_minor": None,
            "currency": "CNY",
            "at_ms": opened_ms,
            "until_ms": moved["refund_until_ms"],
        }
    ]
    assert (await desk.ask("GET", "/api/v1/inbox", "rival")).json() == {"notices": []}
    returned = await desk.ask("POST", f"/api/v1/orders/{order}/refunds", json={"reason": "cannot come"})
    assert returned.status_code == 202
    assert (await desk.ask("GET", "/api/v1/inbox")).json() == {"notices": []}


async def test_refunds_that_staff_closes_again_are_announced_no_more(desk: Desk) -> None:
    now_ms = desk.house.clock.now_ms
    await desk.paid_order()
    for until_ms, told in ((now_ms - 1, []), (now_ms + WEEK_MS, ["refunds_open"]), (now_ms - 1, [])):
        await desk.ask("PATCH", "/api/v1/shows/show", "hana", {"refund_until_ms": until_ms})
        notices = (await desk.ask("GET", "/api/v1/inbox")).json()["notices"]
        assert [notice["kind"] for notice in notices] == told


async def test_a_ticket_bought_after_refunds_opened_again_is_no_news(desk: Desk) -> None:
    now_ms = desk.house.clock.now_ms
    await desk.ask("PATCH", "/api/v1/shows/show", "hana", {"refund_until_ms": now_ms})
    desk.house.clock.advance(60_000)
    await desk.ask("PATCH", "/api/v1/shows/show", "hana", {"refund_until_ms": now_ms + WEEK_MS})
    desk.house.clock.advance(1)
    await desk.paid_order()
    assert (await desk.ask("GET", "/api/v1/inbox")).json() == {"notices": []}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        *(
            ({field: at}, field)
            for field in ("doors_ms", "start_ms", "refund_until_ms")
            for at in (0, 1_800_000_000, 1_800_000_000_000_000, 2**53, 2_900_000_000_000, "soon", 1.5, True)
        ),
        ({"doors_ms": None}, "doors_ms"),
        ({"start_ms": None}, "start_ms"),
        ({"credit_minor": None}, "credit_minor"),
        ({"doors_ms": 1_800_000_000_000 + WEEK_MS}, "doors_ms"),
        ({"start_ms": 1_800_000_000_000}, "start_ms"),
        ({"credit_minor": 0}, "credit_minor"),
    ],
)
async def test_a_change_that_cannot_be_meant_names_its_field_and_changes_nothing(
    desk: Desk, changes: dict[str, Any], field: str
) -> None:
    before = (await desk.ask("GET", "/api/v1/shows/show", "hana")).json()
    answer = await desk.ask("PATCH", "/api/v1/shows/show", "hana", changes)
    assert (answer.status_code, answer.json()["error"].get("field")) == (400, field)
    assert (await desk.ask("GET", "/api/v1/shows/show", "hana")).json() == before
