import httpx2
import pytest

from auth.identity import Tier
from auth.situation import Phase
from presale.orders import orders_sql
from presale.orders.holding import MOST_CANCELLED
from presale.payments.payments import RefundStatus
from tests.gateway.api.desk import Desk
from tests.presale.fake_provider import GENUINE

REASON = {"reason": "changed my mind"}


async def test_an_order_is_answered_with_where_to_pay(desk: Desk) -> None:
    answer = await desk.order()
    assert answer.status_code == 201
    body = answer.json()
    assert body["state"] == "pending"
    assert (body["amount_minor"], body["currency"]) == (12_800, "CNY")
    assert body["pay_url"].startswith("https://cashier.invalid/")
    assert body["items"] == [{"product": "main", "quantity": 1}]
    assert body["expires_ms"] == desk.house.clock.now_ms + 900_000
    again = await desk.ask("GET", f"/api/v1/orders/{body['order']}")
    assert (again.status_code, again.json()) == (200, body)


async def test_the_same_key_and_body_replay_the_answer_and_hold_one_seat(desk: Desk) -> None:
    first, second = await desk.order(), await desk.order()
    assert (second.status_code, second.json()) == (201, first.json())
    assert await desk.house.seats() == (0, 1)


async def test_the_same_key_with_another_body_is_an_error(desk: Desk) -> None:
    await desk.order()
    answer = await desk.order(items=[{"product": "vip"}])
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "IDEMPOTENCY_REUSED")


async def test_keys_of_two_fans_do_not_meet(desk: Desk) -> None:
    first, second = await desk.order("fan"), await desk.order("rival")
    assert first.json()["order"] != second.json()["order"]


async def test_refusals_of_an_order_have_their_codes(desk: Desk) -> None:
    def told(answer: httpx2.Response) -> tuple[int, str]:
        return answer.status_code, answer.json()["error"]["code"]

    assert told(await desk.order(show="nowhere")) == (404, "NOT_FOUND")
    assert told(await desk.order(items=[{"product": "nothing"}])) == (404, "NOT_FOUND")
    assert told(await desk.order(provider="bank")) == (400, "PROVIDER_UNKNOWN")
    desk.house.provider.is_down = True
    assert told(await desk.order(key="down")) == (503, "PROVIDER_UNAVAILABLE")
    desk.house.phase = Phase.ENDED
    assert told(await desk.order(key="late")) == (409, "SALES_CLOSED")


async def test_an_order_cut_off_by_the_provider_is_finished_by_asking_again(desk: Desk) -> None:
    desk.house.provider.is_down = True
    await desk.order()
    desk.house.provider.is_down = False
    answer = await desk.order()
    assert (answer.status_code, answer.json()["state"]) == (201, "pending")
    assert answer.json()["pay_url"]
    assert await desk.house.seats() == (0, 1)


async def test_a_quote_prices_a_cart_and_reserves_nothing(desk: Desk) -> None:
    answer = await desk.ask("POST", "/api/v1/quotes", json={"show": "show", "items": [{"product": "main"}]})
    assert answer.status_code == 200
    body = answer.json()
    assert (body["amount_minor"], body["currency"]) == (12_800, "CNY")
    assert {line["product"]: line["credits"] for line in body["lines"]} == {"main": 10}
    assert await desk.house.seats() == (0, 0)


async def test_a_quote_names_the_product_that_buys_nothing_beside_another(desk: Desk) -> None:
    cart = {"show": "show", "items": [{"product": "vip"}, {"product": "main"}]}
    answer = await desk.ask("POST", "/api/v1/quotes", json=cart)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["product"]) == (400, "BAD_REQUEST", "main")


async def test_an_order_of_somebody_else_does_not_exist(desk: Desk) -> None:
    order = await desk.paid_order("fan")
    for user in ("rival", "mo"):
        for method, path, body in (
            ("GET", f"/api/v1/orders/{order}", None),
            ("POST", f"/api/v1/orders/{order}/refunds", REASON),
        ):
            answer = await desk.ask(method, path, user, body)
            assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NOT_FOUND")
    assert await desk.house.tier() is Tier.MAIN
    assert (await desk.ask("GET", "/api/v1/orders/nothing")).status_code == 404


async def test_operators_and_hosts_see_orders_and_only_operators_return_them(desk: Desk) -> None:
    order = await desk.paid_order("fan")
    for user in ("hana", "olga"):
        assert (await desk.ask("GET", f"/api/v1/orders/{order}", user)).status_code == 200
    refused = await desk.ask("POST", f"/api/v1/orders/{order}/refunds", "hana", REASON)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "FORBIDDEN")
    desk.house.phase = Phase.LIVE
    assert (await desk.ask("POST", f"/api/v1/orders/{order}/refunds", "olga", REASON)).status_code == 202


async def test_own_orders_are_listed_and_only_those(desk: Desk) -> None:
    order = await desk.paid_order("fan")
    await desk.order("rival")
    answer = await desk.ask("GET", "/api/v1/orders?show=show")
    assert [(o["order"], o["state"], o["pay_url"]) for o in answer.json()["orders"]] == [(order, "paid", None)]
    assert (await desk.ask("GET", "/api/v1/orders?show=nowhere")).status_code == 404
    assert (await desk.ask("GET", "/api/v1/orders")).json()["error"]["field"] == "show"


async def test_rights_end_in_the_answer_to_a_refund_and_return_when_the_provider_fails(desk: Desk) -> None:
    order = await desk.paid_order()
    answer = await desk.ask("POST", f"/api/v1/orders/{order}/refunds", json=REASON)
    assert answer.status_code == 202
    refund = answer.json()
    assert (refund["state"], refund["amount_minor"], refund["currency"]) == ("requested", 12_800, "CNY")
    entitlement = await desk.ask("GET", "/api/v1/entitlements/show")
    assert entitlement.json() == {"show": "show", "tier": "none", "version": 2}
    desk.house.provider.refund_outcome = RefundStatus.FAILED
    await desk.house.work()
    settled = await desk.ask("GET", f"/api/v1/refunds/{refund['refund']}")
    assert settled.json()["state"] == "failed"
    assert (await desk.ask("GET", f"/api/v1/orders/{order}")).json()["state"] == "paid"
    assert (await desk.ask("GET", "/api/v1/entitlements/show")).json()["tier"] == "main"
    assert (await desk.ask("GET", f"/api/v1/refunds/{refund['refund']}", "rival")).status_code == 404
    assert (await desk.ask("GET", "/api/v1/refunds/nothing")).status_code == 404


async def test_a_refund_outside_the_policy_is_told_as_such(desk: Desk) -> None:
    order = await desk.paid_order()
    desk.house.phase = Phase.LIVE
    answer = await desk.ask("POST", f"/api/v1/orders/{order}/refunds", json=REASON)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "REFUND_POLICY")


async def test_an_unpaid_order_has_nothing_to_return(desk: Desk) -> None:
    order = (await desk.order()).json()["order"]
    answer = await desk.ask("POST", f"/api/v1/orders/{order}/refunds", json=REASON)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "ORDER_STATE")


async def test_a_refund_needs_a_reason(desk: Desk) -> None:
    order = await desk.paid_order()
    for body in ({}, {"reason": ""}, {"reason": 1}, {"reason": "x" * 501}):
        answer = await desk.ask("POST", f"/api/v1/orders/{order}/refunds", json=body)
        assert (answer.status_code, answer.json()["error"]["field"]) == (400, "reason")
    assert await desk.house.tier() is Tier.MAIN


class TestCallbacks:
    async def test_a_genuine_callback_is_answered_after_its_effect(self, desk: Desk) -> None:
        order = (await desk.order()).json()["order"]
        (payment,) = desk.house.provider.payments
        body = desk.house.provider.pay(payment)
        for _ in range(2):
            answer = await desk.http.post("/pay/fake/notify", content=body, headers=GENUINE)
            assert (answer.status_code, answer.content) == (204, b"")
            assert (await desk.ask("GET", f"/api/v1/orders/{order}")).json()["state"] == "paid"
        assert await desk.house.seats() == (1, 0)

    async def test_a_forged_callback_changes_nothing(self, desk: Desk) -> None:
        await desk.order()
        (payment,) = desk.house.provider.payments
        body = desk.house.provider.pay(payment)
        answer = await desk.http.post("/pay/fake/notify", content=body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "SIGNATURE_INVALID")
        assert await desk.house.tier() is Tier.NONE

    async def test_a_huge_or_misdirected_callback_is_refused(self, desk: Desk) -> None:
        assert (await desk.http.post("/pay/fake/notify", content=b"x" * 65_537, headers=GENUINE)).status_code == 413
        assert (await desk.http.post("/pay/bank/notify", content=b"{}", headers=GENUINE)).status_code == 404
        assert (await desk.http.get("/pay/fake/notify")).status_code == 405


async def test_a_lost_callback_is_looked_for_where_a_right_is_read_and_where_a_ticket_is_returned(desk: Desk) -> None:
    # both took the order for unpaid until somebody read it
    for user, key in (("ann", "key-1"), ("bea", "key-2")):
        order = (await desk.order(user, key=key)).json()["order"]
        payments = desk.house.provider.payments
        desk.house.provider.pay(next(name for name, payment in payments.items() if payment.request.order == order))
        if user == "ann":
            worth = await desk.ask("GET", "/api/v1/entitlements/show", user)
            assert (worth.status_code, worth.json()["tier"]) == (200, "main")
        else:
            answer = await desk.ask("POST", f"/api/v1/orders/{order}/refunds", user, REASON)
            assert answer.status_code == 202


async def test_who_places_and_cancels_in_a_loop_waits(desk: Desk) -> None:
    for number in range(MOST_CANCELLED):
        order = (await desk.order(key=f"key-{number}")).json()["order"]
        assert (await desk.ask("POST", f"/api/v1/orders/{order}/cancel")).status_code == 200
    refused = await desk.order(key="one-too-many")
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "RATE_LIMITED")


async def test_of_orders_that_are_over_the_newest_are_listed_and_of_those_that_stand_all(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders_sql, "MAX_ENDED", 2)
    paid = await desk.paid_order()
    ended = []
    for number in range(3):
        desk.house.clock.advance(1)
        order = (await desk.order(key=f"vip-{number}", items=[{"product": "vip"}])).json()["order"]
        await desk.ask("POST", f"/api/v1/orders/{order}/cancel")
        ended.append(order)
    listed = (await desk.ask("GET", "/api/v1/orders?show=show")).json()["orders"]
    assert [order["order"] for order in listed] == [paid, *ended[1:]]
