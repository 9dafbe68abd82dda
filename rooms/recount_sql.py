"""What a room has on record, counted row by row."""

from msgspec import Struct
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.identity import RoomId
from rooms.chat.tables_sql import danmaku, retractions
from rooms.gifts.tables_sql import gifts


class RoomRecount(Struct, frozen=True):
    """Stored danmaku (retracted ones included), their retractions, and gifts with the credits they cost."""

    danmaku: int
    retractions: int
    gifts: int
    gift_credits: int


async def recount(connection: AsyncConnection, room: RoomId) -> RoomRecount:
    """Count again. Danmaku reach SQL a moment after they were said."""
    said = select(func.count()).select_from(danmaku).where(danmaku.c.room_id == room)
    retracted = select(func.count()).select_from(retractions).where(retractions.c.room_id == room)
    given = select(func.count(), func.coalesce(func.sum(gifts.c.credits), 0)).where(gifts.c.room_id == room)
    sent, credits_ = (await connection.execute(given)).one()
    return RoomRecount(
        danmaku=(await connection.execute(said)).scalar_one(),
        retractions=(await connection.execute(retracted)).scalar_one(),
        gifts=sent,
        gift_credits=int(credits_),
    )
