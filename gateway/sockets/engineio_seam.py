"""Our engine in the place of python-engineio's, below a python-socketio server."""

from typing import Any

import engineio

from gateway.engine.engine import Engine
from gateway.engine.limits import EngineLimits
from gateway.engine.polling import PollingApp
from gateway.engine.ports import Application
from gateway.engine.socket import Socket
from gateway.setup.origins import Origins


class EngineServer(engineio.AsyncServer):  # type: ignore[misc]  # python-engineio is untyped
    """What `SocketServer` asks of engineio.AsyncServer, done by `gateway.engine`; an application takes the messages."""

    def __init__(
        self,
        *,
        limits: EngineLimits | None = None,
        origins: Origins | None = None,
        sid_prefix: str = "",
        **options: Any,
    ) -> None:
        super().__init__(monitor_clients=False, **options)
        self.limits = limits or EngineLimits()
        self.sid_prefix = sid_prefix
        self._origins = origins
        self._engine: Engine | None = None
        self._application: Application[Socket] | None = None
        self._polling = PollingApp(lambda: self.engine)

    @property
    def engine(self) -> Engine:
        """The engine, made at its first use on the running event loop."""
        if self._engine is None:
            if self._application is None:
                raise RuntimeError("an application is served before the first request")
            self._engine = Engine(self._application, self.limits, origins=self._origins, sid_prefix=self.sid_prefix)
        return self._engine

    def serve(self, application: Application[Socket]) -> None:
        """Let `application` take what comes. Before the first request."""
        self._application = application

    async def handle_request(self, scope: Any, receive: Any, send: Any) -> None:
        """ASGI of the polling side; upgrades are answered by `gateway.engine.http`."""
        await self._polling(scope, receive, send)

    async def shutdown(self) -> None:
        """End everything."""
        if self._engine is not None:
            self._engine.close()
