"""Every limit, what it is counted per, and what an app sees of it: one table, with numbers from the settings."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from auth.denials import Code
from gateway.setup.settings import Settings


@dataclass(frozen=True, slots=True)
class Bound:
    """A limit on what clients may do."""

    what: str
    per: str
    settings: tuple[str, ...]
    seen: str
    """What an app sees when it exceeds the limit."""


_WAIT = "`{code}` with `retry_after_ms`"
_RATE = f"ack {_WAIT.format(code=Code.RATE_LIMITED)}"
_BYE = "`bye {code}`, then the transport ends"
_END = _BYE.format(code=Code.PROTOCOL)
_BUSY = f"503 {_WAIT.format(code=Code.BUSY)}"

BOUNDS: Sequence[Bound] = (
    Bound("danmaku", "user and room, over all sockets and gateways", ("danmaku_per_second", "danmaku_burst"), _RATE),
    Bound("gifts", "user and room, over all sockets and gateways", ("gifts_per_second",), _RATE),
    Bound("`like` events", "user and room, at each gateway", ("likes_per_second", "likes_burst"), _RATE),
    Bound("stage requests", "user and room, over all sockets and gateways", ("cohost_every_seconds",), _RATE),
    Bound("danmaku told", "room", ("danmaku_per_room_per_second",), "ack `{ok: true, data: {shed: true}}`"),
    Bound(
        "events of any kind",
        "socket",
        ("packets_per_second", "packets_burst"),
        f"{_RATE}; see the next row",
    ),
    Bound("events answered RATE_LIMITED", "transport", ("refused_events_per_second", "refused_events_burst"), _END),
    Bound("events waiting to be handled", "socket", ("inbox_events",), f"ack {_WAIT.format(code=Code.BUSY)}"),
    Bound(
        "packets of any kind, wanted or not",
        "transport",
        ("transport_packets_per_second", "transport_packets_burst"),
        _END,
    ),
    Bound("bytes received", "transport", ("transport_bytes_per_second", "transport_bytes_burst"), _END),
    Bound(
        "HTTP requests",
        "polling session, or connection to a path of sockets",
        ("transport_requests_per_second", "transport_requests_burst"),
        f"429; a session ends with `bye {Code.PROTOCOL}`",
    ),
    Bound("size of a packet or a body", "packet", ("packet_bytes",), "WebSocket close 1009, or 413"),
    Bound("packets that are none", "transport", ("protocol_errors", "protocol_error_seconds"), _END),
    Bound("final refusals of CONNECT", "transport", ("refusals_per_transport",), "the transport is closed"),
    Bound("time until somebody is let in", "transport", ("connect_seconds",), "the transport is closed"),
    Bound(
        "what waits for a client that does not read",
        "socket",
        ("outbox_packets", "outbox_bytes", "outbox_seconds"),
        _BYE.format(code=Code.SLOW) + ", retryable",
    ),
    Bound(
        "sockets that use no ticket",
        "user and room, over all gateways",
        ("sockets_per_user",),
        f"`bye {Code.SEAT_TAKEN}` on the oldest",
    ),
    Bound("devices", "ticket, over all gateways", ("sockets_per_seat",), f"`bye {Code.SEAT_TAKEN}` on the oldest"),
    Bound("accepted tokens", "user", ("handshakes_per_minute",), f"`connect_error` {_WAIT.format(code=Code.BUSY)}"),
    Bound(
        "tokens that no key has signed",
        "address (of IPv6 the /64)",
        ("failed_handshakes_per_minute",),
        "answers come more slowly; good tokens are let in",
    ),
    Bound(
        "transports whose token was not seen yet",
        "address (of IPv6 the /64)",
        ("unaccepted_sockets_per_address",),
        "the one silent longest is closed",
    ),
    Bound(
        "viewers let in",
        "process",
        ("admissions_per_second", "admissions_burst"),
        "`welcome.admission` and `admission`: a place in the queue",
    ),
    Bound("viewers who wait", "process", ("waiting_places",), f"`connect_error` {_WAIT.format(code=Code.BUSY)}"),
    Bound(
        "connections without a request",
        "process, and address (of IPv6 the /64)",
        ("idle_connections", "idle_connections_per_address"),
        "the one idle longest is closed",
    ),
    Bound("head of an HTTP request", "request", ("header_bytes", "header_seconds"), "431, or 408"),
    Bound("body of an HTTP request", "request", ("body_seconds",), "408"),
    Bound(
        "seats held unpaid",
        "user, over all shows",
        ("unpaid_seats_per_user",),
        f"429 {_WAIT.format(code=Code.RATE_LIMITED)}",
    ),
    Bound(
        "orders after one that was left unpaid",
        "user and product",
        ("order_cool_down_seconds",),
        f"429 {_WAIT.format(code=Code.RATE_LIMITED)}",
    ),
    Bound(
        "questions to a payment provider about unpaid orders",
        "order, and under way in a process",
        ("order_ask_seconds", "order_asks_at_once"),
        "nothing: the order as it is known, asked about a moment later",
    ),
    Bound("requests that look at shows", "process", ("catalogue_at_once",), _BUSY),
    Bound("requests about orders, refunds and tickets", "process", ("buying_at_once",), _BUSY),
    Bound("callbacks of payment providers", "process", ("callbacks_at_once",), _BUSY),
    Bound("requests of hosts and operators", "process", ("staff_at_once",), _BUSY),
    Bound(
        "calls to a payment provider under way",
        "provider and process",
        ("provider_calls_at_once",),
        f"503 `{Code.PROVIDER_UNAVAILABLE}`; the same key goes on later",
    ),
)
"""In the order in which a client meets them: fans' actions, transports, admission, HTTP."""


def rows() -> Iterable[Sequence[str]]:
    """Cells of the table: what, per what, how much, what an app sees."""
    for bound in BOUNDS:
        yield bound.what, bound.per, ", ".join(map(_default, bound.settings)), bound.seen


def _default(name: str) -> str:
    default = Settings.model_fields[name].get_default()
    return f"{default:g} (`LIVEROOM_{name.upper()}`)"
