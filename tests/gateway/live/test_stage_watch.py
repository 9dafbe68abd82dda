"""The sweep of the stage acts only on what it could have known: never right after SQL, or it, was away."""

import asyncio
from typing import NoReturn

import pytest

from auth.identity import UserId
from auth.situation import Phase
from gateway.live.stage_watch import StageSweep
from rooms.course import rooms_sql
from rooms.stage import absence_sql, stage_sql
from rooms.stage.stage import StageAction, StageCommand, Terms
from rooms.stage.tables_sql import stage_presence
from store.database_sql import Database
from tests.rooms.conftest import clock, house
from tests.rooms.stagehouse import ANN, BEN, ROOM, Stagehouse
from tests.store.fakes import FakeClock

__all__ = ["clock", "house"]


class AwakeError(Exception):
    """The worker has slept often enough."""


TERMS = Terms(grace_ms=15_000, patience_ms=120_000)


@pytest.fixture
async def stage(house: Stagehouse) -> Stagehouse:
    for phase in (Phase.DOORS, Phase.LIVE):
        await house.do(rooms_sql.change_phase, ROOM, phase, None)
    for action in (StageAction.REQUEST, StageAction.APPROVE):
        await house.do(stage_sql.act, ROOM, StageCommand(action, ANN, "Ann"))
    return house


async def cast(house: Stagehouse) -> list[UserId]:
    async with house.db.read() as connection:
        return [member.user for member in (await stage_sql.load_stage(connection, ROOM)).members]


async def looks(sweep: StageSweep, clock: FakeClock, seconds: int) -> None:
    for _ in range(seconds):
        await sweep.sweep()
        clock.advance(1_000)


async def test_a_worker_takes_nobody_off_before_it_has_looked_for_a_grace(
    stage: Stagehouse,
    clock: FakeClock,
) -> None:
    """When all processes were down for an hour, those on stage have the whole grace to come back."""
    clock.advance(3_600_000)
    sweep = StageSweep(stage.db, TERMS, clock)
    await looks(sweep, clock, 15)
    assert await cast(stage) == [ANN]
    await sweep.sweep()
    assert await cast(stage) == []


async def test_who_is_seen_again_and_again_stays(
    stage: Stagehouse,
    clock: FakeClock,
) -> None:
    sweep = StageSweep(stage.db, TERMS, clock)
    for _ in range(20):
        await stage.do(absence_sql.see, {ROOM: [ANN]}, clock() + 2_000)
        await looks(sweep, clock, 2)
    assert await cast(stage) == [ANN]
    await looks(sweep, clock, 16)
    assert await cast(stage) == []


async def test_a_worker_that_slept_begins_its_grace_anew(
    stage: Stagehouse,
    clock: FakeClock,
) -> None:
    sweep = StageSweep(stage.db, TERMS, clock)
    await stage.do(absence_sql.see, {ROOM: [ANN]}, clock() + 40_000)
    await looks(sweep, clock, 20)
    clock.advance(3_600_000)  # the whole machine did
    await looks(sweep, clock, 15)
    assert await cast(stage) == [ANN]
    await sweep.sweep()
    assert await cast(stage) == []


async def test_while_sql_could_not_be_read_gateways_could_not_write_either(
    stage: Stagehouse,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Those on stage had sockets all the time; nobody is taken off right after the outage."""
    sweep = StageSweep(stage.db, TERMS, clock)
    await stage.do(absence_sql.see, {ROOM: [ANN]}, clock() + 40_000)
    await looks(sweep, clock, 20)
    naps = 0

    async def nap(_seconds: float) -> None:
        nonlocal naps
        naps += 1
        clock.advance(1_000)
        if naps == 30:
            raise AwakeError

    def down(_db: Database) -> NoReturn:
        raise OSError("no database")

    with monkeypatch.context() as outage:
        outage.setattr(asyncio, "sleep", nap)
        outage.setattr(Database, "read", down)
        with pytest.raises(AwakeError):
            await sweep.run()
    await looks(sweep, clock, 15)
    assert await cast(stage) == [ANN]
    await sweep.sweep()
    assert await cast(stage) == []


async def test_requests_end_in_time_whatever_the_grace_of_the_stage(stage: Stagehouse, clock: FakeClock) -> None:
    await stage.do(stage_sql.act, ROOM, StageCommand(StageAction.REQUEST, BEN, "Ben"))
    clock.advance(120_000)
    await StageSweep(stage.db, TERMS, clock).sweep()
    async with stage.db.read() as connection:
        assert (await stage_sql.load_stage(connection, ROOM)).queue == ()
    assert await cast(stage) == [ANN]


async def test_it_is_forgotten_in_the_end_who_was_seen(stage: Stagehouse, clock: FakeClock) -> None:
    await stage.do(absence_sql.see, {ROOM: [ANN]}, clock())
    sweep = StageSweep(stage.db, TERMS, clock)
    clock.advance(3_600_000 + 16_000)
    await looks(sweep, clock, 16)
    assert await stage.count(stage_presence) == 0
