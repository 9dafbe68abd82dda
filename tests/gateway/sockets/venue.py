"""A whole gateway without a payment provider, with its inside in reach: for tests of the sockets themselves."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from auth.identity import Role, RoomId, ShowId, UserId
from auth.situation import Access, Phase
from auth.tokens import mint
from gateway.demo.playground import furnish
from gateway.house import server
from gateway.house.house import House, open_house
from gateway.setup.settings import Mode, Settings
from presale.catalogue import shows_sql
from rooms.course import rooms_sql
from rooms.roles import roles_sql
from store import migrations
from tests.ports import free_port

PRODUCTION_SECRET = "t4Rk9ZxQm2WvB7nYc5HsJ8dLf3GpU6eA"
PRODUCTION: dict[str, Any] = {
    "mode": Mode.PRODUCTION,
    "jwt_secrets": [PRODUCTION_SECRET],
    "grant_secrets": ["N8bVy2KsXq5TfR7mWz3HcJ9pLd4GuE6o"],
    "log_format": "console",
}
"""Settings of a gateway that takes nothing for granted: limits per address hold, no demo login."""


@dataclass
class Venue:
    """A running gateway, its inside, and a room in it."""

    house: House
    room: RoomId
    """A ticketed show in presale."""
    open_room: RoomId
    """An open one."""
    stop: asyncio.Event

    @property
    def url(self) -> str:
        """Where it listens."""
        return self.house.settings.own_url

    def token(self, user: str = "fan", *, seconds: float = 3600, ago_seconds: float = 0) -> str:
        """A token as the platform mints it, made so long ago."""
        house = self.house
        settings = house.settings
        issued = house.clock() - round(ago_seconds * 1000)
        return mint(
            settings.jwt_secrets[0],
            user,
            None,
            settings.jwt_issuer,
            settings.jwt_audience,
            issued,
            round(seconds * 1000),
            house.new_id(),
        )

    async def give(self, user: str, role: Role, room: RoomId | None = None) -> None:
        """A role in the show of a room."""
        async with self.house.db.write() as uow:
            await roles_sql.grant(uow, UserId(user), role, await self.show_of(room), UserId("test"))

    async def show_of(self, room: RoomId | None = None) -> ShowId:
        """The show of a room."""
        async with self.house.db.read() as connection:
            show = await shows_sql.load_show_of_room(connection, room or self.room)
        assert show is not None
        return show.id

    async def phase(self, *phases: Phase, room: RoomId | None = None) -> None:
        """Move a show on, as its host does."""
        for phase in phases:
            async with self.house.db.write() as uow:
                changed = await rooms_sql.change_phase(uow, room or self.room, phase, UserId("test"))
            assert getattr(changed, "phase", None) is phase, changed


def answer_with(patch: pytest.MonkeyPatch, hall: Venue, command: str, answer: Callable[[Any, Any], Any]) -> None:
    """Have a command answered by something else, as long as the patch lasts."""
    rows = hall.house.commands.rows
    patch.setitem(rows, command, replace(rows[command], answer=answer))


@asynccontextmanager
async def venue(folder: Path, *, mode: Mode = Mode.TEST, **overrides: Any) -> AsyncIterator[Venue]:
    """A gateway on an empty database in `folder`, with one ticketed and one open show in presale."""
    settings = Settings.load(
        mode,
        **{
            "data_dir": folder,
            "port": free_port(),
            "sandbox_url": "",
            "drain_seconds": 0.0,
            "handshakes_per_minute": 1000,
            "conflate_ms": 10,
            **overrides,
        },
    )
    await migrations.upgrade(settings.effective_database_url)
    houses: list[House] = []

    @asynccontextmanager
    async def open_and_keep(wanted: Settings) -> AsyncIterator[House]:
        async with open_house(wanted) as house:
            await furnish(house.db)
            houses.append(house)
            yield house

    stop, started = asyncio.Event(), asyncio.Event()
    with mock.patch.object(server, "open_house", open_and_keep):
        serving = asyncio.create_task(server.serve(settings, stop, started))
        waiting = asyncio.create_task(started.wait())
        await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED, timeout=30)
    if not started.is_set():
        waiting.cancel()
        serving.cancel()
        await serving
    house = houses[0]
    async with house.db.read() as connection:
        rooms = {room.access: room.id for room in await rooms_sql.list_rooms(connection)}
    try:
        yield Venue(house, rooms[Access.TICKETED], rooms[Access.OPEN], stop)
    finally:
        stop.set()
        await serving
