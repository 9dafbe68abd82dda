"""Gifts on a real database: once per key, whatever happens at once."""

import asyncio

from msgspec import structs

from auth.denials import Code
from auth.identity import Tier, UserId
from rooms.gifts import gifts_sql
from rooms.gifts.events import GiftSent, LeaderboardChanged
from rooms.gifts.gifts import GiftRecord, GiftTotals
from rooms.gifts.leaderboard import SIZE, LeaderboardItem, LeaderboardRecord
from rooms.gifts.tables_sql import gifts
from tests.rooms.stagehouse import ANN, BEN, ROOM, Stagehouse, code_of

ROSES = GiftRecord("g1", ROOM, ANN, "Ann", "rose", 3, 3, "key-0001", 1_000, Tier.MAIN)


async def totals(house: Stagehouse) -> GiftTotals:
    async with house.db.read() as connection:
        return await gifts_sql.totals(connection, ROOM)


async def test_a_gift_is_stored_told_and_counted(house: Stagehouse) -> None:
    assert await totals(house) == GiftTotals(0, 0)
    assert await house.do(gifts_sql.record, ROSES) == ROSES
    async with house.db.read() as connection:
        assert await gifts_sql.find(connection, ROOM, ANN, "key-0001") == ROSES
        assert await gifts_sql.find(connection, ROOM, BEN, "key-0001") is None
    assert await house.outbox() == [
        (GiftSent("g1", ANN, "Ann", "rose", 3, 3, 1_000, Tier.MAIN, 3), "long"),
        (LeaderboardChanged((LeaderboardItem(ANN, "Ann", 3),), 1), "none"),
    ]
    assert await totals(house) == GiftTotals(3, 1)


async def test_one_key_is_one_gift_even_when_sent_at_once(house: Stagehouse) -> None:
    again = [structs.replace(ROSES, id=f"g{number}") for number in range(1, 6)]
    outcomes = await asyncio.gather(*(house.do(gifts_sql.record, gift) for gift in again))
    assert len({outcome.id for outcome in outcomes if isinstance(outcome, GiftRecord)}) == 1
    assert await house.count(gifts) == 1
    assert await totals(house) == GiftTotals(3, 1)
    assert [type(event) for event in await house.told()] == [GiftSent, LeaderboardChanged]


async def test_a_key_used_for_another_gift_is_refused_and_changes_nothing(house: Stagehouse) -> None:
    await house.do(gifts_sql.record, ROSES)
    before = await house.snapshot()
    for other in (structs.replace(ROSES, id="g2", gift="star"), structs.replace(ROSES, id="g2", count=4)):
        assert code_of(await house.do(gifts_sql.record, other)) is Code.IDEMPOTENCY_REUSED
    assert await house.snapshot() == before
    same_key_of_ben = structs.replace(ROSES, id="g2", user=BEN)
    assert await house.do(gifts_sql.record, same_key_of_ben) == same_key_of_ben


async def test_the_leaderboard_adds_up_and_shows_the_latest_name(house: Stagehouse) -> None:
    await house.do(gifts_sql.record, ROSES)
    await house.do(gifts_sql.record, structs.replace(ROSES, id="g2", user=BEN, name="Ben", credits=5, key="key-0002"))
    await house.do(gifts_sql.record, structs.replace(ROSES, id="g3", name="Anna", credits=4, key="key-0003"))
    async with house.db.read() as connection:
        board = await gifts_sql.leaderboard(connection, ROOM)
    assert board == LeaderboardRecord((LeaderboardItem(ANN, "Anna", 7), LeaderboardItem(BEN, "Ben", 5)), 3)
    assert (await house.told())[-1] == LeaderboardChanged(board.items, board.version)


async def test_a_gift_below_the_top_moves_no_leaderboard(house: Stagehouse) -> None:
    for number in range(SIZE):
        fan = UserId(f"fan{number}")
        await house.do(gifts_sql.record, structs.replace(ROSES, id=f"big{number}", user=fan, credits=100))
    await house.told()
    await house.do(gifts_sql.record, ROSES)
    assert [type(event) for event in await house.told()] == [GiftSent]


async def test_gifts_sent_at_once_all_count(house: Stagehouse) -> None:
    many = [structs.replace(ROSES, id=f"g{number}", key=f"key-{number:04}") for number in range(20)]
    await asyncio.gather(*(house.do(gifts_sql.record, gift) for gift in many))
    assert await totals(house) == GiftTotals(60, 20)
    boards = [event.version for event in await house.told() if isinstance(event, LeaderboardChanged)]
    assert boards == list(range(1, 21))
