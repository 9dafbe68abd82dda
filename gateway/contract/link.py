"""What is said about a connection itself: its payloads and its events."""

from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType

from auth.grants import Grant
from auth.identity import Tier
from gateway.contract.rows import ServerEvent, console, link, personal, state
from gateway.contract.scalars import Count, Millis

TierReason = Literal["purchase", "refund", "refund_failed", "phase", "switches", "role", "admitted"]


class Presence(Struct, frozen=True):
    """Sockets of viewers in the room now."""

    online: Count


class TierChange(Struct, frozen=True):
    """What your ticket is worth from now on, and why it changed."""

    tier: Tier
    version: Count
    permissions: list[str]
    """All that may be done now; see states.md."""
    streams: list[Grant]
    """All stream grants held now."""
    reason: TierReason


class Admission(Struct, frozen=True):
    """Where you stand in the queue at the door. Until your turn comes you hold no rights and no streams.

    Position 0 says that you are inside now: `tier` with the reason `admitted` follows, `pins` and a `position`.
    """

    position: Count
    """In your room, from 1; beyond 100 to two digits."""
    eta_ms: Count
    """About how long it will take."""


class RoomPosition(Struct, frozen=True):
    """Where the room stands; keep the cursor."""

    cursor: str


class Degraded(Struct, frozen=True):
    """The wire between gateways is out since then; null when it is back."""

    since_ms: Millis | None


class TokenExpiring(Struct, frozen=True):
    """Answer with `token:refresh` before then."""

    expires_ms: Millis


class Draining(Struct, frozen=True):
    """This gateway goes down; reconnect after the wait, which differs per client."""

    reconnect_after_ms: Millis
    """How long to wait after the end of this socket."""


class Bye(Struct, frozen=True, omit_defaults=True):
    """The end of this socket and whether coming back can help."""

    code: str
    """One of those marked `bye` in the table of codes."""
    retryable: bool
    retry_after_ms: Millis | UnsetType = UNSET
    """For a retryable one: how long to wait."""


class Health(Struct, frozen=True):
    """How this gateway does: sockets, danmaku shed per class, event-loop lag."""

    online: Count
    """Sockets of this gateway, consoles included."""
    shed: dict[str, int]
    lag_ms: Count
    """How late the event loop ran its timers at worst since the last report."""
    waiting: Count = 0
    """Viewers who wait at the door of this gateway, in all rooms."""


class ErrorBody(Struct, frozen=True, omit_defaults=True):
    """Why not. Further fields depend on the code."""

    code: str
    """One of the table of codes."""
    retryable: bool
    retry_after_ms: Millis | UnsetType = UNSET
    """How long to wait before the next try."""


PRESENCE = state("presence", Presence)

TIER = personal("tier", TierChange)

ADMISSION = personal("admission", Admission)

POSITION = link("position", RoomPosition, is_whole=True)

DEGRADED = link("degraded", Degraded)

TOKEN_EXPIRING = link("token:expiring", TokenExpiring)

DRAINING = link("draining", Draining)

BYE = link("bye", Bye)

HEALTH = console("health", Health)

OF_THE_CONNECTION: tuple[ServerEvent[Any], ...] = (
    PRESENCE,
    TIER,
    ADMISSION,
    POSITION,
    DEGRADED,
    TOKEN_EXPIRING,
    DRAINING,
    BYE,
    HEALTH,
)
"""Those that no feature tells, beside the welcome."""
