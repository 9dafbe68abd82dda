"""Mutes, bans, kicks, retractions, pins, countdowns and danmaku on a real database."""

import asyncio

import pytest
from msgspec import structs

from auth.denials import Code
from auth.identity import RoomId, Tier
from auth.situation import Phase, Switches
from rooms.audit import audit_sql
from rooms.audit.events import AuditRecorded
from rooms.chat import danmaku_sql, pins_sql
from rooms.chat.danmaku import DanmakuStyle
from rooms.chat.events import DanmakuSaid, PinsChanged, Retracted
from rooms.chat.pins import MAX_PINS, Pin, PinKind, PinsRecord
from rooms.chat.tables_sql import danmaku, retractions
from rooms.course import countdowns_sql
from rooms.course.countdowns import MAX_CUSTOM, Countdown, CountdownKind
from rooms.course.events import CountdownChanged, ScheduleChanged
from rooms.moderation import sanctions_sql
from rooms.moderation.events import Banned, Kicked, Muted, Unbanned, Unmuted
from rooms.moderation.sanctions import Mute, Sanctions
from tests.rooms.stagehouse import ANN, BEN, HOST, ROOM, Stagehouse, code_of
from tests.store.fakes import FakeClock

NOWHERE = RoomId("none")


async def sanctions(house: Stagehouse) -> Sanctions:
    async with house.db.read() as connection:
        return await sanctions_sql.load_sanctions(connection, ROOM)


async def test_a_mute_is_stored_told_and_replaced_by_the_next(house: Stagehouse) -> None:
    assert await house.do(sanctions_sql.mute, ROOM, ANN, 5_000, HOST) == Mute(ANN, 5_000)
    assert await house.do(sanctions_sql.mute, ROOM, ANN, None, HOST) == Mute(ANN, None)
    assert await sanctions(house) == Sanctions({ANN: Mute(ANN, None)}, frozenset())
    assert await house.do(sanctions_sql.unmute, ROOM, ANN, HOST) is None
    assert await sanctions(house) == Sanctions({}, frozenset())
    assert await house.told() == [Muted(ANN, 5_000, 1), Muted(ANN, None, 2), Unmuted(ANN, 3)]


async def test_a_ban_holds_until_it_is_taken_back(house: Stagehouse) -> None:
    await house.do(sanctions_sql.ban, ROOM, ANN, HOST)
    await house.do(sanctions_sql.ban, ROOM, ANN, HOST)
    async with house.db.read() as connection:
        assert await sanctions_sql.is_banned(connection, ROOM, ANN)
        assert not await sanctions_sql.is_banned(connection, ROOM, BEN)
    await house.do(sanctions_sql.unban, ROOM, ANN, HOST)
    assert await sanctions(house) == Sanctions({}, frozenset())
    assert await house.told() == [Banned(ANN, 1), Banned(ANN, 2), Unbanned(ANN, 3)]


async def test_every_act_of_the_staff_leaves_a_trail_that_consoles_hear_of(house: Stagehouse, clock: FakeClock) -> None:
    said = await house.say("d1")
    await house.do(sanctions_sql.mute, ROOM, ANN, None, HOST)
    await house.do(sanctions_sql.unmute, ROOM, ANN, HOST)
    await house.do(sanctions_sql.ban, ROOM, ANN, HOST)
    await house.do(sanctions_sql.unban, ROOM, ANN, HOST)
    await house.do(sanctions_sql.kick, ROOM, ANN, HOST)
    await house.do(pins_sql.pin_danmaku, ROOM, said, HOST)
    await house.do(pins_sql.unpin, ROOM, "d1", HOST)
    await house.do(sanctions_sql.retract, ROOM, "d1", HOST)
    made = await house.do(countdowns_sql.set_countdown, ROOM, "custom", 9, "x", None, HOST)
    assert isinstance(made, Countdown)
    await house.do(countdowns_sql.clear_countdown, ROOM, made.id, HOST)
    pinned = await house.do(pins_sql.announce, ROOM, "welcome", "Host", HOST)
    assert isinstance(pinned, PinsRecord)
    expected = [
        ("mute", ANN),
        ("unmute", ANN),
        ("ban", ANN),
        ("unban", ANN),
        ("kick", ANN),
        ("pin", "d1"),
        ("unpin", "d1"),
        ("retract", "d1"),
        ("countdown:set", made.id),
        ("countdown:clear", made.id),
        ("announce", pinned.items[-1].id),
    ]
    assert await house.trail() == [(HOST, action, target) for action, target in expected]
    heard = [event for event, _ in await house.outbox() if isinstance(event, AuditRecorded)]
    assert [(event.action, event.target) for event in heard] == expected
    async with house.db.read() as connection:
        assert await audit_sql.recent(connection, ROOM, 3) == heard[-3:]
    assert {event.at_ms for event in heard} == {clock.now_ms}


async def test_what_is_not_there_cannot_be_undone_and_nobody_hears_of_it(house: Stagehouse) -> None:
    before = await house.snapshot()
    assert code_of(await house.do(sanctions_sql.unmute, ROOM, ANN, HOST)) is Code.NOT_FOUND
    assert code_of(await house.do(sanctions_sql.unban, ROOM, ANN, HOST)) is Code.NOT_FOUND
    assert code_of(await house.do(sanctions_sql.retract, ROOM, "d1", HOST)) is Code.NOT_FOUND
    assert code_of(await house.do(pins_sql.unpin, ROOM, "d1", HOST)) is Code.NOT_FOUND
    assert code_of(await house.do(countdowns_sql.clear_countdown, ROOM, "doors", HOST)) is Code.NOT_FOUND
    assert code_of(await house.do(countdowns_sql.set_countdown, ROOM, "custom", 1, "", "x", HOST)) is Code.NOT_FOUND
    for outcome in (
        await house.do(sanctions_sql.mute, NOWHERE, ANN, None, HOST),
        await house.do(sanctions_sql.ban, NOWHERE, ANN, HOST),
        await house.do(sanctions_sql.kick, NOWHERE, ANN, HOST),
        await house.do(countdowns_sql.set_countdown, NOWHERE, "show", 1, "", None, HOST),
        await house.do(countdowns_sql.set_countdown, NOWHERE, "custom", 1, "", None, HOST),
    ):
        assert code_of(outcome) is Code.ROOM_NOT_FOUND
    assert await house.snapshot() == before
    assert await house.outbox() == []


async def test_a_kick_is_told_and_nothing_else(house: Stagehouse) -> None:
    assert await house.do(sanctions_sql.kick, ROOM, ANN, HOST) is None
    assert await house.told() == [Kicked(ANN, 1)]


async def test_a_retraction_takes_effect_once_and_is_replayed_for_long(house: Stagehouse) -> None:
    await house.say("d1", floor=Tier.VIP)
    outcomes = await asyncio.gather(*(house.do(sanctions_sql.retract, ROOM, "d1", HOST) for _ in range(3)))
    assert outcomes == [Retracted("d1", Tier.VIP)] * 3
    told = [(event, retention) for event, retention in await house.outbox() if isinstance(event, Retracted)]
    assert told == [(Retracted("d1", Tier.VIP), "long")]
    assert len(await house.trail()) == 1
    async with house.db.read() as connection:
        assert await danmaku_sql.find(connection, ROOM, "d1") is None
        assert await danmaku_sql.recent(connection, ROOM, 10) == []


async def test_a_danmaku_whose_batch_is_on_its_way_is_retracted_all_the_same(house: Stagehouse) -> None:
    retracted = await house.do(sanctions_sql.retract, ROOM, "d1", HOST, floor=Tier.MAIN)
    assert retracted == Retracted("d1", Tier.MAIN)
    await house.say("d1")
    async with house.db.read() as connection:
        assert await danmaku_sql.find(connection, ROOM, "d1") is None
    assert await house.count(retractions) == await house.count(danmaku) == 1


async def test_a_retracted_danmaku_loses_its_pin(house: Stagehouse, clock: FakeClock) -> None:
    said = await house.say("d1", "bad")
    await house.do(pins_sql.pin_danmaku, ROOM, said, HOST)
    pin = Pin("d1", PinKind.DANMAKU, "bad", "Ann", clock.now_ms)
    assert await house.told() == [PinsChanged((pin,), 2)]
    await house.do(sanctions_sql.retract, ROOM, "d1", HOST)
    assert await house.told() == [Retracted("d1", Tier.MAIN), PinsChanged((), 3)]
    async with house.db.read() as connection:
        assert await pins_sql.load_pins(connection, ROOM) == PinsRecord((), 3)


async def test_pins_are_few_and_the_newest_stay(house: Stagehouse) -> None:
    for number in range(MAX_PINS + 2):
        await house.do(pins_sql.announce, ROOM, str(number), "Host", HOST)
    async with house.db.read() as connection:
        pins = await pins_sql.load_pins(connection, ROOM)
    assert [pin.text for pin in pins.items] == [str(number) for number in range(2, MAX_PINS + 2)]
    assert {pin.kind for pin in pins.items} == {PinKind.ANNOUNCEMENT}


async def test_of_two_pins_decided_on_one_version_the_row_takes_one(
    house: Stagehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a server two writers may both have read one version; here the second is handed an old one."""
    await house.do(pins_sql.announce, ROOM, "first", "Host", HOST)
    await house.outbox()
    before = await house.snapshot()

    async def load_stale(*_: object) -> PinsRecord:
        return PinsRecord((), 1)

    monkeypatch.setattr(pins_sql, "load_pins", load_stale)
    assert code_of(await house.do(pins_sql.announce, ROOM, "second", "Host", HOST)) is Code.CONFLICT
    assert await house.snapshot() == before


async def test_a_batch_of_danmaku_is_stored_once_however_often_it_is_sent(house: Stagehouse) -> None:
    one = await house.say("d0")
    style = DanmakuStyle(color="#ffffff", place="top")
    batch = [structs.replace(one, id=f"d{number}", at_ms=number, style=style) for number in range(1_200)]
    for again in ([*batch, batch[5]], batch, []):
        await house.do(danmaku_sql.store_batch, {ROOM: again})
        assert await house.count(danmaku) == 1_200
    assert await house.outbox() == []
    async with house.db.read() as connection:
        found: DanmakuSaid | None = await danmaku_sql.find(connection, ROOM, "d7")
        recent = await danmaku_sql.recent(connection, ROOM, 2)
    assert found == batch[7]
    assert [said.id for said in recent] == ["d1198", "d1199"]


async def test_a_countdown_is_made_replaced_and_cleared_with_growing_versions(house: Stagehouse) -> None:
    made = await house.do(countdowns_sql.set_countdown, ROOM, "custom", 5_000, "Raffle", None, HOST)
    assert isinstance(made, Countdown)
    assert made == Countdown(made.id, CountdownKind.CUSTOM, 5_000, "Raffle", 1)
    moved = await house.do(countdowns_sql.set_countdown, ROOM, "custom", 6_000, "Raffle", made.id, HOST)
    assert moved == Countdown(made.id, CountdownKind.CUSTOM, 6_000, "Raffle", 2)
    async with house.db.read() as connection:
        assert await countdowns_sql.load_custom(connection, ROOM) == [moved]
    cleared = await house.do(countdowns_sql.clear_countdown, ROOM, made.id, HOST)
    assert cleared == Countdown(made.id, CountdownKind.CUSTOM, None, "Raffle", 3)
    assert await house.told() == [
        CountdownChanged(made.id, CountdownKind.CUSTOM, target_ms, "Raffle", version)
        for target_ms, version in ((5_000, 1), (6_000, 2), (None, 3))
    ]
    async with house.db.read() as connection:
        assert await countdowns_sql.load_custom(connection, ROOM) == []


async def test_the_schedules_countdowns_move_the_schedule(house: Stagehouse) -> None:
    doors = await house.do(countdowns_sql.set_countdown, ROOM, "doors", 12_000, "", None, HOST)
    assert doors == Countdown("doors", CountdownKind.DOORS, 12_000, "", 2)
    show = await house.do(countdowns_sql.set_countdown, ROOM, "show", 30_000, "", None, HOST)
    assert show == Countdown("show", CountdownKind.SHOW, 30_000, "", 3)
    assert await house.told() == [
        ScheduleChanged(Phase.DRAFT, Switches(), 12_000, 20_000, 2),
        ScheduleChanged(Phase.DRAFT, Switches(), 12_000, 30_000, 3),
    ]
    late = await house.do(countdowns_sql.set_countdown, ROOM, "doors", 30_001, "", None, HOST)
    assert code_of(late) is Code.BAD_REQUEST


async def test_countdowns_are_bounded(house: Stagehouse) -> None:
    for number in range(MAX_CUSTOM):
        await house.do(countdowns_sql.set_countdown, ROOM, "custom", number, "", None, HOST)
    over = await house.do(countdowns_sql.set_countdown, ROOM, "custom", 1, "", None, HOST)
    assert code_of(over) is Code.BAD_REQUEST
