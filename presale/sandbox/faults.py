"""Faults of the sandbox provider, scripted per payment, and the plan of callbacks that follows from them."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta, Struct

REORDER_HOLD_MS = 5_000
"""How long a reordered payment's first callback waits for a second one to overtake it."""

RETRY_FACTORS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
"""Waits between attempts in units of the retry base; after the last one the provider gives up."""

Milliseconds = Annotated[int, Meta(ge=0, le=600_000)]
Times = Annotated[int, Meta(ge=0, le=20)]


class Faults(Struct, frozen=True, kw_only=True):
    """What goes wrong with one payment. The default is that nothing does."""

    seed: int = 0
    """Decides every random choice, so that a run can be repeated."""
    delay_ms: Milliseconds = 0
    """Before the first attempt of every callback."""
    jitter_ms: Milliseconds = 0
    """At most this much more, by the seed, for every copy of every callback."""
    duplicates: Times = 0
    """Further deliveries of every callback under the same id."""
    reorder: bool = False
    """The first callback is held until a later one has gone out, at most `REORDER_HOLD_MS`."""
    lost: bool = False
    """No callback is ever sent; a query still tells the truth."""
    dropped_answers: Times = 0
    """So many answers to callbacks are not heard, as if the connection broke after the receiver had committed."""
    wrong_amount_minor: Annotated[int, Meta(ge=1, le=2**53)] | None = None
    """The cashier takes this amount instead; callback and query both say so."""
    bad_signatures: Times = 0
    """So many attempts of each callback carry a signature by another secret."""
    stale_timestamps: Times = 0
    """So many attempts of each callback carry a good signature made an hour ago."""
    pay_after_close: bool = False
    """The cashier takes the money although the payment is closed or expired."""
    create_errors: Times = 0
    """So many creates answer 500 although the payment was made."""
    refund_fails: bool = False
    refund_delay_ms: Milliseconds = 0
    """Refunds answer `pending` and reach their end so much later."""


NO_FAULTS = Faults()


@dataclass(frozen=True, slots=True)
class Attempt:
    """How one attempt to deliver a callback is made."""

    forged: bool
    stale: bool
    heard: bool
    """Whether the receiver's answer counts."""


def due_times(faults: Faults, event: str, now_ms: int, *, is_first_event: bool) -> Sequence[int]:
    """When each copy of a callback is due, in the order of the copies; empty when it is lost."""
    if faults.lost:
        return ()
    dice = random.Random(f"{faults.seed}:{event}")  # noqa: S311  repeatable faults, no secret
    start_ms = now_ms + faults.delay_ms
    if faults.reorder and is_first_event:
        start_ms += REORDER_HOLD_MS
    return tuple(start_ms + dice.randint(0, faults.jitter_ms) for _ in range(1 + faults.duplicates))


def attempt(faults: Faults, number: int) -> Attempt:
    """The nature of attempt `number` (the first is 0): forged ones first, then stale ones, then unheard ones."""
    stale_from = faults.bad_signatures
    unheard_from = stale_from + faults.stale_timestamps
    return Attempt(
        forged=number < stale_from,
        stale=stale_from <= number < unheard_from,
        heard=not unheard_from <= number < unheard_from + faults.dropped_answers,
    )


def retry_wait_ms(number: int, base_ms: int) -> int | None:
    """The wait after failed attempt `number` (the first is 0), or None to give up."""
    return RETRY_FACTORS[number] * base_ms if number < len(RETRY_FACTORS) else None
