"""The first event of a socket: what version 1.0 of the contract has in it. A later feature adds its own field."""

from collections.abc import Iterable
from typing import Any, TypeAlias

from msgspec import UNSET, Struct, UnsetType, defstruct

from auth.grants import Grant
from auth.identity import Role, Tier
from gateway.contract.link import Admission, Presence
from gateway.contract.scalars import Count, Millis
from gateway.contract.shared import Countdown
from gateway.features.chat.wire import MissedDanmaku, MissedRetract, Pins
from gateway.features.course.wire import Room
from gateway.features.gifts.wire import Leaderboard, Like, MissedGift, Wallet
from gateway.features.orders.wire import Order
from gateway.features.sales.wire import Sales
from gateway.features.stage.wire import Cohost, Stage
from gateway.replica.news import State


class You(Struct, frozen=True):
    """Your side of the welcome."""

    user: str
    name: str
    """As the token gives it."""
    role: Role
    tier: Tier
    version: Count
    """Of the entitlement behind `tier`."""
    permissions: list[str]
    """All that may be done now; see states.md."""
    wallet: Wallet
    orders: list[Order]
    """Those that are pending, paid or being refunded."""
    cohost: Cohost
    muted_until_ms: Millis | None = None
    """Null: not muted; 2^53: until somebody ends it."""


MissedEvent: TypeAlias = MissedDanmaku | MissedGift | MissedRetract


class Welcome(Struct, frozen=True):
    """The first event after CONNECT: the whole state of the room as it concerns you."""

    contract: str
    """The version of this contract."""
    server_ms: Millis
    """The server's clock."""
    room: Room
    you: You
    streams: list[Grant]
    """The stream grants held now."""
    countdowns: list[Countdown]
    sales: Sales
    stage: Stage
    pins: Pins
    leaderboard: Leaderboard
    presence: Presence
    like: Like
    cursor: str
    recovered: bool
    """True: `missed` is everything you missed. False: start from this snapshot."""
    danmaku_truncated: bool = False
    """Recovered, but older danmaku fell out of the history."""
    missed: list[MissedEvent] = []
    """Oldest first; always there, and empty where nothing was missed."""
    admission: Admission | UnsetType = UNSET
    """There while you wait to be let in."""


def welcome_with(states: Iterable[State[Any]]) -> type[Struct]:
    """The payload of `welcome`, with a field of its own for each state that version 1.0 did not have."""
    new: list[tuple[str, type]] = [
        (state.hello, state.event.payload) for state in states if state.hello not in Welcome.__struct_fields__
    ]
    if not new:
        return Welcome
    return defstruct(
        "Welcome", new, bases=(Welcome,), frozen=True, kw_only=True, namespace={"__doc__": Welcome.__doc__}
    )
