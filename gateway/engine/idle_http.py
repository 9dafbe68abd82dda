"""uvicorn's HTTP protocol, extended to report when its connection has no request under way."""

import asyncio
from typing import Any

from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway.engine.idle import IdleConnections


class IdleHttpProtocol(HttpToolsProtocol):
    """A connection is idle while no complete request awaits an answer."""

    idle: IdleConnections | None = None
    """The registry that bounds idle connections; None sets no bound."""

    @property
    def is_of_a_proxy(self) -> bool:
        """Whether a trusted proxy opened the connection, which then carries many clients."""
        app: Any = self.app
        return isinstance(app, ProxyHeadersMiddleware) and (self.client or ("",))[0] in app.trusted_hosts

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """A new connection is idle until its first request is complete."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """A closed connection is not idle any more."""
        self._go_on()
        super().connection_lost(exc)

    def on_message_complete(self) -> None:
        """A request is complete: the connection is not idle."""
        self._go_on()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """The answer is complete: without a next request the connection is idle."""
        super().on_response_complete()
        if self.cycle.response_complete and not self.transport.is_closing():
            self._wait()

    def end_idle(self) -> None:
        """Close this connection in favour of a newer one."""
        self.transport.abort()

    def _wait(self) -> None:
        if self.idle is not None and self.client is not None and not self.is_of_a_proxy:
            self.idle.enter(self, self.client[0])

    def _go_on(self) -> None:
        if self.idle is not None:
            self.idle.leave(self)
