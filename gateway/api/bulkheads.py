"""Bulkheads: bounds how many requests of each kind are served at a time, so that a flood of one kind spares the others.

A process that accepts more requests than it can serve serves none in time. A request that waits for a payment provider
gives its place to others meanwhile: see `aside`.
"""

import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from enum import StrEnum

from starlette.types import ASGIApp, Receive, Scope, Send

from auth.denials import Code, Denied
from gateway.api.refusals import refusal

SOONEST_MS = 1_000
LATEST_MS = 4_000
"""Refused clients are told to retry after a random time of at most this."""


class Kind(StrEnum):
    """The kinds of requests; each has places of its own."""

    CATALOGUE = "catalogue"
    """Anybody's requests that read shows."""
    BUYING = "buying"
    """Requests of fans about orders, refunds and tickets."""
    CALLBACKS = "callbacks"
    """Callbacks of payment providers."""
    STAFF = "staff"
    """Requests of hosts and operators."""


PLACES: Mapping[Kind, int] = {Kind.CATALOGUE: 64, Kind.BUYING: 128, Kind.CALLBACKS: 64, Kind.STAFF: 16}
"""The default number of places of each kind."""

_BUYING = ("orders", "refunds", "quotes", "entitlements", "inbox")


def kind_of(method: str, path: str) -> Kind:
    """The kind of a request below `/api`. A path that is none of a fan's counts as staff's."""
    parts = [part for part in path.split("/") if part][1:]
    if parts[:1] == ["openapi.json"] or (method in ("GET", "HEAD") and parts[:1] == ["shows"] and len(parts) <= 2):
        return Kind.CATALOGUE
    return Kind.BUYING if parts and parts[0] in _BUYING else Kind.STAFF


class Places:
    """The places of one kind."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.taken = 0

    @property
    def is_full(self) -> bool:
        """Whether every place is taken."""
        return self.taken >= self.limit


_place: ContextVar[Places | None] = ContextVar("place", default=None)
"""The place that the current request holds."""


class Bulkheads:
    """Serves so many requests of each kind at a time, and answers BUSY to the rest at once."""

    def __init__(self, app: ASGIApp, places: Mapping[Kind, Places], kind: Callable[[str, str], Kind] = kind_of) -> None:
        self._app = app
        self._places = places
        self._kind = kind

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI entry point."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        places = self._places[self._kind(scope["method"], path)]
        if places.is_full:
            wait_ms = random.randint(SOONEST_MS, LATEST_MS)  # noqa: S311 - jitter
            await refusal(Denied(Code.BUSY, retry_after_ms=wait_ms))(scope, receive, send)
            return
        places.taken += 1
        token = _place.set(places)
        try:
            await self._app(scope, receive, send)
        finally:
            _place.reset(token)
            places.taken -= 1


@asynccontextmanager
async def aside() -> AsyncIterator[None]:
    """Release the request's place while the block runs; outside of a request it does nothing.

    A request that returns takes a place even if none is free: what it did is committed, and it is nearly finished.
    """
    places = _place.get()
    if places is None:
        yield
        return
    places.taken -= 1
    try:
        yield
    finally:
        places.taken += 1
