from typing import Any

import pytest

from auth.denials import Code, Denied
from gateway.api.refusals import STATUSES, refusal
from tests.gateway.api.desk import Desk

ORDER = {"show": "show", "items": [{"product": "main", "quantity": 1}], "provider": "fake"}
KEY = {"idempotency-key": "k"}


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in ORDER.items() if key != name}


def error(answer: Any) -> dict[str, Any]:
    body = answer.json()
    assert set(body) == {"error"}
    told: dict[str, Any] = body["error"]
    return told


@pytest.mark.parametrize("code", list(Code))
def test_every_code_has_a_status_and_waiting_codes_are_told_as_retryable(code: Code) -> None:
    assert STATUSES[code] in {400, 401, 403, 404, 409, 429, 500, 503}
    assert Denied(code).retryable or STATUSES[code] not in {429, 503}


def test_a_wait_is_told_in_whole_seconds_rounded_up() -> None:
    answer = refusal(Denied(Code.RATE_LIMITED, retry_after_ms=1001))
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "2")


async def test_a_missing_or_bad_token_is_401(desk: Desk) -> None:
    for headers in ({}, {"authorization": "Basic x"}, {"authorization": "Bearer"}, {"authorization": "Bearer x.y.z"}):
        answer = await desk.http.get("/api/v1/entitlements/show", headers=headers)
        assert answer.status_code == 401
        assert error(answer) == {"code": "TOKEN_INVALID", "retryable": False}
        assert answer.headers["www-authenticate"] == "Bearer"


async def test_an_expired_token_is_told_as_such(desk: Desk) -> None:
    token = desk.token("fan", lifetime_ms=1000)
    desk.house.clock.advance(60_000)
    answer = await desk.http.get("/api/v1/entitlements/show", headers={"authorization": f"Bearer {token}"})
    assert (answer.status_code, error(answer)["code"]) == (401, "TOKEN_EXPIRED")


async def test_a_bad_token_is_refused_even_where_none_is_needed(desk: Desk) -> None:
    answer = await desk.http.get("/api/v1/shows", headers={"authorization": "Bearer nonsense"})
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ([], "body"),
        (None, "body"),
        ("text", "body"),
        (without("show"), "show"),
        (without("items"), "items"),
        (without("provider"), "provider"),
        ({**ORDER, "items": []}, "items"),
        ({**ORDER, "items": [{"product": 7}]}, "items.0.product"),
        ({**ORDER, "items": [{"product": "main", "quantity": True}]}, "items.0.quantity"),
        ({**ORDER, "items": [{"product": "main", "quantity": "1"}]}, "items.0.quantity"),
        ({**ORDER, "items": [{"product": "main", "quantity": 1.0}]}, "items.0.quantity"),
        ({**ORDER, "items": [{"product": "main", "quantity": 0}]}, "items.0.quantity"),
        ({**ORDER, "items": [{"product": "main", "quantity": 10**30}]}, "items.0.quantity"),
        ({**ORDER, "show": "x" * 65}, "show"),
        ({**ORDER, "show": ""}, "show"),
        ({**ORDER, "provider": None}, "provider"),
        ({**ORDER, "items": [{"product": "main"}, {"product": "main"}]}, "items"),
        ({**ORDER, "items": [{"product": "main", "quantity": 2}]}, "quantity"),
    ],
)
async def test_a_malformed_order_names_the_field_and_changes_nothing(desk: Desk, body: object, field: str) -> None:
    answer = await desk.ask("POST", "/api/v1/orders", "fan", body, KEY)
    assert answer.status_code == 400
    assert error(answer) == {"code": "BAD_REQUEST", "retryable": False, "field": field}
    assert await desk.house.seats() == (0, 0)


async def test_a_cart_with_too_many_lines_is_told_how_many_it_may_have(desk: Desk) -> None:
    items = [{"product": f"p{number}"} for number in range(5)]
    for path, body in (("/api/v1/orders", {**ORDER, "items": items}), ("/api/v1/quotes", {**ORDER, "items": items})):
        answer = await desk.ask("POST", path, "fan", body, KEY)
        assert error(answer) == {"code": "BAD_REQUEST", "retryable": False, "field": "items", "max_items": 4}


@pytest.mark.parametrize(
    "content", [b"{", b"\xff\xfe", b'{"show": NaN}', b"[" * 50_000, b'{"show":"' + b"\\ud800" + b'"}', b""]
)
async def test_a_body_that_is_no_json_is_a_bad_request(desk: Desk, content: bytes) -> None:
    headers = {**KEY, "authorization": f"Bearer {desk.token('fan')}", "content-type": "application/json"}
    answer = await desk.http.post("/api/v1/orders", content=content, headers=headers)
    assert (answer.status_code, error(answer)["code"]) == (400, "BAD_REQUEST")


async def test_unknown_fields_are_ignored(desk: Desk) -> None:
    answer = await desk.order(coupon="x", items=[{"product": "main", "seat": 4}])
    assert answer.status_code == 201


@pytest.mark.parametrize("key", [None, "", "x" * 65, "tab\there", "é"])
async def test_an_order_needs_a_printable_idempotency_key(desk: Desk, key: str | None) -> None:
    headers = {b"authorization": f"Bearer {desk.token('fan')}".encode()}
    if key is not None:
        headers[b"idempotency-key"] = key.encode("latin-1")
    answer = await desk.http.post("/api/v1/orders", json=ORDER, headers=headers)
    assert (answer.status_code, error(answer)["field"]) == (400, "Idempotency-Key")
    assert await desk.house.seats() == (0, 0)


async def test_a_body_beyond_the_bound_is_refused_announced_or_not(desk: Desk) -> None:
    headers = {**KEY, "authorization": f"Bearer {desk.token('fan')}"}

    async def chunks() -> Any:
        for _ in range(70):
            yield b" " * 1000

    for content in (b" " * 65_537, chunks()):
        answer = await desk.http.post("/api/v1/orders", content=content, headers=headers)
        assert (answer.status_code, error(answer)["code"]) == (413, "BAD_REQUEST")


async def test_unknown_paths_and_methods_have_the_same_error_body(desk: Desk) -> None:
    nowhere = await desk.ask("GET", "/api/v1/nothing")
    assert (nowhere.status_code, error(nowhere)["code"]) == (404, "NOT_FOUND")
    wrong = await desk.ask("DELETE", "/api/v1/orders")
    assert (wrong.status_code, error(wrong)["code"]) == (405, "BAD_REQUEST")


async def test_a_failure_of_our_own_is_told_without_its_reason(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a secret reason")

    monkeypatch.setattr(desk.house.box, "quote", broken)
    answer = await desk.ask("POST", "/api/v1/quotes", json={"show": "show", "items": [{"product": "main"}]})
    assert answer.status_code == 500
    assert error(answer) == {"code": "INTERNAL", "retryable": True}


async def test_answers_are_kept_out_of_caches(desk: Desk) -> None:
    assert (await desk.ask("GET", "/api/v1/shows")).headers["cache-control"] == "no-store"


@pytest.mark.parametrize("odd", [r"\ud83d", r"\ude00\ud83d", r"\u0000"])
async def test_half_a_character_in_a_body_is_repaired(desk: Desk, odd: str) -> None:
    # a reason that a page had cut within an emoji was BAD_REQUEST; NUL fails in the SQL of PostgreSQL
    bearer = {"authorization": f"Bearer {desk.token('fan')}", "content-type": "application/json"}
    body = f'{{"show":"{odd}","items":[{{"product":"{odd}","quantity":1}}],"provider":"fake"}}'
    unknown = await desk.http.post("/api/v1/orders", content=body, headers={**bearer, "idempotency-key": "odd"})
    assert unknown.status_code < 500, unknown.text
    path = f"/api/v1/orders/{await desk.paid_order()}/refunds"
    answer = await desk.http.post(path, content=f'{{"reason":"half {odd}"}}', headers=bearer)
    assert answer.status_code == 202, answer.text


async def test_a_nul_in_an_address_is_refused_before_sql_meets_it(desk: Desk) -> None:
    for path in ("/api/v1/orders/%00", "/api/v1/shows?after=%00"):
        answer = await desk.ask("GET", path)
        assert answer.status_code in (400, 404), path
