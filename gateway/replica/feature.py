"""What a capability adds to the gateway: rows, and how SQL knows its state. Its folder says all of it in one place."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.contract.rows import Command, ServerEvent
from gateway.replica.act import Act
from gateway.replica.news import AnyEvent, Row
from gateway.replica.welcome import Part
from rooms.course.room import RoomRecord

Load: TypeAlias = Callable[[AsyncConnection, RoomRecord, int], Awaitable[Sequence[AnyEvent]]]
"""The state of a room as SQL has it, as the news that would have told it; of each `State` there is one.

Given the version up to which SQL has counted: what is in force (`Keyed`) carries it.
"""
AnyCommand: TypeAlias = Command[Act, Any, Any]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Feature:
    """One capability, listed. `gateway/features/registry.py` is the sum of all."""

    events: tuple[ServerEvent[Any], ...] = ()
    """What it tells clients."""
    commands: tuple[AnyCommand, ...] = ()
    """What clients may send."""
    news: tuple[Row, ...] = ()
    """What its publications mean to a room."""
    load: Load | None = None
    parts: tuple[Part, ...] = ()
    """What of `welcome` no state tells."""
    routes: tuple[Callable[[Any], Any], ...] = ()
    """Makers of its HTTP routes, from the dependencies of the API (`gateway.api.callers.ApiDependencies`)."""
