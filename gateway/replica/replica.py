"""What a gateway knows of a room: a copy of SQL, kept in step by the room's publications. No sockets, no I/O.

What is kept, and what news mean, is said by the rows of a `Book`; only the room's own record is understood here.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, structs

from auth.identity import RoomId, ShowId, Tier
from auth.permissions import reading_floor
from gateway.replica.news import AnyEvent, Book, Entry, Event, Fact, Keyed, Moment, Notice, Personal, State, Tail
from gateway.replica.orders import CONSOLES, Order, Say, Tell, TellState, View
from rooms.course.events import PhaseChanged, RoomState, ScheduleChanged, SwitchesChanged
from rooms.course.room import RoomRecord
from rooms.newest import Counted, Newest

ROOM_NEWS = (PhaseChanged, SwitchesChanged, ScheduleChanged)
"""What a replica understands without a row, for all rights hang on it."""
NO_ORDERS: tuple[Order, ...] = ()


class Reading(Struct, frozen=True):
    """A room as SQL had it in one snapshot: its record, and all else as the news that would have told it."""

    room: RoomRecord
    counted: int
    """Up to which version sanctions, roles and countdowns are in it."""
    news: Sequence[AnyEvent]


class Replica:
    """One room. State comes with versions: an older one is never taken for news."""

    def __init__(self, book: Book, reading: Reading) -> None:
        self.book = book
        self.room = reading.room
        self.counted = Counted(reading.counted)
        """Of sanctions, roles and countdowns: which of those counted in SQL have come."""
        self._newest: dict[type, AnyEvent] = {}
        self._keyed: dict[type, dict[str, AnyEvent]] = {row.kept: {} for row in book.keyed}
        self._tails: dict[type, deque[AnyEvent]] = {row.news: deque(maxlen=row.most) for row in book.tails}
        for event in reading.news:
            self._learn(event)
        self._personal = {
            row.news: Newest(row.floor(self)) for row in book.rows if isinstance(row, Personal) and row.floor
        }

    @property
    def id(self) -> RoomId:
        """The room's id."""
        return self.room.id

    @property
    def show(self) -> ShowId:
        """The show this room belongs to."""
        return self.room.show

    @property
    def floor(self) -> Tier | None:
        """The least tier that may read the chat now; None: nobody but staff."""
        return reading_floor(self.room.access, self.room.phase)

    def newest(self, news: type[Event]) -> Event:
        """The newest value of a state."""
        value: Event = self._newest[news]
        return value

    def each(self, news: type[Event]) -> Mapping[str, Event]:
        """What of a keyed state is in force, by its key."""
        return self._keyed[news]

    def tail(self, news: type[Event]) -> Sequence[Event]:
        """The latest of a list that grows, oldest first."""
        return self._tails[news]

    def shown(self, news: type, view: View, moment: Moment) -> Struct:
        """The newest value of a state as clients of a view see it."""
        state = self.book.by_news[news]
        return state.shape(self._newest[news], self, view, moment)

    # ---- following the room ----------------------------------------------------------------------------

    def take(self, event: AnyEvent, moment: Moment) -> Sequence[Order]:
        """Take news in, and say what is to be done about them; nothing where they bring nothing new."""
        entry, before = self.book.entries[type(event)], self.room
        if entry.is_history_alone:
            history = entry.history
            assert history is not None, "else it is no history"
            return (Say(history.event, history.item(event)),)
        if not self._keep(entry, event):
            return NO_ORDERS
        return self._orders(entry, event, before, moment)

    def _keep(self, entry: Entry, event: AnyEvent) -> bool:
        """Whether it is news; if so it is known from now on."""
        match entry.keeper:
            case None:
                return not isinstance(event, RoomState) or self._move(event)
            case Fact() | State() as row:
                return self._take_newer(row, event)
            case Keyed() as row:
                return self._take_keyed(row, event)
            case Tail() as row:
                return self._take_entry(row, event)
            case Personal() as row:
                versions = self._personal.get(row.news)
                return versions is None or versions.takes(event.user, event.version)
            case Notice():
                return True

    def _orders(self, entry: Entry, event: AnyEvent, before: RoomRecord, moment: Moment) -> Sequence[Order]:
        if entry.history is not None:
            orders: list[Order] = [Say(entry.history.event, entry.history.item(event))]
        else:
            orders = []
        match entry.keeper:
            case State():
                orders.append(TellState(type(event)))
            case Tail() as row:
                orders.append(Tell(row.event, row.shape([event]), CONSOLES))
            case Personal() | Notice() as row:
                orders += row.tell(event, self, moment)
            case _:
                pass
        for effect in entry.effects:
            orders += effect.orders(event, before, self, moment)
        for implied in entry.implied:
            orders += self.take(implied.what(event), moment)
        return orders

    def _move(self, event: RoomState) -> bool:
        if event.version <= self.room.version:
            return False
        self.room = structs.replace(
            self.room,
            phase=event.phase,
            switches=event.switches,
            doors_ms=event.doors_ms,
            start_ms=event.start_ms,
            version=event.version,
        )
        return True

    def _take_newer(self, row: Fact[AnyEvent] | State[AnyEvent], event: AnyEvent) -> bool:
        known = self._newest.get(row.news)
        if known is not None and row.version(event) <= row.version(known):
            return False
        self._newest[row.news] = event
        return True

    def _take_keyed(self, row: Keyed[AnyEvent], event: AnyEvent) -> bool:
        key = row.key(event)
        if not self.counted.takes((row.thing, key), event.version):
            return False
        kept = self._keyed[row.kept]
        if row.is_over(event):
            return kept.pop(key, None) is not None or row.ends_unknown
        kept[key] = event
        return True

    def _take_entry(self, row: Tail[AnyEvent], event: AnyEvent) -> bool:
        entries = self._tails[row.news]
        if any(event.id == known.id for known in entries):
            return False
        entries.append(event)
        return True

    # ---- reading it ------------------------------------------------------------------------------------

    def suppose(self, event: AnyEvent) -> None:
        """SQL was asked about one thing, and this is what it said: known, unless something is known of it already."""
        row = self.book.entries[type(event)].keeper
        if isinstance(row, Keyed) and not row.is_over(event):
            self._keyed[row.kept].setdefault(row.key(event), event)

    def _learn(self, event: AnyEvent) -> None:
        """Know what was read, in a replica that knew nothing."""
        match self.book.entries[type(event)].keeper:
            case Fact() | State() as row:
                self._newest[row.news] = event
            case Keyed() as row:
                self._keyed[row.kept][row.key(event)] = event
            case Tail() as row:
                self._tails[row.news].append(event)
            case _:
                raise TypeError(f"{type(event).__name__} cannot be read from SQL: no row keeps it")

    def differences(self, reading: Reading) -> Iterator[AnyEvent]:
        """What happened by SQL's account and not by publications, as the news that would have told it.

        Each is to happen before the next is asked for. What a publication has brought further stays as it is. In the
        end everything that SQL has counted is known (`reached`).
        """
        yield _moved(self.room, reading.room)
        keyed: dict[type, list[AnyEvent]] = {row.kept: [] for row in self.book.keyed}
        for event in reading.news:
            keeper = self.book.entries[type(event)].keeper
            if isinstance(keeper, Keyed):
                keyed[keeper.kept].append(event)
            elif isinstance(keeper, Fact | State) and _is_same(self._newest[keeper.news], event):
                self._take_newer(keeper, event)  # its version may be another's too: there is nothing to tell
            else:
                yield event
        if reading.counted > self.counted.floor:
            differ = [
                event for row in self.book.keyed for event in self._changed(row, keyed[row.kept], reading.counted)
            ]
            # what a publication has brought further is left out: taken for one that was missing, it would stand for it
            yield from (
                event for row, event in differ if self.counted.of((row.thing, row.key(event))) < reading.counted
            )

    def reached(self, reading: Reading) -> None:
        """Everything that this reading has counted is known."""
        self.counted.reach(reading.counted)

    def _changed(
        self, row: Keyed[AnyEvent], fresh: Iterable[AnyEvent], counted: int
    ) -> Iterator[tuple[Keyed[AnyEvent], AnyEvent]]:
        known, read = self._keyed[row.kept], {row.key(event): event for event in fresh}
        for key, event in read.items():
            if key not in known or not _is_same(known[key], event):
                yield row, structs.replace(event, version=counted)
        for key, event in known.items():
            if key not in read:
                yield row, row.end(event, counted)


def _moved(known: RoomRecord, read: RoomRecord) -> RoomState:
    news = PhaseChanged if read.phase is not known.phase else SwitchesChanged
    return news(read.phase, read.switches, read.doors_ms, read.start_ms, read.version)


def _is_same(one: AnyEvent, other: AnyEvent) -> bool:
    """Whether two news differ in their version at most."""
    if "version" in one.__struct_fields__:
        other = structs.replace(other, version=one.version)
    return bool(one == other)
