"""Danmaku in SQL: written in batches after they were said, for pins, retractions, cards and replay."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Row, Select, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.identity import Role, RoomId, Tier, UserId
from rooms.chat.danmaku import DanmakuStyle
from rooms.chat.events import DanmakuSaid
from rooms.chat.tables_sql import danmaku, retractions
from store.database_sql import UnitOfWork
from store.dialect_sql import insert_or_ignore_all


async def store_batch(uow: UnitOfWork, said: Mapping[RoomId, Sequence[DanmakuSaid]]) -> None:
    """Write what is not written yet, by room and id. Tells nobody: it has all been said."""
    rows = [_row(room, item) for room, items in said.items() for item in items]
    if rows:
        await insert_or_ignore_all(uow.connection, danmaku, ("room_id", "id"), rows)


async def find(connection: AsyncConnection, room: RoomId, danmaku_id: str) -> DanmakuSaid | None:
    """A stored danmaku; None where there is none or it was retracted."""
    row = (await connection.execute(_standing(room).where(danmaku.c.id == danmaku_id))).one_or_none()
    return None if row is None else _said(row)


async def recent(connection: AsyncConnection, room: RoomId, limit: int) -> list[DanmakuSaid]:
    """The latest stored danmaku that were not retracted, oldest first."""
    latest = _standing(room).order_by(danmaku.c.at_ms.desc(), danmaku.c.id.desc()).limit(limit)
    return [_said(row) for row in reversed((await connection.execute(latest)).all())]


async def last_said(connection: AsyncConnection, room: RoomId, since_ms: int, limit: int) -> list[tuple[UserId, int]]:
    """When everybody spoke last who spoke since a time, retracted or not; the latest speaker comes last."""
    last_ms = func.max(danmaku.c.at_ms)
    chosen = (
        select(danmaku.c.user_id, last_ms)
        .where(danmaku.c.room_id == room, danmaku.c.at_ms >= since_ms)
        .group_by(danmaku.c.user_id)
        .order_by(last_ms.desc())
        .limit(limit)
    )
    rows = (await connection.execute(chosen)).all()
    return [(UserId(user), at_ms) for user, at_ms in reversed(rows)]


def _standing(room: RoomId) -> Select[Any]:
    retracted = select(retractions.c.danmaku_id).where(
        retractions.c.room_id == danmaku.c.room_id, retractions.c.danmaku_id == danmaku.c.id
    )
    return select(danmaku).where(danmaku.c.room_id == room, ~retracted.exists())


def _row(room: RoomId, item: DanmakuSaid) -> dict[str, object]:
    return {
        "room_id": room,
        "id": item.id,
        "user_id": item.user,
        "name": item.name,
        "text": item.text,
        "tier": item.tier,
        "role": item.role,
        "style": None if item.style is None else msgspec.json.encode(item.style).decode(),
        "floor": item.floor,
        "at_ms": item.at_ms,
    }


def _said(row: Row[Any]) -> DanmakuSaid:
    return DanmakuSaid(
        id=row.id,
        user=UserId(row.user_id),
        name=row.name,
        text=row.text,
        tier=Tier(row.tier),
        role=Role(row.role),
        style=None if row.style is None else msgspec.json.decode(row.style, type=DanmakuStyle),
        at_ms=row.at_ms,
        floor=Tier(row.floor),
    )
