"""Payloads and events of polls."""

from typing import Annotated

from msgspec import Meta, Struct

from gateway.contract.rows import state
from gateway.contract.scalars import Count, Id
from rooms.polls.poll import MOST_OPTIONS, Poll

Option = Annotated[int, Meta(ge=0, lt=MOST_OPTIONS)]


class Polls(Struct, frozen=True):
    """The newest questions to everybody, newest last; at most the last of them is open. Consoles see more of them."""

    items: tuple[Poll, ...]
    version: Count


class AskPoll(Struct, frozen=True):
    """Ask everybody something."""

    question: Annotated[str, Meta(max_length=2880)]
    """At most 120 graphemes after cleaning."""
    options: Annotated[list[Annotated[str, Meta(max_length=960)]], Meta(min_length=2, max_length=MOST_OPTIONS)]
    """Each of at most 40 graphemes after cleaning, no two alike."""


class EndPoll(Struct, frozen=True):
    """End a poll; its counts are its result."""

    poll: Id


class CastVote(Struct, frozen=True):
    """Vote, or vote otherwise than before."""

    poll: Id
    option: Option
    """By its place, from 0."""


class VoteAck(Struct, frozen=True):
    """Committed. The same vote again changes nothing."""

    poll: str
    option: Count


POLLS = state("polls", Polls)
