"""A room in a real database, and what it told."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Table, delete, func, select

from auth.denials import Code
from auth.identity import Role, RoomId, ShowId, Tier, UserId
from auth.situation import Access, Phase
from gateway.features.registry import BOOK
from rooms.audit import audit_sql
from rooms.audit.events import AuditRecorded
from rooms.chat import danmaku_sql
from rooms.chat.events import DanmakuSaid
from rooms.course.room import RoomRecord
from store.database_sql import Database, UnitOfWork
from store.metadata_sql import metadata
from store.tables_sql import outbox

ROOM, SHOW, HOST = RoomId("room"), ShowId("show"), UserId("host")
ANN, BEN = UserId("ann"), UserId("ben")
OPENING = RoomRecord(ROOM, SHOW, "Opening night", Access.TICKETED, Phase.DRAFT, 10_000, 20_000)

P = ParamSpec("P")
T = TypeVar("T")


@dataclass
class Stagehouse:
    """Runs one adapter function per transaction and reads back everything it left."""

    db: Database

    async def do(self, act: Callable[Concatenate[UnitOfWork, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        async with self.db.write() as uow:
            return await act(uow, *args, **kwargs)

    async def told(self) -> list[Any]:
        """Events committed since the last call, in order, without the audit's."""
        return [event for event, _ in await self.outbox() if not isinstance(event, AuditRecorded)]

    async def outbox(self) -> list[tuple[Any, str]]:
        """Events and their retention, since the last call."""
        async with self.db.write() as uow:
            rows = (await uow.connection.execute(select(outbox).order_by(outbox.c.seq))).all()
            await uow.connection.execute(delete(outbox))
        assert {row.room for row in rows} <= {ROOM, "other"}
        return [(BOOK.decode(row.body), row.retention) for row in rows]

    async def trail(self) -> list[tuple[str, str, str]]:
        """The audit's (by, action, target), oldest first."""
        async with self.db.read() as connection:
            return [(one.by, one.action, one.target) for one in await audit_sql.recent(connection, ROOM, 1_000)]

    async def snapshot(self) -> dict[str, list[Any]]:
        """Every row of every table, to prove that nothing changed."""
        async with self.db.read() as connection:
            return {
                table.name: sorted(map(repr, await connection.execute(select(table))))
                for table in metadata.sorted_tables
            }

    async def count(self, table: Table) -> int:
        async with self.db.read() as connection:
            return (await connection.execute(select(func.count()).select_from(table))).scalar_one()

    async def say(self, danmaku_id: str, text: str = "hi", floor: Tier = Tier.MAIN) -> DanmakuSaid:
        """Store one danmaku of Ann's."""
        said = DanmakuSaid(danmaku_id, ANN, "Ann", text, Tier.MAIN, Role.VIEWER, None, 1_000, floor)
        await self.do(danmaku_sql.store_batch, {ROOM: [said]})
        return said


def code_of(outcome: object) -> Code | None:
    """The code of a refusal."""
    return getattr(outcome, "code", None)
