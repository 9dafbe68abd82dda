"""Payloads of the session: its token and its clock."""

from typing import Annotated

from msgspec import Meta, Struct

from gateway.contract.scalars import ClientTime, Millis


class RefreshToken(Struct, frozen=True):
    """A new token of the same user."""

    token: Annotated[str, Meta(max_length=4096)]


class Clock(Struct, frozen=True):
    """The client's clock when it asked."""

    t0: ClientTime


class ClockAck(Struct, frozen=True):
    """Server times at receipt and answer, for the client's offset."""

    t0: int | float
    t1: Millis
    t2: Millis
