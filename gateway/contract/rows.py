"""What a row of the contract says: of an event that a gateway sends, and of a command that it answers.

The rows themselves stand with their payloads; a row is handed to whoever sends its event, so that event and payload
are held together by their types.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, TypeVar

from msgspec import Struct

from auth.denials import Code, Denied
from auth.identity import Role
from auth.permissions import Permission

CONTRACT_VERSION = "1.0"

Payload = TypeVar("Payload", bound=Struct)
Act = TypeVar("Act")
Request = TypeVar("Request", bound=Struct)
Ack = TypeVar("Ack", bound=Struct)


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


@dataclass(frozen=True, slots=True, eq=False)
class ServerEvent(Generic[Payload]):
    """Server -> client."""

    name: str
    kind: EventClass
    payload: type[Payload]
    may_be_shed: bool = False
    """Whether a slow socket may lose it: the oldest that waits goes first."""
    is_whole: bool = False
    """Whether only the latest of those that wait for a slow socket matters (of each `id`, if the payload has one)."""

    has_items: bool = field(init=False)
    """Whether the payload is a list of `items` and the cursor that they lead to: neighbours can be joined."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "has_items", self.kind is EventClass.HISTORY)


def history(name: str, payload: type[Payload], *, may_be_shed: bool = False) -> ServerEvent[Payload]:
    """An event that is kept, and told again to whoever missed it."""
    return ServerEvent(name, EventClass.HISTORY, payload, may_be_shed=may_be_shed)


def state(name: str, payload: type[Payload]) -> ServerEvent[Payload]:
    """An event that carries a whole value for everybody."""
    return ServerEvent(name, EventClass.STATE, payload, is_whole=True)


def personal(name: str, payload: type[Payload]) -> ServerEvent[Payload]:
    """An event for the sockets of one user."""
    return ServerEvent(name, EventClass.PERSONAL, payload)


def link(name: str, payload: type[Payload], *, is_whole: bool = False) -> ServerEvent[Payload]:
    """An event about the connection itself."""
    return ServerEvent(name, EventClass.LINK, payload, is_whole=is_whole)


def console(name: str, payload: type[Payload], *, is_whole: bool = True) -> ServerEvent[Payload]:
    """An event that consoles alone are told; a whole value unless it is a list that grows."""
    return ServerEvent(name, EventClass.CONSOLE, payload, is_whole=is_whole)


SLOW_MODE = "slow_ms"
"""What a RATE_LIMITED names that is the room's slow mode and no rate of the settings: how slow it is."""

HOSTS = frozenset({Role.HOST, Role.OPERATOR})
STAFF = HOSTS | {Role.MODERATOR}

Answers = Callable[[Act, Request], Ack | Denied | Awaitable[Ack | Denied]]
"""One that needs neither SQL nor anybody's answer gives its own at once: no task is made for it."""


@dataclass(frozen=True, slots=True, eq=False)
class Command(Generic[Act, Request, Ack]):
    """Client -> server, answered by exactly one ack `{ok: true, data}` or `{ok: false, error}`."""

    name: str
    payload: type[Request]
    ack: type[Ack]
    errors: frozenset[Code]
    answer: Callable[[Act, Request], Any]
    """See `Answers`, which is how `viewer_command` and `console_command` take it."""
    permission: Permission | None = None
    """What a viewer must hold; None: nothing."""
    roles: frozenset[Role] | None = None
    """Who of the staff may send it from a console; None: it is a command of viewers."""
    rate: RateClass = RateClass.ANY
    is_shared: bool = False
    """Whether consoles may send this command of viewers, too."""
    known: Callable[[Act, Request], Awaitable[Ack | Denied | None]] | None = None
    """What a command with a key answered before: asked where the right to it has ended since."""


def viewer_command(
    name: str,
    payload: type[Request],
    ack: type[Ack],
    errors: frozenset[Code],
    answer: Answers[Act, Request, Ack],
    *,
    permission: Permission | None = None,
    rate: RateClass = RateClass.ANY,
    is_shared: bool = False,
    known: Callable[[Act, Request], Awaitable[Ack | Denied | None]] | None = None,
) -> Command[Act, Request, Ack]:
    """A command of viewers."""
    return Command(
        name, payload, ack, errors, answer, permission=permission, rate=rate, is_shared=is_shared, known=known
    )


def console_command(
    name: str,
    payload: type[Request],
    ack: type[Ack],
    errors: frozenset[Code],
    answer: Answers[Act, Request, Ack],
    *,
    roles: frozenset[Role] = STAFF,
) -> Command[Act, Request, Ack]:
    """A command of the staff."""
    return Command(name, payload, ack, errors | {Code.FORBIDDEN, Code.CONFLICT}, answer, roles=roles)


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


def errors(*codes: Code) -> frozenset[Code]:
    """What a command can be answered by: these codes, and those of every command."""
    return EVERY_COMMAND | frozenset(codes)


OF_TEXT = (Code.TEXT_EMPTY, Code.TEXT_TOO_LONG, Code.TEXT_BLOCKED, Code.LINKS_OFF, Code.EMOJI_ONLY)
OF_RIGHTS = (Code.FORBIDDEN, Code.CLOSED, Code.TICKET_REQUIRED, Code.BALANCE_DUE)
