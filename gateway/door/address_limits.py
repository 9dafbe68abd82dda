"""What becomes of those behind one address that asks for too much, counted and logged: nobody is bounded in silence."""

from enum import StrEnum

import structlog

from gateway.setup.metrics import Metrics

log = structlog.get_logger(__name__)


class Limit(StrEnum):
    """A limit that counts per address, or per process where one address is not to blame."""

    UNACCEPTED = "unaccepted"
    """A transport without CONNECT gave way to a newer one: of its address, or of any where too many stand."""
    BAD_TOKENS = "bad_tokens"
    """A token waited before it was looked at, for too many from its address were signed by nobody."""
    IDLE = "idle"
    """A connection without a request gave way to a newer one."""


class AddressLimits:
    """Tells operators when a limit binds; `gateway.setup.logs` bounds how many lines of it are written."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        for limit in Limit:  # 0 from the start, so that an alert sees the first one
            metrics.address_limits.labels(limit)

    def bound(self, limit: Limit, address: str) -> None:
        """A limit held somebody of this address back."""
        self._metrics.address_limits.labels(limit).inc()
        log.warning("address.limited", limit=limit.value, address=address)
