from auth.identity import Tier
from presale.entitlements import entitlements_sql
from presale.entitlements.entitlements import Entitlement, Guest
from presale.orders.orders import Order
from tests.presale.house import AGAIN, FAN, RIVAL, SHOW, VIP, House


async def test_somebody_without_a_ticket_has_none_at_version_zero(house: House) -> None:
    async with house.db.read() as connection:
        assert await entitlements_sql.load(connection, SHOW, FAN) == Entitlement(Tier.NONE, 0)
        assert await entitlements_sql.history(connection, SHOW, FAN) == []


async def test_history_tells_every_change_with_its_time(house: House) -> None:
    start = house.clock.now_ms
    await house.paid(key="key-main")
    house.clock.advance(10)
    vip = await house.paid(FAN, VIP, key="key-vip0")
    house.clock.advance(10)
    await house.return_ticket(vip)
    async with house.db.read() as connection:
        history = await entitlements_sql.history(connection, SHOW, FAN)
        now = await entitlements_sql.load(connection, SHOW, FAN)
    assert history == [(start, Tier.MAIN), (start + 10, Tier.VIP), (start + 20, Tier.MAIN)]
    assert now == Entitlement(Tier.MAIN, 3)


async def test_a_second_ticket_of_the_same_tier_changes_nothing(house: House) -> None:
    await house.paid()
    await house.offer_again()
    again = await house.place(FAN, AGAIN, key="key-0002", again=True)
    assert isinstance(again, Order)
    assert await house.callback(house.provider.pay(again.payment)) is None
    assert await house.credits() == 30
    async with house.db.read() as connection:
        assert await entitlements_sql.load(connection, SHOW, FAN) == Entitlement(Tier.MAIN, 1)


async def test_changes_since_a_time_include_lost_rights_and_the_guest_list_does_not(house: House) -> None:
    order = await house.paid()
    house.clock.advance(10)
    mark = house.clock.now_ms
    await house.paid(RIVAL, VIP)
    await house.return_ticket(order)
    async with house.db.read() as connection:
        changed = await entitlements_sql.changes_since(connection, SHOW, mark)
        later = await entitlements_sql.changes_since(connection, SHOW, mark + 1)
        guests = await entitlements_sql.list_all(connection, SHOW)
    assert [(at_ms, event.user, event.tier, event.version) for at_ms, event in changed] == [
        (mark, RIVAL, Tier.VIP, 1),
        (mark, FAN, Tier.NONE, 2),
    ]
    assert later == []
    assert guests == [Guest(RIVAL, Tier.VIP, 1)]
