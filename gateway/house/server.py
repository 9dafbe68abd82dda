"""Serves a house with uvicorn, and drains it: every socket hears `bye` before it is closed."""

import asyncio
import random
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial

import structlog
import uvicorn

from auth.denials import Code
from gateway.contract.codec import Codec
from gateway.contract.link import DRAINING, Draining
from gateway.demo.playground import furnish
from gateway.door.address_limits import Limit
from gateway.engine.engine import Engine
from gateway.engine.handover import Handover, sid_prefix
from gateway.engine.http import adopt, http_protocol, limit_unsent
from gateway.engine.idle import IdleConnections
from gateway.engine.requests import GOING_AWAY
from gateway.house.app import SOCKET_PATHS, create_app
from gateway.house.house import House, open_house
from gateway.node.sibling import Worker
from gateway.setup import clock, descriptors, logs
from gateway.setup.settings import Duty, Settings

log = structlog.get_logger(__name__)

DRAIN_SLICE_SECONDS = 0.1
RECONNECT_FLOOR_MS = 200
FAREWELL_SECONDS = 3.0
"""How long polling clients may take to fetch their `bye` at the end of a drain."""
LOOK_SECONDS = 0.02
CLOSE_SECONDS = 5
"""How long open HTTP requests may take after the drain."""


class _Uvicorn(uvicorn.Server):
    """uvicorn without its signal handlers, which would close every socket before `bye` was sent."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def __init__(self, config: uvicorn.Config, unsent_bytes: int, handover: Handover | None) -> None:
        super().__init__(config)
        self._unsent_bytes = unsent_bytes
        self._handover = handover

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start listening."""
        if self._handover is not None:  # first: once somebody has a session here, siblings are asked for it
            self._handover.open(partial(adopt, self))
        await super().startup(sockets)
        for server in self.servers:
            for listener in server.sockets:
                limit_unsent(listener, self._unsent_bytes)

    def leave_port(self) -> None:
        """Stop accepting connections."""
        for server in self.servers:
            server.close()


async def serve(
    settings: Settings,
    stop: asyncio.Event | None = None,
    started: asyncio.Event | None = None,
    *,
    loaded: Callable[[], None] | None = None,
    worker: Worker | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM (or `stop`), then drain. A second signal ends the drain at once.

    `loaded` is called when every object that lives as long as the process exists. `worker`: this is one of several
    processes.
    """
    logs.configure(settings.log_format)
    stop = stop or asyncio.Event()
    hurry = asyncio.Event()
    _listen_to_signals(stop, hurry)
    descriptors.raise_limit()  # before its bounds are made from it
    async with open_house(settings) as house:
        if settings.is_playground:
            await furnish(house.db)
        handover = worker.handover if worker is not None else None
        prefix = handover.sid_prefix if handover is not None else sid_prefix(settings.node or clock.new_node(), 0)
        for sockets in house.socket_servers:
            sockets.name_sessions(prefix)
        server = _Uvicorn(_configuration(house, handover), settings.unsent_bytes, handover)
        if loaded is not None:
            loaded()
        async with asyncio.TaskGroup() as group:
            background = group.create_task(house.run())
            serving = group.create_task(server.serve(list(worker.listeners) if worker is not None else None))
            obeying = group.create_task(_obey(worker, server, stop)) if worker is not None else None
            if started is not None:
                group.create_task(_announce(server, started))
            stopping = group.create_task(stop.wait())
            await asyncio.wait({serving, stopping, background}, return_when=asyncio.FIRST_COMPLETED)
            await _drain(house, hurry)
            if handover is not None:
                await handover.close()
            server.should_exit = True
            await serving
            stopping.cancel()
            background.cancel()
            if obeying is not None:
                obeying.cancel()


async def _obey(worker: Worker, server: _Uvicorn, stop: asyncio.Event) -> None:
    """Tell the supervisor when this process serves, and stop when it says so or is gone."""
    started = asyncio.Event()
    await _announce(server, started)
    worker.ready()
    living = asyncio.create_task(worker.stay_alive())
    try:
        await worker.obey(server.leave_port)
    finally:
        living.cancel()
    stop.set()


def _configuration(house: House, handover: Handover | None) -> uvicorn.Config:
    settings = house.settings
    return uvicorn.Config(
        create_app(house, handover),
        host=settings.host,
        port=settings.port,
        lifespan="off",
        http=http_protocol(
            _engines(house), handover, limits_of=house.socket_server(Codec.JSON).engine, idle=_idle_connections(house)
        ),
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies or None,
        server_header=False,
        access_log=False,
        log_config=None,
        timeout_keep_alive=settings.keepalive_seconds,
        timeout_graceful_shutdown=CLOSE_SECONDS,
    )


def _idle_connections(house: House) -> IdleConnections:
    settings = house.settings
    idle = IdleConnections(
        descriptors.for_idle(settings.idle_connections),
        0 if settings.is_playground else settings.idle_connections_per_address,
        partial(house.address_limits.bound, Limit.IDLE),
    )
    house.metrics.idle_connections.set_function(lambda: len(idle))
    return idle


def _engines(house: House) -> dict[str, Engine]:
    if Duty.GATEWAY not in house.settings.duties:
        return {}
    return {path: house.socket_server(codec).engine for codec, path in SOCKET_PATHS.items()}


def _listen_to_signals(stop: asyncio.Event, hurry: asyncio.Event) -> None:
    def asked() -> None:
        (hurry if stop.is_set() else stop).set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, asked)


async def _announce(server: uvicorn.Server, started: asyncio.Event) -> None:
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    started.set()


async def _drain(house: House, hurry: asyncio.Event) -> None:
    """Tell every client when to reconnect, spread over the drain time, and close the sockets in slices."""
    house.draining = True
    house.admission.close()
    if house.settings.redis_url:  # there are others: this is a word that a balancer understands
        for each in house.socket_servers:
            each.engine.closed_with = GOING_AWAY
    seconds = house.settings.drain_seconds
    rooms = {member: room for room in house.live_rooms for member in room.members() if member.connection is not None}
    members = list(rooms)
    if not members:
        return
    log.info("drain.started", sockets=len(members), seconds=seconds)
    spread_ms = max(RECONNECT_FLOOR_MS, round(seconds * 1000))
    waits = {member: random.randint(RECONNECT_FLOOR_MS, spread_ms) for member in members}  # noqa: S311 - jitter
    for member, wait_ms in waits.items():
        member.tell(DRAINING, Draining(wait_ms))
    slices = max(1, round(seconds / DRAIN_SLICE_SECONDS))
    for turn in range(slices):
        for member in members[turn::slices]:
            rooms[member].tell_own_position(member)
            member.bye(Code.DRAINING, retry_after_ms=waits[member])
        if not hurry.is_set():
            await asyncio.sleep(seconds / slices)
    with suppress(TimeoutError):
        async with asyncio.timeout(FAREWELL_SECONDS):
            while not all(one.engine.is_quiet for one in house.socket_servers):  # noqa: ASYNC110 - they fetch it one by one
                await asyncio.sleep(LOOK_SECONDS)
    log.info("drain.ended")
