"""What hosts and moderators do. Each act is one transaction with its audit entry; the room hears of it afterwards."""

from collections.abc import Awaitable, Callable
from typing import Any

from auth import text
from auth.denials import Code, Denied
from auth.identity import UserId
from auth.planning import beginning
from gateway.contract import shapes
from gateway.features.course import end_of_sale
from gateway.features.means import Means
from gateway.live.member import Member
from presale import refunds, shows_sql
from rooms import (
    countdowns_sql,
    danmaku_sql,
    moderation_sql,
    names_sql,
    pins_sql,
    roles_sql,
    rooms_sql,
)
from rooms.countdowns import MAX_LABEL_GRAPHEMES, CountdownKind
from rooms.moderation import mute_until
from rooms.pins import MAX_ANNOUNCEMENT_GRAPHEMES
from rooms.roles import outranks
from rooms.room import RoomRecord
from rooms.switches import SwitchChanges
from store.database_sql import UnitOfWork

DONE = shapes.Nothing()


async def change_phase(means: Means, member: Member, request: shapes.ChangePhase) -> shapes.Room | Denied:
    """Move the show on; everybody's rights follow."""
    async with means.db.write() as uow:
        return _room(member, await end_of_sale.change_phase(uow, member.room.id, request.phase, member.user))


async def change_switches(means: Means, member: Member, request: SwitchChanges) -> shapes.Room | Denied:
    """Flip the named switches."""
    async with means.db.write() as uow:
        return _room(member, await rooms_sql.change_switches(uow, member.room.id, request, member.user))


async def panic(means: Means, member: Member, request: shapes.Nothing) -> shapes.Room | Denied:
    """One button: slow mode, tickets only, links off."""
    async with means.db.write() as uow:
        return _room(member, await rooms_sql.panic(uow, member.room.id, member.user))


async def mute(means: Means, member: Member, request: shapes.Mute) -> shapes.Nothing | Denied:
    """Silence a viewer."""

    async def act(uow: UnitOfWork, target: UserId) -> None:
        until_ms = mute_until(request.minutes, uow.now_ms)
        await moderation_sql.mute(uow, member.room.id, target, until_ms, member.user)

    return await _discipline(means, member, request.user, act)


async def unmute(means: Means, member: Member, request: shapes.Target) -> shapes.Nothing | Denied:
    """Let a viewer speak again."""
    async with means.db.write() as uow:
        return _done(await moderation_sql.unmute(uow, member.room.id, UserId(request.user), member.user))


async def ban(means: Means, member: Member, request: shapes.Target) -> shapes.Nothing | Denied:
    """Put a viewer out of the room for good."""

    async def act(uow: UnitOfWork, target: UserId) -> None:
        await end_of_sale.ban(uow, member.room.id, member.room.replica.show, target, member.user)

    return await _discipline(means, member, request.user, act)


async def unban(means: Means, member: Member, request: shapes.Target) -> shapes.Nothing | Denied:
    """Let a viewer come back."""
    async with means.db.write() as uow:
        return _done(await moderation_sql.unban(uow, member.room.id, UserId(request.user), member.user))


async def kick(means: Means, member: Member, request: shapes.Target) -> shapes.Nothing | Denied:
    """Close a viewer's sockets once."""

    async def act(uow: UnitOfWork, target: UserId) -> None:
        await moderation_sql.kick(uow, member.room.id, target, member.user)

    return await _discipline(means, member, request.user, act)


async def retract(means: Means, member: Member, request: shapes.ItemTarget) -> shapes.Nothing | Denied:
    """Take a danmaku off every screen."""
    await means.store()
    recent = member.room.recent.find(request.id)  # another gateway may not have stored it yet
    async with means.db.write() as uow:
        floor = recent.floor if recent is not None else None
        return _done(await moderation_sql.retract(uow, member.room.id, request.id, member.user, floor=floor))


async def pin(means: Means, member: Member, request: shapes.ItemTarget) -> shapes.Pins | Denied:
    """Keep a danmaku on top."""
    await means.store()
    async with means.db.write() as uow:
        said = member.room.recent.find(request.id) or await danmaku_sql.find(uow.connection, member.room.id, request.id)
        if said is None:
            return Denied(Code.NOT_FOUND)
        pinned = await pins_sql.pin_danmaku(uow, member.room.id, said, member.user)
    return pinned if isinstance(pinned, Denied) else shapes.Pins(pinned.items, pinned.version)


async def unpin(means: Means, member: Member, request: shapes.ItemTarget) -> shapes.Pins | Denied:
    """Take a pin off."""
    async with means.db.write() as uow:
        left = await pins_sql.unpin(uow, member.room.id, request.id, member.user)
    return left if isinstance(left, Denied) else shapes.Pins(left.items, left.version)


async def announce(means: Means, member: Member, request: shapes.Announce) -> shapes.Pins | Denied:
    """Pin a text of the host."""
    said = text.within(request.text, MAX_ANNOUNCEMENT_GRAPHEMES)
    if isinstance(said, Denied):
        return said
    if means.blocked_words.found_in(said):
        return Denied(Code.TEXT_BLOCKED)
    async with means.db.write() as uow:
        pinned = await pins_sql.announce(uow, member.room.id, said, member.name, member.user)
    return pinned if isinstance(pinned, Denied) else shapes.Pins(pinned.items, pinned.version)


async def set_countdown(means: Means, member: Member, request: shapes.SetCountdown) -> shapes.Created | Denied:
    """Show a countdown, or move the schedule's own, and with the start the deadline for refunds."""
    refused = beginning("target_ms", request.target_ms, means.clock())
    if refused is not None:
        return refused
    label = text.clean(request.label)
    if not text.fits(label, MAX_LABEL_GRAPHEMES):
        return Denied(Code.BAD_REQUEST, detail={"field": "label", "max_graphemes": MAX_LABEL_GRAPHEMES})
    async with means.db.write() as uow:
        made = await countdowns_sql.set_countdown(
            uow, member.room.id, request.kind, request.target_ms, label, request.id, member.user
        )
        room = await rooms_sql.load_room(uow.connection, member.room.id)
        if room is not None and not isinstance(made, Denied) and made.kind is not CountdownKind.CUSTOM:
            show = await shows_sql.load_show(uow.connection, room.show)
            assert show is not None, "a room belongs to a show"
            await shows_sql.update(uow, refunds.moved(show, room.doors_ms, room.start_ms, room.phase, uow.now_ms))
    return made if isinstance(made, Denied) else shapes.Created(made.id)


async def set_names(means: Means, member: Member, request: shapes.SetNames) -> shapes.Names | Denied:
    """Keep names for the staff of the show."""
    async with means.db.write() as uow:
        changed = await names_sql.set_official(uow, member.room.id, request.names, member.user)
    return changed if isinstance(changed, Denied) else shapes.Names(changed.official, changed.version)


async def clear_countdown(means: Means, member: Member, request: shapes.ClearCountdown) -> shapes.Nothing | Denied:
    """Take a countdown off the screens."""
    async with means.db.write() as uow:
        return _done(await countdowns_sql.clear_countdown(uow, member.room.id, request.id, member.user))


HANDLERS: dict[str, Any] = {
    "show:phase": change_phase,
    "room:switches": change_switches,
    "panic": panic,
    "mute": mute,
    "unmute": unmute,
    "ban": ban,
    "unban": unban,
    "kick": kick,
    "retract": retract,
    "pin": pin,
    "unpin": unpin,
    "announce": announce,
    "names:set": set_names,
    "countdown:set": set_countdown,
    "countdown:clear": clear_countdown,
}


async def _discipline(
    means: Means, member: Member, user: str, act: Callable[[UnitOfWork, UserId], Awaitable[object]]
) -> shapes.Nothing | Denied:
    """Only those above somebody may discipline them."""
    target = UserId(user)
    async with means.db.write() as uow:
        show = member.room.replica.show
        actor = await roles_sql.acting_role(uow.connection, member.user, show)
        other = await roles_sql.role_of(uow.connection, target, show)
        if not outranks(actor, other):
            return Denied(Code.FORBIDDEN)
        return _done(await act(uow, target))


def _done(answer: object) -> shapes.Nothing | Denied:
    return answer if isinstance(answer, Denied) else DONE


def _room(member: Member, answer: RoomRecord | Denied) -> shapes.Room | Denied:
    return answer if isinstance(answer, Denied) else member.room.replica.room_shape(answer)
