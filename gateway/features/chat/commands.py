"""What is said in a room, what of it is taken back, and what stays on top."""

from auth import text
from auth.denials import Code, Denied
from auth.permissions import Permission
from gateway.contract import shared
from gateway.contract.rows import (
    HOSTS,
    OF_RIGHTS,
    OF_TEXT,
    SLOW_MODE,
    RateClass,
    console_command,
    errors,
    viewer_command,
)
from gateway.features.chat import wire
from gateway.replica.act import Act, checked_text
from pubsub.broker import Publication, Retention
from rooms.chat import danmaku_sql, pins_sql
from rooms.chat.budget import weight_of
from rooms.chat.events import DanmakuSaid
from rooms.chat.pins import MAX_ANNOUNCEMENT_GRAPHEMES, PinsRecord
from rooms.encoding import encode
from rooms.moderation import sanctions_sql


def send_danmaku(act: Act, request: wire.SendDanmaku) -> wire.DanmakuAck | Denied:
    """Checked against the replica, published, stored later: an ack means accepted.

    In a room where more is said than it can be told, `shed` says that this one was left out.
    """
    room, means = act.room, act.means
    replica, persons, now = room.replica, room.persons, means.clock()
    said = checked_text(act, request.text)
    if isinstance(said, Denied):
        return said
    floor = replica.floor
    if floor is None:
        return Denied(Code.CLOSED)  # the staff of a room that nobody can read yet
    user, role, tier = act.user, act.role, act.tier
    if not role.is_staff:
        slow_ms = replica.room.switches.slow_ms
        wait_ms = persons.wait(user, now, slow_ms)
        if wait_ms:
            return Denied(Code.RATE_LIMITED, retry_after_ms=wait_ms, detail={SLOW_MODE: slow_ms})
    persons.said(user, now)
    danmaku_id = means.new_id()
    if not room.budget.admits(weight_of(role, tier), now, len(said.encode())):
        return wire.DanmakuAck(danmaku_id, shed=True)
    event = DanmakuSaid(
        id=danmaku_id,
        user=user,
        name=act.name,
        text=said,
        tier=tier,
        role=role,
        style=request.style,
        at_ms=now,
        floor=floor,
    )
    persons.expect(danmaku_id)
    means.broker.post(replica.id, Publication(danmaku_id, encode(event), Retention.SHORT, now))
    room.said(event)
    return wire.DanmakuAck(danmaku_id)


async def retract(act: Act, request: wire.ItemTarget) -> shared.Nothing | Denied:
    """Take a danmaku off every screen."""
    await act.means.store()
    recent = act.room.recent.find(request.id)  # another gateway may not have stored it yet
    async with act.means.db.write() as uow:
        floor = recent.floor if recent is not None else None
        retracted = await sanctions_sql.retract(uow, act.room.id, request.id, act.user, floor=floor)
    return retracted if isinstance(retracted, Denied) else shared.Nothing()


async def pin(act: Act, request: wire.ItemTarget) -> wire.Pins | Denied:
    """Keep a danmaku on top."""
    await act.means.store()
    async with act.means.db.write() as uow:
        said = act.room.recent.find(request.id) or await danmaku_sql.find(uow.connection, act.room.id, request.id)
        if said is None:
            return Denied(Code.NOT_FOUND)
        return _pins(await pins_sql.pin_danmaku(uow, act.room.id, said, act.user))


async def unpin(act: Act, request: wire.ItemTarget) -> wire.Pins | Denied:
    """Take a pin off."""
    async with act.means.db.write() as uow:
        return _pins(await pins_sql.unpin(uow, act.room.id, request.id, act.user))


async def announce(act: Act, request: wire.Announce) -> wire.Pins | Denied:
    """Pin a text of the host."""
    said = text.within(request.text, MAX_ANNOUNCEMENT_GRAPHEMES)
    if isinstance(said, Denied):
        return said
    if act.means.blocked_words.found_in(said):
        return Denied(Code.TEXT_BLOCKED)
    async with act.means.db.write() as uow:
        return _pins(await pins_sql.announce(uow, act.room.id, said, act.name, act.user))


COMMANDS = (
    viewer_command(
        "danmaku",
        wire.SendDanmaku,
        wire.DanmakuAck,
        errors(*OF_RIGHTS, *OF_TEXT, Code.MUTED),
        send_danmaku,
        permission=Permission.DANMAKU,
        rate=RateClass.DANMAKU,
        is_shared=True,
    ),
    console_command("retract", wire.ItemTarget, shared.Nothing, errors(Code.NOT_FOUND), retract),
    console_command("pin", wire.ItemTarget, wire.Pins, errors(Code.NOT_FOUND), pin),
    console_command("unpin", wire.ItemTarget, wire.Pins, errors(Code.NOT_FOUND), unpin),
    console_command(
        "announce",
        wire.Announce,
        wire.Pins,
        errors(Code.TEXT_EMPTY, Code.TEXT_TOO_LONG, Code.TEXT_BLOCKED),
        announce,
        roles=HOSTS,
    ),
)


def _pins(answer: PinsRecord | Denied) -> wire.Pins | Denied:
    return answer if isinstance(answer, Denied) else wire.Pins(answer.items, answer.version)
