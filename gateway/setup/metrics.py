"""The gateway's Prometheus metrics; each composed process has its own registry, so that tests do not share counts."""

import asyncio

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from gateway.setup import descriptors


class Metrics:
    """The metrics that operators watch. Their names and labels are a contract with operators."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._watch_connections()
        self._children: dict[tuple[Counter, tuple[str, ...]], Counter] = {}
        self.sockets = Gauge("liveroom_sockets", "Open sockets", ["namespace", "codec"], registry=self.registry)
        self.refusals = Counter(
            "liveroom_refusals_total", "Sockets refused on connect", ["code"], registry=self.registry
        )
        self.byes = Counter("liveroom_byes_total", "Sockets ended by the server", ["code"], registry=self.registry)
        self.commands = Counter(
            "liveroom_commands_total", "Events from clients", ["event", "result"], registry=self.registry
        )
        self.deliveries = Counter(
            "liveroom_deliveries_total", "Events queued to sockets", ["event"], registry=self.registry
        )
        self.publications = Counter(
            "liveroom_publications_total", "Publications received from the broker", ["kind"], registry=self.registry
        )
        self.shed = Counter(
            "liveroom_shed_total", "Danmaku and likes left out of busy rooms", ["weight"], registry=self.registry
        )
        self.waiting = Gauge("liveroom_waiting", "Viewers who wait at the door", ["tier"], registry=self.registry)
        self.admissions = Counter(
            "liveroom_admissions_total", "Viewers let in: at_once, returning, waited", ["way"], registry=self.registry
        )
        self.connect_seconds = Histogram(
            "liveroom_connect_seconds",
            "From CONNECT to the decision",
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
            registry=self.registry,
        )
        self.recoveries = Counter(
            "liveroom_recoveries_total", "Reconnects with a cursor", ["result"], registry=self.registry
        )
        self.loop_lag_seconds = Gauge(
            "liveroom_loop_lag_seconds", "How late the event loop runs its timers", registry=self.registry
        )
        self.tasks = Gauge("liveroom_tasks", "Tasks on the event loop", registry=self.registry)
        self.tasks.set_function(_tasks)
        self.rooms = Gauge("liveroom_rooms", "Rooms that this process keeps", registry=self.registry)
        self.outbox_pending = Gauge(
            "liveroom_outbox_pending", "Committed publications not yet published", registry=self.registry
        )
        self.wire_degraded = Gauge(
            "liveroom_wire_degraded", "1 while this process is cut off from the others", registry=self.registry
        )
        self.wire_lag_seconds = Gauge(
            "liveroom_wire_lag_seconds", "How long the last probe took over Redis and back", registry=self.registry
        )
        self.gaps = Counter(
            "liveroom_gaps_total", "Gaps in the publications of a room", ["complete"], registry=self.registry
        )
        for complete in ("true", "false"):  # 0 from the start, so that an alert sees the first one rise
            self.gaps.labels(complete)
        self.refreshes = Counter(
            "liveroom_refreshes_total", "Times a room was read from SQL again", ["reason"], registry=self.registry
        )

    def _watch_connections(self) -> None:
        self.address_limits = Counter(
            "liveroom_address_limits_total",
            "Times a limit per address, or on idle connections, held somebody back",
            ["limit"],
            registry=self.registry,
        )
        self.idle_connections = Gauge(
            "liveroom_idle_connections", "Connections without a request under way", registry=self.registry
        )
        self.descriptors = Gauge(
            "liveroom_descriptors", "File descriptors that are taken, about", registry=self.registry
        )
        self.descriptors.set_function(descriptors.used)
        self.descriptors_limit = Gauge(
            "liveroom_descriptors_limit", "File descriptors that this process may have", registry=self.registry
        )
        self.descriptors_limit.set_function(descriptors.limit)

    def command(self, event: str, result: str) -> None:
        """Count an event from a client."""
        self._child(self.commands, event, result).inc()

    def delivered(self, event: str, count: int) -> None:
        """Count events queued to sockets."""
        self._child(self.deliveries, event).inc(count)

    def published(self, kind: str) -> None:
        """Count a publication received from the broker."""
        self._child(self.publications, kind).inc()

    def _child(self, counter: Counter, *labels: str) -> Counter:
        """The counter for these labels, cached: the library looks it up under a lock at every call."""
        child = self._children.get((counter, labels))
        if child is None:
            child = self._children[counter, labels] = counter.labels(*labels)
        return child

    def exposition(self) -> bytes:
        """The metrics in Prometheus text format."""
        return generate_latest(self.registry)


def _tasks() -> int:
    """The number of tasks on the loop that answers /metrics; 0 without one."""
    try:
        return len(asyncio.all_tasks())
    except RuntimeError:
        return 0
