"""Connections to one Redis server: how they are opened, and the one that carries this node's commands."""

import asyncio
import hashlib
import logging
import math
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from functools import cache
from typing import Any, Protocol

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import NoScriptError, ReadOnlyError, RedisError, ResponseError

from pubsub.link import BrokerAwayError

log = logging.getLogger(__name__)

COMMAND_TIMEOUT_S = 1.0
"""A server that leaves a command or a handshake unanswered for this long counts as down."""
RECONNECT_MIN_S = 0.25
RECONNECT_MAX_S = 2.0
MAX_PIPELINE = 64
"""How many commands are written before the first answer is read."""

FAULTS = (RedisError, OSError, TimeoutError)
_ANOTHER_SERVER = (ReadOnlyError, NoScriptError)
_ANOTHER_WORD = ("MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN", "MASTERDOWN")
"""Error answers that mean: this server is not, or no longer, the master."""


class Server(Protocol):
    """Whom to connect to."""

    async def connect(self) -> AbstractConnection:
        """A connection to the server that takes writes now, speaking RESP2; raises one of FAULTS."""
        ...


class Backoff:
    """Schedules reconnects: attempts begin at growing intervals with jitter."""

    def __init__(self) -> None:
        self._next_s = RECONNECT_MIN_S

    def succeeded(self) -> None:
        """Reset to short intervals."""
        self._next_s = RECONNECT_MIN_S

    async def pause(self, began: float) -> None:
        """Wait until the next attempt may begin, when the last one began at a time of `time.monotonic`."""
        distance = self._next_s * random.uniform(0.5, 1.0)  # noqa: S311 - only to spread the nodes
        self._next_s = min(self._next_s * 2, RECONNECT_MAX_S)
        await asyncio.sleep(max(0.0, began + distance - time.monotonic()))


async def keep(hold: Callable[[Backoff], Awaitable[None]], tried: asyncio.Event, purpose: str) -> None:
    """Reconnect whenever the connection is lost, until cancelled; `tried` is set after each attempt."""
    backoff = Backoff()
    while True:
        began = time.monotonic()
        try:
            await hold(backoff)
        except FAULTS as error:
            log.warning("Redis is away for %s: %r", purpose, error)
        tried.set()
        await backoff.pause(began)


class CommandLink:
    """One connection that pipelines the commands of all tasks, in order; `run` keeps it connected."""

    def __init__(self, server: Server, changed: Callable[[], None]) -> None:
        self.is_up = False
        self._server = server
        self._known: set[str] = set()
        """Scripts sent over this connection; later calls send only their digest."""
        self._changed = changed
        self._queue: deque[tuple[tuple[Any, ...], asyncio.Future[Any]]] = deque()
        self._asked = asyncio.Event()
        self.tried = asyncio.Event()
        """Set once the first attempt to connect has ended."""

    def ask(self, *command: str | bytes | float) -> asyncio.Future[Any]:
        """A future of the answer. BrokerAwayError, now or from the future, when the outcome is unknown."""
        if not self.is_up:
            raise BrokerAwayError("Redis is away")
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._queue.append((command, future))
        self._asked.set()
        return future

    def script(self, text: str, keys: Sequence[str], *arguments: str | bytes | float) -> asyncio.Future[Any]:
        """Ask for a script to run. Its text travels once per connection."""
        if text in self._known:
            return self.ask("EVALSHA", _digest(text), len(keys), *keys, *arguments)
        answer = self.ask("EVAL", text, len(keys), *keys, *arguments)
        self._known.add(text)
        return answer

    def doubt(self) -> None:
        """Check whether the connection is alive; `is_up` tells the result."""
        if self.is_up:
            self.ask("PING")

    async def run(self) -> None:
        """Keep the connection until cancelled."""
        await keep(self._hold, self.tried, "commands")

    async def _hold(self, backoff: Backoff) -> None:
        connection = await self._server.connect()
        try:
            await self._exchange(connection, [("PING",)])
            self._known.clear()
            backoff.succeeded()
            self.is_up = True
            self.tried.set()
            self._changed()
            while True:
                await self._asked.wait()
                self._asked.clear()
                while self._queue:
                    await self._answer_some(connection)
        finally:
            self.is_up = False
            while self._queue:
                fail(self._queue.popleft()[1])
            await connection.disconnect(nowait=True)
            self._changed()

    async def _answer_some(self, connection: AbstractConnection) -> None:
        asked = [self._queue.popleft() for _ in range(min(len(self._queue), MAX_PIPELINE))]
        try:
            answers = await self._exchange(connection, [command for command, _ in asked])
        except BaseException:
            for _, future in asked:
                fail(future)
            raise
        for (_, future), answer in zip(asked, answers, strict=True):
            if isinstance(answer, ResponseError):
                log.error("Redis refused a command: %s", answer)
                fail(future)
            elif not future.done():
                future.set_result(answer)
        for answer in answers:
            if isinstance(answer, _ANOTHER_SERVER) or (
                isinstance(answer, ResponseError) and str(answer).startswith(_ANOTHER_WORD)
            ):
                raise answer

    async def _exchange(self, connection: AbstractConnection, commands: list[tuple[Any, ...]]) -> list[Any]:
        loop = asyncio.get_running_loop()
        answers: list[Any] = []
        async with asyncio.timeout(COMMAND_TIMEOUT_S) as silence:
            await connection.send_packed_command(connection.pack_commands(commands), check_health=False)
            for _ in commands:
                silence.reschedule(loop.time() + COMMAND_TIMEOUT_S)
                try:
                    answers.append(await connection.read_response(disable_decoding=True, timeout=math.inf))
                except ResponseError as error:
                    answers.append(error)
        return answers


@cache
def _digest(script: str) -> str:
    return hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()


def fail(future: asyncio.Future[Any]) -> None:
    """Fail the futures of all who wait for an answer."""
    if not future.done():
        future.set_exception(BrokerAwayError("Redis went away"))
        future.exception()  # who no longer waits need not be told
