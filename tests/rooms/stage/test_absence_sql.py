"""Who on stage is here, on a real database: written down by gateways, acted on by workers, held by the audit."""

import pytest

from auth.denials import Denied
from auth.identity import UserId
from auth.situation import Phase
from rooms.course import rooms_sql
from rooms.course.room import RoomRecord
from rooms.stage import absence_sql, stage_sql
from rooms.stage.absence_sql import Absent
from rooms.stage.events import CohostChanged, QueueChanged, StageChanged
from rooms.stage.stage import StageAction, StageCommand, StageReason, StageState, Terms
from rooms.stage.tables_sql import stage_presence
from tests.rooms.stagehouse import ANN, BEN, HOST, ROOM, Stagehouse
from tests.store.fakes import FakeClock

TERMS = Terms(grace_ms=15_000, patience_ms=120_000)
CAT = UserId("cat")


@pytest.fixture
async def live(house: Stagehouse) -> Stagehouse:
    for phase in (Phase.DOORS, Phase.LIVE):
        assert isinstance(await house.do(rooms_sql.change_phase, ROOM, phase, None), RoomRecord)
    await house.told()
    return house


async def step(house: Stagehouse, *actions: tuple[StageAction, UserId]) -> None:
    for action, user in actions:
        outcome = await house.do(stage_sql.act, ROOM, StageCommand(action, user, user.title()), by=HOST)
        assert not isinstance(outcome, Denied)
    await house.told()


async def on_stage(house: Stagehouse, *users: UserId) -> None:
    for user in users:
        await step(house, (StageAction.REQUEST, user), (StageAction.APPROVE, user))


async def overdue(house: Stagehouse, clock: FakeClock) -> bool:
    async with house.db.read() as connection:
        found = await absence_sql.overdue(connection, clock(), TERMS)
    assert found in ([], [ROOM])
    return bool(found)


async def test_who_was_not_seen_for_the_grace_is_taken_off_and_everybody_is_told(
    live: Stagehouse, clock: FakeClock
) -> None:
    await on_stage(live, ANN, BEN)
    clock.advance(14_000)
    await live.do(absence_sql.see, {ROOM: [BEN]}, clock() + 2_000)
    assert not await overdue(live, clock)
    clock.advance(1_000)
    assert await overdue(live, clock)
    assert await live.do(absence_sql.lapse, ROOM, TERMS) == {ANN: StageReason.ABSENT}
    async with live.db.read() as connection:
        stage = await stage_sql.load_stage(connection, ROOM)
    assert [member.user for member in stage.members] == [BEN]
    assert await live.told() == [
        StageChanged(stage.members, 4, stage.version),
        CohostChanged(ANN, StageState.IDLE, StageReason.ABSENT, stage.version),
    ]
    assert not await overdue(live, clock)
    clock.advance(1_999 + 14_000)
    assert not await overdue(live, clock)
    clock.advance(1)
    assert await overdue(live, clock)


async def test_requests_and_invitations_end_and_the_console_and_they_are_told(
    live: Stagehouse, clock: FakeClock
) -> None:
    await step(live, (StageAction.REQUEST, ANN), (StageAction.INVITE, BEN))
    clock.advance(60_000)
    await step(live, (StageAction.REQUEST, CAT))
    clock.advance(60_000)
    assert await live.do(absence_sql.lapse, ROOM, TERMS) == {ANN: StageReason.EXPIRED, BEN: StageReason.EXPIRED}
    told = await live.told()
    assert [type(event) for event in told] == [QueueChanged, CohostChanged, CohostChanged]
    assert isinstance(told[0], QueueChanged)
    assert [item.user for item in told[0].items] == [CAT]
    assert {event.user: event.reason for event in told if isinstance(event, CohostChanged)} == {
        ANN: StageReason.EXPIRED,
        BEN: StageReason.EXPIRED,
    }


async def test_who_comes_back_before_the_transaction_stays(live: Stagehouse, clock: FakeClock) -> None:
    await on_stage(live, ANN)
    clock.advance(60_000)
    assert await overdue(live, clock)
    await live.do(absence_sql.see, {ROOM: [ANN]}, clock() + 2_000)
    assert await live.do(absence_sql.lapse, ROOM, TERMS) == {}
    assert await live.told() == []


async def test_the_latest_sight_counts_whichever_gateway_writes_last(live: Stagehouse, clock: FakeClock) -> None:
    await on_stage(live, ANN)
    for until_ms in (clock() + 60_000, clock() + 1_000):
        await live.do(absence_sql.see, {ROOM: [ANN]}, until_ms)
    clock.advance(74_999)
    assert not await overdue(live, clock)


async def test_an_empty_stage_is_not_looked_after(live: Stagehouse, clock: FakeClock) -> None:
    await on_stage(live, ANN)
    await step(live, (StageAction.LEAVE, ANN))
    clock.advance(10**9)
    assert not await overdue(live, clock)


async def test_it_is_forgotten_when_somebody_was_seen_long_ago(live: Stagehouse, clock: FakeClock) -> None:
    await live.do(absence_sql.see, {ROOM: [ANN]}, clock())
    await live.do(absence_sql.forget, clock())
    assert await live.count(stage_presence) == 1
    await live.do(absence_sql.forget, clock() + 1)
    assert await live.count(stage_presence) == 0


async def test_the_audit_finds_who_is_on_stage_without_a_socket(live: Stagehouse, clock: FakeClock) -> None:
    async def absent(before_ms: int) -> list[Absent]:
        async with live.db.read() as connection:
            return await absence_sql.absent(connection, before_ms)

    came_ms = clock()
    await on_stage(live, ANN, BEN)
    await live.do(absence_sql.see, {ROOM: [BEN]}, came_ms + 2_000)
    assert await absent(came_ms - 1) == []
    assert await absent(came_ms) == [Absent(ROOM, ANN, came_ms)]
    assert await absent(came_ms + 2_000) == [Absent(ROOM, ANN, came_ms), Absent(ROOM, BEN, came_ms + 2_000)]
