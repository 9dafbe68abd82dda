"""Every socket event of the contract: what it carries, who may send it, what its ack says.

The handlers (`gateway/handlers/`), the TypeScript types and the reference page are held against this
table by tests; an event that is not here does not exist.
"""

from dataclasses import dataclass
from enum import StrEnum

from msgspec import Struct

from auth.denials import Code
from auth.permissions import Permission
from gateway.contract import shapes
from rooms.switches import SwitchChanges

CONTRACT_VERSION = "1.0"


class EventClass(StrEnum):
    """How a server event is delivered."""

    HISTORY = "history"
    """Replayed on recovery, in order."""
    STATE = "state"
    """Latest wins; the whole value."""
    PERSONAL = "personal"
    """Only to its subject; read again from SQL on connect."""
    LINK = "link"
    """About the connection itself."""
    CONSOLE = "console"
    """State for consoles only."""


class RateClass(StrEnum):
    """Which budget of the sender a command draws from, beside their socket's one for any packet.

    But for `any` a budget belongs to a user in a room: all their sockets, at whatever gateway, draw from it.
    """

    ANY = "any"
    DANMAKU = "danmaku"
    GIFT = "gift"
    COHOST = "cohost"
    LIKE = "like"


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """Server -> client."""

    name: str
    kind: EventClass
    payload: type[Struct]


@dataclass(frozen=True, slots=True)
class Command:
    """Client -> server, answered by exactly one ack `{ok: true, data}` or `{ok: false, error}`."""

    name: str
    payload: type[Struct]
    ack: type[Struct]
    errors: frozenset[Code]
    permission: Permission | None = None
    """What the viewer must hold; console commands look in `auth/console.py` instead."""
    rate: RateClass = RateClass.ANY


SERVER_EVENTS: tuple[ServerEvent, ...] = (
    ServerEvent("welcome", EventClass.LINK, shapes.Welcome),
    ServerEvent("danmaku", EventClass.HISTORY, shapes.Danmaku),
    ServerEvent("gift", EventClass.HISTORY, shapes.Gift),
    ServerEvent("retract", EventClass.HISTORY, shapes.Retract),
    ServerEvent("room", EventClass.STATE, shapes.Room),
    ServerEvent("stage", EventClass.STATE, shapes.Stage),
    ServerEvent("pins", EventClass.STATE, shapes.Pins),
    ServerEvent("countdown", EventClass.STATE, shapes.Countdown),
    ServerEvent("sales", EventClass.STATE, shapes.Sales),
    ServerEvent("leaderboard", EventClass.STATE, shapes.Leaderboard),
    ServerEvent("presence", EventClass.STATE, shapes.Presence),
    ServerEvent("like", EventClass.STATE, shapes.Like),
    ServerEvent("tier", EventClass.PERSONAL, shapes.TierChange),
    ServerEvent("order", EventClass.PERSONAL, shapes.Order),
    ServerEvent("wallet", EventClass.PERSONAL, shapes.Wallet),
    ServerEvent("inbox", EventClass.PERSONAL, shapes.Inbox),
    ServerEvent("cohost", EventClass.PERSONAL, shapes.Cohost),
    ServerEvent("streams", EventClass.PERSONAL, shapes.Streams),
    ServerEvent("admission", EventClass.PERSONAL, shapes.Admission),
    ServerEvent("position", EventClass.LINK, shapes.RoomPosition),
    ServerEvent("degraded", EventClass.LINK, shapes.Degraded),
    ServerEvent("token:expiring", EventClass.LINK, shapes.TokenExpiring),
    ServerEvent("draining", EventClass.LINK, shapes.Draining),
    ServerEvent("bye", EventClass.LINK, shapes.Bye),
    ServerEvent("audit", EventClass.CONSOLE, shapes.Audit),
    ServerEvent("revenue", EventClass.CONSOLE, shapes.Revenue),
    ServerEvent("cohost:queue", EventClass.CONSOLE, shapes.CohostQueue),
    ServerEvent("names", EventClass.CONSOLE, shapes.Names),
    ServerEvent("health", EventClass.CONSOLE, shapes.Health),
)

REFUSALS = frozenset(
    {
        Code.BAD_REQUEST,
        Code.TOKEN_INVALID,
        Code.TOKEN_EXPIRED,
        Code.ROOM_NOT_FOUND,
        Code.TICKET_REQUIRED,
        Code.BALANCE_DUE,
        Code.FORBIDDEN,
        Code.BANNED,
        Code.SEAT_TAKEN,
        Code.ROOM_ENDED,
        Code.ROOM_CANCELLED,
        Code.BUSY,
    }
)
"""What a CONNECT can be refused with."""

FAREWELLS = frozenset(
    {
        Code.KICKED,
        Code.BANNED,
        Code.SEAT_TAKEN,
        Code.TOKEN_EXPIRED,
        Code.ROOM_ENDED,
        Code.ROOM_CANCELLED,
        Code.SLOW,
        Code.DRAINING,
        Code.PROTOCOL,
        Code.BUSY,
    }
)
"""What a `bye` can carry."""

EVERY_COMMAND = frozenset({Code.BAD_REQUEST, Code.RATE_LIMITED, Code.BUSY, Code.INTERNAL})
"""What any command can be answered by."""


def _errors(*codes: Code) -> frozenset[Code]:
    return EVERY_COMMAND | frozenset(codes)


_TEXT = (Code.TEXT_EMPTY, Code.TEXT_TOO_LONG, Code.TEXT_BLOCKED, Code.LINKS_OFF, Code.EMOJI_ONLY)
_RIGHTS = (Code.FORBIDDEN, Code.CLOSED, Code.TICKET_REQUIRED, Code.BALANCE_DUE)
_STAGE = (Code.STAGE_STATE, Code.STAGE_FULL, Code.CONFLICT)

VIEWER_COMMANDS: tuple[Command, ...] = (
    Command(
        "danmaku",
        shapes.SendDanmaku,
        shapes.DanmakuAck,
        _errors(*_RIGHTS, *_TEXT, Code.MUTED),
        Permission.DANMAKU,
        RateClass.DANMAKU,
    ),
    Command(
        "gift",
        shapes.SendGift,
        shapes.GiftAck,
        _errors(*_RIGHTS, Code.BANNED, Code.GIFT_UNKNOWN, Code.INSUFFICIENT_CREDITS, Code.IDEMPOTENCY_REUSED),
        Permission.GIFT,
        RateClass.GIFT,
    ),
    Command("like", shapes.SendLike, shapes.Like, _errors(*_RIGHTS), Permission.LIKE, RateClass.LIKE),
    Command(
        "cohost:request",
        shapes.CohostRequest,
        shapes.Cohost,
        _errors(*_RIGHTS, *_STAGE, *_TEXT, Code.MUTED, Code.BANNED),
        Permission.COHOST,
        RateClass.COHOST,
    ),
    Command("cohost:cancel", shapes.Nothing, shapes.Cohost, _errors(*_STAGE)),
    Command("cohost:accept", shapes.Nothing, shapes.Cohost, _errors(*_RIGHTS, *_STAGE, Code.BANNED), Permission.COHOST),
    Command("cohost:leave", shapes.Nothing, shapes.Cohost, _errors(*_STAGE)),
    Command("streams:refresh", shapes.Nothing, shapes.Streams, _errors(Code.FORBIDDEN, Code.BANNED)),
    Command(
        "token:refresh",
        shapes.RefreshToken,
        shapes.TokenExpiring,
        _errors(Code.TOKEN_INVALID, Code.TOKEN_EXPIRED, Code.FORBIDDEN),
    ),
    Command("clock", shapes.Clock, shapes.ClockAck, _errors(Code.FORBIDDEN)),
)

_STAFF = (Code.FORBIDDEN, Code.CONFLICT)

CONSOLE_COMMANDS: tuple[Command, ...] = (
    Command("show:phase", shapes.ChangePhase, shapes.Room, _errors(*_STAFF, Code.PHASE_TRANSITION)),
    Command("room:switches", SwitchChanges, shapes.Room, _errors(*_STAFF)),
    Command("panic", shapes.Nothing, shapes.Room, _errors(*_STAFF)),
    Command("mute", shapes.Mute, shapes.Nothing, _errors(*_STAFF)),
    Command("unmute", shapes.Target, shapes.Nothing, _errors(*_STAFF, Code.NOT_FOUND)),
    Command("ban", shapes.Target, shapes.Nothing, _errors(*_STAFF)),
    Command("unban", shapes.Target, shapes.Nothing, _errors(*_STAFF, Code.NOT_FOUND)),
    Command("kick", shapes.Target, shapes.Nothing, _errors(*_STAFF, Code.NOT_FOUND)),
    Command("retract", shapes.ItemTarget, shapes.Nothing, _errors(*_STAFF, Code.NOT_FOUND)),
    Command("pin", shapes.ItemTarget, shapes.Pins, _errors(*_STAFF, Code.NOT_FOUND)),
    Command("unpin", shapes.ItemTarget, shapes.Pins, _errors(*_STAFF, Code.NOT_FOUND)),
    Command(
        "announce",
        shapes.Announce,
        shapes.Pins,
        _errors(*_STAFF, Code.TEXT_EMPTY, Code.TEXT_TOO_LONG, Code.TEXT_BLOCKED),
    ),
    Command("cohost:approve", shapes.Target, shapes.Nothing, _errors(*_STAFF, *_STAGE, Code.CLOSED)),
    Command("cohost:reject", shapes.Target, shapes.Nothing, _errors(*_STAFF, *_STAGE)),
    Command(
        "cohost:invite",
        shapes.Target,
        shapes.Nothing,
        _errors(*_STAFF, *_STAGE, Code.CLOSED, Code.NOT_HERE, Code.TICKET_REQUIRED, Code.BALANCE_DUE),
    ),
    Command("cohost:remove", shapes.Target, shapes.Nothing, _errors(*_STAFF, *_STAGE)),
    Command("countdown:set", shapes.SetCountdown, shapes.Created, _errors(*_STAFF, Code.NOT_FOUND)),
    Command("names:set", shapes.SetNames, shapes.Names, _errors(*_STAFF)),
    Command("countdown:clear", shapes.ClearCountdown, shapes.Nothing, _errors(*_STAFF, Code.NOT_FOUND)),
)

SHARED_COMMANDS = ("danmaku", "streams:refresh", "token:refresh", "clock")
"""Viewer commands a console may send too."""
