"""uvicorn's HTTP protocol, which says when its connection has no request under way."""

import asyncio
from typing import Any

from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway.engine.idle import IdleConnections


class IdleHttpProtocol(HttpToolsProtocol):
    """A connection is idle while its peer owes a request, or the rest of one, and nothing waits for an answer."""

    idle: IdleConnections | None = None
    """What bounds such connections, where anything does."""

    @property
    def is_of_a_proxy(self) -> bool:
        """Whether a trusted proxy opened it: then it is many fans'."""
        app: Any = self.app
        return isinstance(app, ProxyHeadersMiddleware) and (self.client or ("",))[0] in app.trusted_hosts

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Nothing is asked yet."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Gone."""
        self._go_on()
        super().connection_lost(exc)

    def on_message_complete(self) -> None:
        """A whole request is here."""
        self._go_on()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """It is answered; who asks no more is idle."""
        super().on_response_complete()
        if self.cycle.response_complete and not self.transport.is_closing():
            self._wait()

    def end_idle(self) -> None:
        """It gives way to a newer one."""
        self.transport.abort()

    def _wait(self) -> None:
        if self.idle is not None and self.client is not None and not self.is_of_a_proxy:
            self.idle.enter(self, self.client[0])

    def _go_on(self) -> None:
        if self.idle is not None:
            self.idle.leave(self)
