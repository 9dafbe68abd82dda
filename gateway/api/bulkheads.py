"""How many requests of a kind are served at a time. A crowd of one kind leaves the others their places.

A box office that takes in more than it can serve serves nobody: everybody would have gone before their turn. A request
that waits for a payment provider gives its place to others meanwhile: see `aside`.
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
"""Who is sent away comes back at a moment of its own."""


class Kind(StrEnum):
    """Whose request it is; each has places of its own."""

    CATALOGUE = "catalogue"
    """Anybody who looks at shows."""
    BUYING = "buying"
    """Fans with their orders, refunds and tickets."""
    CALLBACKS = "callbacks"
    """Payment providers."""
    STAFF = "staff"
    """Hosts and operators."""


PLACES: Mapping[Kind, int] = {Kind.CATALOGUE: 64, Kind.BUYING: 128, Kind.CALLBACKS: 64, Kind.STAFF: 16}
"""Without settings."""

_BUYING = ("orders", "refunds", "quotes", "entitlements", "inbox")


def kind_of(method: str, path: str) -> Kind:
    """The kind of a request below `/api`. A path that is none of a fan's is staff's."""
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
        """Whether nobody else is served now."""
        return self.taken >= self.limit


_place: ContextVar[Places | None] = ContextVar("place", default=None)
"""Where the request that runs here holds a place."""


class Bulkheads:
    """Serves so many requests of each kind at a time, and answers BUSY to the rest at once."""

    def __init__(self, app: ASGIApp, places: Mapping[Kind, Places], kind: Callable[[str, str], Kind] = kind_of) -> None:
        self._app = app
        self._places = places
        self._kind = kind

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
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
    """Leave the request's place to others for as long as the block runs; outside of a request nothing happens.

    Who comes back takes a place whether one is free or not: what it has done is committed, and it is nearly finished.
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
