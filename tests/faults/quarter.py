"""A house of real processes, each of which can be frozen, killed and restarted while fans are there."""

import asyncio
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from gateway.setup.settings import Mode, Settings
from store import migrations
from tests.ports import free_port
from tests.processes import Processes, answers, house_environment, until
from tests.redis_server import RedisServer
from tests.store.postgresql_process import PostgresProcess

GATEWAYS = ("a", "b")
"""The first is the one that faults meet."""
DOWN_SECONDS = 2.0
"""Until a supervisor starts again what was killed."""
DRAIN_SECONDS = 1.5


class Who(StrEnum):
    """Whom a fault meets."""

    GATEWAY = "gateway"
    PRESALE = "presale"
    WORKER = "worker"
    REDIS = "redis"
    POSTGRESQL = "postgresql"


class How(StrEnum):
    """What the fault is."""

    FREEZE = "freeze"
    """SIGSTOP, and SIGCONT after a while: its kernel takes connections, and nobody answers."""
    KILL = "kill"
    """SIGKILL, and started again after `DOWN_SECONDS`."""
    RESTART = "restart"
    """Told to end, and started again at once."""


@dataclass(frozen=True, slots=True)
class Outage:
    """When a fault was there, by the monotonic clock."""

    who: Who
    how: How
    began: float
    healed: float
    """When what stood still went on, or was started again."""
    ended: float
    """When all of the house was ready again."""


@dataclass(kw_only=True)
class Quarter(Processes):
    """Two gateways, a box office, a worker and the provider, with a Redis and a PostgreSQL of their own."""

    redis: RedisServer
    postgresql: PostgresProcess

    async def strike(self, who: Who, how: How, freeze_seconds: float) -> Outage:
        """One fault, from its beginning until all are ready again."""
        began = time.monotonic()
        await asyncio.to_thread(self._strike, who, how, freeze_seconds)
        healed = time.monotonic()
        await asyncio.to_thread(until, self._are_ready, "all to be ready again")
        return Outage(who, how, began, healed, time.monotonic())

    def _strike(self, who: Who, how: How, freeze_seconds: float) -> None:
        if how is How.FREEZE:
            self._freeze(who)
            time.sleep(freeze_seconds)
            self._thaw(who)
        elif how is How.KILL:
            self._kill(who)
            time.sleep(DOWN_SECONDS)
            self._start(who)
        else:
            self._stop(who)
            self._start(who)

    def _are_ready(self) -> bool:
        return all(answers(f"{self.address(name)}/readyz") for name in (*GATEWAYS, "presale", "worker"))

    def _freeze(self, who: Who) -> None:
        store = self._store(who)
        if store is not None:
            store.freeze()
        else:
            self.signal(_name(who), signal.SIGSTOP)

    def _thaw(self, who: Who) -> None:
        store = self._store(who)
        if store is not None:
            store.thaw()
        else:
            self.signal(_name(who), signal.SIGCONT)

    def _kill(self, who: Who) -> None:
        store = self._store(who)
        if store is not None:
            store.kill()
        else:
            self.signal(_name(who), signal.SIGKILL)
            self.ended(_name(who))

    def _stop(self, who: Who) -> None:
        store = self._store(who)
        if store is not None:
            store.stop()
        else:
            self.signal(_name(who))
            status = self.ended(_name(who))
            assert status == 0, f"{who} ended with status {status}: {self.log(_name(who))}"

    def _start(self, who: Who) -> None:
        store = self._store(who)
        if store is not None:
            store.start()
        else:
            self.start(_name(who))

    def _store(self, who: Who) -> RedisServer | PostgresProcess | None:
        stores: dict[Who, RedisServer | PostgresProcess] = {Who.REDIS: self.redis, Who.POSTGRESQL: self.postgresql}
        return stores.get(who)


def _name(who: Who) -> str:
    return GATEWAYS[0] if who is Who.GATEWAY else who.value


@contextmanager
def quarter() -> Iterator[Quarter]:
    """All of it, ready; ended and removed at the end."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="liveroom-faults-")))
        redis, postgresql = RedisServer(), PostgresProcess()
        stack.callback(redis.close)
        stack.callback(postgresql.discard)
        redis.start()
        postgresql.start()
        ports = {name: free_port() for name in (*GATEWAYS, "presale", "worker", "sandbox")}
        settings = Settings.load(
            Mode.TEST,
            public_url=f"http://127.0.0.1:{ports[GATEWAYS[-1]]}",
            sandbox_port=ports["sandbox"],
            sandbox_url=f"http://127.0.0.1:{ports['sandbox']}",
            database_url=postgresql.url.render_as_string(hide_password=False),
        )
        asyncio.run(migrations.upgrade(settings.database_url))
        environment = house_environment(folder, settings, redis.url, DRAIN_SECONDS=DRAIN_SECONDS, LOG_FORMAT="json")
        made = Quarter(folder, environment, ports, settings, redis=redis, postgresql=postgresql)
        stack.callback(made.end_all)
        made.start_provider(made.address("presale"))
        made.start(*GATEWAYS, "presale", "worker")
        yield made
