"""The wire as the adapters use it: commands and subscriptions, to one server or to the shards of a cluster."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from pubsub.commands_redis import CommandLink, Server
from pubsub.listening_redis import ListeningLink


class Wire(Protocol):
    """What a broker needs of Redis. `heard` and `changed`, given at its making, are called on the event loop."""

    tried: asyncio.Event
    """Set once the first attempt to connect has ended, either way."""

    @property
    def is_up(self) -> bool:
        """Every key can be reached, and every wanted channel is heard."""
        ...

    @property
    def is_heard(self) -> bool:
        """Every wanted channel is subscribed; what was published while it was not never comes."""
        ...

    @property
    def lag_s(self) -> float:
        """The round trip of the last probe; of the slowest shard."""
        ...

    def reaches(self, key: str) -> bool:
        """Whether scripts with this key can be sent now."""
        ...

    def script(self, text: str, keys: Sequence[str], *arguments: str | bytes | float) -> asyncio.Future[Any]:
        """The answer to come. Raises BrokerAwayError, now or by the future, when it is unknown what became of it."""
        ...

    async def listen(self, name: str) -> None:
        """Messages come from the return of this call on; while Redis is away, once it is back."""
        ...

    async def ignore(self, name: str) -> None:
        """No message of this channel is wanted any more."""
        ...

    async def barrier(self, name: str) -> bool:
        """On return, everything published to a channel before the call was heard; False if it is not heard at all."""
        ...

    async def run(self) -> None:
        """Keep the connections until cancelled."""
        ...


class Shard:
    """A wire to one server, and every shard of a cluster: one connection for commands, one for subscriptions."""

    def __init__(
        self,
        server: Server,
        probe: str,
        heard: Callable[[str, bytes], None],
        changed: Callable[[], None],
    ) -> None:
        self.tried = asyncio.Event()
        self._tell = changed
        self._was_commanding = False
        self._doubting: asyncio.Task[None] | None = None
        self._commands = CommandLink(server, self._changed)
        self._listening = ListeningLink(server, probe, heard, self._changed)

    @property
    def is_up(self) -> bool:
        """Both connections are up."""
        return self._commands.is_up and self._listening.is_up

    @property
    def is_heard(self) -> bool:
        """The connection for subscriptions is up."""
        return self._listening.is_up

    @property
    def lag_s(self) -> float:
        """How long the last probe took from here to here."""
        return self._listening.lag_s

    def reaches(self, key: str) -> bool:  # noqa: ARG002 - the same for all of a server
        """The connection for commands is up, whatever the key."""
        return self._commands.is_up

    def script(self, text: str, keys: Sequence[str], *arguments: str | bytes | float) -> asyncio.Future[Any]:
        """Ask for a script to run. Its text travels once per connection."""
        return self._commands.script(text, keys, *arguments)

    async def listen(self, name: str) -> None:
        """Messages come from the return of this call on; while Redis is away, once the link is up again."""
        await self._listening.listen(name)

    async def ignore(self, name: str) -> None:
        """No message of this channel is wanted any more."""
        await self._listening.ignore(name)

    async def barrier(self, name: str) -> bool:  # noqa: ARG002 - as above
        """On return, everything published before the call was heard; the connection is the same for all channels."""
        return await self._listening.barrier()

    async def run(self) -> None:
        """Keep both connections until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._commands.run())
                group.create_task(self._listening.run())
                group.create_task(self._listening.probe(self._commands))
                await self._commands.tried.wait()
                await self._listening.tried.wait()
                self.tried.set()
                self._tell()
        finally:
            if self._doubting is not None:
                self._doubting.cancel()

    def _changed(self) -> None:
        # where one connection has died, the other is likely to be as dead without knowing
        if self._was_commanding and not self._commands.is_up and self._listening.is_up:
            self._doubting = asyncio.create_task(self._listening.doubt())
        if not self._listening.is_up:
            self._commands.doubt()
        self._was_commanding = self._commands.is_up
        self._tell()
