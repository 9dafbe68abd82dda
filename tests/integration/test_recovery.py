"""Coming back with a cursor: nothing missed, nothing twice, nothing that was not paid for at the time."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol

import pytest

from auth.identity import RoomId
from gateway.contract.cursor import from_cursor, to_cursor
from gateway.door.admission import Admission
from gateway.live.member import Member
from gateway.live.room import LiveRoom
from gateway.live.rooms import LiveRooms
from gateway.replica.history import Recent
from gateway.setup import clock
from pubsub.broker import Position, Recovery
from pubsub.broker_memory import MemoryBroker
from tests.integration.clients import Client, connected
from tests.integration.conftest import UNHURRIED
from tests.integration.evening import Evening, done, evening
from tests.integration.running import Liveroom, liveroom
from tests.integration.wire import wire

pytestmark = pytest.mark.asyncio(loop_scope="package")

HISTORY = ("danmaku", "gift", "retract")
DEADLINE_SECONDS = 10.0
DAY_MS = 24 * 3_600_000

Told = tuple[str, str, str]
"""Kind, item and cursor of a history event."""


class Hears(Protocol):
    """A client of any language."""

    heard: list[tuple[str, Any]]


def history(socket: Hears, *, since: int = 0) -> list[Told]:
    """Every history event a socket was told, missed ones first, in order; cursors without the stamp of those inside."""
    told: list[Told] = []
    for event, data in socket.heard[since:]:
        items = [(one["event"], one["data"]) for one in data["missed"]] if event == "welcome" else [(event, data)]
        told += [
            (kind, item["id"], _place(one["cursor"])) for kind, one in items if kind in HISTORY for item in one["items"]
        ]
    return told


def _place(cursor: str) -> str:
    position = from_cursor(cursor)
    assert position is not None
    return to_cursor(position)


def things(told: list[Told]) -> list[tuple[str, str]]:
    """Without cursors: which of them a busy room tells in one event, and with one cursor, may differ."""
    return [(kind, item) for kind, item, _ in told]


def cursor(socket: Client) -> str:
    """The last one heard, as an app keeps it."""
    last: str = [data["cursor"] for _, data in socket.heard if "cursor" in (data or {})][-1]
    return last


async def eventually(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not await holds():
            await asyncio.sleep(0.01)


async def say(socket: Client, *texts: str) -> list[str]:
    """Ids of accepted danmaku."""
    return [(await done(socket, "danmaku", {"text": text}))["id"] for text in texts]


async def busy_minutes(show: Evening, speaker: Client) -> list[Told]:
    """60 danmaku, 6 gifts and a retraction among them, all of them out in the room."""
    since = speaker.mark()
    for turn in range(6):
        [first, *_] = await say(speaker, *(f"line {turn}-{number}" for number in range(10)))
        await done(speaker, "gift", {"gift": "rose", "key": f"rose-of-turn-{turn}"})
        if turn == 3:
            await done(show.host, "retract", {"id": first})
    return await heard_by(speaker, 67, since=since)


async def heard_by(socket: Client, count: int, *, since: int) -> list[Told]:
    """The history of a socket that stayed, once it has so many."""

    async def has_all() -> bool:
        return len(history(socket, since=since)) >= count

    await eventually(has_all)
    return history(socket, since=since)


@pytest.mark.parametrize("codec", ["json", "msgpack"])
@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_a_fan_cut_off_comes_back_and_has_missed_nothing_and_hears_nothing_twice(
    house: Liveroom, codec: str, transport: str
) -> None:
    async with evening(house) as show, wire(house.url) as line:
        stayed, token = await show.fan("li"), show.token("mei")
        await show.ticket("mei")
        away = {"codec": codec, "transport": transport, "token": token, "room": show.room}
        async with connected(line.url, **away) as fan:
            since = stayed.mark()
            [last] = await say(stayed, "before the tunnel")
            await fan.wait("danmaku", lambda told: told["items"][0]["id"] == last)
            before = history(fan)
            await line.cut()
            await fan.gone()
        await busy_minutes(show, stayed)
        line.mend()
        # while the fan comes back, the room does not stand still
        speaking = asyncio.create_task(say(stayed, *(f"meanwhile {number}" for number in range(20))))
        async with connected(line.url, cursor=before[-1][2], **away) as back:
            spoken = await speaking
            welcome = await back.wait("welcome")
            assert (welcome["recovered"], welcome["danmaku_truncated"]) == (True, False)
            [final] = await say(stayed, "after the tunnel")
            expected = await heard_by(stayed, 1 + 67 + len(spoken) + 1, since=since)
            await eventually(lambda: _has(back, final))
            seen = before + history(back)
            assert things(seen) == things(expected)
            assert len({(kind, item) for kind, item, _ in seen}) == len(seen) == 89
            assert [kind for kind, _, _ in seen].count("retract") == 1
            assert len(welcome["missed"]) >= 67

            again = await show.enter("mei", cursor=cursor(back))
            welcome = await again.wait("welcome")
            assert (welcome["recovered"], welcome["missed"]) == (True, [])


@pytest.mark.parametrize("is_known_here", [True, False])
async def test_the_seam_between_what_was_missed_and_what_goes_on_shows_nothing_twice_and_leaves_nothing_out(
    house: Liveroom, monkeypatch: pytest.MonkeyPatch, *, is_known_here: bool
) -> None:
    real = MemoryBroker.recover

    async def recover(broker: MemoryBroker, channel: str, after: Position) -> Recovery:
        """As over a network: the room goes on while the question travels, and while the answer does."""
        await _goes_on(broker, channel)
        recovery = await real(broker, channel, after)
        await _goes_on(broker, channel)
        return recovery

    monkeypatch.setattr(MemoryBroker, "recover", recover)
    if not is_known_here:
        monkeypatch.setattr(Recent, "since", lambda *_: None)
    async with evening(house) as show, wire(house.url) as line:
        stayed, token = await show.fan("li"), show.token("mei")
        await show.ticket("mei")
        since, left_at = stayed.mark(), cursor(stayed)
        enough = asyncio.Event()

        async def storm() -> None:
            while not enough.is_set():
                await asyncio.gather(*(say(stayed, "again") for _ in range(3)))

        speaking = asyncio.create_task(storm())
        seen: list[Told] = []
        for _ in range(5):
            async with connected(line.url, token=token, room=show.room, cursor=left_at) as fan:
                entered = fan.mark()
                await fan.wait("danmaku", since=entered)
                await line.cut()
                await fan.gone()
                line.mend()
                seen += history(fan)
                left_at = cursor(fan)
        enough.set()
        await speaking
        expected = await heard_by(stayed, len(seen), since=since)
        assert things(seen) == things(expected)[: len(seen)]


async def _goes_on(broker: MemoryBroker, channel: str) -> None:
    since = await broker.position(channel)
    while (await broker.position(channel)).offset < since.offset + 5:
        await asyncio.sleep(0)


async def _has(socket: Client, item: str) -> bool:
    return any(known == item for _, known, _ in history(socket))


async def test_the_cursor_of_the_welcome_moves_on_past_what_was_missed(house: Liveroom) -> None:
    async with evening(house) as show:
        speaker, fan = await show.fan("li"), await show.fan("mei")
        left_at = cursor(fan)
        await fan.close()
        await busy_minutes(show, speaker)
        missed = (await (await show.enter("mei", cursor=left_at)).wait("welcome"))["missed"]
        assert len(missed) == 67
        middle = missed[30]["data"]["cursor"]
        assert (await (await show.enter("mei", cursor=middle)).wait("welcome"))["missed"] == missed[31:]
        end = cursor(show.inside[-1])
        assert (await (await show.enter("mei", cursor=end)).wait("welcome"))["missed"] == []


async def test_history_is_what_the_ticket_was_worth_when_it_happened(house: Liveroom) -> None:
    async with evening(house, "doors") as show:
        speaker = await show.fan("li")
        order = await show.ticket("mei")
        fan = await show.enter("mei")
        left_at = cursor(fan)
        await fan.close()

        entitled = await say(speaker, "while she had a ticket")
        await show.refund("mei", order)
        kept = await say(speaker, "while she had none")
        await done(speaker, "gift", {"gift": "rose", "key": "rose-she-cannot-see"})
        await done(show.host, "retract", {"id": kept[0]})
        await speaker.wait("retract")
        await show.ticket("mei", "vip")
        entitled += await say(speaker, "with another ticket")
        back = await show.enter("mei", cursor=left_at)
        welcome = await back.wait("welcome")
        assert welcome["recovered"]
        assert [item for _, item, _ in history(back)] == entitled
        assert "while she had none" not in str(back.heard)

        stranger = await show.enter("passer-by", cursor=left_at)
        welcome = await stranger.wait("welcome")
        assert (welcome["recovered"], welcome["missed"]) == (True, [])
        assert welcome["cursor"] != left_at
        await show.ticket("late")
        assert history(await show.enter("late", cursor=left_at)) == []  # a ticket opens nothing of before
        await show.role("mod", "moderator")
        assert len(history(await show.enter("mod", cursor=left_at))) == 5


async def test_everybody_at_an_open_show_catches_up(house: Liveroom) -> None:
    async with evening(house, access="open") as show:
        speaker, stranger = await show.fan("li"), await show.fan("passer-by", None)
        left_at = cursor(stranger)
        said = await say(speaker, "one", "two")
        assert [item for _, item, _ in history(await show.enter("passer-by", cursor=left_at))] == said


@pytest.mark.parametrize(
    "bad",
    ["?", "x" * 600, "AAAA", "Og", "ZXBvY2g6", "ZXBvY2g6LTE", "ZXBvY2g6MTIzNDU2Nzg5MDEyMzQ1Njc4", "\u0660", "e:1"],
)
async def test_a_cursor_nobody_handed_out_is_a_bad_request(house: Liveroom, bad: str) -> None:
    async with evening(house) as show:
        await show.ticket("mei")
        refusal = await show.refusal("mei", cursor=bad)
        assert (refusal["code"], refusal["retryable"], refusal["field"]) == ("BAD_REQUEST", False, "cursor")


async def test_a_cursor_of_another_room_or_of_the_future_starts_from_a_snapshot(house: Liveroom) -> None:
    async with evening(house) as elsewhere, evening(house) as show:
        fan = await show.fan("mei")
        here = from_cursor(cursor(fan))
        assert here is not None
        await say(fan, "not for a foreign cursor")
        for foreign in (
            (await elsewhere.host.wait("welcome"))["cursor"],
            to_cursor(Position(here.epoch, here.offset + 1_000_000)),
        ):
            welcome = await (await show.enter("mei", cursor=foreign)).wait("welcome")
            assert (welcome["recovered"], welcome["missed"]) == (False, [])


async def test_danmaku_beyond_the_bound_in_bytes_are_told_as_truncated_and_gifts_are_all_there(tmp_path: Path) -> None:
    async with liveroom(tmp_path, history_bytes=2048, **UNHURRIED) as house, evening(house) as show:
        speaker, fan = await show.fan("li"), await show.fan("mei")
        left_at = cursor(fan)
        await fan.close()
        everything = await busy_minutes(show, speaker)
        back = await show.enter("mei", cursor=left_at)
        welcome = await back.wait("welcome")
        assert (welcome["recovered"], welcome["danmaku_truncated"]) == (True, True)
        kept = things(history(back))
        danmaku, others = _parted(kept)
        all_danmaku, all_others = _parted(things(everything))
        assert others == all_others
        assert 0 < len(danmaku) < 60
        assert danmaku == all_danmaku[-len(danmaku) :]
        assert kept == [told for told in things(everything) if told in kept]

        mark = speaker.mark()
        await say(speaker, "the newest")
        assert len(await heard_by(speaker, 1, since=mark)) == 1
        welcome = await (await show.enter("mei", cursor=cursor(back))).wait("welcome")
        assert welcome["danmaku_truncated"] is False


async def test_danmaku_beyond_the_bound_in_seconds_are_told_as_truncated(tmp_path: Path) -> None:
    async with liveroom(tmp_path, history_seconds=1, **UNHURRIED) as house, evening(house) as show:
        speaker, fan = await show.fan("li"), await show.fan("mei")
        left_at = cursor(fan)
        await say(speaker, "soon forgotten")
        await done(speaker, "gift", {"gift": "rose", "key": "never-forgotten"})
        await speaker.wait("gift")

        async def is_truncated() -> bool:
            async with connected(house.url, token=show.token("mei"), room=show.room, cursor=left_at) as back:
                welcome: dict[str, Any] = await back.wait("welcome")
                assert welcome["recovered"]
                truncated: bool = welcome["danmaku_truncated"]
                kinds = [one["event"] for one in welcome["missed"]]
                assert kinds == (["gift"] if truncated else ["danmaku", "gift"])
                return truncated

        await eventually(is_truncated)


async def test_after_a_restart_of_the_gateway_a_fan_starts_from_what_sql_knows(tmp_path: Path) -> None:
    async with liveroom(tmp_path, **UNHURRIED) as house, evening(house) as show:
        fan = await show.fan("mei")
        await say(fan, "before the restart")
        await done(fan, "gift", {"gift": "rose", "key": "before-the-restart"})
        await fan.wait("gift")
        kept, room, token = cursor(fan), show.room, show.token("mei")
    async with (
        liveroom(tmp_path, **UNHURRIED) as house,
        connected(house.url, token=token, room=room, cursor=kept) as back,
    ):
        welcome = await back.wait("welcome")
        assert (welcome["recovered"], welcome["missed"]) == (False, [])
        assert (welcome["room"]["phase"], welcome["you"]["tier"], welcome["you"]["wallet"]["credits"]) == (
            "live",
            "main",
            99,
        )
        assert [item["user"] for item in welcome["leaderboard"]["items"]] == ["mei"]
        assert [grant["stream"] for grant in welcome["streams"]] == ["main"]
        assert welcome["cursor"] != kept
        said = await say(back, "after the restart")
        async with connected(house.url, token=token, room=room, cursor=welcome["cursor"]) as again:
            assert (await again.wait("welcome"))["recovered"]
            assert [item for _, item, _ in history(again)] == said


async def test_the_position_keeps_a_quiet_audience_current(tmp_path: Path) -> None:
    bounds = {"history_bytes": 1024, "position_seconds": 0.05}
    async with liveroom(tmp_path, **bounds, **UNHURRIED) as house, evening(house, "doors") as show:
        speaker, foyer = await show.fan("li"), await show.fan("passer-by", None)
        entered_at = cursor(foyer)
        reached = from_cursor((await busy_minutes(show, speaker))[-1][2])
        assert reached is not None

        def is_current(told: dict[str, str]) -> bool:
            position = from_cursor(told["cursor"])
            return position is not None and position.offset >= reached.offset

        await foyer.wait("position", is_current)
        assert [event for event, _ in foyer.heard if event in HISTORY] == []
        for kept, truncated in ((cursor(foyer), False), (entered_at, True)):
            welcome = await (await show.enter("passer-by", cursor=kept)).wait("welcome")
            assert (welcome["recovered"], welcome["danmaku_truncated"]) == (True, truncated)
            assert welcome["missed"] == []


def _parted(told: list[tuple[str, str]]) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Danmaku, and the rest."""
    return [one for one in told if one[0] == "danmaku"], [one for one in told if one[0] != "danmaku"]


async def test_only_those_hear_where_the_room_stands_whom_nothing_has_told_of_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rooms: list[LiveRoom] = []
    open_room = LiveRooms._open

    async def opened(self: LiveRooms, room_id: RoomId) -> LiveRoom | None:
        room = await open_room(self, room_id)
        assert room is not None
        rooms.append(room)
        return room

    monkeypatch.setattr(LiveRooms, "_open", opened)
    day = DAY_MS // 1000
    async with liveroom(tmp_path, position_seconds=day, **UNHURRIED) as house, evening(house, "doors") as show:
        fan, foyer = await show.fan("li"), await show.fan("passer-by", None)
        [room] = rooms
        quiet_ms = clock.now_ms()
        await asyncio.sleep(0.005)
        await say(fan, "hello")
        room.tell_position(quiet_ms)
        assert fan.all("position") == foyer.all("position") == []
        room.tell_position(quiet_ms + DAY_MS)
        await foyer.wait("position")
        [last] = await say(fan, "is anybody there?")
        await fan.wait("danmaku", lambda told: told["items"][0]["id"] == last)
        assert fan.all("position") == []
        room.tell_position(clock.now_ms() + DAY_MS)
        assert (await fan.wait("position"))["cursor"] == cursor(fan)
        assert len(foyer.all("position")) == 1


async def test_a_position_told_while_somebody_was_let_in_never_takes_the_cursor_back(
    house: Liveroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    # `liveroom rehearse` met it: a position held back until after the welcome carried an older cursor than the
    # welcome, the client kept it, and after its next drop it was told again what it had seen
    recover = Admission._recover

    async with evening(house, "live") as show:
        fan, speaker = await show.fan("mei"), await show.fan("li")
        await say(speaker, "before")
        await fan.wait("danmaku")
        kept = cursor(fan)
        await fan.close()

        async def slowly(self: Admission, room: LiveRoom, member: Member, after: Position) -> None:
            room.tell_position(clock.now_ms() + DAY_MS)
            await say(speaker, "meanwhile")
            await recover(self, room, member, after)

        monkeypatch.setattr(Admission, "_recover", slowly)
        back = await show.enter("mei", cursor=kept)
        monkeypatch.setattr(Admission, "_recover", recover)
        welcome = await back.wait("welcome")
        assert [one["data"]["items"][0]["text"] for one in welcome["missed"]] == ["meanwhile"]
        await say(speaker, "afterwards")
        await back.wait("danmaku", lambda told: told["items"][0]["text"] == "afterwards")
        offsets = [
            position.offset for _, told in back.heard if (position := from_cursor((told or {}).get("cursor", "")))
        ]
        assert offsets == sorted(offsets)
