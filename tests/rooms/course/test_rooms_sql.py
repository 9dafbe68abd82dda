"""Phase, switches, schedule and likes on a real database."""

import asyncio

from msgspec import structs

from auth.denials import Code, Denied
from auth.identity import RoomId, ShowId
from auth.situation import Access, Course, Phase, Scale, Switches
from rooms.course import countdowns_sql, rooms_sql
from rooms.course.countdowns import of_schedule
from rooms.course.events import PhaseChanged, ScheduleChanged, SwitchesChanged
from rooms.course.room import RoomRecord
from rooms.course.switches import PANIC_SLOW_MS, SwitchChanges
from rooms.gifts.events import LikesCounted
from rooms.stage import stage_sql
from rooms.stage.events import CohostChanged, QueueChanged, StageChanged
from rooms.stage.stage import StageAction, StageCommand, StageReason, StageState
from store.database_sql import UnitOfWork
from tests.rooms.stagehouse import ANN, BEN, HOST, OPENING, ROOM, SHOW, Stagehouse, code_of


async def load(house: Stagehouse) -> RoomRecord:
    async with house.db.read() as connection:
        room = await rooms_sql.load_room(connection, ROOM)
    assert room is not None
    return room


async def walk(house: Stagehouse, *phases: Phase) -> None:
    for phase in phases:
        assert isinstance(await house.do(rooms_sql.change_phase, ROOM, phase, HOST), RoomRecord)


async def test_a_room_is_read_as_it_was_made(house: Stagehouse) -> None:
    assert await load(house) == OPENING
    async with house.db.read() as connection:
        assert await rooms_sql.load_room_of(connection, SHOW) == OPENING
        assert await rooms_sql.list_rooms(connection) == [OPENING]
        assert await rooms_sql.phase_of(connection, SHOW) is Phase.DRAFT
        assert await rooms_sql.load_room(connection, RoomId("none")) is None
        assert await rooms_sql.phase_of(connection, ShowId("none")) is None


async def test_a_show_has_one_room(house: Stagehouse) -> None:
    before = await house.snapshot()
    for again in (OPENING, structs.replace(OPENING, id=RoomId("x")), structs.replace(OPENING, show=ShowId("x"))):
        assert code_of(await house.do(rooms_sql.create_room, again, by=HOST)) is Code.CONFLICT
    assert await house.snapshot() == before
    other = RoomRecord(RoomId("other"), ShowId("x"), "", Access.OPEN, Phase.PRESALE, 1, 2, Switches(links=False))
    assert await house.do(rooms_sql.create_room, other, capacity=1) == other
    async with house.db.read() as connection:
        assert await rooms_sql.load_room(connection, other.id) == other
        assert (await stage_sql.load_stage(connection, other.id)).capacity == 1


async def test_a_phase_change_is_stored_told_and_written_down(house: Stagehouse) -> None:
    changed = await house.do(rooms_sql.change_phase, ROOM, Phase.PRESALE, HOST)
    assert changed == structs.replace(OPENING, phase=Phase.PRESALE, version=2) == await load(house)
    assert await house.told() == [PhaseChanged(Phase.PRESALE, Switches(), 10_000, 20_000, 2)]
    assert await house.trail() == [(HOST, "show:phase", "presale")]


async def test_a_refused_change_changes_nothing_and_tells_nobody(house: Stagehouse) -> None:
    before = await house.snapshot()
    assert code_of(await house.do(rooms_sql.change_phase, ROOM, Phase.LIVE, HOST)) is Code.PHASE_TRANSITION
    assert code_of(await house.do(rooms_sql.update_schedule, ROOM, 2, 1, HOST)) is Code.BAD_REQUEST
    nowhere = RoomId("none")
    assert code_of(await house.do(rooms_sql.change_phase, nowhere, Phase.LIVE, HOST)) is Code.ROOM_NOT_FOUND
    assert code_of(await house.do(rooms_sql.change_switches, nowhere, SwitchChanges(), HOST)) is Code.ROOM_NOT_FOUND
    assert code_of(await house.do(rooms_sql.panic, nowhere, HOST)) is Code.ROOM_NOT_FOUND
    assert code_of(await house.do(rooms_sql.update_schedule, nowhere, 1, 2, HOST)) is Code.ROOM_NOT_FOUND
    assert code_of(await house.do(rooms_sql.add_likes, nowhere, 1)) is Code.ROOM_NOT_FOUND
    assert await house.snapshot() == before
    assert await house.outbox() == []


async def test_of_two_changes_decided_on_one_version_one_conflicts(house: Stagehouse) -> None:
    seen = (await load(house)).version
    outcomes = await asyncio.gather(
        house.do(rooms_sql.change_phase, ROOM, Phase.PRESALE, HOST, seen=seen),
        house.do(rooms_sql.change_switches, ROOM, SwitchChanges(slow_ms=1_000), HOST, seen=seen),
        house.do(rooms_sql.update_schedule, ROOM, 1, 2, HOST, seen=seen),
    )
    assert sorted(str(code_of(outcome)) for outcome in outcomes) == ["CONFLICT", "CONFLICT", "None"]
    assert len(await house.told()) == 1
    assert len(await house.trail()) == 1
    assert (await load(house)).version == seen + 1


async def test_doors_and_start_that_are_moved_at_once_are_both_moved(house: Stagehouse) -> None:
    """On a server the second read the schedule before its turn, and put the doors back where they had been."""
    for hour in range(1, 11):  # either may come first: one of a few is enough to catch who does not wait its turn
        doors_ms, start_ms = hour * 1_000, 50_000 + hour * 1_000
        await asyncio.gather(
            house.do(countdowns_sql.set_countdown, ROOM, "show", start_ms, "", None, HOST),
            house.do(countdowns_sql.set_countdown, ROOM, "doors", doors_ms, "", None, HOST),
        )
        async with house.db.read() as connection:
            found = await rooms_sql.course_of(connection, SHOW)
        assert found == Course(OPENING.title, OPENING.phase, doors_ms, start_ms)


async def test_a_show_without_a_room_has_no_course(house: Stagehouse) -> None:
    async with house.db.read() as connection:
        assert await rooms_sql.course_of(connection, ShowId("none")) is None


async def test_a_writer_that_decided_on_an_old_version_is_caught_at_the_row(house: Stagehouse) -> None:
    """On a server two writers may both have read version 1; the row itself must refuse the second."""
    after = structs.replace(OPENING, phase=Phase.PRESALE, version=2)

    async def change(uow: UnitOfWork) -> RoomRecord | Denied:
        return await rooms_sql._change(uow, OPENING, after, PhaseChanged, HOST, "show:phase", "presale")

    assert await house.do(change) == after
    before = await house.snapshot()
    assert code_of(await house.do(change)) is Code.CONFLICT
    assert await house.snapshot() == before


async def test_changes_made_at_once_without_a_version_follow_one_another(house: Stagehouse) -> None:
    flips = [SwitchChanges(slow_ms=n) for n in range(8)]
    outcomes = await asyncio.gather(*(house.do(rooms_sql.change_switches, ROOM, flip, HOST) for flip in flips))
    assert sorted(room.version for room in outcomes if isinstance(room, RoomRecord)) == list(range(2, 10))
    told = await house.told()
    assert [event.version for event in told if isinstance(event, SwitchesChanged)] == list(range(2, 10))


async def test_switches_flip_by_name_and_panic_narrows(house: Stagehouse) -> None:
    await house.do(rooms_sql.change_switches, ROOM, SwitchChanges(chat=Scale.EVERYONE, likes=Scale.OFF), HOST)
    await house.do(rooms_sql.panic, ROOM, HOST)
    switches = (await load(house)).switches
    assert switches == Switches(chat=Scale.TICKET, likes=Scale.OFF, slow_ms=PANIC_SLOW_MS, links=False)
    told = await house.told()
    assert [type(event) for event in told] == [SwitchesChanged, SwitchesChanged]
    assert told[-1] == SwitchesChanged(Phase.DRAFT, switches, 10_000, 20_000, 3)
    assert await house.trail() == [(HOST, "room:switches", "chat=everyone likes=off"), (HOST, "panic", "")]


async def test_the_schedule_moves_with_its_countdowns(house: Stagehouse) -> None:
    moved = await house.do(rooms_sql.update_schedule, ROOM, 15_000, 25_000, HOST)
    assert isinstance(moved, RoomRecord)
    assert [countdown.target_ms for countdown in of_schedule(await load(house))] == [15_000, 25_000]
    assert await house.told() == [ScheduleChanged(Phase.DRAFT, Switches(), 15_000, 25_000, 2)]
    assert await house.trail() == [(HOST, "show:schedule", "doors_ms=15000 start_ms=25000")]


async def test_likes_add_up_whoever_counts_them_and_leave_the_version_alone(house: Stagehouse) -> None:
    await asyncio.gather(*(house.do(rooms_sql.add_likes, ROOM, n) for n in range(1, 11)))
    room = await load(house)
    assert (room.like_total, room.version) == (55, 1)
    told = await house.told()
    assert told[-1] == LikesCounted(55)
    assert len(told) == 10


async def test_what_no_staff_did_leaves_no_trail(house: Stagehouse) -> None:
    await house.do(rooms_sql.change_phase, ROOM, Phase.PRESALE, None)
    await house.do(rooms_sql.add_likes, ROOM, 1)
    assert await house.trail() == []


async def test_the_end_of_a_show_clears_the_stage(house: Stagehouse) -> None:
    await walk(house, Phase.DOORS, Phase.LIVE)
    for action, user in ((StageAction.REQUEST, ANN), (StageAction.APPROVE, ANN), (StageAction.INVITE, BEN)):
        await house.do(stage_sql.act, ROOM, StageCommand(action, user), HOST)
    await walk(house, Phase.PAUSED)
    await house.told()
    await walk(house, Phase.ENDED)
    told = await house.told()
    assert [type(event) for event in told] == [PhaseChanged, StageChanged, QueueChanged, CohostChanged, CohostChanged]
    gone = [event for event in told if isinstance(event, CohostChanged)]
    assert {(event.user, event.state, event.reason) for event in gone} == {
        (ANN, StageState.IDLE, StageReason.RIGHTS_ENDED),
        (BEN, StageState.IDLE, StageReason.RIGHTS_ENDED),
    }
    async with house.db.read() as connection:
        stage = await stage_sql.load_stage(connection, ROOM)
    assert (stage.members, stage.queue) == ((), ())
