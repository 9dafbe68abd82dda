"""The stage: who asks for a place, who is invited, who stands on it."""

from collections.abc import Awaitable, Callable

from msgspec import structs
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.denials import Code, Denied
from auth.identity import Tier, UserId
from auth.permissions import Permission
from auth.situation import Phase
from gateway.contract import shared
from gateway.contract.rows import (
    OF_RIGHTS,
    OF_TEXT,
    RateClass,
    console_command,
    errors,
    viewer_command,
)
from gateway.features.stage import wire
from gateway.features.stage.news import cohost_in
from gateway.replica.act import Act, checked_text, still_missing
from gateway.replica.reading import stage_of
from gateway.replica.rights import keeps_stage, missing_right
from presale.entitlements import entitlements_sql
from rooms.course import rooms_sql
from rooms.roles import roles_sql
from rooms.stage import stage_sql
from rooms.stage.stage import StageAction, StageCommand, StageState, decide, request_name
from store.database_sql import UnitOfWork

OF_STAGE = (Code.STAGE_STATE, Code.STAGE_FULL, Code.CONFLICT)


async def request_stage(act: Act, request: wire.CohostRequest) -> wire.Cohost | Denied:
    """Ask to come on stage."""
    message = ""
    if request.message:
        checked = checked_text(act, request.message)
        if isinstance(checked, Denied):
            return checked
        message = checked
    return await _move(act, StageAction.REQUEST, message)


async def cancel_stage(act: Act, request: shared.Nothing) -> wire.Cohost | Denied:
    """Take a request back, or decline an invitation."""
    return await _move(act, StageAction.CANCEL)


async def accept_stage(act: Act, request: shared.Nothing) -> wire.Cohost | Denied:
    """Follow an invitation."""
    return await _move(act, StageAction.ACCEPT)


async def leave_stage(act: Act, request: shared.Nothing) -> wire.Cohost | Denied:
    """Step down."""
    return await _move(act, StageAction.LEAVE)


async def approve(act: Act, request: shared.Target) -> shared.Nothing | Denied:
    """Stage: approve a viewer."""
    user = UserId(request.user)

    async def still_may(uow: UnitOfWork) -> Denied | None:
        stage = await stage_sql.load_stage(uow.connection, act.room.id)
        if stage.state_of(user) is not StageState.REQUESTED:
            return None
        # whose right has ended while they waited is taken off the queue in a moment
        is_lost = isinstance(await _worth(uow.connection, act, user), Denied)
        return Denied(Code.FORBIDDEN) if is_lost else None

    return await _steer(act, StageCommand(StageAction.APPROVE, user), still_may)


async def invite(act: Act, request: shared.Target) -> shared.Nothing | Denied:
    """Stage: invite a viewer who is inside and may accept; else the code with which they could not."""
    user = UserId(request.user)
    async with act.means.db.read() as connection:
        worth = await _worth(connection, act, user)
    name = await act.means.name_of(act.room.id, user)
    if isinstance(name, Denied):
        return name
    if isinstance(worth, Denied):
        return worth
    return await _steer(act, StageCommand(StageAction.INVITE, user, name, worth))


async def reject(act: Act, request: shared.Target) -> shared.Nothing | Denied:
    """Stage: reject a viewer."""
    return await _steer(act, StageCommand(StageAction.REJECT, UserId(request.user)))


async def remove(act: Act, request: shared.Target) -> shared.Nothing | Denied:
    """Stage: remove a viewer."""
    return await _steer(act, StageCommand(StageAction.REMOVE, UserId(request.user)))


COMMANDS = (
    viewer_command(
        "cohost:request",
        wire.CohostRequest,
        wire.Cohost,
        errors(*OF_RIGHTS, *OF_STAGE, *OF_TEXT, Code.MUTED, Code.BANNED),
        request_stage,
        permission=Permission.COHOST,
        rate=RateClass.COHOST,
    ),
    viewer_command("cohost:cancel", shared.Nothing, wire.Cohost, errors(*OF_STAGE), cancel_stage),
    viewer_command(
        "cohost:accept",
        shared.Nothing,
        wire.Cohost,
        errors(*OF_RIGHTS, *OF_STAGE, Code.BANNED),
        accept_stage,
        permission=Permission.COHOST,
    ),
    viewer_command("cohost:leave", shared.Nothing, wire.Cohost, errors(*OF_STAGE), leave_stage),
    console_command("cohost:approve", shared.Target, shared.Nothing, errors(*OF_STAGE, Code.CLOSED), approve),
    console_command("cohost:reject", shared.Target, shared.Nothing, errors(*OF_STAGE), reject),
    console_command(
        "cohost:invite",
        shared.Target,
        shared.Nothing,
        errors(*OF_STAGE, Code.CLOSED, Code.NOT_HERE, Code.TICKET_REQUIRED, Code.BALANCE_DUE),
        invite,
    ),
    console_command("cohost:remove", shared.Target, shared.Nothing, errors(*OF_STAGE), remove),
)


async def _refused(act: Act, command: StageCommand) -> Denied | None:
    """Why the stage does not take an action: by what this gateway knows, and by SQL, which may know more by now.

    Only reads. Where the action looks possible, SQL is not asked.
    """
    now_ms, replica = act.means.clock(), act.room.replica
    if not isinstance(decide(stage_of(replica), command, replica.room.phase, now_ms), Denied):
        return None
    async with act.means.db.read() as connection:
        return await stage_sql.foresee(connection, act.room.id, command, now_ms)


async def _move(act: Act, action: StageAction, message: str = "") -> wire.Cohost | Denied:
    """What viewers do about their own place."""
    command = StageCommand(action, act.user, act.name, act.tier, message)
    if not act.may(Permission.COHOST) and stage_of(act.room.replica).state_of(act.user) is StageState.IDLE:
        return Denied(Code.STAGE_STATE, detail={"state": StageState.IDLE.value})  # a stranger's call costs no SQL
    denied = await _refused(act, command)
    if denied is not None:
        return denied
    async with act.means.db.write() as uow:
        if action in (StageAction.REQUEST, StageAction.ACCEPT):
            missing = await still_missing(act, uow, Permission.COHOST)
            if missing is not None:
                return missing
        changed = await stage_sql.act(uow, act.room.id, command)
        if isinstance(changed, Denied):
            return changed
        if action is StageAction.REQUEST:
            act.room.persons.expect(request_name(act.user, changed.version))
    return cohost_in(changed, act.user, act.room)


async def _steer(
    act: Act,
    command: StageCommand,
    unless: Callable[[UnitOfWork], Awaitable[Denied | None]] | None = None,
) -> shared.Nothing | Denied:
    """What the staff does about others' places."""
    denied = await _refused(act, command)
    if denied is not None:
        return denied
    async with act.means.db.write() as uow:
        if unless is not None and (denied := await unless(uow)) is not None:
            return denied
        changed = await stage_sql.act(uow, act.room.id, command, by=act.user)
    return changed if isinstance(changed, Denied) else shared.Nothing()


async def _worth(connection: AsyncConnection, act: Act, user: UserId) -> Tier | Denied:
    """Somebody's tier by SQL if it lets them on stage, else why it does not; a pause has a code of its own, later."""
    show, room = act.room.replica.show, act.room.id
    entitlement = await entitlements_sql.load(connection, show, user)
    record = await rooms_sql.load_room(connection, room) or act.room.replica.room
    role = await roles_sql.role_of(connection, user, show)
    if keeps_stage(record, role, entitlement.tier):
        return entitlement.tier
    return missing_right(Permission.COHOST, entitlement.tier, structs.replace(record, phase=Phase.LIVE))
