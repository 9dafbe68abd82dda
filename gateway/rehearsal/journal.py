"""What one member of the crowd did and saw, in order. Written during the show, read by the checks. No I/O."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from auth.identity import Tier

HISTORY = frozenset({"danmaku", "gift", "retract"})
KEPT = HISTORY | {
    "welcome", "tier", "room", "sales", "leaderboard", "wallet", "cohost", "stage", "inbox", "revenue", "health",
}  # fmt: skip
"""Events that the checks read; others are only counted."""


class Place(StrEnum):
    """Where a refusal came."""

    CONNECT = "connect"
    EVENT = "event"
    HTTP = "http"


class End(StrEnum):
    """How a socket ended, as its owner knows it."""

    DROPPED = "dropped"
    """The client cut the transport without a word."""
    LEFT = "left"
    """The client disconnected properly."""
    BYE = "bye"
    """The server closed it after a `bye`."""
    SILENT = "silent"
    """The server closed it without a `bye`."""


class Entry(NamedTuple):
    """An event of a socket, in the order heard."""

    at_ms: int
    """The time by our clock."""
    socket: int
    """The number of the socket among its owner's."""
    event: str
    payload: Any


class Refusal(NamedTuple):
    """A no."""

    place: Place
    what: str
    """The event or route that was refused."""
    code: str


class Item(NamedTuple):
    """One danmaku, gift or retraction as it reached a screen."""

    key: tuple[str, str]
    """Its kind and id."""
    at_ms: int | None
    """When the server published it; a retraction does not say."""
    socket: int
    missed: bool
    """Whether it came in a `welcome` after an absence."""
    heard_ms: int
    """When we received it, by our clock."""
    payload: Any


@dataclass(slots=True)
class SocketLog:
    """The life of one socket."""

    opened_ms: int
    """When the `welcome` arrived, by our clock."""
    server_ms: int
    """The server's clock at that moment."""
    resumed: bool
    """Whether we connected with a cursor."""
    recovered: bool
    truncated: bool
    polling: bool = False
    ended_ms: int | None = None
    end: End | None = None
    bye: str | None = None
    why: str = ""
    """The transport's own message, where the server ended it."""


@dataclass(slots=True)
class GiftTry:
    """A gift under its key, and every answer to it."""

    gift: str
    count: int
    answers: list[str] = field(default_factory=list)
    """The ids in the answers to the first try and to each repetition."""


@dataclass(slots=True)
class Playback:
    """A stream grant shown to the media server."""

    stream: str
    owed: bool
    """Whether the ticket entitled to it at that time."""
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
    """The latency of each ack, by event."""
    asked: int = 0
    answered: int = 0
    unanswered_in_drop: int = 0
    """Events sent directly before our own drop: their acks are not expected."""
    accepted_danmaku: list[str] = field(default_factory=list)
    gifts: dict[str, GiftTry] = field(default_factory=dict)
    playbacks: list[Playback] = field(default_factory=list)
    paid_minor: list[int] = field(default_factory=list)
    """The amounts of all paid orders."""
    returned_minor: list[int] = field(default_factory=list)
    """The amounts of all accepted refunds."""
    unpaid: int = 0
    """Orders that were left unpaid."""
    promoted_ms: list[int] = field(default_factory=list)
    """The time from the cashier's answer to the `tier` event, for each payment."""
    demoted_ms: list[int] = field(default_factory=list)
    """The time from the answer to a refund to the `tier` event."""
    was_online_at_the_end: bool = False
    """Whether it was connected when SQL was read, before the show ended."""
    troubles: list[str] = field(default_factory=list)
    """Errors of the server: no answer in time, a status without a code, unreadable bytes."""

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
