"""Tokens that were taken back, in SQL: what every process reads, at its start and while it runs."""

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.denials import Code, Denied
from auth.identity import UserId
from auth.revocations import LONGEST_MS, Kind, Revocation
from auth.tokens import is_token_id, is_user_id
from rooms import audit_sql
from rooms.tables_sql import token_revocations
from store.database_sql import UnitOfWork

MAX_REVOCATIONS = 100_000
"""At a time, each for a day: every process keeps them in memory."""
PAGE = 1_000


async def revoke(
    uow: UnitOfWork, kind: Kind, subject: str, by: UserId, *, most: int = MAX_REVOCATIONS
) -> Revocation | Denied:
    """Take back one token by its `jti`, or all that a user was given until now. Again: what was given since, too.

    Whether `by` may is the caller's to know. BAD_REQUEST for what can be no subject, BUSY where too many stand.
    """
    may_be = is_user_id(subject) if kind is Kind.USER else is_token_id(subject)
    if not may_be:
        return Denied(Code.BAD_REQUEST, detail={"field": "token_id" if kind is Kind.JTI else "user"})
    await uow.take_turn("revocations")  # so that versions rise in the order of commits, and no reader passes one over
    table, execute = token_revocations, uow.connection.execute
    await execute(delete(table).where(table.c.ends_ms <= uow.now_ms))
    count, newest = (await execute(select(func.count(), func.max(table.c.version)).select_from(table))).one()
    itself = (table.c.kind == kind) & (table.c.subject == subject)
    is_known = (await execute(select(table.c.version).where(itself))).first() is not None
    if count >= most and not is_known:
        return Denied(Code.BUSY)
    # not one more than the last row, which may have been dropped: a moment is later than all that stood a day ago
    version = max(uow.now_ms, (newest or 0) + 1)
    made = Revocation(kind, subject, uow.now_ms, uow.now_ms + LONGEST_MS, version)
    values = {"until_ms": made.until_ms, "ends_ms": made.ends_ms, "version": version, "by_id": by}
    if is_known:
        await execute(update(table).where(itself).values(**values))
    else:
        await execute(insert(table).values(kind=kind, subject=subject, **values))
    await audit_sql.record(uow, audit_sql.EVERYWHERE, by, "token:revoke", f"{kind} {subject}")
    return made


async def since(connection: AsyncConnection, version: int) -> list[Revocation]:
    """The next of those with a later version, in order; at most `PAGE`."""
    table = token_revocations
    later = select(table).where(table.c.version > version).order_by(table.c.version).limit(PAGE)
    return [
        Revocation(Kind(row.kind), row.subject, row.until_ms, row.ends_ms, row.version)
        for row in await connection.execute(later)
    ]
