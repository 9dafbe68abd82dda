"""What a publication is to a room: rows, each of one class, and what every row of a class has in common.

A feature lists its rows; a `Book` is the sum of them. Opening a room, following it, reading it again after a gap,
welcoming a socket: each is written once, for the class (`gateway/replica/replica.py`, `gateway/replica/welcome.py`).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from operator import attrgetter
from typing import Any, Generic, Protocol, TypeAlias, TypeVar, Union

import msgspec
from msgspec import Struct

from auth.door import Surface
from auth.grants import Grant
from auth.identity import RoomId, UserId
from gateway.contract.rows import ServerEvent
from gateway.replica.orders import EVERYBODY, Order, View
from rooms.course.room import RoomRecord

Event = TypeVar("Event", bound=Struct)
AnyEvent: TypeAlias = Any
"""Whatever the features publish; each of them a struct with a tag of its own."""


class Moment(Protocol):
    """What the shell lends a decision: the time, chance, and grants."""

    def now_ms(self) -> int: ...
    def new_id(self) -> str: ...
    def publishing_grant(self, user: UserId) -> Grant:
        """A fresh right to come on stage in this room."""
        ...


class Knowledge(Protocol):
    """A replica, as rows read it."""

    @property
    def id(self) -> RoomId: ...
    @property
    def room(self) -> RoomRecord: ...

    def newest(self, news: type[Event]) -> Event:
        """The newest value of a state."""
        ...

    def each(self, news: type[Event]) -> Mapping[str, Event]:
        """What of a keyed state is in force, by its key."""
        ...

    def tail(self, news: type[Event]) -> Sequence[Event]:
        """The latest of a list that grows, oldest first."""
        ...


class Pace(Enum):
    """How soon a state is told."""

    AT_ONCE = "at once"
    CONFLATED = "conflated"
    """Several changes of one tick are told once."""


@dataclass(frozen=True, slots=True, eq=False)
class Fact(Generic[Event]):
    """The newest version wins; it is read again by its version. Not told by itself: other rows look at it."""

    news: type[Event]
    version: Callable[[Event], int] = attrgetter("version")


@dataclass(frozen=True, slots=True, eq=False)
class State(Generic[Event]):
    """The newest version wins. It is told whole, stands in `welcome`, and is read again by its version."""

    news: type[Event]
    event: ServerEvent[Any]
    shape: Callable[[Event, Knowledge, View, Moment], Struct]
    """The value as clients of a view see it."""
    views: tuple[View, ...] = (EVERYBODY,)
    pace: Pace = Pace.AT_ONCE
    version: Callable[[Event], int] = attrgetter("version")
    hello: str = ""
    """The field of `welcome` in which it stands; empty: in none. Consoles are told theirs after `welcome`."""


@dataclass(frozen=True, slots=True, eq=False)
class Keyed(Generic[Event]):
    """One value per key, which may end; its versions are counted per room (`turns_sql.count`).

    What has ended is not in SQL any more: after a reading it ended by the version up to which SQL has counted.
    """

    thing: str
    kept: type[Event]
    """By what `Knowledge.each` finds those in force."""
    news: tuple[type, ...]
    """All that brings or ends one."""
    end: Callable[[Event, int], Any]
    """The news that end one, as of a version."""
    key: Callable[[Any], str] = attrgetter("user")
    is_over: Callable[[Any], bool] = lambda _: False
    ends_unknown: bool = False
    """Whether an end is news even where nothing is known of what ends."""


@dataclass(frozen=True, slots=True, eq=False)
class Tail(Generic[Event]):
    """A list that grows, for consoles: the latest entries are kept, each once by its id."""

    news: type[Event]
    event: ServerEvent[Any]
    shape: Callable[[Iterable[Event]], Struct]
    most: int


@dataclass(frozen=True, slots=True, eq=False)
class History(Generic[Event]):
    """Told with a cursor to those inside, kept for a while, and told again to whoever missed it.

    Has an `id` of its own, and in `floor` the least tier that may see it.
    """

    news: type[Event]
    event: ServerEvent[Any]
    item: Callable[[Event], Struct]
    missed: Callable[[Any], Struct]
    """How `welcome` names it, around the payload of the event."""


@dataclass(frozen=True, slots=True, eq=False)
class Personal(Generic[Event]):
    """For the sockets of one user. The guest list tells what is news; or, with a `floor`, a version per user."""

    news: type[Event]
    tell: Callable[[Event, Knowledge, Moment], Iterable[Order]]
    floor: Callable[[Knowledge], int] | None = None
    """Of one with a version per user: up to which nothing is news in a room that was just opened."""


@dataclass(frozen=True, slots=True, eq=False)
class Notice(Generic[Event]):
    """Told once, when its publication comes: it has no version by which it would be known again."""

    news: type[Event]
    tell: Callable[[Event, Knowledge, Moment], Iterable[Order]]


@dataclass(frozen=True, slots=True, eq=False)
class Effect:
    """What else some news do."""

    news: tuple[type, ...]
    orders: Callable[[Any, RoomRecord, Knowledge, Moment], Iterable[Order]]
    """Of the news, the room before, and what is known with them."""


@dataclass(frozen=True, slots=True, eq=False)
class Implies(Generic[Event]):
    """News that tell something else, too: that happens with them."""

    news: type[Event]
    what: Callable[[Event], Struct]


Row: TypeAlias = (
    Fact[Any] | State[Any] | Keyed[Any] | Tail[Any] | History[Any] | Personal[Any] | Notice[Any] | Effect | Implies[Any]
)
Keeper: TypeAlias = Fact[Any] | State[Any] | Keyed[Any] | Tail[Any] | Personal[Any] | Notice[Any]


@dataclass(slots=True)
class Entry:
    """All rows of one kind of news."""

    keeper: Keeper | None = None
    """By which it is told whether they are news at all; None: they always are."""
    history: History[Any] | None = None
    effects: list[Effect] = field(default_factory=list)
    implied: list[Implies[Any]] = field(default_factory=list)
    is_history_alone: bool = False
    """Whether nothing is to be done about it but telling it, as of most that is said in a room."""


class Book:
    """All rows of all features."""

    def __init__(self, rows: Iterable[Row], core: Sequence[type] = ()) -> None:
        """`core`: news that the replica, or the shell around it, understands without a row."""
        self.rows = tuple(rows)
        self.entries: dict[type, Entry] = {kind: Entry() for kind in core}
        for row in self.rows:
            self._enter(row)
        for entry in self.entries.values():
            others = entry.keeper is not None or entry.effects or entry.implied
            entry.is_history_alone = entry.history is not None and not others
        self.states = tuple(row for row in self.rows if isinstance(row, State))
        self.newest = tuple(row.news for row in self.rows if isinstance(row, Fact | State))
        """The news of which a replica keeps the newest."""
        self.greeting = tuple(row for row in self.states if row.hello)
        """Those that stand in `welcome`."""
        self._greeting = {
            (surface, reads): tuple((row, _view_of(row, surface, reads=reads)) for row in self.greeting)
            for surface in Surface
            for reads in (True, False)
        }
        self.by_reading: tuple[State[Any], ...] = tuple(
            row for row in self.states if any(view.reads is not None for view in row.views)
        )
        """Those of which others see something else who may not read what is said."""
        self.by_news = {row.news: row for row in self.states}
        self.keyed = tuple(row for row in self.rows if isinstance(row, Keyed))
        self.tails = tuple(row for row in self.rows if isinstance(row, Tail))
        tagged = [kind for kind in self.entries if kind.__struct_config__.tag is not None]  # type: ignore[attr-defined]
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(Union[tuple(tagged)])  # noqa: UP007

    def decode(self, body: bytes) -> AnyEvent:
        """A publication's body; raises `msgspec.MsgspecError` for what no process of ours wrote."""
        return self._decoder.decode(body)

    def greeting_for(self, surface: Surface, *, reads: bool) -> Sequence[tuple[State[Any], int]]:
        """The states in the `welcome` of a socket, each with the number of the view that is its."""
        return self._greeting[surface, reads]

    def needs_place(self, event: AnyEvent) -> bool:
        """Whether only a publication brings it: it has a place in the history, or no version by which it is once."""
        entry = self.entries[type(event)]
        return entry.history is not None or isinstance(entry.keeper, Tail | Notice)

    def _enter(self, row: Row) -> None:
        kinds = row.news if isinstance(row, Keyed | Effect) else (row.news,)
        for kind in kinds:
            entry = self.entries.setdefault(kind, Entry())
            match row:
                case History():
                    entry.history = row
                case Effect():
                    entry.effects.append(row)
                case Implies():
                    entry.implied.append(row)
                case _:
                    assert entry.keeper is None, f"{kind.__name__} is kept by two rows"
                    entry.keeper = row


def _view_of(row: State[Any], surface: Surface, *, reads: bool) -> int:
    return next(number for number, view in enumerate(row.views) if view.fits(surface, reads=reads))
