"""The bound on requests that are served at a time."""

import random

from starlette.types import ASGIApp, Receive, Scope, Send

from auth.denials import Code, Denied
from gateway.api.refusals import refusal

SOONEST_MS = 1_000
LATEST_MS = 4_000
"""Who is sent away comes back at a moment of its own."""


class AtOnce:
    """Serves so many requests at a time and answers BUSY to the rest at once.

    A box office that takes in more than it can serve serves nobody: everybody would have gone before their turn.
    """

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app = app
        self._limit = limit
        self._under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._under_way >= self._limit:
            wait_ms = random.randint(SOONEST_MS, LATEST_MS)  # noqa: S311 - jitter
            await refusal(Denied(Code.BUSY, retry_after_ms=wait_ms))(scope, receive, send)
            return
        self._under_way += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._under_way -= 1
