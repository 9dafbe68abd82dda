import msgspec

from auth.identity import RoomId, ShowId
from presale import shows_sql
from tests.presale.house import MAIN, SHOW, VIP, House, product, show


async def test_shows_are_found_by_id_and_by_room(house: House) -> None:
    expected = show(house.clock.now_ms)
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


async def test_a_schedule_moves_with_a_new_version(house: House) -> None:
    async with house.db.write() as uow:
        await shows_sql.update_schedule(uow, SHOW, 5, 6)
    async with house.db.read() as connection:
        moved = await shows_sql.load_show(connection, SHOW)
    assert moved == msgspec.structs.replace(show(house.clock.now_ms), doors_ms=5, start_ms=6, version=2)
