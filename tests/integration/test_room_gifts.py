"""Gifts, wallets, likes and the numbers on every screen: sales, revenue, presence, audit."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import update

from auth.denials import Denied
from auth.identity import RoomId, ShowId, UserId
from gateway.features.audit.books import audit_house
from gateway.setup import clock as ambient
from presale.books import ledger
from presale.tables_sql import ledger_transactions
from rooms.gifts import gifts_sql
from rooms.gifts.gifts import GiftRecord, spending_key
from store.database_sql import Database, RacedError, UnitOfWork
from store.findings import Finding
from tests.integration.clients import Client
from tests.integration.evening import CAPACITY, CREDITS, PRICE_MINOR, Evening, denied, done, evening
from tests.integration.running import Liveroom

pytestmark = pytest.mark.asyncio(loop_scope="package")

KEY = "a-key-of-this-gift"


@asynccontextmanager
async def books(house: Liveroom) -> AsyncIterator[Database]:
    """The house's own database, opened beside it."""
    url = house.settings.effective_database_url
    database = await Database.open(url, clock=ambient.now_ms, new_id=ambient.new_id)
    try:
        yield database
    finally:
        await database.close()


async def findings(house: Liveroom) -> list[Finding]:
    """What `liveroom audit` says."""
    async with books(house) as database, database.survey() as connection:
        return await audit_house(connection)


async def test_a_gift_is_paid_once_and_seen_by_everybody_inside(house: Liveroom) -> None:
    async with evening(house, "doors") as show:
        foyer, fan, other = await show.fan("passer-by", None), await show.fan("mei"), await show.fan("li")
        gift = {"gift": "cheer", "count": 2, "key": KEY}
        given = await done(fan, "gift", gift)
        assert given["wallet"]["credits"] == CREDITS["main"] - 10
        seen = (await other.wait("gift"))["items"]
        assert [(item["id"], item["user"], item["gift"], item["count"], item["credits"]) for item in seen] == [
            (given["id"], "mei", "cheer", 2, 10)
        ]
        wallet = await fan.wait("wallet", lambda told: told["credits"] == 90)
        assert wallet == given["wallet"]
        assert wallet not in other.all("wallet")

        assert await done(fan, "gift", gift) == given
        refused = await denied(fan, "gift", {**gift, "gift": "rose"})
        assert (refused["code"], refused["retryable"]) == ("IDEMPOTENCY_REUSED", False)
        await done(other, "gift", gift)  # another fan's key is another key
        await other.wait("gift", lambda told: told["items"][0]["user"] == "li")
        assert len(other.all("gift")) == 2
        assert foyer.all("gift") == []


async def test_a_key_sent_many_times_at_once_and_from_two_devices_spends_once(house: Liveroom) -> None:
    async with evening(house) as show:
        await show.role("mod", "moderator")  # staff may use as many devices as they like
        await show.ticket("mod")
        one, two = await show.enter("mod"), await show.enter("mod")
        gift = {"gift": "star", "key": KEY}
        acks = await asyncio.gather(*(device.send("gift", gift) for device in (one, two) for _ in range(5)))
        assert {ack["data"]["id"] for ack in acks} == {acks[0]["data"]["id"]}
        assert {ack["data"]["wallet"]["credits"] for ack in acks} == {CREDITS["main"] - 20}


async def test_a_gift_that_lost_a_race_is_decided_again(house: Liveroom, monkeypatch: pytest.MonkeyPatch) -> None:
    record, races = gifts_sql.record, iter([RacedError("once"), RacedError("twice")])

    async def raced(uow: UnitOfWork, gift: GiftRecord) -> GiftRecord | Denied:
        for race in races:
            raise race
        return await record(uow, gift)

    async with evening(house) as show:
        fan = await show.fan("mei")
        monkeypatch.setattr(gifts_sql, "record", raced)
        ack = await done(fan, "gift", {"gift": "star", "key": KEY})
        assert ack["wallet"]["credits"] == CREDITS["main"] - 20
        assert next(races, None) is None


async def test_no_key_of_one_fan_pays_for_the_gift_of_another(house: Liveroom) -> None:
    # ids and keys are free text: `a` sent a rose under a key that read as the castle's of the fan with the long id
    async with evening(house) as show:
        one, other = await show.fan("a", "vip"), await show.fan(f"a:gift:{show.room}:x", "vip")
        await done(one, "gift", {"gift": "rose", "key": f"x:gift:{show.room}:castle-00"})
        before = (await other.wait("welcome"))["you"]["wallet"]["credits"]
        castle = await done(other, "gift", {"gift": "castle", "key": "castle-00"})
        assert castle["wallet"]["credits"] == before - 500
        again = await denied(other, "gift", {"gift": "rose", "key": "another-key-0"})
        assert again["code"] == "INSUFFICIENT_CREDITS"
    assert await findings(house) == []


@pytest.mark.parametrize("user", ["mei", "tenant:42", "~3~a", "a:gift:room:x"])
async def test_a_gift_paid_before_the_upgrade_is_not_paid_again(house: Liveroom, user: str) -> None:
    # rows of older versions have keys without lengths
    async with evening(house) as show:
        fan = await show.fan(user)
        gift = {"gift": "star", "key": "sent-before-1"}
        given = await done(fan, "gift", gift)
        old = ledger.credits_spent_before(
            spending_key(RoomId(show.room), "sent-before-1"), ShowId(show.show), UserId(user), 20
        )
        async with books(house) as database, database.write() as uow:
            key = ledger_transactions.c.key
            mine = key.endswith("sent-before-1") & key.contains(show.show)
            rewritten = await uow.connection.execute(update(ledger_transactions).where(mine).values(key=old.key))
            assert rewritten.rowcount == 1
        assert await done(fan, "gift", gift) == given
        assert (await done(fan, "gift", {"gift": "rose", "key": "sent-after-01"}))["wallet"]["credits"] == 79
    assert await findings(house) == []


async def test_a_gift_sent_again_is_answered_after_the_right_has_ended(house: Liveroom) -> None:
    async with evening(house, "doors") as show:
        number = await show.ticket("mei")
        fan, stranger = await show.enter("mei"), await show.fan("passer-by", None)
        gift = {"gift": "star", "key": KEY}
        given = await done(fan, "gift", gift)
        await show.switch(gifts="off")
        assert await done(fan, "gift", gift) == given
        assert (await denied(fan, "gift", {**gift, "key": "a-new-key-now"}))["code"] == "CLOSED"
        assert (await denied(fan, "gift", {**gift, "count": 2}))["code"] == "IDEMPOTENCY_REUSED"
        await show.refund("mei", number)
        await fan.wait("tier", lambda told: told["tier"] == "none")
        again = await done(fan, "gift", gift)
        assert (again["id"], again["wallet"]["credits"]) == (given["id"], 0)
        assert not (await fan.send("gift", {**gift, "key": "a-new-key-now"}))["ok"]
        back = await show.enter("mei")  # the ack was lost with the connection
        assert (await done(back, "gift", gift))["id"] == given["id"]
        assert not (await stranger.send("gift", gift))["ok"]  # the same key of somebody else is unknown
    assert await findings(house) == []


@pytest.mark.parametrize(
    ("gift", "code"),
    [
        ({"gift": "castle", "key": KEY}, "INSUFFICIENT_CREDITS"),
        ({"gift": "unicorn", "key": KEY}, "GIFT_UNKNOWN"),
        ({"gift": "rose", "count": 0, "key": KEY}, "BAD_REQUEST"),
        ({"gift": "rose", "count": 1000, "key": KEY}, "BAD_REQUEST"),
        ({"gift": "rose", "count": True, "key": KEY}, "BAD_REQUEST"),
        ({"gift": "rose", "key": "short"}, "BAD_REQUEST"),
        ({"gift": "rose"}, "BAD_REQUEST"),
    ],
)
async def test_a_refused_gift_costs_nothing_and_is_told_to_nobody(
    house: Liveroom, gift: dict[str, object], code: str
) -> None:
    async with evening(house) as show:
        fan = await show.fan("mei")
        assert (await denied(fan, "gift", gift))["code"] == code
        await done(fan, "gift", {"gift": "rose", "key": "the-next-good-one"})
        await fan.wait("gift")
        assert (await fan.wait("wallet", lambda told: told["version"] > 1))["credits"] == CREDITS["main"] - 1
        assert len(show.host.all("gift")) <= 1


async def test_the_leaderboard_ranks_the_most_generous(house: Liveroom) -> None:
    async with evening(house) as show:
        mei, li = await show.fan("mei"), await show.fan("li")
        await done(mei, "gift", {"gift": "star", "key": "mei-gift-1"})
        await done(li, "gift", {"gift": "rose", "count": 19, "key": "li-gift-01"})
        await _ranked(mei, [("mei", 20), ("li", 19)])
        await done(li, "gift", {"gift": "rose", "count": 2, "key": "li-gift-02"})
        await _ranked(mei, [("li", 21), ("mei", 20)])
        welcome = await (await show.enter("mei")).wait("welcome")
        assert [item["user"] for item in welcome["leaderboard"]["items"]] == ["li", "mei"]
        assert welcome["you"]["wallet"]["credits"] == CREDITS["main"] - 20


async def test_likes_of_everybody_add_up(house: Liveroom) -> None:
    async with evening(house) as show:
        mei, li = await show.fan("mei"), await show.fan("li")
        for fan, count in ((mei, 3), (li, 4), (mei, 1)):
            await done(fan, "like", {"count": count})
        assert (await mei.wait("like", lambda told: told["total"] == 8))["total"] == 8
        assert (await (await show.enter("li")).wait("welcome"))["like"]["total"] == 8
        assert (await denied(mei, "like", {"count": 101}))["code"] == "BAD_REQUEST"


async def test_presence_counts_the_viewers_and_not_the_consoles(house: Liveroom) -> None:
    async with evening(house) as show:
        first = await show.fan("mei")
        await first.wait("presence", lambda told: told["online"] == 1)
        second = await show.fan("li")
        await first.wait("presence", lambda told: told["online"] == 2)
        assert (await (await show.fan("late")).wait("welcome"))["presence"]["online"] == 2
        await first.wait("presence", lambda told: told["online"] == 3)
        mark = first.mark()
        await second.close()
        await first.wait("presence", lambda told: told["online"] == 2, since=mark)


async def test_sales_count_orders_tickets_and_refunds_on_every_screen(house: Liveroom) -> None:
    async with evening(house, "presale") as show:
        foyer = await show.fan("passer-by", None)
        order = await house.order(show.token("mei"), show.show, show.products["main"], "sales-order")
        await _sales(foyer, show, sold=0, held=1, left=CAPACITY["main"] - 1)
        await house.cashier(order["pay_url"])
        await _sales(foyer, show, sold=1, held=0, left=CAPACITY["main"] - 1)
        await show.refund("mei", order["order"])
        await _sales(foyer, show, sold=0, held=0, left=CAPACITY["main"])
        versions = [told["version"] for told in foyer.all("sales")]
        assert versions == sorted(versions)


async def test_a_host_may_hide_how_many_are_left(house: Liveroom) -> None:
    async with evening(house, "presale") as show:
        foyer = await show.fan("passer-by", None)
        mark, host_mark = foyer.mark(), show.host.mark()
        await show.switch(sales_left=False)
        hidden = await foyer.wait("sales", since=mark)
        assert [product.get("left") for product in hidden["products"]] == [None, None]
        shown = await show.host.wait("sales", since=host_mark)
        assert [product["left"] for product in shown["products"]] == [100, 10]
        welcome = await (await show.enter("passer-by")).wait("welcome")
        assert [product.get("left") for product in welcome["sales"]["products"]] == [None, None]
        told = (await house.http.get(f"/api/v1/shows/{show.show}")).json()
        assert [(product["left"], product["capacity"]) for product in told["products"]] == [(None, None)] * 2
        await show.ticket("mei")
        await foyer.wait("sales", lambda told: told["products"][0]["sold"] == 1)
        assert all("left" not in product for told in foyer.all("sales", since=mark) for product in told["products"])


async def test_the_console_follows_money_and_gifts(house: Liveroom) -> None:
    async with evening(house) as show:
        order = await show.ticket("mei")
        await show.ticket("li", "vip")
        gross = PRICE_MINOR["main"] + PRICE_MINOR["vip"]
        fan = await show.enter("mei")
        await done(fan, "gift", {"gift": "rose", "count": 5, "key": KEY})
        money = await show.host.wait("revenue", lambda told: told["gift_credits"] == 5)
        assert (money["currency"], money["gross_minor"], money["refunded_minor"], money["orders_paid"]) == (
            "CNY",
            gross,
            0,
            2,
        )
        refund = (await show.refund("mei", order)).json()
        assert refund["amount_minor"] == PRICE_MINOR["main"] - 5 * 10  # spent credits are deducted
        await show.host.wait("revenue", lambda told: told["refunded_minor"] == refund["amount_minor"])
        assert (await fan.wait("wallet", lambda told: told["credits"] == 0))["version"] > 1
        assert fan.all("revenue") + fan.all("audit") + fan.all("health") == []
        again = await show.enter("host", "/console")
        assert (await again.wait("revenue"))["gift_credits"] == 5


async def test_every_act_of_the_staff_is_on_record(house: Liveroom) -> None:
    async with evening(house) as show:
        await done(show.host, "mute", {"user": "mei"})
        pins = await done(show.host, "announce", {"text": "Welcome"})
        await done(show.host, "room:switches", {"slow_ms": 1_000})
        await show.host.wait("audit", lambda told: told["items"][-1]["action"] == "room:switches")
        entries = [
            (item["by"], item["action"], item["target"]) for told in show.host.all("audit") for item in told["items"]
        ]
        assert entries[-3:] == [
            ("host", "mute", "mei"),
            ("host", "announce", pins["items"][0]["id"]),
            ("host", "room:switches", "slow_ms=1000"),
        ]
        again = await show.enter("host", "/console")
        snapshot = (await again.wait("audit"))["items"]
        assert [(item["by"], item["action"], item["target"]) for item in snapshot][-3:] == entries[-3:]
        assert [item["action"] for item in snapshot][:2] == ["room:create", "role:grant"]


async def _ranked(socket: Client, wanted: list[tuple[str, int]]) -> None:
    await socket.wait("leaderboard", lambda told: [(item["user"], item["credits"]) for item in told["items"]] == wanted)


async def _sales(socket: Client, show: Evening, **wanted: int) -> None:
    wish = {"id": show.products["main"], **wanted}
    await socket.wait("sales", lambda told: wish in told["products"])
