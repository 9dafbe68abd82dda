"""What a gateway does for its rooms by the clock: positions, batches, presence, budgets, the stage, health.

And what a room or a socket leaves to be written a moment later: each is one errand of the clockwork.
"""

from collections.abc import Awaitable, Callable, Sequence

from auth.identity import Role, RoomId, UserId
from gateway.contract.link import HEALTH
from gateway.contract.link import Health as HealthShape
from gateway.live import stage_watch
from gateway.live.clockwork import Chore, Clockwork
from gateway.live.room import LiveRoom
from gateway.live.rooms import BEHIND_SECONDS, LiveRooms
from gateway.replica.reading import stage_of
from gateway.replica.rights import keeps_stage
from gateway.setup.metrics import Metrics
from gateway.setup.settings import Settings
from gateway.sockets.server import SocketServer
from presale.entitlements import entitlements_sql
from pubsub.presence import Presence
from rooms.names import names_sql
from rooms.roles import roles_sql
from rooms.stage import stage_sql
from rooms.stage.stage import StageState
from store import outbox_sql
from store.database_sql import Database

HEALTH_SECONDS = 5.0
PRESENCE_SECONDS = 1.0
BUDGET_SECONDS = 1.0
POSITION_LOOKS = 10
"""How many times per `position_seconds` quiet rooms are looked for."""
ROOMS_AT_A_TIME = 64


class Upkeep:
    """Looks after all rooms of this gateway, by the chores that it hands to the clockwork."""

    def __init__(
        self,
        clockwork: Clockwork,
        rooms: LiveRooms,
        db: Database,
        presence: Presence,
        *,
        node: str,
        settings: Settings,
        clock: Callable[[], int],
        late: Callable[[int], None],
        read_now: Callable[[LiveRoom], Awaitable[None]],
    ) -> None:
        """`read_now` brings a room to what SQL has."""
        self._read_now = read_now
        self._clockwork = clockwork
        self._rooms = rooms
        self._db = db
        self._presence_of_all = presence
        self._node = node
        self._clock = clock
        self._late = late
        """Told how late the event loop ran, in milliseconds, whenever the budgets are fitted to it."""
        self._lag = clockwork.lag()
        self._reported: set[LiveRoom] = set()
        """Rooms that somebody was in."""
        self._position_look_seconds = settings.position_seconds / POSITION_LOOKS
        self._store_seconds = settings.danmaku_store_ms / 1000
        self._stage_look_seconds = stage_watch.look_seconds(settings.stage_grace_seconds)

    def chores(self) -> Sequence[Chore]:
        """What is to be done again and again."""
        return (
            Chore("positions", self._position_look_seconds, self._positions),
            Chore("store", self._store_seconds, self._rooms.store),
            Chore("presence", PRESENCE_SECONDS, self._presence),
            Chore("budgets", BUDGET_SECONDS, self._budgets),
            Chore("behind", BEHIND_SECONDS, self._rooms.look_behind),
            Chore("stage", self._stage_look_seconds, self._look_after_stage),
        )

    # ---- by the clock ----------------------------------------------------------------------------------

    async def _positions(self) -> None:
        next_look_ms = self._clock() + round(self._position_look_seconds * 1000)
        for room in self._rooms:
            room.tell_position(next_look_ms)

    async def _budgets(self) -> None:
        lag_ms = round(self._lag.take() * 1000)
        self._late(lag_ms)
        for room in self._rooms:
            room.budget.slow_down(lag_ms)
            room.persons.forget(self._clock(), room.replica.room.switches.slow_ms)

    async def _look_after_stage(self) -> None:
        await stage_watch.look(self._db, self._rooms, round(self._stage_look_seconds * 1000))

    async def _presence(self) -> None:
        """Rooms that nobody is in any more are reported once, and not counted."""
        peopled = {room for room in self._rooms if room.size}
        rooms = [*peopled, *(self._reported - peopled)]
        self._reported = peopled
        for first in range(0, len(rooms), ROOMS_AT_A_TIME):
            await self._count(rooms[first : first + ROOMS_AT_A_TIME])

    async def _count(self, rooms: list[LiveRoom]) -> None:
        own = {room.id: room.online() if room.size else {} for room in rooms}
        online = await self._presence_of_all.report(self._node, own)
        for room in rooms:
            if room.size:
                room.tell_presence(sum(online[room.id].values()), self._clock())

    # ---- a moment later --------------------------------------------------------------------------------

    def rights_ended(self, room: RoomId, user: UserId) -> None:
        """Somebody lost the right to be on stage; they are taken off it shortly."""
        self._clockwork.soon(lambda: self._take_off_stage(room, user))

    def host_came(self, room: RoomId, user: UserId, name: str) -> None:
        """A host is here under another name than the room keeps for them; it keeps this one shortly."""
        self._clockwork.soon(lambda: self._keep_name(room, user, name))

    def read_again(self, room: RoomId) -> None:
        """News tell that SQL has something that they do not tell; it is read shortly."""
        self._clockwork.soon(lambda: self._read_again(room))

    async def _take_off_stage(self, room_id: RoomId, user: UserId) -> None:
        room = await self._rooms.get(room_id)
        if room is None or stage_of(room.replica).state_of(user) is StageState.IDLE:
            return
        async with self._db.write() as uow:
            # what told of the end may be old by now: a right that was bought again keeps its place
            await entitlements_sql.take_turn(uow, room.replica.show, user)
            entitlement = await entitlements_sql.load(uow.connection, room.replica.show, user)
            if not keeps_stage(room.replica.room, Role.VIEWER, entitlement.tier):
                await stage_sql.remove_from_stage(uow, room_id, user)

    async def _keep_name(self, room: RoomId, user: UserId, name: str) -> None:
        found = await self._rooms.get(room)
        async with self._db.write() as uow:
            held = await roles_sql.list_held(uow.connection, user)  # it may have been taken while this waited
            if found is not None and any((one.show, one.role) == (found.replica.show, Role.HOST) for one in held):
                await names_sql.host_named(uow, room, user, name)

    async def _read_again(self, room_id: RoomId) -> None:
        room = await self._rooms.get(room_id)
        if room is not None:
            await self._read_now(room)


class Health:
    """Tells operators and consoles how this gateway is."""

    def __init__(
        self,
        clockwork: Clockwork,
        rooms: LiveRooms,
        db: Database,
        metrics: Metrics,
        servers: Sequence[SocketServer],
        *,
        wire_lag_seconds: Callable[[], float],
        waiting: Callable[[], int],
    ) -> None:
        self._rooms = rooms
        self._db = db
        self._metrics = metrics
        self._servers = servers
        self._wire_lag_seconds = wire_lag_seconds
        self._waiting = waiting
        """How many users wait at the door."""
        self._lag = clockwork.lag()

    def chore(self) -> Chore:
        """To look at it and tell, at its period."""
        return Chore("health", HEALTH_SECONDS, self._tell)

    async def _tell(self) -> None:
        metrics = self._metrics
        lag_seconds = self._lag.take()
        metrics.loop_lag_seconds.set(lag_seconds)
        metrics.wire_lag_seconds.set(self._wire_lag_seconds())
        async with self._db.read() as connection:
            metrics.outbox_pending.set(await outbox_sql.pending(connection))
        online, waiting = 0, self._waiting()
        for server in self._servers:
            for namespace, count in server.online.items():
                metrics.sockets.labels(namespace, server.codec).set(count)
                online += count
        rooms = list(self._rooms)
        metrics.rooms.set(len(rooms))
        for room in rooms:
            shed = room.budget.take_shed()
            for weight, count in shed.items():
                metrics.shed.labels(weight).inc(count)
            room.tell_consoles(HEALTH, HealthShape(online, shed, round(lag_seconds * 1000), waiting))
