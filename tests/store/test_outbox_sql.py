import asyncio

from store import outbox_sql
from store.database_sql import Database
from tests.store.fakes import FakeClock


async def emit(db: Database, *bodies: str, room: str = "room") -> None:
    async with db.write() as uow:
        for body in bodies:
            await uow.emit(room, body.encode(), "none")


async def bodies(db: Database, limit: int = 100) -> list[str]:
    return [row.body.decode() for row in await outbox_sql.claim(db, limit, 1000)]


async def test_rows_are_claimed_in_the_order_of_commits(db: Database) -> None:
    await emit(db, "1", "2")
    await emit(db, "3")
    assert await bodies(db) == ["1", "2", "3"]


async def test_a_claimed_row_is_nobody_elses(db: Database) -> None:
    await emit(db, *(str(number) for number in range(20)), room="a")
    await emit(db, *(str(number) for number in range(20)), room="b")
    claims = await asyncio.gather(*(bodies(db, 50) for _ in range(4)))
    assert sum(len(claim) for claim in claims) == 40


async def test_a_crashed_relay_repeats_its_rows_after_the_lease(db: Database, clock: FakeClock) -> None:
    await emit(db, "1", "2")
    assert await bodies(db) == ["1", "2"]
    clock.advance(999)
    assert await bodies(db) == []
    clock.advance(1)
    assert await bodies(db) == ["1", "2"]


async def test_no_row_overtakes_an_earlier_one_of_its_room(db: Database, clock: FakeClock) -> None:
    await emit(db, "1", "2")
    assert await bodies(db, limit=1) == ["1"]
    await emit(db, "other", room="other")
    assert await bodies(db) == ["other"]
    clock.advance(1000)
    assert await bodies(db) == ["1", "2", "other"]


async def test_done_rows_are_gone_and_released_ones_come_back_at_once(db: Database) -> None:
    await emit(db, "1", "2")
    first, second = await outbox_sql.claim(db, 10, 1000)
    await outbox_sql.settle(db, done=[first.id])
    await outbox_sql.settle(db, free=[second.id])
    assert await bodies(db) == ["2"]
    await outbox_sql.settle(db, done=[second.id])
    async with db.read() as connection:
        assert await outbox_sql.pending(connection) == 0
