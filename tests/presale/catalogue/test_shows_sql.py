import msgspec
import pytest

from auth.identity import RoomId, ShowId
from presale.catalogue import shows_sql
from store.database_sql import RacedError
from tests.presale.house import MAIN, SHOW, VIP, House, product, show


async def test_shows_are_found_by_id_and_by_room(house: House) -> None:
    expected = show()
    async with house.db.read() as connection:
        assert await shows_sql.load_show(connection, SHOW) == expected
        assert await shows_sql.load_show_of_room(connection, RoomId("room")) == expected
        assert await shows_sql.list_shows(connection) == [expected]
        assert await shows_sql.load_show(connection, ShowId("no")) is None


async def test_products_come_cheapest_first(house: House) -> None:
    async with house.db.read() as connection:
        products = await shows_sql.list_products(connection, SHOW)
    assert [each.id for each in products] == [MAIN, VIP]
    assert products[0] == product(MAIN, products[0].tier, 12_800, 10, 10)


async def test_what_changes_of_a_show_has_a_new_version_and_nobody_overwrites_a_newer_one(house: House) -> None:
    seen = show()
    changed = msgspec.structs.replace(seen, refund_until_ms=7, credit_minor=8)
    async with house.db.write() as uow:
        assert await shows_sql.update(uow, changed) == msgspec.structs.replace(changed, version=2)
    async with house.db.read() as connection:
        assert await shows_sql.load_show(connection, SHOW) == msgspec.structs.replace(changed, version=2)
    with pytest.raises(RacedError):
        async with house.db.write() as uow:
            await shows_sql.update(uow, seen)
