"""The stage on a real database."""

import asyncio

import pytest
from msgspec import structs

from auth.denials import Code
from auth.identity import RoomId, Tier, UserId
from auth.situation import Phase
from rooms.course import rooms_sql
from rooms.course.room import RoomRecord
from rooms.moderation import sanctions_sql
from rooms.moderation.events import Banned
from rooms.stage import stage_sql
from rooms.stage.events import CohostChanged, QueueChanged, StageChanged
from rooms.stage.stage import QueueItem, StageAction, StageCommand, StageMember, StageReason, StageRecord, StageState
from store.database_sql import RacedError, UnitOfWork
from tests.rooms.stagehouse import ANN, BEN, HOST, ROOM, Stagehouse, code_of
from tests.store.fakes import FakeClock


@pytest.fixture
async def live(house: Stagehouse) -> Stagehouse:
    for phase in (Phase.DOORS, Phase.LIVE):
        assert isinstance(await house.do(rooms_sql.change_phase, ROOM, phase, None), RoomRecord)
    await house.told()
    return house


def command(action: StageAction, user: UserId = ANN) -> StageCommand:
    return StageCommand(action, user, user.title(), Tier.MAIN, "hi")


async def stage_of(house: Stagehouse) -> StageRecord:
    async with house.db.read() as connection:
        return await stage_sql.load_stage(connection, ROOM)


async def test_from_request_to_stage_and_back(live: Stagehouse, clock: FakeClock) -> None:
    asked = await live.do(stage_sql.act, ROOM, command(StageAction.REQUEST))
    waiting = QueueItem(ANN, "Ann", Tier.MAIN, StageState.REQUESTED, "hi", clock.now_ms)
    assert await live.told() == [QueueChanged((waiting,), 2), CohostChanged(ANN, StageState.REQUESTED, None, 2)]
    assert asked == await stage_of(live)

    await live.do(stage_sql.act, ROOM, command(StageAction.APPROVE), by=HOST)
    member = StageMember(ANN, "Ann", clock.now_ms)
    assert await live.told() == [
        StageChanged((member,), 4, 3),
        QueueChanged((), 3),
        CohostChanged(ANN, StageState.ON_STAGE, None, 3),
    ]

    await live.do(stage_sql.act, ROOM, command(StageAction.LEAVE))
    assert await live.told() == [
        StageChanged((), 4, 4),
        CohostChanged(ANN, StageState.IDLE, StageReason.LEFT, 4),
    ]
    assert await live.trail() == [(HOST, "cohost:approve", ANN)]


async def test_every_staff_action_leaves_a_trail(live: Stagehouse) -> None:
    for action in (StageAction.INVITE, StageAction.REMOVE):
        await live.do(stage_sql.act, ROOM, command(action), by=HOST)
    await live.do(stage_sql.act, ROOM, command(StageAction.REQUEST))
    await live.do(stage_sql.act, ROOM, command(StageAction.REJECT), by=HOST)
    assert await live.trail() == [
        (HOST, "cohost:invite", ANN),
        (HOST, "cohost:remove", ANN),
        (HOST, "cohost:reject", ANN),
    ]


async def test_a_refused_action_changes_nothing_and_tells_nobody(live: Stagehouse) -> None:
    before = await live.snapshot()
    assert code_of(await live.do(stage_sql.act, ROOM, command(StageAction.APPROVE), by=HOST)) is Code.STAGE_STATE
    nowhere = RoomId("none")
    assert code_of(await live.do(stage_sql.act, nowhere, command(StageAction.REQUEST))) is Code.ROOM_NOT_FOUND
    await live.do(rooms_sql.change_phase, ROOM, Phase.PAUSED, None)
    await live.outbox()
    assert code_of(await live.do(stage_sql.act, ROOM, command(StageAction.REQUEST))) is Code.CLOSED
    assert (await live.snapshot())["stages"] == before["stages"]
    assert await live.outbox() == []
    assert await live.trail() == []


async def test_the_last_place_is_given_once(live: Stagehouse) -> None:
    fans = [UserId(f"fan{number}") for number in range(6)]
    for fan in fans:
        await live.do(stage_sql.act, ROOM, command(StageAction.REQUEST, fan))
    approvals = [live.do(stage_sql.act, ROOM, command(StageAction.APPROVE, fan), by=HOST) for fan in fans]
    outcomes = await asyncio.gather(*approvals)
    assert [code_of(outcome) for outcome in outcomes].count(Code.STAGE_FULL) == 2
    assert len((await stage_of(live)).members) == 4


async def test_of_two_decisions_on_one_version_the_row_takes_one(
    live: Stagehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a server two writers may both have read one version; here the second is handed an old one."""
    stale = await stage_of(live)
    await live.do(stage_sql.act, ROOM, command(StageAction.REQUEST, BEN))
    before, _ = await live.snapshot(), await live.outbox()

    async def load_stale(*_: object) -> StageRecord:
        return stale

    monkeypatch.setattr(stage_sql, "load_stage", load_stale)
    assert code_of(await live.do(stage_sql.act, ROOM, command(StageAction.REQUEST))) is Code.CONFLICT
    assert await live.outbox() == []
    assert (await live.snapshot())["stages"] == before["stages"]


async def test_who_loses_the_right_is_taken_off_in_any_phase(live: Stagehouse) -> None:
    await live.do(stage_sql.act, ROOM, command(StageAction.REQUEST))
    await live.do(stage_sql.act, ROOM, command(StageAction.APPROVE), by=HOST)
    await live.do(rooms_sql.change_phase, ROOM, Phase.PAUSED, None)
    await live.told()
    stage = await live.do(stage_sql.remove_from_stage, ROOM, ANN)
    assert stage.members == ()
    assert await live.told() == [
        StageChanged((), 4, stage.version),
        CohostChanged(ANN, StageState.IDLE, StageReason.RIGHTS_ENDED, stage.version),
    ]
    assert await live.do(stage_sql.remove_from_stage, ROOM, ANN) == stage
    assert await live.told() == []


async def test_a_ban_takes_off_the_stage_in_the_same_transaction(live: Stagehouse) -> None:
    await live.do(stage_sql.act, ROOM, command(StageAction.INVITE), by=HOST)
    await live.told()
    await live.do(sanctions_sql.ban, ROOM, ANN, HOST)
    assert [type(event) for event in await live.told()] == [QueueChanged, CohostChanged, Banned]
    assert (await stage_of(live)).queue == ()


async def test_a_lost_race_rolls_the_whole_ban_back(live: Stagehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    await live.do(stage_sql.act, ROOM, command(StageAction.REQUEST))
    stale = structs.replace(await stage_of(live), version=1)
    before = await live.snapshot()

    async def load_stale(*_: object) -> StageRecord:
        return stale

    async def ban(uow: UnitOfWork) -> None:
        await sanctions_sql.ban(uow, ROOM, ANN, HOST)

    monkeypatch.setattr(stage_sql, "load_stage", load_stale)
    with pytest.raises(RacedError):
        await live.do(ban)
    assert await live.snapshot() == before
