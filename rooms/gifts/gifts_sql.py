"""Committed gifts in SQL: each once per key, with the room's totals and leaderboard."""

from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.denials import Code, Denied
from auth.identity import RoomId, Tier, UserId
from pubsub.broker import Retention
from rooms.encoding import encode
from rooms.gifts import leaderboard as ranking
from rooms.gifts.events import GiftSent, LeaderboardChanged
from rooms.gifts.gifts import GiftRecord, GiftTotals
from rooms.gifts.leaderboard import LeaderboardItem, LeaderboardRecord
from rooms.gifts.tables_sql import gift_givers, gifts, room_totals
from store.database_sql import UnitOfWork
from store.dialect_sql import insert_or_ignore


async def record(uow: UnitOfWork, gift: GiftRecord) -> GiftRecord | Denied:
    """Write a paid gift down and tell the room; the wallet is the caller's, in the same transaction.

    The room exists. A second gift of the same room, user and key is not written: where it is the same gift, the
    first one is answered (compare the ids), else IDEMPOTENCY_REUSED. Who has spent for it already rolls back.
    """
    row = {
        "id": gift.id,
        "room_id": gift.room,
        "user_id": gift.user,
        "key": gift.key,
        "name": gift.name,
        "gift": gift.gift,
        "quantity": gift.count,
        "credits": gift.credits,
        "floor": gift.floor,
        "at_ms": gift.at_ms,
    }
    if not await insert_or_ignore(uow.connection, gifts, ("room_id", "user_id", "key"), row):
        known = await find(uow.connection, gift.room, gift.user, gift.key)
        same = known is not None and (known.gift, known.count) == (gift.gift, gift.count)
        return known if known is not None and same else Denied(Code.IDEMPOTENCY_REUSED)
    counted = await _count(uow, gift)
    await _credit_giver(uow, gift)
    sent = GiftSent(
        id=gift.id,
        user=gift.user,
        name=gift.name,
        gift=gift.gift,
        count=gift.count,
        credits=gift.credits,
        at_ms=gift.at_ms,
        floor=gift.floor,
        room_credits=counted.credits,
    )
    await uow.emit(gift.room, encode(sent), Retention.LONG)
    items = await _top(uow.connection, gift.room)
    if any(item.user == gift.user for item in items):
        await uow.emit(gift.room, encode(LeaderboardChanged(items, counted.gifts)), Retention.NONE)
    return gift


async def find(connection: AsyncConnection, room: RoomId, user: UserId, key: str) -> GiftRecord | None:
    """The gift committed under a sender's key."""
    committed = select(gifts).where(gifts.c.room_id == room, gifts.c.user_id == user, gifts.c.key == key)
    row = (await connection.execute(committed)).one_or_none()
    return None if row is None else _gift(row)


async def totals(connection: AsyncConnection, room: RoomId) -> GiftTotals:
    """All gifts so far; the room exists."""
    row = (await connection.execute(select(room_totals).where(room_totals.c.room_id == room))).one()
    return GiftTotals(row.gift_credits, row.gifts)


async def leaderboard(connection: AsyncConnection, room: RoomId) -> LeaderboardRecord:
    """The most generous fans now; the room exists."""
    return LeaderboardRecord(await _top(connection, room), (await totals(connection, room)).gifts)


async def _count(uow: UnitOfWork, gift: GiftRecord) -> GiftTotals:
    """Add to the totals. The row stays locked until the commit, so gifts of one room come one after another."""
    counted = await uow.connection.execute(
        update(room_totals)
        .where(room_totals.c.room_id == gift.room)
        .values(gifts=room_totals.c.gifts + 1, gift_credits=room_totals.c.gift_credits + gift.credits)
        .returning(room_totals.c.gift_credits, room_totals.c.gifts)
    )
    row = counted.one()
    return GiftTotals(row.gift_credits, row.gifts)


async def _credit_giver(uow: UnitOfWork, gift: GiftRecord) -> None:
    row = {"room_id": gift.room, "user_id": gift.user, "name": gift.name, "credits": gift.credits}
    if not await insert_or_ignore(uow.connection, gift_givers, ("room_id", "user_id"), row):
        giver = (gift_givers.c.room_id == gift.room) & (gift_givers.c.user_id == gift.user)
        await uow.connection.execute(
            update(gift_givers).where(giver).values(name=gift.name, credits=gift_givers.c.credits + gift.credits)
        )


async def _top(connection: AsyncConnection, room: RoomId) -> tuple[LeaderboardItem, ...]:
    most = (
        select(gift_givers)
        .where(gift_givers.c.room_id == room)
        .order_by(gift_givers.c.credits.desc(), gift_givers.c.user_id)
        .limit(ranking.SIZE)
    )
    rows = await connection.execute(most)
    return ranking.top(LeaderboardItem(UserId(row.user_id), row.name, row.credits) for row in rows)


def _gift(row: Row[Any]) -> GiftRecord:
    return GiftRecord(
        id=row.id,
        room=RoomId(row.room_id),
        user=UserId(row.user_id),
        name=row.name,
        gift=row.gift,
        count=row.quantity,
        credits=row.credits,
        key=row.key,
        at_ms=row.at_ms,
        floor=Tier(row.floor),
    )
