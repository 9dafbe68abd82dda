"""The closed table of refusals: every code a client can meet, and whether trying again can help."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Code(StrEnum):
    """A stable code, never a sentence: clients translate."""

    # on connect, and wherever else they fit
    BAD_REQUEST = "BAD_REQUEST"
    """Malformed, of the wrong type, too large or unknown; `field` names the place, `max_items` or `unpaid_seats` a
    limit that was passed, `product` a line of a cart that raises no tier beyond another one."""
    TOKEN_INVALID = "TOKEN_INVALID"
    """No token, one that no active key signed for this issuer and audience, or one that was taken back."""
    TOKEN_EXPIRED = "TOKEN_EXPIRED"
    """The token's time is over, or it was taken back while its socket was open: fetch a new one."""
    ROOM_NOT_FOUND = "ROOM_NOT_FOUND"
    """There is no room of this id."""
    TICKET_REQUIRED = "TICKET_REQUIRED"
    """A ticket opens this; `products` says which, `buy` where."""
    BALANCE_DUE = "BALANCE_DUE"
    """A deposit is paid, the balance is not."""
    FORBIDDEN = "FORBIDDEN"
    """The role or the ticket does not allow it."""
    BANNED = "BANNED"
    """Put out of this room for good."""
    SEAT_TAKEN = "SEAT_TAKEN"
    """The ticket is in use on a newer device, to whoever asked first on `devices` others; or its user has opened too
    many newer sockets."""
    ROOM_ENDED = "ROOM_ENDED"
    """The show is over."""
    ROOM_CANCELLED = "ROOM_CANCELLED"
    """The show was cancelled."""
    BUSY = "BUSY"
    """Too much at once, or something failed: come back after `retry_after_ms`."""
    # only as the end of a socket
    KICKED = "KICKED"
    """Sent out by the staff, or a console whose role was taken; coming back is not barred."""
    SLOW = "SLOW"
    """The socket read too slowly, and what waited for it grew too long."""
    DRAINING = "DRAINING"
    """This gateway goes down; another one takes over."""
    PROTOCOL = "PROTOCOL"
    """Repeatedly sent what is no packet of the contract."""
    # interaction
    RATE_LIMITED = "RATE_LIMITED"
    """Too often (`slow_ms` where the room's slow mode says so), too many seats held unpaid, or too soon after an order
    that was left unpaid."""
    MUTED = "MUTED"
    """Silenced by the staff."""
    CLOSED = "CLOSED"
    """The phase or a switch of the room rules it out at the moment."""
    TEXT_EMPTY = "TEXT_EMPTY"
    """Nothing is left of the text after cleaning."""
    TEXT_TOO_LONG = "TEXT_TOO_LONG"
    """Over `max_graphemes`, or one of more than `max_grapheme_bytes`, after cleaning."""
    TEXT_BLOCKED = "TEXT_BLOCKED"
    """Holds a word that the operator blocks."""
    LINKS_OFF = "LINKS_OFF"
    """Holds a link, and the room takes none."""
    EMOJI_ONLY = "EMOJI_ONLY"
    """The room takes emoji only."""
    GIFT_UNKNOWN = "GIFT_UNKNOWN"
    """Not in the room's catalogue."""
    INSUFFICIENT_CREDITS = "INSUFFICIENT_CREDITS"
    """The wallet holds too few gift credits."""
    STAGE_FULL = "STAGE_FULL"
    """No place left on stage."""
    STAGE_STATE = "STAGE_STATE"
    """Not possible from where the viewer stands with the stage; `state` says where."""
    NOT_HERE = "NOT_HERE"
    """Nobody of this name is inside the room now."""
    PHASE_TRANSITION = "PHASE_TRANSITION"
    """The show cannot go there from its phase; `possible` lists where it can."""
    CONFLICT = "CONFLICT"
    """Somebody else changed it first."""
    NOT_FOUND = "NOT_FOUND"
    """There is no such thing, or it is not the caller's to see."""
    POLL_OPEN = "POLL_OPEN"
    """Another question is open; `poll` says which."""
    POLL_ENDED = "POLL_ENDED"
    """The poll is over: its counts are its result."""
    # box office
    SALES_CLOSED = "SALES_CLOSED"
    """The show sells no tickets in its phase."""
    ALREADY_HELD = "ALREADY_HELD"
    """The buyer's `order`, in `state`, holds `product` or no less of a tier; `pay_url` says where to pay it now."""
    SOLD_OUT = "SOLD_OUT"
    """No seats left of `product`."""
    ORDER_STATE = "ORDER_STATE"
    """Not possible in the order's state; `state` names it."""
    REFUND_POLICY = "REFUND_POLICY"
    """Too late for the buyer; an operator still can."""
    IDEMPOTENCY_REUSED = "IDEMPOTENCY_REUSED"
    """The key was used before, for another request."""
    PROVIDER_UNKNOWN = "PROVIDER_UNKNOWN"
    """This gateway has no payment provider of that name."""
    PROVIDER_UNAVAILABLE = "PROVIDER_UNAVAILABLE"
    """The payment provider did not answer; the same request with the same key goes on where it stopped."""
    SIGNATURE_INVALID = "SIGNATURE_INVALID"
    """A callback that its provider did not sign."""
    INTERNAL = "INTERNAL"
    """A fault of the server; it is in its log."""


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
