"""The wire to a Redis Cluster: a shard per master, found by slot; the topology is read again when a shard is down."""

import asyncio
import itertools
import logging
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from redis.crc import key_slot

from pubsub.commands_redis import FAULTS, Server
from pubsub.link import BrokerAwayError
from pubsub.wire_redis import Shard

SLOTS = 16_384
LOOK_S = 0.5
"""The time between two reads of the topology while some slot is not served."""

log = logging.getLogger(__name__)

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Owner:
    """A master and the slots it owns."""

    address: Address
    ranges: tuple[tuple[int, int], ...]
    """First and last slot of each range, in order."""


Look = Callable[[Address], Any]
"""Asks the node at an address which master owns which slots: an awaitable of owners; raises one of FAULTS."""


class Cluster:
    """A wire of many shards. It is up when all of them are; scripts reach each shard by itself.

    A master whose slots change gets a new shard: its connections start again, and what they missed is recovered.
    """

    def __init__(
        self,
        seeds: Sequence[Address],
        server_at: Callable[[Address], Server],
        look: Look,
        prefix: str,
        heard: Callable[[str, bytes], None],
        changed: Callable[[], None],
    ) -> None:
        self.tried = asyncio.Event()
        self._seeds = list(seeds)
        self._server_at = server_at
        self._look = look
        self._prefix = prefix
        self._heard = heard
        self._tell = changed
        self._shards: dict[Owner, Shard] = {}
        self._running: dict[Owner, asyncio.Task[None]] = {}
        self._by_slot: list[Shard | None] = [None] * SLOTS
        self._is_whole = False
        """Whether every slot has an owner."""
        self._id = uuid.uuid4().hex
        self._wanted: set[str] = set()
        self._missed = asyncio.Event()

    @property
    def is_up(self) -> bool:
        """Every slot has an owner, and all owners are up."""
        return self._is_whole and all(shard.is_up for shard in self._shards.values())

    @property
    def is_heard(self) -> bool:
        """Every slot has an owner, and all owners are heard."""
        return self._is_whole and all(shard.is_heard for shard in self._shards.values())

    @property
    def lag_s(self) -> float:
        """The probe time of the slowest shard."""
        return max((shard.lag_s for shard in self._shards.values()), default=0.0)

    def reaches(self, key: str) -> bool:
        """The owner of the key's slot takes commands."""
        shard = self._shard_of(key)
        return shard is not None and shard.reaches(key)

    def script(self, text: str, keys: Sequence[str], *arguments: str | bytes | float) -> asyncio.Future[Any]:
        """Ask the owner of the first key, and so of all of them, to run a script."""
        shard = self._shard_of(keys[0])
        if shard is None:
            raise BrokerAwayError("nobody owns the slot")
        return shard.script(text, keys, *arguments)

    async def listen(self, name: str) -> None:
        """Messages come from the return of this call on; while the owner is away, once there is one again."""
        self._wanted.add(name)
        shard = self._shard_of(name)
        if shard is not None:
            await shard.listen(name)

    async def ignore(self, name: str) -> None:
        """No message of this channel is wanted any more."""
        self._wanted.discard(name)
        shard = self._shard_of(name)
        if shard is not None:
            await shard.ignore(name)

    async def barrier(self, name: str) -> bool:
        """On return, everything published to the channel before the call was heard."""
        shard = self._shard_of(name)
        return shard is not None and await shard.barrier(name)

    async def run(self) -> None:
        """Keep the shards until cancelled."""
        try:
            while True:
                self._missed.clear()
                await self._look_around()
                for shard in list(self._shards.values()):
                    await shard.tried.wait()
                self.tried.set()
                self._tell()
                await self._rest()
        finally:
            for task in self._running.values():
                task.cancel()
            await asyncio.gather(*self._running.values(), return_exceptions=True)

    async def _rest(self) -> None:
        if self.is_up:
            await self._missed.wait()
        else:
            await asyncio.sleep(LOOK_S)

    async def _look_around(self) -> None:
        known = [owner.address for owner, shard in self._shards.items() if shard.is_up]
        for address in dict.fromkeys([*known, *self._seeds]):
            try:
                owners = await self._look(address)
            except FAULTS as error:
                log.debug("node %s of the cluster does not say who owns what: %r", address, error)
                continue
            if owners:
                await self._take(owners)
                return

    async def _take(self, owners: Sequence[Owner]) -> None:
        gone = [owner for owner in self._shards if owner not in owners]
        tasks = [self._running.pop(owner) for owner in gone]
        for owner in gone:
            del self._shards[owner]
        new = [owner for owner in owners if owner not in self._shards]
        for owner in new:
            self._shards[owner] = Shard(
                self._server_at(owner.address), self._probe_in(owner), self._heard, self._changed
            )
        self._by_slot = [None] * SLOTS
        for owner, shard in self._shards.items():
            for first, last in owner.ranges:
                self._by_slot[first : last + 1] = [shard] * (last + 1 - first)
        self._is_whole = None not in self._by_slot
        for name in self._wanted:
            heard_by = self._shard_of(name)
            if heard_by is not None and any(heard_by is self._shards[owner] for owner in new):
                await heard_by.listen(name)  # returns at once: it has no connection yet
        for owner in new:
            self._running[owner] = asyncio.create_task(self._shards[owner].run())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _changed(self) -> None:
        if not self.is_up:
            self._missed.set()
        self._tell()

    def _shard_of(self, name: str) -> Shard | None:
        return self._by_slot[key_slot(name.encode())]

    def _probe_in(self, owner: Owner) -> str:
        """The name of a channel in one of the owner's slots."""
        for number in itertools.count():
            slot = key_slot(str(number).encode())
            if any(first <= slot <= last for first, last in owner.ranges):
                return f"{self._prefix}:{{{number}}}:probe:{self._id}"
        raise AssertionError("numbers do not end")
