"""Payloads that several features speak in."""

from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from auth.grants import Grant
from gateway.contract.rows import personal, state
from gateway.contract.scalars import Count, Millis, User

InboxKind = Literal["muted", "unmuted", "refund_failed", "money_returning", "refunds_open"]


class Countdown(Struct, frozen=True):
    """Something everybody (or only you) waits for. `target_ms: null` takes it off the screen.

    Show `target_ms - (local now + clock offset)`; `server_ms` is the server's clock when this was sent.
    """

    id: str
    """What a later one of the same id replaces."""
    scope: Literal["room", "me"]
    kind: Literal["doors", "show", "order", "custom"]
    """The doors, the show, the end of an order, or one the staff made."""
    target_ms: Millis | None
    server_ms: Millis
    version: Count
    label: str | UnsetType = UNSET


class Inbox(Struct, frozen=True):
    """A notice only you see: a mute, an end of a mute, a refund that failed, money that goes back, refunds that open.

    Money goes back by itself where it came when it could buy nothing any more: the show over, a ban, no seats left, a
    ticket held already. `refunds_open` reaches whoever holds a ticket that could not be returned any more and can be
    again: the show was moved or cancelled, or has a new deadline. Notices about money are kept: `GET /api/v1/inbox`
    tells them, under the same `id`, to whoever was not connected.
    """

    id: str
    kind: InboxKind
    at_ms: Millis
    until_ms: Millis | None = None
    """The end of a mute, or of the time for refunds; null without one."""
    order: str | UnsetType = UNSET
    """The order whose money it is about; `refunds_open` is about all of the show."""


class Streams(Struct, frozen=True):
    """All stream grants you hold now."""

    grants: list[Grant]


class Nothing(Struct, frozen=True):
    """No payload."""


class Target(Struct, frozen=True):
    """A viewer."""

    user: User


class Created(Struct, frozen=True):
    """The id of what was made."""

    id: str


COUNTDOWN = state("countdown", Countdown)

INBOX = personal("inbox", Inbox)

STREAMS = personal("streams", Streams)
