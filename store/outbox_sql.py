"""The outbox: publications committed with the change they announce, waiting to be relayed.

Rows are claimed by lease, not by `id > last`, so that a row committed late is never passed over. A row is
not claimed while an earlier one of its room is leased to somebody else: the order of a room survives any
number of relays, and a crashed relay only delays it by the lease.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import and_, delete, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from store.database_sql import Database
from store.tables_sql import outbox


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One publication to relay."""

    id: str
    room: str
    body: bytes
    retention: str
    at_ms: int


async def claim(db: Database, limit: int, lease_ms: int, done: Sequence[str] = ()) -> list[OutboxRow]:
    """Lease the oldest free rows, in commit order. They come back after `lease_ms` unless they are done.

    `done` are rows claimed before that the broker has accepted: they are forgotten in the same transaction.
    """
    async with db.write(express=True) as uow:
        await uow.take_turn("outbox")  # a lease nobody can see yet would let the next row of its room pass
        if done:
            await uow.connection.execute(delete(outbox).where(outbox.c.id.in_(done)))
        earlier = outbox.alias()
        taken = exists().where(
            and_(
                earlier.c.room == outbox.c.room,
                earlier.c.seq < outbox.c.seq,
                earlier.c.lease_until_ms > uow.now_ms,
            )
        )
        free = (
            select(outbox.c.seq)
            .where(outbox.c.lease_until_ms <= uow.now_ms, ~taken)
            .order_by(outbox.c.seq)
            .limit(limit)
        )
        claimed = await uow.connection.execute(
            update(outbox)
            .where(outbox.c.seq.in_(free), outbox.c.lease_until_ms <= uow.now_ms)
            .values(lease_until_ms=uow.now_ms + lease_ms)
            .returning(outbox)
        )
        rows = sorted(claimed, key=lambda row: row.seq)  # RETURNING promises no order
    return [OutboxRow(row.id, row.room, row.body, row.retention, row.at_ms) for row in rows]


async def settle(db: Database, *, done: Sequence[str] = (), free: Sequence[str] = ()) -> None:
    """Delete rows that the broker has accepted, and release at once those that it could not take."""
    if not done and not free:
        return
    async with db.write(express=True) as uow:
        await uow.connection.execute(delete(outbox).where(outbox.c.id.in_(done)))
        await uow.connection.execute(update(outbox).where(outbox.c.id.in_(free)).values(lease_until_ms=0))


async def rooms_behind(connection: AsyncConnection, before_ms: int) -> frozenset[str]:
    """Rooms with a publication that was committed before a time and still waits. Cheap while there is none."""
    oldest = (await connection.execute(select(outbox.c.at_ms).order_by(outbox.c.seq).limit(1))).scalar_one_or_none()
    if oldest is None or oldest >= before_ms:
        return frozenset()
    waiting = select(outbox.c.room).where(outbox.c.at_ms < before_ms).distinct()
    return frozenset(row.room for row in await connection.execute(waiting))


async def pending(connection: AsyncConnection) -> int:
    """How many publications wait, leased ones included."""
    return (await connection.execute(select(func.count()).select_from(outbox))).scalar_one()
