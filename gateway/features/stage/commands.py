"""The stage: what its staff does, and what is refused to anybody before a transaction is opened for it."""

from collections.abc import Awaitable, Callable
from typing import Any

from msgspec import structs
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.denials import Code, Denied
from auth.identity import Tier, UserId
from auth.permissions import Permission
from auth.situation import Phase
from gateway.contract import shapes
from gateway.features.means import Means
from gateway.live.member import Member
from gateway.live.room import LiveRoom
from gateway.replica.rights import keeps_stage, missing_right
from presale import entitlements_sql
from rooms import roles_sql, rooms_sql, stage_sql
from rooms.stage import StageAction, StageCommand, StageState, decide
from store.database_sql import UnitOfWork

DONE = shapes.Nothing()


async def refused(means: Means, room: LiveRoom, command: StageCommand) -> Denied | None:
    """Why the stage does not take an action: by what this gateway knows, and by SQL, which may know more by now.

    Only reads. Where the action looks possible, SQL is not asked.
    """
    now_ms, replica = means.clock(), room.replica
    if not isinstance(decide(replica.stage, command, replica.room.phase, now_ms), Denied):
        return None
    async with means.db.read() as connection:
        return await stage_sql.foresee(connection, room.id, command, now_ms)


async def approve(means: Means, member: Member, request: shapes.Target) -> shapes.Nothing | Denied:
    """Stage: approve a viewer."""
    user = UserId(request.user)

    async def still_may(uow: UnitOfWork) -> Denied | None:
        stage = await stage_sql.load_stage(uow.connection, member.room.id)
        if stage.state_of(user) is not StageState.REQUESTED:
            return None
        # whose right has ended while they waited is taken off the queue in a moment
        is_lost = isinstance(await _worth(uow.connection, member.room, user), Denied)
        return Denied(Code.FORBIDDEN) if is_lost else None

    return await _act(means, member, StageCommand(StageAction.APPROVE, user), still_may)


async def invite(means: Means, member: Member, request: shapes.Target) -> shapes.Nothing | Denied:
    """Stage: invite a viewer who is inside and may accept; else the code with which they could not."""
    user = UserId(request.user)
    async with means.db.read() as connection:
        worth = await _worth(connection, member.room, user)
    name = await means.name_of(member.room, user)
    if isinstance(name, Denied):
        return name
    if isinstance(worth, Denied):
        return worth
    return await _act(means, member, StageCommand(StageAction.INVITE, user, name, worth))


def _back(action: StageAction) -> Callable[[Means, Member, shapes.Target], Awaitable[shapes.Nothing | Denied]]:
    async def act(means: Means, member: Member, request: shapes.Target) -> shapes.Nothing | Denied:
        return await _act(means, member, StageCommand(action, UserId(request.user)))

    act.__doc__ = f"Stage: {action.value} a viewer."
    return act


HANDLERS: dict[str, Any] = {
    "cohost:approve": approve,
    "cohost:reject": _back(StageAction.REJECT),
    "cohost:invite": invite,
    "cohost:remove": _back(StageAction.REMOVE),
}


async def _act(
    means: Means,
    member: Member,
    command: StageCommand,
    unless: Callable[[UnitOfWork], Awaitable[Denied | None]] | None = None,
) -> shapes.Nothing | Denied:
    denied = await refused(means, member.room, command)
    if denied is not None:
        return denied
    async with means.db.write() as uow:
        if unless is not None and (denied := await unless(uow)) is not None:
            return denied
        changed = await stage_sql.act(uow, member.room.id, command, by=member.user)
    return changed if isinstance(changed, Denied) else DONE


async def _worth(connection: AsyncConnection, room: LiveRoom, user: UserId) -> Tier | Denied:
    """Somebody's tier by SQL if it lets them on stage, else why it does not; a pause has a code of its own, later."""
    entitlement = await entitlements_sql.load(connection, room.replica.show, user)
    record = await rooms_sql.load_room(connection, room.id)
    role = await roles_sql.role_of(connection, user, room.replica.show)
    record = record or room.replica.room
    if keeps_stage(record, role, entitlement.tier):
        return entitlement.tier
    return missing_right(Permission.COHOST, entitlement.tier, structs.replace(record, phase=Phase.LIVE))
