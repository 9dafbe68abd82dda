"""Tokens that were taken back, in SQL: what every process reads, at its start and while it runs."""

from typing import Any

from msgspec import Struct, structs
from sqlalchemy import ColumnElement, Row, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.denials import Code, Denied
from auth.identity import UserId
from auth.revocations import LIFTED, LONGEST_MS, Kind, Revocation
from auth.tokens import is_token_id, is_user_id
from rooms.audit import audit_sql
from rooms.roles.tables_sql import token_revocations
from store.database_sql import UnitOfWork

MAX_REVOCATIONS = 100_000
"""At a time, each for a day: every process keeps them in memory."""
PAGE = 1_000
NEWEST = 2**53
"""Above every version."""


class Standing(Struct, frozen=True):
    """A revocation that holds, and who made it."""

    revocation: Revocation
    by: UserId


async def revoke(
    uow: UnitOfWork, kind: Kind, subject: str, by: UserId, *, most: int = MAX_REVOCATIONS
) -> Revocation | Denied:
    """Take back one token by its `jti`, or all that a user was given until now. Again: what was given since, too.

    Whether `by` may is the caller's to know. BAD_REQUEST for what can be no subject, BUSY where too many stand.
    """
    refused = _cannot_be(kind, subject)
    if refused is not None:
        return refused
    await _take_turn(uow)
    table, execute = token_revocations, uow.connection.execute
    await execute(delete(table).where(table.c.ends_ms <= uow.now_ms))
    count = (await execute(select(func.count()).select_from(table))).scalar_one()
    known = await _load(uow.connection, kind, subject)
    if count >= most and known is None:
        return Denied(Code.BUSY)
    made = Revocation(kind, subject, uow.now_ms, uow.now_ms + LONGEST_MS, await _next_version(uow))
    values = {"until_ms": made.until_ms, "ends_ms": made.ends_ms, "version": made.version, "by_id": by}
    if known is not None:
        await execute(update(table).where(_itself(kind, subject)).values(**values))
    else:
        await execute(insert(table).values(kind=kind, subject=subject, **values))
    await audit_sql.record(uow, audit_sql.EVERYWHERE, by, "token:revoke", f"{kind} {subject}")
    return made


async def lift(uow: UnitOfWork, kind: Kind, subject: str, by: UserId) -> Revocation | Denied:
    """Take a revocation back: its tokens are taken again, for as long as they are valid by themselves.

    Whether `by` may is the caller's to know. BAD_REQUEST for what can be no subject, NOT_FOUND where none holds.
    The row stays for as long as the revocation would have: it tells every process.
    """
    refused = _cannot_be(kind, subject)
    if refused is not None:
        return refused
    await _take_turn(uow)
    known = await _load(uow.connection, kind, subject)
    if known is None or known.until_ms == LIFTED or known.ends_ms <= uow.now_ms:
        return Denied(Code.NOT_FOUND)
    lifted = structs.replace(known, until_ms=LIFTED, version=await _next_version(uow))
    values = {"until_ms": lifted.until_ms, "version": lifted.version, "by_id": by}
    await uow.connection.execute(update(token_revocations).where(_itself(kind, subject)).values(**values))
    await audit_sql.record(uow, audit_sql.EVERYWHERE, by, "token:restore", f"{kind} {subject}")
    return lifted


async def list_standing(
    connection: AsyncConnection, now_ms: int, *, before: int = NEWEST, limit: int = PAGE
) -> list[Standing]:
    """Revocations that hold, the newest first; `before`: those with a smaller version, to read on."""
    table = token_revocations
    holds = (table.c.until_ms != LIFTED) & (table.c.ends_ms > now_ms) & (table.c.version < before)
    chosen = select(table).where(holds).order_by(table.c.version.desc()).limit(limit)
    return [Standing(_revocation(row), UserId(row.by_id)) for row in await connection.execute(chosen)]


async def since(connection: AsyncConnection, version: int) -> list[Revocation]:
    """The next of those with a later version, in order; at most `PAGE`."""
    table = token_revocations
    later = select(table).where(table.c.version > version).order_by(table.c.version).limit(PAGE)
    return [_revocation(row) for row in await connection.execute(later)]


def _cannot_be(kind: Kind, subject: str) -> Denied | None:
    may_be = is_user_id(subject) if kind is Kind.USER else is_token_id(subject)
    return None if may_be else Denied(Code.BAD_REQUEST, detail={"field": "token_id" if kind is Kind.JTI else "user"})


async def _take_turn(uow: UnitOfWork) -> None:
    """So that versions rise in the order of commits, and no reader passes one over."""
    await uow.take_turn("revocations")


async def _next_version(uow: UnitOfWork) -> int:
    """Not one more than the last row, which may have been dropped: a moment is later than all that stood a day ago."""
    newest = (await uow.connection.execute(select(func.max(token_revocations.c.version)))).scalar_one()
    return max(uow.now_ms, (newest or 0) + 1)


async def _load(connection: AsyncConnection, kind: Kind, subject: str) -> Revocation | None:
    row = (await connection.execute(select(token_revocations).where(_itself(kind, subject)))).one_or_none()
    return None if row is None else _revocation(row)


def _itself(kind: Kind, subject: str) -> ColumnElement[bool]:
    return (token_revocations.c.kind == kind) & (token_revocations.c.subject == subject)


def _revocation(row: Row[Any]) -> Revocation:
    return Revocation(Kind(row.kind), row.subject, row.until_ms, row.ends_ms, row.version)
