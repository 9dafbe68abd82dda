"""Entitlements in SQL: what each user's tickets are worth now, and what they were worth at any time before."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.composed import composed_key
from auth.identity import ShowId, Tier, UserId
from presale.catalogue import announcements_sql
from presale.catalogue.shows import Show
from presale.entitlements.entitlements import Change, Entitlement, EntitlementReason, Guest, tier_of
from presale.entitlements.events import EntitlementChanged
from presale.orders.orders import OrderState
from presale.tables_sql import entitlement_changes, entitlements, order_lines, orders
from store.database_sql import RacedError, UnitOfWork
from store.dialect_sql import insert_or_ignore


async def take_turn(uow: UnitOfWork, show: ShowId, user: UserId) -> None:
    """Until the commit nobody takes this user's rights away: what is done by a right is done before it ends, or not."""
    await uow.take_turn(composed_key("rights", show, user))


async def load(connection: AsyncConnection, show: ShowId, user: UserId) -> Entitlement:
    """What the user's tickets are worth now; `none` at version 0 for somebody who never had one."""
    chosen = select(entitlements).where(entitlements.c.show_id == show, entitlements.c.user_id == user)
    row = (await connection.execute(chosen)).one_or_none()
    return Entitlement() if row is None else Entitlement(Tier(row.tier), row.version)


async def history(connection: AsyncConnection, show: ShowId, user: UserId) -> list[tuple[int, Tier]]:
    """Every change as (at_ms, tier from then on), oldest first; before the first it was `none`."""
    changes = entitlement_changes
    chosen = select(changes.c.at_ms, changes.c.tier).where(changes.c.show_id == show, changes.c.user_id == user)
    return [(row.at_ms, Tier(row.tier)) for row in await connection.execute(chosen.order_by(changes.c.version))]


async def changes_since(connection: AsyncConnection, show: ShowId, at_ms: int) -> list[tuple[int, EntitlementChanged]]:
    """What changed at or after a time, as (at_ms, event), by time. Ask with overlap: commits may come late."""
    changes = entitlement_changes
    is_same = (changes.c.show_id == entitlements.c.show_id) & (changes.c.user_id == entitlements.c.user_id)
    chosen = (
        select(changes)
        .join(entitlements, is_same)  # which knows by an index whose rights have changed lately
        .where(entitlements.c.show_id == show, entitlements.c.changed_ms >= at_ms, changes.c.at_ms >= at_ms)
        .order_by(changes.c.at_ms, changes.c.version)
    )
    return [_told(show, row) for row in await connection.execute(chosen)]


async def latest(
    connection: AsyncConnection, show: ShowId, users: Collection[UserId]
) -> list[tuple[int, EntitlementChanged]]:
    """The last change of each of these users, as (at_ms, event); of nobody who never had a right."""
    changes = entitlement_changes
    is_last = (
        (changes.c.show_id == entitlements.c.show_id)
        & (changes.c.user_id == entitlements.c.user_id)
        & (changes.c.version == entitlements.c.version)
    )
    theirs = (entitlements.c.show_id == show) & entitlements.c.user_id.in_(users)
    return [
        _told(show, row) for row in await connection.execute(select(changes).join(entitlements, is_last).where(theirs))
    ]


async def list_all(connection: AsyncConnection, show: ShowId) -> list[Guest]:
    """The guest list: everybody who holds a tier above `none`, by user id."""
    chosen = select(entitlements).where(entitlements.c.show_id == show, entitlements.c.tier != Tier.NONE)
    rows = await connection.execute(chosen.order_by(entitlements.c.user_id))
    return [Guest(UserId(row.user_id), Tier(row.tier), row.version) for row in rows]


async def list_changes(connection: AsyncConnection, show: ShowId) -> list[tuple[UserId, Change]]:
    """Every change there ever was, by user and version; the last one of a user is what `load` answers. A survey."""
    changes = entitlement_changes
    chosen = select(changes.c.user_id, changes.c.version, changes.c.at_ms, changes.c.tier).where(
        changes.c.show_id == show
    )
    rows = await connection.execute(chosen.order_by(changes.c.user_id, changes.c.version))
    return [(UserId(user), Change(version, at_ms, Tier(tier))) for user, version, at_ms, tier in rows]


async def recalculate(uow: UnitOfWork, show: Show, user: UserId, reason: EntitlementReason) -> Entitlement:
    """Bring the entitlement in line with the user's paid orders; a change gets a version, a record and an event."""
    live = (
        select(order_lines.c.tier)
        .join(orders, orders.c.id == order_lines.c.order_id)
        .where(orders.c.show_id == show.id, orders.c.user_id == user, orders.c.state == OrderState.PAID)
    )
    tier = tier_of(Tier(row.tier) for row in await uow.connection.execute(live))
    before = await load(uow.connection, show.id, user)
    if tier is before.tier:
        return before
    after = Entitlement(tier, before.version + 1)
    await _store(uow, show, user, before, after)
    await uow.connection.execute(
        insert(entitlement_changes).values(
            show_id=show.id, user_id=user, version=after.version, tier=after.tier, at_ms=uow.now_ms, reason=reason
        )
    )
    await announcements_sql.emit(uow, show, EntitlementChanged(user, show.id, after.tier, after.version, reason))
    return after


def _told(show: ShowId, row: Row[Any]) -> tuple[int, EntitlementChanged]:
    reason = EntitlementReason(row.reason)
    return row.at_ms, EntitlementChanged(UserId(row.user_id), show, Tier(row.tier), row.version, reason)


async def _store(uow: UnitOfWork, show: Show, user: UserId, before: Entitlement, after: Entitlement) -> None:
    values = {"tier": after.tier, "version": after.version, "changed_ms": uow.now_ms}
    if before.version == 0:
        first = {"show_id": show.id, "user_id": user, **values}
        is_stored = await insert_or_ignore(uow.connection, entitlements, ("show_id", "user_id"), first)
    else:
        seen = (entitlements.c.show_id == show.id) & (entitlements.c.user_id == user)
        changed = update(entitlements).where(seen, entitlements.c.version == before.version)
        is_stored = (await uow.connection.execute(changed.values(**values))).rowcount == 1
    if not is_stored:
        raise RacedError(user)
