"""What one person of the crowd did and saw, in order. Written while the show runs, read by the checks. No I/O."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from auth.identity import Tier

HISTORY = frozenset({"danmaku", "gift", "retract"})
KEPT = HISTORY | {
    "welcome", "tier", "room", "sales", "leaderboard", "wallet", "cohost", "stage", "inbox", "revenue", "health",
}  # fmt: skip
"""Events the checks read; others are counted only."""


class Place(StrEnum):
    """Where a refusal came."""

    CONNECT = "connect"
    EVENT = "event"
    HTTP = "http"


class End(StrEnum):
    """How a socket ended, as its owner knows it."""

    DROPPED = "dropped"
    """By us, without a word."""
    LEFT = "left"
    """By us, as clients leave."""
    BYE = "bye"
    """By the server, after its `bye`."""
    SILENT = "silent"
    """By the server, without a `bye`."""


class Entry(NamedTuple):
    """An event of a socket, in the order heard."""

    at_ms: int
    """By our clock."""
    socket: int
    """Its number among its owner's."""
    event: str
    payload: Any


class Refusal(NamedTuple):
    """A no."""

    place: Place
    what: str
    """The event, or the route."""
    code: str


class Item(NamedTuple):
    """One danmaku, gift or retraction as it reached a screen."""

    key: tuple[str, str]
    """Kind and id."""
    at_ms: int | None
    """When it was published, by the server; a retraction does not say."""
    socket: int
    missed: bool
    """Came in a welcome, after an absence."""
    heard_ms: int
    """By our clock."""
    payload: Any


@dataclass(slots=True)
class SocketLog:
    """The life of one socket."""

    opened_ms: int
    """When the welcome came, by our clock."""
    server_ms: int
    """The server's clock at that moment."""
    resumed: bool
    """Whether we came with a cursor."""
    recovered: bool
    truncated: bool
    polling: bool = False
    ended_ms: int | None = None
    end: End | None = None
    bye: str | None = None
    why: str = ""
    """The transport's own words, where the server ended it."""


@dataclass(slots=True)
class GiftTry:
    """A gift under its key, and every answer to it."""

    gift: str
    count: int
    answers: list[str] = field(default_factory=list)
    """Ids, of the first try and of every repetition."""


@dataclass(slots=True)
class Playback:
    """A stream grant shown to the media server."""

    stream: str
    owed: bool
    """Whether the ticket covered it then."""
    status: int


@dataclass(slots=True)
class Journal:
    """Everything of one user."""

    user: str
    entries: list[Entry] = field(default_factory=list)
    sockets: list[SocketLog] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    events: int = 0
    ack_ms: dict[str, list[int]] = field(default_factory=dict)
    """How long each ack took, by event."""
    asked: int = 0
    answered: int = 0
    unanswered_in_drop: int = 0
    """Asked right before our own drop: nobody waits for those."""
    accepted_danmaku: list[str] = field(default_factory=list)
    gifts: dict[str, GiftTry] = field(default_factory=dict)
    playbacks: list[Playback] = field(default_factory=list)
    paid_minor: list[int] = field(default_factory=list)
    """Of every order whose money the cashier took."""
    returned_minor: list[int] = field(default_factory=list)
    """Of every refund that was promised."""
    unpaid: int = 0
    """Orders left at the cashier."""
    promoted_ms: list[int] = field(default_factory=list)
    """From the cashier's answer to the `tier` event, each time."""
    demoted_ms: list[int] = field(default_factory=list)
    """From the answer to a refund to the `tier` event."""
    was_online_at_the_end: bool = False
    """When the truth was read from SQL, before the show ended."""
    troubles: list[str] = field(default_factory=list)
    """What should not happen to a client: no answer in time, a status without a code, unreadable bytes."""

    def hear(self, entry: Entry) -> None:
        """Keep an event if a check reads it."""
        self.events += 1
        if entry.event in KEPT:
            self.entries.append(entry)

    def last(self, event: str) -> Any:
        """The newest payload of an event or None; a welcome brings one of most."""
        for entry in reversed(self.entries):
            if entry.event == event:
                return entry.payload
            if entry.event == "welcome":
                inside = in_welcome(entry.payload, event)
                if inside is not None:
                    return inside
        return None

    def items(self) -> Iterator[Item]:
        """All history in the order it reached the screen, what was missed where its welcome brought it."""
        for entry in self.entries:
            if entry.event in HISTORY:
                yield from _items(entry, entry.event, entry.payload, missed=False)
            elif entry.event == "welcome":
                for one in entry.payload.get("missed", ()):
                    yield from _items(entry, one["event"], one["data"], missed=True)

    @property
    def online(self) -> bool:
        """Whether the newest socket is still there."""
        return bool(self.sockets) and self.sockets[-1].ended_ms is None

    @property
    def tier(self) -> Tier:
        """As last told."""
        told = self.last("tier")
        return Tier.NONE if told is None else Tier(told["tier"])


def in_welcome(welcome: dict[str, Any], event: str) -> Any:
    """The value of a state or personal event in a welcome; None where it brings none."""
    you = welcome["you"]
    match event:
        case "wallet" | "cohost":
            return you[event]
        case "tier":
            return {**{name: you[name] for name in ("tier", "version", "permissions")}, "streams": welcome["streams"]}
        case "room" | "sales" | "leaderboard" | "stage":
            return welcome[event]
    return None


def _items(entry: Entry, kind: str, payload: Any, *, missed: bool) -> Iterator[Item]:
    for item in payload["items"]:
        yield Item((kind, item["id"]), item.get("at_ms"), entry.socket, missed, entry.at_ms, item)
