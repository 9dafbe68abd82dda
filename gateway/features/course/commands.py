"""How the evening goes: its phases, switches and countdowns, moved by its hosts."""

from auth import text
from auth.denials import Code, Denied
from auth.planning import beginning
from gateway.contract import shared
from gateway.contract.rows import HOSTS, console_command, errors
from gateway.features.course import end_of_sale, wire
from gateway.features.course.news import room_shape
from gateway.replica.act import Act
from presale.catalogue import shows_sql
from presale.refunds import refunds, refunds_sql
from rooms import turns_sql
from rooms.audit import audit_sql
from rooms.course import countdowns_sql, rooms_sql
from rooms.course.countdowns import MAX_LABEL_GRAPHEMES, CountdownKind
from rooms.course.room import RoomRecord
from rooms.course.switches import SwitchChanges


async def change_phase(act: Act, request: wire.ChangePhase) -> wire.Room | Denied:
    """Move the show on; everybody's rights follow."""
    async with act.means.db.write() as uow:
        return _room(await end_of_sale.change_phase(uow, act.room.id, request.phase, act.user))


async def change_switches(act: Act, request: SwitchChanges) -> wire.Room | Denied:
    """Flip the named switches."""
    async with act.means.db.write() as uow:
        return _room(await rooms_sql.change_switches(uow, act.room.id, request, act.user))


async def panic(act: Act, request: shared.Nothing) -> wire.Room | Denied:
    """One button: slow mode, tickets only, links off."""
    async with act.means.db.write() as uow:
        return _room(await rooms_sql.panic(uow, act.room.id, act.user))


async def set_countdown(act: Act, request: wire.SetCountdown) -> shared.Created | Denied:
    """Show a countdown, or move the schedule's own, and with the start the deadline for refunds."""
    refused = beginning("target_ms", request.target_ms, act.means.clock())
    if refused is not None:
        return refused
    label = text.clean(request.label)
    if not text.fits(label, MAX_LABEL_GRAPHEMES):
        return Denied(Code.BAD_REQUEST, detail={"field": "label", "max_graphemes": MAX_LABEL_GRAPHEMES})
    async with act.means.db.write() as uow:
        await turns_sql.take(uow, act.room.id)  # two who move the show at once: each moves it from where the other did
        before = await rooms_sql.load_room(uow.connection, act.room.id)
        made = await countdowns_sql.set_countdown(
            uow, act.room.id, request.kind, request.target_ms, label, request.id, act.user
        )
        room = await rooms_sql.load_room(uow.connection, act.room.id)
        if (
            before is not None
            and room is not None
            and not isinstance(made, Denied)
            and made.kind is not CountdownKind.CUSTOM
        ):
            show = await shows_sql.load_show(uow.connection, room.show)
            assert show is not None, "a room belongs to a show"
            moved = refunds.moved(show, before.course, room.course, uow.now_ms)
            await refunds_sql.change_show(uow, show, moved, was=room.phase, phase=room.phase)
            if moved.refund_until_ms != show.refund_until_ms:
                told = f"refund_until_ms={moved.refund_until_ms}"
                await audit_sql.record(uow, room.id, act.user, "show:refunds", told)
    return made if isinstance(made, Denied) else shared.Created(made.id)


async def clear_countdown(act: Act, request: wire.ClearCountdown) -> shared.Nothing | Denied:
    """Take a countdown off the screens."""
    async with act.means.db.write() as uow:
        cleared = await countdowns_sql.clear_countdown(uow, act.room.id, request.id, act.user)
    return cleared if isinstance(cleared, Denied) else shared.Nothing()


COMMANDS = (
    console_command(
        "show:phase",
        wire.ChangePhase,
        wire.Room,
        errors(Code.PHASE_TRANSITION),
        change_phase,
        roles=HOSTS,
    ),
    console_command("room:switches", SwitchChanges, wire.Room, errors(), change_switches, roles=HOSTS),
    console_command("panic", shared.Nothing, wire.Room, errors(), panic),
    console_command(
        "countdown:set", wire.SetCountdown, shared.Created, errors(Code.NOT_FOUND), set_countdown, roles=HOSTS
    ),
    console_command(
        "countdown:clear", wire.ClearCountdown, shared.Nothing, errors(Code.NOT_FOUND), clear_countdown, roles=HOSTS
    ),
)


def _room(answer: RoomRecord | Denied) -> wire.Room | Denied:
    return answer if isinstance(answer, Denied) else room_shape(answer)
