"""The operator takes tokens back over the API."""

import pytest

from auth.identity import Role, UserId
from rooms.roles import revocations_sql, roles_sql
from tests.gateway.api.desk import Desk
from tests.presale.house import SHOW

PATH = "/api/v1/tokens/revocations"


async def standing(desk: Desk) -> list[tuple[str, str]]:
    async with desk.house.db.read() as connection:
        return [(one.kind.value, one.subject) for one in await revocations_sql.since(connection, 0)]


async def test_an_operator_takes_back_a_token_or_all_of_a_user(desk: Desk) -> None:
    now_ms = desk.house.clock.now_ms
    of_user = await desk.ask("POST", PATH, "olga", {"user": "fan"})
    assert of_user.status_code == 201
    assert of_user.json() == {
        "user": "fan",
        "token_id": None,
        "issued_until_ms": now_ms,
        "ends_ms": of_user.json()["ends_ms"],
    }
    assert of_user.json()["ends_ms"] > now_ms + 24 * 3_600_000
    of_token = await desk.ask("POST", PATH, "olga", {"token_id": "stolen"})
    assert (of_token.status_code, of_token.json()["token_id"]) == (201, "stolen")
    assert await standing(desk) == [("user", "fan"), ("jti", "stolen")]


async def test_only_who_is_an_operator_everywhere_may(desk: Desk) -> None:
    assert (await desk.ask("POST", PATH, None, {"user": "fan"})).status_code == 401
    async with desk.house.db.write() as uow:
        await roles_sql.grant(uow, UserId("omar"), Role.OPERATOR, SHOW, UserId("setup"))
    for user in ("fan", "mo", "hana", "omar"):
        assert (await desk.ask("POST", PATH, user, {"user": "olga"})).status_code == 403
    assert await standing(desk) == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "user"),
        ({"user": "fan", "token_id": "stolen"}, "user"),
        ({"user": ""}, "user"),
        ({"user": "x" * 65}, "user"),
        ({"user": "a\u0000b"}, "user"),
        ({"token_id": "x" * 129}, "token_id"),
        ({"token_id": "\u0000"}, "token_id"),
        ({"token_id": 7}, "token_id"),
    ],
)
async def test_what_names_no_token_is_refused_with_its_field(desk: Desk, body: dict[str, object], field: str) -> None:
    refused = await desk.ask("POST", PATH, "olga", body)
    assert refused.status_code == 400
    assert refused.json()["error"] == {"code": "BAD_REQUEST", "retryable": False, "field": field}
    assert await standing(desk) == []


async def test_an_operator_lists_what_is_revoked_and_lets_it_be_taken_again(desk: Desk) -> None:
    now_ms = desk.house.clock.now_ms
    await desk.ask("POST", PATH, "olga", {"user": "fan"})
    made = (await desk.ask("POST", PATH, "olga", {"token_id": "stolen & lost"})).json()
    listed = await desk.ask("GET", PATH, "olga")
    assert listed.status_code == 200
    assert listed.json() == {
        "revocations": [
            {
                "user": None,
                "token_id": "stolen & lost",
                "issued_until_ms": now_ms,
                "ends_ms": made["ends_ms"],
                "by": "olga",
            },
            {"user": "fan", "token_id": None, "issued_until_ms": now_ms, "ends_ms": made["ends_ms"], "by": "olga"},
        ],
        "next_before": None,
    }
    assert (await desk.ask("DELETE", f"{PATH}?token_id=stolen%20%26%20lost", "olga")).status_code == 204
    assert (await desk.ask("DELETE", f"{PATH}?token_id=stolen%20%26%20lost", "olga")).status_code == 404
    assert (await desk.ask("DELETE", f"{PATH}?user=fan", "olga")).status_code == 204
    assert (await desk.ask("GET", PATH, "olga")).json() == {"revocations": [], "next_before": None}


async def test_a_long_list_of_revocations_comes_in_pages(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.features.session.routes.PAGE", 2)
    for number in range(3):
        await desk.ask("POST", PATH, "olga", {"token_id": f"token-{number}"})
    first = (await desk.ask("GET", PATH, "olga")).json()
    rest = (await desk.ask("GET", f"{PATH}?before={first['next_before']}", "olga")).json()
    ids = [one["token_id"] for page in (first, rest) for one in page["revocations"]]
    assert (ids, rest["next_before"]) == (["token-2", "token-1", "token-0"], None)
    for before in ("-1", "x", str(2**60)):
        assert (await desk.ask("GET", f"{PATH}?before={before}", "olga")).status_code == 400


async def test_only_who_is_an_operator_everywhere_may_see_or_lift_revocations(desk: Desk) -> None:
    await desk.ask("POST", PATH, "olga", {"user": "rival"})
    async with desk.house.db.write() as uow:
        await roles_sql.grant(uow, UserId("omar"), Role.OPERATOR, SHOW, UserId("setup"))
    for method, path in (("GET", PATH), ("DELETE", f"{PATH}?user=rival")):
        assert (await desk.ask(method, path, None)).status_code == 401
        for user in ("fan", "mo", "hana", "omar"):
            assert (await desk.ask(method, path, user)).status_code == 403
    for query in ("", "?user=fan&token_id=stolen", "?user="):
        assert (await desk.ask("DELETE", PATH + query, "olga")).status_code == 400
    assert await standing(desk) == [("user", "rival")]
