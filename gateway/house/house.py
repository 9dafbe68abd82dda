"""The composition root: which adapters stand behind which ports, and who owns what."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

import msgspec
import structlog

from auth.grants import StreamGrants
from auth.grants_hls import HlsGrants
from auth.keys import KeyRing
from auth.keys_http import JwksSource
from auth.revocations import Revocations
from auth.tokens import TokenVerifier
from gateway.api import bulkheads
from gateway.contract.codec import Codec
from gateway.contract.cursor import Stamps
from gateway.door.address_limits import AddressLimits, Limit
from gateway.door.admission import Admission, DoorLimits
from gateway.door.devices import Seats
from gateway.door.holdings import Records
from gateway.door.queue import Waiting
from gateway.door.truth import Truth
from gateway.engine.backlog import BacklogLimits
from gateway.engine.budget import Allowance, Traffic
from gateway.engine.limits import EngineLimits
from gateway.engine.session import Heartbeat
from gateway.features.means import Means
from gateway.features.orders.callbacks import RETURN_PATH
from gateway.features.registry import rows
from gateway.house.jobs import JobWorker
from gateway.house.relay import OutboxRelay
from gateway.house.wiring import Wiring
from gateway.live import isolation
from gateway.live.clockwork import Chore, Clockwork
from gateway.live.commands import Commands
from gateway.live.deadlines import Deadlines
from gateway.live.isolation import Apart
from gateway.live.resync import Resync
from gateway.live.revocations import RevocationWatch
from gateway.live.room import LiveRoom
from gateway.live.rooms import LiveRooms
from gateway.live.stage_watch import StageSweep
from gateway.live.upkeep import Health, Upkeep
from gateway.live.whereabouts import Whereabouts
from gateway.setup import clock as ambient
from gateway.setup import descriptors, preflight
from gateway.setup.metrics import Metrics
from gateway.setup.settings import Duty, Settings
from gateway.sockets.connection import SocketLimits
from gateway.sockets.server import SocketServer
from presale.holding import HoldLimits
from presale.payments import PaymentProvider
from presale.payments_sandbox import SandboxPayments
from presale.use_cases.bounded_provider import BoundedProvider
from presale.use_cases.box_office import AskLimits, BoxOffice
from presale.webhook_signature import parse_secrets
from rooms import moderation_sql, rooms_sql
from rooms.blocked_words import NO_WORDS, BlockedWords
from store import migrations
from store.database_sql import Database

log = structlog.get_logger(__name__)

SWEEP_SECONDS = {Duty.ALL: 1.0, Duty.WORKER: 1.0, Duty.GATEWAY: 5.0, Duty.PRESALE: 5.0}
"""How often each looks for publications that others have left; its own go out at once."""

PACKETS_HEADROOM, BURST_HEADROOM, REQUESTS_HEADROOM = 5, 10, 4
"""How many times the events of a socket a transport carries at least: two namespaces, pings, polls, a late network."""
PACKET_BYTES = 1024
"""What an event takes at most, as a rule."""
BODIES_IN_BURST = 4
"""Largest packets that may come at once."""


@dataclass
class House:
    """Everything a handler may need. Built by `open_house`."""

    settings: Settings
    clock: Callable[[], int]
    new_id: Callable[[], str]
    metrics: Metrics
    db: Database
    wiring: Wiring
    keys: Callable[[], KeyRing]
    verifier: TokenVerifier
    grants: StreamGrants
    blocked_words: BlockedWords
    box_office: BoxOffice
    relay: OutboxRelay
    worker: JobWorker
    jwks: JwksSource | None
    revoked: Revocations
    draining: bool = False
    socket_servers: list[SocketServer] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.deadlines = Deadlines(self.clock)
        self.clockwork = Clockwork(self.settings.conflate_ms / 1000)
        self.address_limits = AddressLimits(self.metrics)
        self.broker = self.wiring.broker
        self.presence = self.wiring.presence
        self.seats = Seats(
            self.wiring.leases,
            self.broker,
            devices=self.settings.sockets_per_seat,
            sockets=self.settings.sockets_per_user,
            renew_seconds=self.settings.seat_renew_seconds,
            new_id=self.new_id,
            clock=self.clock,
        )
        self.waiting = _waiting(self.settings, self.clock, self.metrics)
        self.live_rooms = LiveRooms(self.db, self.broker, self.clock, partial(LiveRoom, self))
        self.resync = Resync(
            self.db,
            self.live_rooms,
            self.metrics,
            self.clock,
            know=Records(self.db).know,
            healed=self.relay.wake,
        )
        self.live_rooms.on_committed.append(self.resync.committed)
        self.live_rooms.on_behind.append(self.resync.waited_for)
        self.apart = Apart(self.broker, clock=self.clock, new_id=self.new_id, parted=self.resync.parted)
        self.whereabouts = Whereabouts(
            self.broker,
            clock=self.clock,
            new_id=self.new_id,
            is_alone=not self.settings.redis_url,
            is_cut_off=lambda: self.resync.is_cut_off,
        )
        self.revocations = RevocationWatch(self.revoked, self.db, clock=self.clock, rooms=self.live_rooms)
        self.truth = Truth(self.db, known=self.live_rooms.known, read_now=self.resync.read_now)
        self.commands = Commands(
            rows(self._means()),
            self.db,
            self.clock,
            refuses=self.waiting.refuses,
            is_news=self.truth.is_news,
            count=self.metrics.command,
        )
        self.upkeep = Upkeep(
            self.clockwork,
            self.live_rooms,
            self.db,
            self.presence,
            node=self.new_id(),
            settings=self.settings,
            clock=self.clock,
            late=self.waiting.slow_down,
        )
        self.health = Health(
            self.clockwork,
            self.live_rooms,
            self.db,
            self.metrics,
            self.socket_servers,
            wire_lag_seconds=lambda: self.wiring.lag_seconds,
            waiting=self.waiting.__len__,
        )
        self.admission = _admission(self)
        self.socket_servers.extend(_socket_server(self, codec) for codec in Codec)

    def socket_server(self, codec: Codec) -> SocketServer:
        """The server of one encoding."""
        return next(server for server in self.socket_servers if server.codec is codec)

    async def run(self) -> None:
        """All background work, until cancelled."""
        duties, works = self.settings.duties, [self.relay.run]
        if Duty.WORKER in duties:
            works += (self.worker.run, StageSweep(self.db, self.settings.stage_terms, self.clock).run)
        if Duty.GATEWAY in duties:
            works += (self.deadlines.run, self.seats.run, self.resync.run, self._keep_time)
        if duties & {Duty.GATEWAY, Duty.PRESALE}:
            works.append(self.revocations.run)
        if self.jwks is not None:
            works.append(self.jwks.run)
        async with asyncio.TaskGroup() as group:
            for work in works:
                group.create_task(work())

    def _means(self) -> Means:
        return Means(
            db=self.db,
            broker=self.broker,
            clock=self.clock,
            new_id=self.new_id,
            verifier=self.verifier,
            blocked_words=self.blocked_words,
            store=self.live_rooms.store,
            name_of=self.whereabouts.name_of,
        )

    async def _keep_time(self) -> None:
        told_apart = Chore("apart", isolation.TELL_SECONDS, self.apart.tell)
        chores = (*self.upkeep.chores(), *self.waiting.chores(), told_apart, self.health.chore())
        await self.clockwork.run(chores)


@asynccontextmanager
async def open_house(settings: Settings) -> AsyncIterator[House]:
    """Open everything, in order; close it in reverse. CommandError says in one sentence what is wrong."""
    clock, new_id = ambient.now_ms, ambient.new_id
    async with AsyncExitStack() as closing:
        if settings.is_playground:
            await migrations.upgrade(settings.effective_database_url)
        db = await closing.enter_async_context(preflight.database(settings.effective_database_url))
        wiring = Wiring(settings, clock)
        closing.push_async_callback(wiring.close)
        box_office = _box_office(settings, db, closing)
        revoked = Revocations()
        jwks, keys, verifier = await _verifier(settings, revoked)
        house = House(
            settings=settings,
            clock=clock,
            new_id=new_id,
            metrics=Metrics(),
            db=db,
            wiring=wiring,
            keys=keys,
            verifier=verifier,
            grants=HlsGrants(settings.grant_secrets, settings.grant_seconds, settings.media_url),
            blocked_words=_blocked_words(settings),
            box_office=box_office,
            relay=OutboxRelay(db, wiring.broker, sweep_seconds=SWEEP_SECONDS[settings.role]),
            worker=JobWorker(db, box_office.handlers),
            jwks=jwks,
            revoked=revoked,
        )

        def committed() -> None:
            house.relay.wake()
            house.worker.wake()

        await house.revocations.read()
        db.on_commit = committed
        db.on_emitted = house.live_rooms.committed
        await wiring.start(house.resync)
        closing.push_async_callback(house.seats.close)
        closing.push_async_callback(house.live_rooms.close)
        for server in house.socket_servers:
            closing.push_async_callback(server.close)
        yield house


def _box_office(settings: Settings, db: Database, closing: AsyncExitStack) -> BoxOffice:
    """The box office, its providers, and what the rooms tell it: who may buy."""
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
        rooms_sql.phase_of,
        is_banned=moderation_sql.is_banned,
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


async def _verifier(
    settings: Settings, revoked: Revocations
) -> tuple[JwksSource | None, Callable[[], KeyRing], TokenVerifier]:
    issuer, audience = settings.jwt_issuer, settings.jwt_audience
    if settings.jwt_jwks_url:
        source = JwksSource(settings.jwt_jwks_url, settings.jwt_secrets)
        await source.refresh()
        verifier = TokenVerifier(source.ring, issuer, audience, unknown_kid=source.ask, revoked=revoked.refuses)
        return source, source.ring, verifier
    document = msgspec.json.decode(settings.jwt_jwks_file.read_bytes()) if settings.jwt_jwks_file else None
    ring = KeyRing(settings.jwt_secrets, document)
    return None, lambda: ring, TokenVerifier(ring, issuer, audience, revoked=revoked.refuses)


def _blocked_words(settings: Settings) -> BlockedWords:
    if settings.blocked_words_file is None:
        return NO_WORDS
    words = preflight.blocked_words(settings.blocked_words_file)
    log.info("blocked_words.in_force", words=len(words))
    return words


def _traffic(settings: Settings) -> Traffic:
    """What a peer may send; whoever lets sockets send more events lets transports carry more."""
    pace, burst = settings.packets_per_second, settings.packets_burst
    return Traffic(
        bytes=Allowance(
            max(settings.transport_bytes_per_second, PACKET_BYTES * pace),
            max(settings.transport_bytes_burst, BODIES_IN_BURST * settings.packet_bytes, PACKET_BYTES * burst),
        ),
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


def _waiting(settings: Settings, clock: Callable[[], int], metrics: Metrics) -> Waiting:
    """The queue at the door, as the settings bound it."""
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


def _admission(house: House) -> Admission:
    settings = house.settings
    return Admission(
        DoorLimits(
            handshakes_per_minute=settings.handshakes_per_minute,
            failed_handshakes_per_minute=settings.failed_handshakes_per_minute,
            holds_addresses_back=not settings.is_playground,
        ),
        clock=house.clock,
        metrics=house.metrics,
        verifier=house.verifier,
        revoked=house.revoked,
        broker=house.broker,
        rooms=house.live_rooms,
        records=Records(house.db),
        truth=house.truth,
        seats=house.seats,
        waiting=house.waiting,
        box_office=house.box_office,
        address_limits=house.address_limits,
    )


def _socket_server(house: House, codec: Codec) -> SocketServer:
    settings = house.settings
    return SocketServer(
        codec,
        house.admission,
        clock=house.clock,
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
        gave_way=partial(house.address_limits.bound, Limit.UNACCEPTED),
        said_bye=lambda code: house.metrics.byes.labels(code).inc(),
    )
