"""From an address to a wire: one server, the master that Sentinels name, or a cluster.

redis://host:port/db, rediss://, unix://                       one server
redis+sentinel://[user:password@]host:port,host:port/master/db   whom the Sentinels call master
    redis+cluster://[user:password@]host:port,host:port              a cluster, found through any of its nodes
"""

import asyncio
import math
import uuid
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from redis.asyncio import ConnectionPool
from redis.asyncio.connection import AbstractConnection, Connection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from pubsub.cluster_redis import Address, Cluster, Owner
from pubsub.commands_redis import COMMAND_TIMEOUT_S, FAULTS, Server
from pubsub.link import BrokerAwayError
from pubsub.wire_redis import Shard, Wire

_OPTIONS: dict[str, Any] = {
    "protocol": 2,
    "driver_info": None,
    "socket_timeout": None,
    "retry": Retry(NoBackoff(), 0),
}

SENTINEL = "redis+sentinel"
SENTINEL_PORT = 26_379
CLUSTER = "redis+cluster"
CLUSTER_PORT = 6_379


def wire_to(url: str, prefix: str, heard: Callable[[str, bytes], None], changed: Callable[[], None]) -> Wire:
    """The wire that an address means; ValueError for one that means none."""
    probe = f"{prefix}:{{{uuid.uuid4().hex}}}:probe"
    if urlsplit(url).scheme == CLUSTER:
        nodes = ClusterNodes(url)
        return Cluster(nodes.seeds, nodes.server_at, nodes.owners, prefix, heard, changed)
    return Shard(_server(url), probe, heard, changed)


class Facts(NamedTuple):
    """What a server reports of itself."""

    version: tuple[int, ...]
    policy: str
    """Its `maxmemory-policy`; empty where it does not tell."""


async def ask_redis(url: str) -> Facts:
    """What the server of an address, or some node of a cluster, says of itself; BrokerAwayError where none answers."""
    try:
        connection = await _server(url).connect()
        try:
            answer = (await _ask(connection, "INFO")).decode()
        finally:
            await connection.disconnect(nowait=True)
    except FAULTS as error:
        raise BrokerAwayError(str(error)) from error
    facts = dict(line.split(":", 1) for line in answer.splitlines() if ":" in line)
    version = tuple(int(part) for part in facts["redis_version"].split("."))
    return Facts(version, facts.get("maxmemory_policy", ""))


def _server(url: str) -> Server:
    if urlsplit(url).scheme == SENTINEL:
        return SentinelServer(url)
    if urlsplit(url).scheme == CLUSTER:
        nodes = ClusterNodes(url)
        return nodes.server_at(nodes.seeds[0])
    return StandaloneServer(url)


class StandaloneServer:
    """The server that a `redis://`, `rediss://` or `unix://` address names."""

    def __init__(self, url: str) -> None:
        self._pool: Any = ConnectionPool.from_url(url, **_OPTIONS)

    async def connect(self) -> AbstractConnection:
        """A new connection."""
        return await opened(self._pool.make_connection())


class SentinelServer:
    """The server that the first Sentinel with an answer calls master, and that agrees."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._sentinels = _addresses(url, SENTINEL_PORT)
        self._master, _, database = parts.path.strip("/").partition("/")
        if not self._sentinels or not self._master:
            raise ValueError("a Sentinel address names its Sentinels and the master: redis+sentinel://host:port/master")
        self._options = _OPTIONS | {"db": int(database or 0)} | credentials(url)

    async def connect(self) -> AbstractConnection:
        """A new connection to the master of now."""
        host, port = await self._find()
        connection = await opened(Connection(host=host, port=port, **self._options))
        role = await _ask(connection, "ROLE")
        if role[0] != b"master":  # the Sentinels have not agreed yet, or it has not heard
            await connection.disconnect(nowait=True)
            raise ConnectionError("not the master any more")
        return connection

    async def _find(self) -> tuple[str, int]:
        for place, (host, port) in enumerate(self._sentinels):
            try:
                connection = await opened(Connection(host=host, port=port, **_OPTIONS))
            except FAULTS:
                continue
            try:
                answer = await _ask(connection, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._master)
            except FAULTS:
                continue
            finally:
                await connection.disconnect(nowait=True)
            if answer is not None:
                self._sentinels.insert(0, self._sentinels.pop(place))
                return answer[0].decode(), int(answer[1])
        raise ConnectionError("no Sentinel knows the master")


class ClusterNodes:
    """The nodes of the cluster that a `redis+cluster://` address names some of."""

    def __init__(self, url: str) -> None:
        self.seeds = _addresses(url, CLUSTER_PORT)
        if not self.seeds:
            raise ValueError("the address of a cluster names some of its nodes: redis+cluster://host:port,host:port")
        self._options = _OPTIONS | credentials(url)

    def server_at(self, address: Address) -> "ClusterServer":
        """The node at an address."""
        return ClusterServer(address, self._options)

    async def owners(self, address: Address) -> list[Owner]:
        """Who owns which slots, as a node has it."""
        connection = await self.server_at(address).connect()
        try:
            answer = await _ask(connection, "CLUSTER", "SLOTS")
        finally:
            await connection.disconnect(nowait=True)
        ranges: dict[Address, list[tuple[int, int]]] = {}
        for first, last, (host, port, *_), *_ in answer:
            ranges.setdefault(((host or b"").decode() or address[0], port), []).append((first, last))
        return [Owner(master, tuple(sorted(owned))) for master, owned in ranges.items()]


class ClusterServer:
    """One node."""

    def __init__(self, address: Address, options: dict[str, Any]) -> None:
        self._address = address
        self._options = options

    async def connect(self) -> AbstractConnection:
        """A new connection."""
        host, port = self._address
        return await opened(Connection(host=host, port=port, **self._options))


def credentials(url: str) -> dict[str, Any]:
    """User and password of an address, as far as it has them."""
    parts = urlsplit(url)
    found = {"username": parts.username, "password": parts.password}
    return {name: unquote(value) for name, value in found.items() if value}


def _addresses(url: str, port: int) -> list[Address]:
    places = urlsplit(url).netloc.rpartition("@")[2].split(",")
    parts = [urlsplit(f"//{place}") for place in places if place]
    return [(part.hostname or "127.0.0.1", part.port or port) for part in parts]


async def _ask(connection: Any, *command: str) -> Any:
    """The answer of a connection that nobody else uses."""
    try:
        async with asyncio.timeout(COMMAND_TIMEOUT_S):
            await connection.send_packed_command(connection.pack_command(*command), check_health=False)
            return await connection.read_response(disable_decoding=True, timeout=math.inf)
    except (RedisError, OSError, TimeoutError):
        await connection.disconnect(nowait=True)
        raise


async def opened(connection: Any) -> AbstractConnection:
    """A connection after its handshake; closed again when that fails."""
    try:
        async with asyncio.timeout(COMMAND_TIMEOUT_S):
            await connection.connect()
    except BaseException:
        await connection.disconnect(nowait=True)
        raise
    assert isinstance(connection, AbstractConnection)
    return connection
