"""The composition root: chooses an adapter for each port, and owns all parts."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property

import structlog

from auth.grants import StreamGrants
from auth.grants_hls import HlsGrants
from auth.keys import KeyRing
from auth.keys_http import JwksSource
from auth.revocations import Revocations
from auth.tokens import TokenVerifier
from gateway.contract.codec import Codec
from gateway.door.address_limits import AddressLimits
from gateway.door.admission import Admission, DoorLimits
from gateway.door.devices import Seats
from gateway.door.holdings import Records
from gateway.door.truth import Truth
from gateway.features.registry import BOOK, BY_NAME, GREETING, LOADS
from gateway.house import assembly
from gateway.house.jobs import JobWorker
from gateway.house.relay import OutboxRelay
from gateway.house.wiring import Wiring
from gateway.live import isolation
from gateway.live.clockwork import Chore, Clockwork
from gateway.live.commands import Commands
from gateway.live.deadlines import Deadlines
from gateway.live.isolation import Apart
from gateway.live.member import Member
from gateway.live.resync import Resync
from gateway.live.revocations import RevocationWatch
from gateway.live.room import LiveRoom
from gateway.live.rooms import LiveRooms
from gateway.live.stage_watch import StageSweep
from gateway.live.surroundings import Surroundings
from gateway.live.upkeep import Health, Upkeep
from gateway.live.visit import Visit
from gateway.live.whereabouts import Whereabouts
from gateway.replica.act import Means
from gateway.replica.guests import GuestList
from gateway.replica.replica import Replica
from gateway.setup import clock as ambient
from gateway.setup import preflight
from gateway.setup.metrics import Metrics
from gateway.setup.settings import Duty, Settings
from gateway.sockets.server import SocketServer
from presale.use_cases.box_office import BoxOffice
from pubsub.broker import Position
from rooms.chat.blocked_words import BlockedWords
from rooms.gateways import Present, SaidApart, SeatsTaken, Sought
from store import migrations
from store.batches import Batches
from store.database_sql import Database

log = structlog.get_logger(__name__)

SWEEP_SECONDS = {Duty.ALL: 1.0, Duty.WORKER: 1.0, Duty.GATEWAY: 5.0, Duty.PRESALE: 5.0}
"""How often a process looks for publications that other processes left behind; its own go out at once."""


BATCH_SECONDS = 0.25
"""How long writes that many users cause at once are gathered into one transaction."""


@dataclass
class House:
    """All parts of this process. Built by `open_house`."""

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
        self.waiting = assembly.waiting(self.settings, self.clock, self.metrics)
        self.live_rooms = LiveRooms(self.db, self.broker, self.clock, self._make_room, BOOK, LOADS)
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
            known=self.live_rooms.known,
            is_alone=not self.settings.redis_url,
            is_cut_off=lambda: self.resync.is_cut_off,
        )
        self.revocations = RevocationWatch(self.revoked, self.db, clock=self.clock, rooms=self.live_rooms)
        self.truth = Truth(self.db, known=self.live_rooms.known, read_now=self.resync.read_now)
        self.commands = Commands(
            BY_NAME,
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
            read_now=self.resync.read_now,
        )
        self.surroundings = self._surroundings()
        self.admission = _admission(self)
        self.socket_servers.extend(
            assembly.socket_server(codec, self.admission, self.settings, self.clock, self.metrics, self.address_limits)
            for codec in Codec
        )

    def socket_server(self, codec: Codec) -> SocketServer:
        """The Socket.IO server of one encoding."""
        return next(server for server in self.socket_servers if server.codec is codec)

    async def run(self) -> None:
        """Run all background work until cancelled."""
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

    def _make_room(self, replica: Replica, guests: GuestList, position: Position) -> LiveRoom:
        return LiveRoom(self.surroundings, replica, guests, position)

    def _surroundings(self) -> Surroundings[LiveRoom]:
        return Surroundings(
            limits=assembly.room_limits(self.settings),
            clock=self.clock,
            new_id=self.new_id,
            metrics=self.metrics,
            grants=self.grants,
            blocked_words=self.blocked_words,
            deadlines=self.deadlines,
            clockwork=self.clockwork,
            devices=self.seats,
            queue=self.waiting,
            errands=self.upkeep,
            isolation=self.apart,
            between_gateways={
                SeatsTaken: lambda room, event: self.seats.lost(room.id, event.holders),
                Sought: self.whereabouts.sought,
                Present: lambda _room, event: self.whereabouts.present(event),
                SaidApart: self.apart.heard,
            },
            greeting=GREETING,
            degraded_since_ms=lambda: self.resync.told_since_ms,
        )

    @cached_property
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
            batches=Batches(self.db, BATCH_SECONDS),
        )

    def visit(self, room: LiveRoom, member: Member) -> Visit:
        """The receiver of a socket that is let in."""
        return Visit(room, member, self.commands, self._means)

    @cached_property
    def health(self) -> Health:
        """Report the health of this gateway, for operators and consoles."""
        return Health(
            self.clockwork,
            self.live_rooms,
            self.db,
            self.metrics,
            self.socket_servers,
            wire_lag_seconds=lambda: self.wiring.lag_seconds,
            waiting=self.waiting.__len__,
        )

    async def _keep_time(self) -> None:
        told_apart = Chore("apart", isolation.TELL_SECONDS, self.apart.tell)
        chores = (*self.upkeep.chores(), *self.waiting.chores(), told_apart, self.health.chore())
        await self.clockwork.run(chores)


@asynccontextmanager
async def open_house(settings: Settings) -> AsyncIterator[House]:
    """Open everything in order, and close it in reverse. CommandError says in one sentence what is wrong."""
    clock, new_id = ambient.now_ms, ambient.new_id
    async with AsyncExitStack() as closing:
        if settings.is_playground:
            await migrations.upgrade(settings.effective_database_url)
        db = await closing.enter_async_context(preflight.database(settings.effective_database_url))
        wiring = Wiring(settings, clock)
        closing.push_async_callback(wiring.close)
        box_office = assembly.box_office(settings, db, closing)
        revoked = Revocations()
        jwks, keys, verifier = await assembly.verifier(settings, revoked)
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
            blocked_words=assembly.blocked_words(settings),
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
        visit=house.visit,
    )
