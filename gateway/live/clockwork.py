"""What a gateway does by the clock: counters, positions, batches, health. One task each, owned by the server."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import structlog

from auth.identity import Role, RoomId, UserId
from gateway.contract import shapes
from gateway.door.queue import TELL_SECONDS, TURN_SECONDS
from gateway.live import stage_watch
from gateway.live.isolation import TELL_SECONDS as TELL_APART_SECONDS
from gateway.replica.rights import keeps_stage
from presale import entitlements_sql
from rooms import names_sql, roles_sql, stage_sql
from rooms.stage import StageState
from store import outbox_sql

if TYPE_CHECKING:
    from gateway.house.house import House
    from gateway.live.room import LiveRoom

Work = Callable[[], Awaitable[None]]

log = structlog.get_logger(__name__)

HEALTH_SECONDS = 5.0
PRESENCE_SECONDS = 1.0
BUDGET_SECONDS = 1.0
BEHIND_SECONDS = 0.5
POSITION_LOOKS = 10
"""In the time after which a quiet room tells where it stands."""
MAX_CHORES = 10_000
ROOMS_AT_A_TIME = 64


class Housekeeping:
    """The gateway's clockwork."""

    def __init__(self, house: "House", node: str) -> None:
        self._house = house
        self._node = node
        self._chores: asyncio.Queue[Work] = asyncio.Queue(MAX_CHORES)
        self._counters: dict[tuple[RoomId, str], Callable[[], None]] = {}
        """What tells the latest value of each counter that changed since they were told last."""
        self._reported: set[LiveRoom] = set()
        """Rooms that somebody was in."""
        self._look_seconds = stage_watch.look_seconds(house.settings.stage_grace_seconds)
        self._lag_seconds = 0.0
        """The worst since the last health report."""
        self._latest_lag_seconds = 0.0
        """The worst since budgets were last fitted to it."""

    def rights_ended(self, room: RoomId, user: UserId) -> None:
        """Somebody lost the right to be on stage; they are taken off it shortly."""
        self._soon(lambda: self._take_off_stage(room, user))

    def host_came(self, room: RoomId, user: UserId, name: str) -> None:
        """A host is here under another name than the room keeps for them; it keeps this one shortly."""
        self._soon(lambda: self._keep_name(room, user, name))

    def products_changed(self, room: RoomId) -> None:
        """What is sold has changed; the offer at the door follows shortly."""
        self._soon(lambda: self._read_products(room))

    def conflate(self, room: RoomId, event: str, tell: Callable[[], None]) -> None:
        """A counter of a room has changed: however often in one tick, its latest value is told once."""
        self._counters[room, event] = tell

    async def run(self) -> None:
        """Until cancelled."""
        settings = self._house.settings
        async with asyncio.TaskGroup() as group:
            group.create_task(self._every(settings.conflate_ms / 1000, "flush", self._flush))
            group.create_task(self._every(settings.position_seconds / POSITION_LOOKS, "positions", self._positions))
            group.create_task(self._every(settings.danmaku_store_ms / 1000, "store", self._store))
            group.create_task(self._every(PRESENCE_SECONDS, "presence", self._presence))
            group.create_task(self._every(BUDGET_SECONDS, "budgets", self._budgets))
            group.create_task(self._every(TURN_SECONDS, "admissions", self._house.waiting.turn))
            group.create_task(self._every(TELL_SECONDS, "queue", self._house.waiting.tell))
            group.create_task(self._every(BEHIND_SECONDS, "behind", self._house.live_rooms.look_behind))
            group.create_task(self._every(TELL_APART_SECONDS, "apart", self._house.apart.tell))
            group.create_task(self._every(self._look_seconds, "stage", self._look_after_stage))
            group.create_task(self._every(HEALTH_SECONDS, "health", self._health))
            group.create_task(self._chores_in_turn())

    async def _every(self, seconds: float, name: str, work: Work) -> None:
        while True:
            asked = time.monotonic()
            await asyncio.sleep(seconds)
            late_seconds = time.monotonic() - asked - seconds
            self._lag_seconds = max(self._lag_seconds, late_seconds)
            self._latest_lag_seconds = max(self._latest_lag_seconds, late_seconds)
            try:
                await work()
            except Exception:
                log.exception("housekeeping.failed", work=name)

    async def _flush(self) -> None:
        counters, self._counters = self._counters, {}
        for (room, event), tell in counters.items():
            try:
                tell()
            except Exception:  # the other counters go out all the same
                log.exception("housekeeping.counter_failed", room=room, counter=event)

    async def _positions(self) -> None:
        next_look_ms = self._house.clock() + round(self._house.settings.position_seconds * 1000 / POSITION_LOOKS)
        for room in self._house.live_rooms:
            room.tell_position(next_look_ms)

    async def _store(self) -> None:
        await self._house.live_rooms.store()

    async def _budgets(self) -> None:
        lag_seconds, self._latest_lag_seconds = self._latest_lag_seconds, 0.0
        self._house.waiting.slow_down(round(lag_seconds * 1000))
        for room in self._house.live_rooms:
            room.budget.slow_down(round(lag_seconds * 1000))
            room.persons.forget(self._house.clock(), room.replica.room.switches.slow_ms)

    async def _look_after_stage(self) -> None:
        await stage_watch.look(self._house.db, self._house.live_rooms, round(self._look_seconds * 1000))

    async def _presence(self) -> None:
        """Rooms that nobody is in any more are reported once, and not counted."""
        peopled = {room for room in self._house.live_rooms if room.size}
        rooms = [*peopled, *(self._reported - peopled)]
        self._reported = peopled
        for first in range(0, len(rooms), ROOMS_AT_A_TIME):
            await self._count(rooms[first : first + ROOMS_AT_A_TIME])

    async def _count(self, rooms: list["LiveRoom"]) -> None:
        own = {room.id: room.online() if room.size else {} for room in rooms}
        online = await self._house.presence.report(self._node, own)
        for room in rooms:
            if room.size:
                room.tell_presence(sum(online[room.id].values()))

    async def _health(self) -> None:
        metrics = self._house.metrics
        lag_seconds, self._lag_seconds = self._lag_seconds, 0.0
        metrics.loop_lag_seconds.set(lag_seconds)
        metrics.wire_lag_seconds.set(self._house.wiring.lag_seconds)
        async with self._house.db.read() as connection:
            metrics.outbox_pending.set(await outbox_sql.pending(connection))
        online, waiting = 0, len(self._house.waiting)
        for server in self._house.socket_servers:
            for namespace, count in server.online.items():
                metrics.sockets.labels(namespace, server.codec).set(count)
                online += count
        rooms = list(self._house.live_rooms)
        metrics.rooms.set(len(rooms))
        for room in rooms:
            shed = room.budget.take_shed()
            for weight, count in shed.items():
                metrics.shed.labels(weight).inc(count)
            room.tell_consoles("health", shapes.Health(online, shed, round(lag_seconds * 1000), waiting))

    async def _chores_in_turn(self) -> None:
        while True:
            chore = await self._chores.get()
            try:
                await chore()
            except Exception:
                log.exception("housekeeping.chore_failed")

    async def _take_off_stage(self, room_id: RoomId, user: UserId) -> None:
        room = await self._house.live_rooms.get(room_id)
        if room is None or room.replica.stage.state_of(user) is StageState.IDLE:
            return
        async with self._house.db.write() as uow:
            # what told of the end may be old by now: a right that was bought again keeps its place
            await entitlements_sql.take_turn(uow, room.replica.show, user)
            entitlement = await entitlements_sql.load(uow.connection, room.replica.show, user)
            if not keeps_stage(room.replica.room, Role.VIEWER, entitlement.tier):
                await stage_sql.remove_from_stage(uow, room_id, user)

    async def _keep_name(self, room: RoomId, user: UserId, name: str) -> None:
        found = await self._house.live_rooms.get(room)
        async with self._house.db.write() as uow:
            held = await roles_sql.list_held(uow.connection, user)  # it may have been taken while this waited
            if found is not None and any((one.show, one.role) == (found.replica.show, Role.HOST) for one in held):
                await names_sql.host_named(uow, room, user, name)

    async def _read_products(self, room_id: RoomId) -> None:
        room = await self._house.live_rooms.get(room_id)
        if room is not None:
            await self._house.live_rooms.refresh_products(room)

    def _soon(self, chore: Work) -> None:
        try:
            self._chores.put_nowait(chore)
        except asyncio.QueueFull:
            log.exception("housekeeping.chores_overflow", waiting=MAX_CHORES)
