"""What hosts and moderators do about viewers. Each act is one transaction with its audit entry."""

from collections.abc import Awaitable, Callable

from auth.denials import Code, Denied
from auth.identity import UserId
from gateway.contract import shared
from gateway.contract.rows import console_command, errors
from gateway.features.course import end_of_sale
from gateway.features.moderation import wire
from gateway.replica.act import Act
from rooms.moderation import sanctions_sql
from rooms.moderation.sanctions import mute_until
from rooms.roles import roles_sql
from rooms.roles.roles import outranks
from store.database_sql import UnitOfWork


async def mute(act: Act, request: wire.Mute) -> shared.Nothing | Denied:
    """Silence a viewer."""

    async def silence(uow: UnitOfWork, target: UserId) -> None:
        until_ms = mute_until(request.minutes, uow.now_ms)
        await sanctions_sql.mute(uow, act.room.id, target, until_ms, act.user)

    return await _discipline(act, request.user, silence)


async def unmute(act: Act, request: shared.Target) -> shared.Nothing | Denied:
    """Let a viewer speak again."""
    async with act.means.db.write() as uow:
        return _done(await sanctions_sql.unmute(uow, act.room.id, UserId(request.user), act.user))


async def ban(act: Act, request: shared.Target) -> shared.Nothing | Denied:
    """Put a viewer out of the room for good."""

    async def put_out(uow: UnitOfWork, target: UserId) -> None:
        await end_of_sale.ban(uow, act.room.id, act.room.replica.show, target, act.user)

    return await _discipline(act, request.user, put_out)


async def unban(act: Act, request: shared.Target) -> shared.Nothing | Denied:
    """Let a viewer come back."""
    async with act.means.db.write() as uow:
        return _done(await sanctions_sql.unban(uow, act.room.id, UserId(request.user), act.user))


async def kick(act: Act, request: shared.Target) -> shared.Nothing | Denied:
    """Close a viewer's sockets once."""

    async def send_out(uow: UnitOfWork, target: UserId) -> None:
        await sanctions_sql.kick(uow, act.room.id, target, act.user)

    return await _discipline(act, request.user, send_out)


COMMANDS = (
    console_command("mute", wire.Mute, shared.Nothing, errors(), mute),
    console_command("unmute", shared.Target, shared.Nothing, errors(Code.NOT_FOUND), unmute),
    console_command("ban", shared.Target, shared.Nothing, errors(), ban),
    console_command("unban", shared.Target, shared.Nothing, errors(Code.NOT_FOUND), unban),
    console_command("kick", shared.Target, shared.Nothing, errors(Code.NOT_FOUND), kick),
)


async def _discipline(
    act: Act, user: str, measure: Callable[[UnitOfWork, UserId], Awaitable[object]]
) -> shared.Nothing | Denied:
    """Only those above somebody may discipline them."""
    target = UserId(user)
    async with act.means.db.write() as uow:
        show = act.room.replica.show
        actor = await roles_sql.acting_role(uow.connection, act.user, show)
        other = await roles_sql.role_of(uow.connection, target, show)
        if not outranks(actor, other):
            return Denied(Code.FORBIDDEN)
        return _done(await measure(uow, target))


def _done(answer: object) -> shared.Nothing | Denied:
    return answer if isinstance(answer, Denied) else shared.Nothing()
