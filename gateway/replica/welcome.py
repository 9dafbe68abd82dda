"""What a socket is told first: all of its room as it concerns it. Made of the rows of the features."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

from msgspec import Raw, Struct, UnsetType, json, msgpack

from auth.door import Surface
from auth.grants import Grant
from auth.identity import Role, Tier, UserId
from auth.permissions import Permissions
from gateway.contract.codec import Codec
from gateway.contract.cursor import to_cursor
from gateway.contract.link import Admission, Presence, TierChange, TierReason
from gateway.contract.rows import CONTRACT_VERSION, EventClass, ServerEvent
from gateway.replica.news import Knowledge, Moment
from gateway.replica.replica import Replica
from presale.books.wallet import Wallet
from presale.orders.events import OrderChanged
from pubsub.broker import Position

EMPTY_WALLET = Wallet()


@dataclass(frozen=True, slots=True)
class Luggage:
    """What a welcome takes from the guest list (or SQL) and from history; the rest comes from the replica."""

    wallet: Wallet = EMPTY_WALLET
    orders: Sequence[OrderChanged] = ()
    """Those that stand, by number."""
    missed: Sequence[Struct] = ()
    recovered: bool = False
    danmaku_truncated: bool = False
    told_until: Position | None = None
    """Where the recovery ended; None without a cursor that could be honoured."""


NO_LUGGAGE = Luggage()


class Viewer(Protocol):
    """Whom a welcome is for: what a socket is now."""

    @property
    def user(self) -> UserId: ...
    @property
    def name(self) -> str: ...
    @property
    def role(self) -> Role: ...
    @property
    def tier(self) -> Tier: ...
    @property
    def tier_version(self) -> int: ...
    @property
    def permissions(self) -> Permissions: ...
    @property
    def surface(self) -> Surface: ...
    @property
    def is_waiting(self) -> bool: ...
    @property
    def luggage(self) -> Luggage: ...


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A field of `welcome` that no state tells by itself."""

    field: str
    make: Callable[[Knowledge, Viewer, Luggage, Moment], Any]
    of_you: bool = False
    """Whether it stands in `you`."""
    extends: bool = False
    """Whether it is a list to which several features add."""
    source: Callable[[Knowledge], object] | None = None
    """Of one that is the same for everybody: the object that it follows from. It is encoded once for as long."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Greeting:
    """The first event of a socket, as the features make it up."""

    event: ServerEvent[Any]
    you: type[Struct]
    """The payload of its field `you`."""
    shared: Sequence[Part]
    """Parts that have a `source`."""
    lists: Sequence[Part]
    """Those that extend a list."""
    own: Sequence[Part]
    of_you: Sequence[Part]


def greeting_of(event: ServerEvent[Any], you: type[Struct], parts: Iterable[Part]) -> Greeting:
    """The first event of a socket with all its parts, sorted by how they are made."""
    shared, lists, own, of_you = [list[Part]() for _ in range(4)]
    for part in parts:
        kind = shared if part.source is not None else lists if part.extends else of_you if part.of_you else own
        kind.append(part)
    return Greeting(event=event, you=you, shared=shared, lists=lists, own=own, of_you=of_you)


class Encoded:
    """What the welcomes of a room have in common, encoded once per codec for as long as it stays the same.

    A welcome is sent in one codec only, so a part may stand in it as its bytes (`msgspec.Raw`).
    """

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept: dict[tuple[str, Codec, int], tuple[object, object, Raw]] = {}

    def find(self, key: tuple[str, Codec, int], source: object, room: object) -> Raw | None:
        """What was kept, where it follows from these very objects."""
        kept = self._kept.get(key)
        return kept[2] if kept is not None and kept[0] is source and kept[1] is room else None

    def keep(self, key: tuple[str, Codec, int], source: object, room: object, value: Struct) -> Raw:
        """A value in the codec of the key, kept for as long as `source` and `room` stay the same objects."""
        encode = msgpack.encode if key[1] is Codec.MSGPACK else json.encode
        encoded = Raw(encode(value))
        self._kept[key] = (source, room, encoded)
        return encoded


class Standing(Struct, frozen=True, kw_only=True):
    """What a welcome takes from the gateway around the replica."""

    codec: Codec
    here: Position
    """Where the room stands."""
    stamp: str
    """What goes into the cursor."""
    online: int
    grants: list[Grant]
    admission: Admission | UnsetType
    """The place in the queue of one who waits."""


def build(
    replica: Replica, viewer: Viewer, greeting: Greeting, encoded: Encoded, moment: Moment, standing: Standing
) -> tuple[int, Struct]:
    """The welcome of a socket as of now, and the offset up to which it tells the history."""
    luggage, codec, room = viewer.luggage, standing.codec, replica.room
    position = luggage.told_until or standing.here
    reads = (
        replica.floor is not None and (viewer.role.is_staff or viewer.tier >= replica.floor) and not viewer.is_waiting
    )
    fields: dict[str, Any] = {}
    for state, number in replica.book.greeting_for(viewer.surface, reads=reads):
        key, value = (state.hello, codec, number), replica.newest(state.news)
        fields[state.hello] = encoded.find(key, value, room) or encoded.keep(
            key, value, room, replica.shown(state.news, state.views[number], moment)
        )
    for part in greeting.shared:
        assert part.source is not None, "else it is no shared part"
        key, value = (part.field, codec, 0), part.source(replica)
        fields[part.field] = encoded.find(key, value, room) or encoded.keep(
            key, value, room, part.make(replica, viewer, luggage, moment)
        )
    for part in greeting.lists:
        fields.setdefault(part.field, []).extend(part.make(replica, viewer, luggage, moment))
    for part in greeting.own:
        fields[part.field] = part.make(replica, viewer, luggage, moment)
    is_here = position.epoch == standing.here.epoch  # else all that the room tells comes after it
    return position.offset if is_here else 0, greeting.event.payload(
        contract=CONTRACT_VERSION,
        server_ms=moment.now_ms(),
        you=greeting.you(
            user=viewer.user,
            name=viewer.name,
            role=viewer.role,
            tier=viewer.tier,
            version=max(0, viewer.tier_version),
            permissions=permission_names(viewer.permissions),
            **{part.field: part.make(replica, viewer, luggage, moment) for part in greeting.of_you},
        ),
        streams=standing.grants,
        presence=Presence(max(0, standing.online)),
        cursor=to_cursor(position, standing.stamp),
        recovered=luggage.recovered,
        danmaku_truncated=luggage.danmaku_truncated,
        missed=list(luggage.missed),
        admission=standing.admission,
        **fields,
    )


def console_state(replica: Replica, moment: Moment) -> list[tuple[ServerEvent[Any], Struct]]:
    """What a console is told right after its welcome: every state that consoles alone hear."""
    told: list[tuple[ServerEvent[Any], Struct]] = [
        (tail.event, tail.shape(replica.tail(tail.news))) for tail in replica.book.tails
    ]
    told += (
        (state.event, replica.shown(state.news, state.views[0], moment))
        for state in replica.book.states
        if state.event.kind is EventClass.CONSOLE
    )
    return told


@lru_cache(maxsize=64)
def permission_names(permissions: Permissions) -> list[str]:
    """Rights as clients see them, in a stable order. One list for all who hold them: not to be changed."""
    return sorted(permissions)


def tier_shape(viewer: Viewer, grants: list[Grant], reason: TierReason) -> TierChange:
    """The `tier` event of a socket whose rights changed."""
    permissions = permission_names(viewer.permissions)
    return TierChange(viewer.tier, max(0, viewer.tier_version), permissions, grants, reason)
