"""What becomes of those behind one address that asks for too much, counted and logged: nobody is bounded in silence."""

import math
import time
from collections.abc import Callable
from enum import StrEnum

import structlog

from gateway.metrics import Metrics

log = structlog.get_logger(__name__)

TOLD_EVERY_SECONDS = 1.0
"""A line of log for each limit at most so often, whoever they are and however many."""


class Limit(StrEnum):
    """A limit that counts per address, or per process where one address is not to blame."""

    UNACCEPTED = "unaccepted"
    """A transport without CONNECT gave way to a newer one of its address."""
    BAD_TOKENS = "bad_tokens"
    """A token waited before it was looked at, for too many from its address were signed by nobody."""
    IDLE = "idle"
    """A connection without a request gave way to a newer one."""


class AddressLimits:
    """Tells operators when a limit binds."""

    def __init__(self, metrics: Metrics, clock: Callable[[], float] = time.monotonic) -> None:
        self._metrics = metrics
        self._clock = clock
        self._told: dict[Limit, float] = {}
        self._untold: dict[Limit, int] = dict.fromkeys(Limit, 0)
        for limit in Limit:  # 0 from the start, so that an alert sees the first one
            metrics.address_limits.labels(limit)

    def bound(self, limit: Limit, address: str) -> None:
        """A limit held somebody of this address back."""
        self._metrics.address_limits.labels(limit).inc()
        now = self._clock()
        if now - self._told.get(limit, -math.inf) < TOLD_EVERY_SECONDS:
            self._untold[limit] += 1
            return
        untold, self._untold[limit] = self._untold[limit], 0
        self._told[limit] = now
        log.warning("address.limited", limit=limit.value, address=address, others_before=untold)
