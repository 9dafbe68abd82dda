"""Payloads and events of names."""

from typing import Annotated

from msgspec import Meta, Struct

from gateway.contract.rows import console
from gateway.contract.scalars import Count, ShortText


class Names(Struct, frozen=True):
    """The official names of the show: viewers who bear one, or one that looks like it, are shown under another."""

    names: tuple[str, ...]
    version: Count


class SetNames(Struct, frozen=True):
    """Keep these names, and no others, for the staff of the show."""

    names: Annotated[list[ShortText], Meta(max_length=50)]
    """Each of 1 to 40 graphemes after cleaning."""


NAMES = console("names", Names)
