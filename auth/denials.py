"""The closed table of refusals: every code a client can meet, and whether trying again can help."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Code(StrEnum):
    """A stable code, never a sentence: clients translate."""

    # on connect, and wherever else they fit
    BAD_REQUEST = "BAD_REQUEST"
    TOKEN_INVALID = "TOKEN_INVALID"
    TOKEN_EXPIRED = "TOKEN_EXPIRED"
    ROOM_NOT_FOUND = "ROOM_NOT_FOUND"
    TICKET_REQUIRED = "TICKET_REQUIRED"
    BALANCE_DUE = "BALANCE_DUE"
    FORBIDDEN = "FORBIDDEN"
    BANNED = "BANNED"
    SEAT_TAKEN = "SEAT_TAKEN"
    ROOM_ENDED = "ROOM_ENDED"
    ROOM_CANCELLED = "ROOM_CANCELLED"
    BUSY = "BUSY"
    # only as the end of a socket
    KICKED = "KICKED"
    SLOW = "SLOW"
    DRAINING = "DRAINING"
    PROTOCOL = "PROTOCOL"
    # interaction
    RATE_LIMITED = "RATE_LIMITED"
    MUTED = "MUTED"
    CLOSED = "CLOSED"
    TEXT_EMPTY = "TEXT_EMPTY"
    TEXT_TOO_LONG = "TEXT_TOO_LONG"
    TEXT_BLOCKED = "TEXT_BLOCKED"
    LINKS_OFF = "LINKS_OFF"
    EMOJI_ONLY = "EMOJI_ONLY"
    GIFT_UNKNOWN = "GIFT_UNKNOWN"
    INSUFFICIENT_CREDITS = "INSUFFICIENT_CREDITS"
    STAGE_FULL = "STAGE_FULL"
    STAGE_STATE = "STAGE_STATE"
    PHASE_TRANSITION = "PHASE_TRANSITION"
    CONFLICT = "CONFLICT"
    NOT_FOUND = "NOT_FOUND"
    # box office
    SALES_CLOSED = "SALES_CLOSED"
    SOLD_OUT = "SOLD_OUT"
    ORDER_STATE = "ORDER_STATE"
    REFUND_POLICY = "REFUND_POLICY"
    IDEMPOTENCY_REUSED = "IDEMPOTENCY_REUSED"
    PROVIDER_UNKNOWN = "PROVIDER_UNKNOWN"
    PROVIDER_UNAVAILABLE = "PROVIDER_UNAVAILABLE"
    SIGNATURE_INVALID = "SIGNATURE_INVALID"
    INTERNAL = "INTERNAL"


RETRYABLE = frozenset(
    {
        Code.BUSY,
        Code.SLOW,
        Code.DRAINING,
        Code.RATE_LIMITED,
        Code.CONFLICT,
        Code.PROVIDER_UNAVAILABLE,
        Code.INTERNAL,
    }
)
"""Codes for which the same request may succeed later without anybody doing anything."""


@dataclass(frozen=True, slots=True)
class Denied:
    """An expected refusal, as a value. It changed nothing."""

    code: Code
    retry_after_ms: int | None = None
    detail: Mapping[str, object] = field(default_factory=dict)
    """What the client needs to act on it: the offer behind TICKET_REQUIRED, the field behind BAD_REQUEST."""

    @property
    def retryable(self) -> bool:
        """Whether the same request may succeed later."""
        return self.code in RETRYABLE

    def as_error(self) -> dict[str, object]:
        """The wire form `{code, retryable, retry_after_ms?, ...detail}`."""
        error: dict[str, object] = {**self.detail, "code": self.code.value, "retryable": self.retryable}
        if self.retry_after_ms is not None:
            error["retry_after_ms"] = self.retry_after_ms
        return error
