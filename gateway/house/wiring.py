"""Connects this process with the others: over Redis where it is configured, else within itself."""

from collections.abc import Callable

from gateway.setup.preflight import CommandError
from gateway.setup.settings import Settings
from pubsub.broker import Broker
from pubsub.broker_memory import MemoryBroker
from pubsub.broker_redis import RedisBroker
from pubsub.leases import Leases
from pubsub.leases_memory import MemoryLeases
from pubsub.leases_redis import RedisLeases
from pubsub.link import LinkListener
from pubsub.presence import Presence
from pubsub.presence_memory import MemoryPresence
from pubsub.presence_redis import RedisPresence


class Wiring:
    """The adapters behind the ports of `pubsub`; usable after `start`. CommandError for a malformed address."""

    def __init__(self, settings: Settings, clock: Callable[[], int]) -> None:
        short_ms, short_bytes = settings.history_seconds * 1000, settings.history_bytes
        lease_ms = settings.seat_lease_seconds * 1000
        self.broker: Broker
        self.presence: Presence
        self.leases: Leases
        self._redis: RedisBroker | None = None
        if not settings.redis_url:
            self.broker = MemoryBroker(short_ms=short_ms, short_bytes=short_bytes)
            self.presence = MemoryPresence()
            self.leases = MemoryLeases(lease_ms=lease_ms)
            return
        secrets = [secret.encode() for secret in settings.wire_secrets]
        try:
            self.broker = self._redis = RedisBroker(
                settings.redis_url, secrets, short_ms=short_ms, short_bytes=short_bytes, clock_ms=clock
            )
        except ValueError as error:
            raise CommandError(f"LIVEROOM_REDIS_URL: {error}.") from error
        self.presence = RedisPresence(self._redis.wire)
        self.leases = RedisLeases(self._redis.wire, lease_ms=lease_ms)

    @property
    def lag_seconds(self) -> float:
        """The round trip of the last probe over the wire."""
        return self._redis.wire.lag_s if self._redis is not None else 0.0

    async def start(self, listener: LinkListener) -> None:
        """Connect, and register the listener of the link; while Redis is down, reconnect in the background."""
        if self._redis is not None:
            self._redis.listener = listener
            await self._redis.start()

    async def close(self) -> None:
        """End all subscriptions and connections."""
        await self.broker.close()
