"""Roles in SQL: per show, and everywhere for operators."""

from typing import NamedTuple

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.denials import Code, Denied
from auth.identity import Role, RoomId, ShowId, UserId
from pubsub.broker import Retention
from rooms import turns_sql
from rooms.audit import audit_sql
from rooms.course import phases
from rooms.encoding import encode
from rooms.moderation.tables_sql import bans
from rooms.names import names_sql
from rooms.roles.events import RoleChanged
from rooms.roles.roles import strongest
from rooms.roles.tables_sql import roles
from rooms.tables_sql import rooms
from store.database_sql import UnitOfWork
from store.dialect_sql import insert_or_ignore

EVERYWHERE = ShowId("")
"""Stands for the show of a role that holds in all of them."""


class RoleGrant(NamedTuple):
    """A role somebody was given; `show` None is everywhere."""

    show: ShowId | None
    user: UserId
    role: Role
    by: UserId
    at_ms: int


async def grant(uow: UnitOfWork, user: UserId, role: Role, show: ShowId | None, by: UserId) -> Role | Denied:
    """Give a role in a show, or everywhere (operators only); answers the strongest role they hold there now.

    Whether `by` may give it (`roles.may_grant`) is the caller's to know. Giving it again changes nothing.
    """
    if role is Role.VIEWER or (show is None and role is not Role.OPERATOR):
        return Denied(Code.BAD_REQUEST, detail={"field": "role"})
    await turns_sql.take_roles(uow, user)
    row = {"show_id": show or EVERYWHERE, "user_id": user, "role": role, "by_id": by, "at_ms": uow.now_ms}
    if await insert_or_ignore(uow.connection, roles, ("show_id", "user_id", "role"), row):
        await _tell(uow, user, role, show, by, "role:grant")
    return await role_of(uow.connection, user, show or EVERYWHERE)


async def revoke(uow: UnitOfWork, user: UserId, role: Role, show: ShowId | None, by: UserId) -> Role | Denied:
    """Take a role; answers the strongest one left. NOT_FOUND where they do not hold it there."""
    await turns_sql.take_roles(uow, user)
    held = (roles.c.show_id == (show or EVERYWHERE)) & (roles.c.user_id == user) & (roles.c.role == role)
    if (await uow.connection.execute(delete(roles).where(held))).rowcount != 1:
        return Denied(Code.NOT_FOUND)
    await _tell(uow, user, role, show, by, "role:revoke")
    return await role_of(uow.connection, user, show or EVERYWHERE)


async def role_of(connection: AsyncConnection, user: UserId, show: ShowId) -> Role:
    """The strongest role somebody has in a show, be it there or everywhere; `viewer` without any."""
    held = select(roles.c.role).where(roles.c.user_id == user, roles.c.show_id.in_([show, EVERYWHERE]))
    return strongest(Role(row.role) for row in await connection.execute(held))


async def acting_role(connection: AsyncConnection, user: UserId, show: ShowId) -> Role:
    """The strongest role that somebody may use now: a ban from the show's room suspends those given in the show.

    Operators everywhere stay what they are: one room shuts nobody out of the whole house.
    """
    role = await role_of(connection, user, show)
    if not role.is_staff:
        return role
    banned = select(bans.c.user_id).join(rooms, rooms.c.id == bans.c.room_id)
    is_banned = await connection.execute(banned.where(bans.c.user_id == user, rooms.c.show_id == show))
    return role if is_banned.first() is None else await role_of(connection, user, EVERYWHERE)


async def list_roles(connection: AsyncConnection, show: ShowId | None) -> list[RoleGrant]:
    """The roles given in a show, or those that hold everywhere; oldest first."""
    given = select(roles).where(roles.c.show_id == (show or EVERYWHERE)).order_by(roles.c.at_ms, roles.c.user_id)
    return [
        RoleGrant(show, UserId(row.user_id), Role(row.role), UserId(row.by_id), row.at_ms)
        for row in await connection.execute(given)
    ]


async def list_staff(connection: AsyncConnection, show: ShowId) -> dict[UserId, Role]:
    """Everybody who holds a role in a show, be it there or everywhere, and the strongest of theirs."""
    held = select(roles.c.user_id, roles.c.role).where(roles.c.show_id.in_([show, EVERYWHERE]))
    staff: dict[UserId, Role] = {}
    for row in await connection.execute(held):
        user = UserId(row.user_id)
        staff[user] = strongest((staff.get(user, Role.VIEWER), Role(row.role)))
    return staff


async def list_held(connection: AsyncConnection, user: UserId) -> list[RoleGrant]:
    """All roles of somebody, in every show and everywhere."""
    return [
        RoleGrant(ShowId(row.show_id) or None, UserId(row.user_id), Role(row.role), UserId(row.by_id), row.at_ms)
        for row in await connection.execute(select(roles).where(roles.c.user_id == user))
    ]


async def list_acting(connection: AsyncConnection, user: UserId) -> list[RoleGrant]:
    """All roles that somebody may make use of now: as `acting_role`, of every show."""
    held = await list_held(connection, user)
    if not held:
        return held
    banned = select(rooms.c.show_id).join(bans, rooms.c.id == bans.c.room_id).where(bans.c.user_id == user)
    suspended = {ShowId(show) for (show,) in await connection.execute(banned)}
    return [grant for grant in held if grant.show not in suspended]


async def _tell(uow: UnitOfWork, user: UserId, role: Role, show: ShowId | None, by: UserId, action: str) -> None:
    """Write it down once; tell the show's room, or every room whose show is not over."""
    concerned = select(rooms.c.id, rooms.c.show_id)
    if show is None:
        concerned = concerned.where(rooms.c.phase.not_in(phases.OVER))
    else:
        concerned = concerned.where(rooms.c.show_id == show)
    found = (await uow.connection.execute(concerned)).all()
    versions = await turns_sql.count_in(uow, [RoomId(row.id) for row in found])
    for row in found:
        changed = RoleChanged(user, await role_of(uow.connection, user, ShowId(row.show_id)), versions[row.id])
        await uow.emit(row.id, encode(changed), Retention.NONE)
        if role is Role.HOST:
            change = names_sql.host_named if action == "role:grant" else names_sql.host_gone
            await change(uow, RoomId(row.id), user)
    place = RoomId(found[0].id) if show is not None and found else audit_sql.EVERYWHERE
    await audit_sql.record(uow, place, by, action, f"{user} {role.value}")
