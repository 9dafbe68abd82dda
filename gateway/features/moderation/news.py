"""Mutes, bans, kicks and what the staff did, as a room follows them."""

from collections.abc import Iterable, Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from auth.denials import Code
from auth.identity import UserId
from gateway.contract import shared
from gateway.contract.scalars import FOREVER_MS
from gateway.features.moderation import wire
from gateway.replica.news import AnyEvent, Effect, Keyed, Knowledge, Moment, Tail
from gateway.replica.orders import Order, SendOut, TellUser
from gateway.replica.reading import mute_of
from gateway.replica.welcome import Luggage, Part, Viewer
from rooms.audit import audit_sql
from rooms.audit.events import AuditRecorded
from rooms.course.room import RoomRecord
from rooms.moderation import sanctions_sql
from rooms.moderation.events import Banned, Kicked, Muted, Unbanned, Unmuted
from rooms.moderation.sanctions import muted

AUDIT_TAIL = 50


def _audit(entries: Iterable[AuditRecorded]) -> wire.Audit:
    return wire.Audit([wire.AuditItem(one.id, one.by, one.action, one.target, one.at_ms) for one in entries])


def _silenced(event: Muted, _before: RoomRecord, _known: Knowledge, moment: Moment) -> Iterable[Order]:
    yield TellUser(event.user, shared.INBOX, shared.Inbox(moment.new_id(), "muted", moment.now_ms(), event.until_ms))


def _heard_again(event: Unmuted, _before: RoomRecord, _known: Knowledge, moment: Moment) -> Iterable[Order]:
    yield TellUser(event.user, shared.INBOX, shared.Inbox(moment.new_id(), "unmuted", moment.now_ms()))


def _banned(event: Banned, _before: RoomRecord, _known: Knowledge, _moment: Moment) -> Iterable[Order]:
    yield SendOut(event.user, Code.BANNED)


def _kicked(event: Kicked, _before: RoomRecord, _known: Knowledge, _moment: Moment) -> Iterable[Order]:
    yield SendOut(event.user, Code.KICKED)


def _muted_until(known: Knowledge, viewer: Viewer, _luggage: Luggage, moment: Moment) -> int | None:
    """The end of a mute that still holds."""
    mute = mute_of(known, viewer.user)
    if mute is None or muted(mute, moment.now_ms()) is None:
        return None
    return mute.until_ms or FOREVER_MS


async def load(connection: AsyncConnection, room: RoomRecord, counted: int) -> Sequence[AnyEvent]:
    """Mutes and bans in force, and what the staff did lately."""
    sanctions = await sanctions_sql.load_sanctions(connection, room.id)
    return [
        *(Muted(mute.user, mute.until_ms, counted) for mute in sanctions.mutes.values()),
        *(Banned(user, counted) for user in sanctions.bans),
        *await audit_sql.recent(connection, room.id, AUDIT_TAIL),
    ]


NEWS = (
    Keyed(
        "mute",
        Muted,
        (Muted, Unmuted),
        end=lambda event, version: Unmuted(event.user, version),
        is_over=lambda event: isinstance(event, Unmuted),
    ),
    Effect((Muted,), _silenced),
    Effect((Unmuted,), _heard_again),
    Keyed(
        "ban",
        Banned,
        (Banned, Unbanned),
        end=lambda event, version: Unbanned(event.user, version),
        is_over=lambda event: isinstance(event, Unbanned),
    ),
    Effect((Banned,), _banned),
    Keyed(
        "kick",
        Kicked,
        (Kicked,),
        end=lambda event, version: Kicked(UserId(event.user), version),
        is_over=lambda _: True,  # it holds for nobody who comes back
        ends_unknown=True,
    ),
    Effect((Kicked,), _kicked),
    Tail(AuditRecorded, wire.AUDIT, _audit, AUDIT_TAIL),
)
PARTS = (Part("muted_until_ms", _muted_until, of_you=True),)
