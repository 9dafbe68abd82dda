"""Makes the parts of the composition root that depend on little but settings."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial

import msgspec
import structlog

from auth.keys import KeyRing
from auth.keys_http import JwksSource
from auth.revocations import Revocations
from auth.tokens import TokenVerifier
from gateway.api import bulkheads
from gateway.contract.codec import Codec
from gateway.contract.cursor import Stamps
from gateway.door.address_limits import AddressLimits, Limit
from gateway.door.admission import Admission
from gateway.door.queue import Waiting
from gateway.engine.backlog import BacklogLimits
from gateway.engine.budget import Allowance, Traffic
from gateway.engine.limits import EngineLimits
from gateway.engine.session import Heartbeat
from gateway.features.orders.callbacks import RETURN_PATH
from gateway.live.rates import rates_of
from gateway.live.surroundings import RoomLimits
from gateway.setup import clock as ambient
from gateway.setup import descriptors, preflight
from gateway.setup.metrics import Metrics
from gateway.setup.settings import Settings
from gateway.sockets.connection import SocketLimits
from gateway.sockets.server import SocketServer
from presale.orders.holding import HoldLimits
from presale.payments.payments import PaymentProvider
from presale.payments.payments_sandbox import SandboxPayments
from presale.payments.webhook_signature import parse_secrets
from presale.use_cases.bounded_provider import BoundedProvider
from presale.use_cases.box_office import AskLimits, BoxOffice
from rooms.chat.blocked_words import NO_WORDS, BlockedWords
from rooms.course import rooms_sql
from rooms.moderation import sanctions_sql
from store.database_sql import Database

log = structlog.get_logger(__name__)

PACKETS_HEADROOM, BURST_HEADROOM, REQUESTS_HEADROOM = 5, 10, 4
"""A transport's limits are at least this many times those of a socket's events: two namespaces, pings and polls share
it, and a slow network delivers packets in bursts.
"""
PACKET_BYTES = 1024
"""The size up to which ordinary events go; it turns limits on events into limits on bytes."""
BODIES_IN_BURST = 4
"""How many packets of the largest size may arrive at once."""


def box_office(settings: Settings, db: Database, closing: AsyncExitStack) -> BoxOffice:
    """The box office with its providers, and with the room's rule of who may buy."""
    providers: dict[str, PaymentProvider] = {}
    if settings.sandbox_url:
        secrets = parse_secrets(settings.sandbox_secrets)
        sandbox = SandboxPayments(settings.sandbox_url, secrets, clock=ambient.now_ms, new_id=ambient.new_id)
        closing.push_async_callback(sandbox.aclose)
        providers[sandbox.name] = BoundedProvider(
            sandbox,
            seconds=settings.provider_seconds,
            calls_at_once=settings.provider_calls_at_once,
            aside=bulkheads.aside,
        )
    box_office = BoxOffice(
        db,
        providers,
        rooms_sql.course_of,
        is_banned=sanctions_sql.is_banned,
        holds=HoldLimits(
            order_ttl_ms=settings.order_ttl_seconds * 1000,
            cool_down_ms=settings.order_cool_down_seconds * 1000,
            unpaid_seats=settings.unpaid_seats_per_user,
        ),
        asks=AskLimits(
            provider_seconds=settings.provider_seconds,
            every_ms=round(settings.order_ask_seconds * 1000),
            patience_seconds=settings.order_ask_wait_seconds,
            at_once=settings.order_asks_at_once,
        ),
        return_url=f"{settings.own_url}{RETURN_PATH}",
        aside=bulkheads.aside,
    )
    closing.push_async_callback(box_office.aclose)
    return box_office


async def verifier(
    settings: Settings, revoked: Revocations
) -> tuple[JwksSource | None, Callable[[], KeyRing], TokenVerifier]:
    """The verifier of tokens, and the task that fetches its keys where they come by HTTP."""
    issuer, audience = settings.jwt_issuer, settings.jwt_audience
    if settings.jwt_jwks_url:
        source = JwksSource(settings.jwt_jwks_url, settings.jwt_secrets)
        await source.refresh()
        verifier = TokenVerifier(source.ring, issuer, audience, unknown_kid=source.ask, revoked=revoked.refuses)
        return source, source.ring, verifier
    document = msgspec.json.decode(settings.jwt_jwks_file.read_bytes()) if settings.jwt_jwks_file else None
    ring = KeyRing(settings.jwt_secrets, document)
    return None, lambda: ring, TokenVerifier(ring, issuer, audience, revoked=revoked.refuses)


def blocked_words(settings: Settings) -> BlockedWords:
    """The words that no text may contain."""
    if settings.blocked_words_file is None:
        return NO_WORDS
    words = preflight.blocked_words(settings.blocked_words_file)
    log.info("blocked_words.in_force", words=len(words))
    return words


def waiting(settings: Settings, clock: Callable[[], int], metrics: Metrics) -> Waiting:
    """The queue at the door, bounded by the settings."""
    return Waiting(
        Stamps(settings.grant_secrets, clock),
        clock,
        metrics,
        per_second=settings.admissions_per_second,
        burst=settings.admissions_burst,
        places=settings.waiting_places,
        grace_ms=round(settings.waiting_grace_seconds * 1000),
        position_ms=round(settings.position_seconds * 1000),
    )


def _traffic(settings: Settings) -> Traffic:
    """The rate limits of a transport; they rise with the limits on a socket's events."""
    pace, burst = settings.packets_per_second, settings.packets_burst
    bytes_pace = max(settings.transport_bytes_per_second, PACKET_BYTES * pace)
    bytes_burst = max(BODIES_IN_BURST * settings.packet_bytes, PACKET_BYTES * burst)
    return Traffic(
        bytes=Allowance(bytes_pace, max(settings.transport_bytes_burst, bytes_burst)),
        strangers_bytes=Allowance(bytes_pace, bytes_burst),
        packets=Allowance(
            max(settings.transport_packets_per_second, PACKETS_HEADROOM * pace),
            max(settings.transport_packets_burst, BURST_HEADROOM * burst),
        ),
        strangers_packets=Allowance(pace, burst),
        requests=Allowance(
            max(settings.transport_requests_per_second, REQUESTS_HEADROOM * pace),
            max(settings.transport_requests_burst, REQUESTS_HEADROOM * burst),
        ),
    )


def socket_server(
    codec: Codec,
    admission: Admission,
    settings: Settings,
    clock: Callable[[], int],
    metrics: Metrics,
    address_limits: AddressLimits,
) -> SocketServer:
    """The Socket.IO server of one encoding."""
    return SocketServer(
        codec,
        admission,
        clock=clock,
        origins=settings.origins,
        engine=EngineLimits(
            heartbeat=Heartbeat(settings.ping_interval_seconds, settings.ping_timeout_seconds),
            backlog=BacklogLimits(settings.outbox_bytes, settings.outbox_packets, settings.outbox_seconds),
            message_bytes=settings.packet_bytes,
            traffic=_traffic(settings),
            unsent_bytes=settings.unsent_bytes,
            upgrade_seconds=settings.upgrade_seconds,
            farewell_seconds=settings.farewell_seconds,
            header_seconds=settings.header_seconds,
            body_seconds=settings.body_seconds,
            header_bytes=settings.header_bytes,
            unaccepted=descriptors.for_strangers(),
            unaccepted_per_address=0 if settings.is_playground else settings.unaccepted_sockets_per_address,
        ),
        limits=SocketLimits(
            inbox=settings.inbox_events,
            packets_per_second=settings.packets_per_second,
            packets_burst=settings.packets_burst,
            refused_events=Allowance(settings.refused_events_per_second, settings.refused_events_burst),
            protocol_errors=settings.protocol_errors,
            protocol_error_seconds=settings.protocol_error_seconds,
            refusals=settings.refusals_per_transport,
            connect_seconds=settings.connect_seconds,
        ),
        gave_way=partial(address_limits.bound, Limit.UNACCEPTED),
        said_bye=lambda code: metrics.byes.labels(code).inc(),
    )


def room_limits(settings: Settings) -> RoomLimits:
    """The bounds of every room."""
    return RoomLimits(
        history_ms=settings.history_seconds * 1000,
        history_bytes=settings.history_bytes,
        danmaku_per_second=settings.danmaku_per_room_per_second,
        rates=rates_of(settings),
        position_ms=round(settings.position_seconds * 1000),
        fanout_seconds=settings.fanout_ms / 1000,
        token_warning_ms=settings.token_warning_seconds * 1000,
    )
