"""Ways in which Redis can be out, each with what stands behind the house's wire."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from redis import Redis
from redis.crc import key_slot
from redis.exceptions import RedisError

from pubsub.scripts_redis import keys_of
from tests.redis_server import RedisCluster, RedisServer, Sentinel, cluster_info
from tests.tcp_proxy import TcpProxy

AGREE_SECONDS = 30.0
FIRST_NODES_SLOTS = 5_461
UNSEEN_SECONDS = 1.0
"""How long a master goes on alone before it is lost, with all that nobody has copied."""


class Outage(Protocol):
    """One way. `begin` returns once it has begun, `end` once Redis answers again."""

    @property
    def name(self) -> str: ...

    @property
    def is_instant(self) -> bool:
        """It is over as soon as it has begun."""
        ...

    @property
    def is_repeatable(self) -> bool:
        """It lasts as long as it is let last, and leaves everything as it was."""
        ...

    async def begin(self) -> None: ...

    async def end(self) -> None: ...


@dataclass
class Site:
    """What stands behind the wire, and the ways in which it can fail."""

    url: str
    outages: list[Outage]
    takes: Callable[[str], bool] = field(default=lambda _room: True)
    """Whether a room of this id is touched by what fails."""


class KeptRedis(RedisServer):
    """One that writes everything down, and can be made to forget it."""

    def __init__(self) -> None:
        super().__init__(None, "--appendonly", "yes")

    def forget(self) -> None:
        """For while it is not running."""
        shutil.rmtree(Path(self._folder.name) / "appendonlydir")


@dataclass
class Killed:
    """The server dies, and is started again."""

    redis: KeptRedis
    is_kept: bool
    is_instant = False
    is_repeatable = True

    @property
    def name(self) -> str:
        return f"killed, started {'with its data' if self.is_kept else 'empty'}"

    async def begin(self) -> None:
        self.redis.kill()

    async def end(self) -> None:
        if not self.is_kept:
            self.redis.forget()
        await asyncio.to_thread(self.redis.start)


@dataclass
class Frozen:
    """The server stands still; its kernel goes on taking what it is sent."""

    redis: RedisServer
    name = "frozen"
    is_instant = False
    is_repeatable = True

    async def begin(self) -> None:
        self.redis.freeze()

    async def end(self) -> None:
        self.redis.thaw()


@dataclass
class Blackholed:
    """The network swallows everything, and goes on accepting; the connections of that time stay dead."""

    line: TcpProxy
    name = "blackholed"
    is_instant = False
    is_repeatable = True

    async def begin(self) -> None:
        self.line.blackhole()

    async def end(self) -> None:
        self.line.heal()


@dataclass
class Commanded:
    """Somebody says one command to the server."""

    redis: RedisServer
    words: tuple[str, ...]
    is_instant = True
    is_repeatable = False

    @property
    def name(self) -> str:
        return f"`{' '.join(self.words)}`"

    async def begin(self) -> None:
        with closing(Redis(port=self.redis.port)) as client:
            client.execute_command(*self.words)  # type: ignore[no-untyped-call]

    async def end(self) -> None:
        """It is over already."""


@dataclass
class FailedOver:
    """The master dies with writes that its replica has not seen; a Sentinel makes that one the master."""

    master: RedisServer
    replica: RedisServer
    name = "Sentinel failover, writes lost"
    is_instant = False
    is_repeatable = False

    async def begin(self) -> None:
        with closing(Redis(port=self.replica.port)) as client:
            client.config_set("masteruser", "nobody")  # what it is refused with when it comes back
            client.config_set("masterauth", "unknown")
            client.execute_command("CLIENT", "KILL", "TYPE", "master")  # type: ignore[no-untyped-call]
        await asyncio.sleep(UNSEEN_SECONDS)
        self.master.kill()

    async def end(self) -> None:
        with closing(Redis(port=self.replica.port)) as client:
            await _until(lambda: client.role()[0] == b"master", "the replica to be master")


@dataclass
class NodeLost:
    """The master of the show's slots dies, and its replica takes over."""

    cluster: RedisCluster
    name = "cluster node lost"
    is_instant = False
    is_repeatable = False

    async def begin(self) -> None:
        self.cluster.nodes[0].kill()

    async def end(self) -> None:
        replica, other = self.cluster.nodes[3], self.cluster.nodes[1]
        with (
            closing(Redis(port=replica.port, decode_responses=True)) as heir,
            closing(Redis(port=other.port, decode_responses=True)) as witness,
        ):
            await _until(lambda: heir.role()[0] == "master", "the replica to take over")
            await _until(lambda: cluster_info(witness)["cluster_state"] == "ok", "the cluster to be whole")


@asynccontextmanager
async def one_server() -> AsyncIterator[Site]:
    """One server that writes everything down."""
    with closing(KeptRedis()) as redis:
        redis.start()
        commands = [("CLIENT", "KILL", "TYPE", "pubsub"), ("CLIENT", "KILL", "TYPE", "normal"), ("FLUSHALL",)]
        ways: list[Outage] = [Killed(redis, is_kept=False), Killed(redis, is_kept=True), Frozen(redis)]
        yield Site(redis.url, ways + [Commanded(redis, words) for words in commands])


@asynccontextmanager
async def behind_a_line() -> AsyncIterator[Site]:
    """One server, and a line to it that all processes of the house share."""
    with closing(RedisServer()) as redis:
        redis.start()
        line = TcpProxy(redis.port)
        await line.start()
        try:
            yield Site(f"redis://127.0.0.1:{line.port}/0", [Blackholed(line)])
        finally:
            await line.close()


@asynccontextmanager
async def watched() -> AsyncIterator[Site]:
    """A master, its replica, and a Sentinel that knows both."""
    with ExitStack() as stack:
        master = stack.enter_context(closing(RedisServer()))
        master.start()
        replica = stack.enter_context(closing(RedisServer(None, "--replicaof", "127.0.0.1", str(master.port))))
        replica.start()
        sentinel = stack.enter_context(closing(Sentinel(master.port)))
        sentinel.start()
        with closing(Redis(port=replica.port)) as copy, closing(Redis(port=sentinel.port)) as watch:
            await _until(lambda: copy.info("replication")["master_link_status"] == "up", "the replica to follow")
            await _until(lambda: bool(watch.sentinel_slaves("show")), "the Sentinel to know the replica")
        yield Site(f"redis+sentinel://127.0.0.1:{sentinel.port}/show", [FailedOver(master, replica)])


@asynccontextmanager
async def clustered() -> AsyncIterator[Site]:
    """Three masters, and a replica of the first, which is the one that the show is on."""
    with closing(RedisCluster()) as cluster:
        await asyncio.to_thread(cluster.start)

        def is_on_the_first(room: str) -> bool:
            return key_slot(keys_of("liveroom", room)[0].encode()) < FIRST_NODES_SLOTS

        yield Site(cluster.url, [NodeLost(cluster)], is_on_the_first)


async def _until(holds: Callable[[], bool], what: str) -> None:
    async with asyncio.timeout(AGREE_SECONDS):
        while True:
            try:
                if holds():
                    return
            except RedisError:
                pass
            await asyncio.sleep(0.02)
    raise AssertionError(what)
