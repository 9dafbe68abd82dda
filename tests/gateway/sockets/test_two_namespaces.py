"""Two namespaces on one transport, as official clients open them: what befalls one is no affair of the other."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio

from auth.denials import Code, Denied
from auth.identity import Role, UserId
from auth.situation import Phase
from gateway.contract.shared import INBOX, Inbox
from gateway.features.course.news import room_shape
from gateway.features.course.wire import ROOM
from gateway.features.registry import BOOK
from gateway.features.session.wire import ClockAck
from gateway.live import upkeep
from gateway.live.member import Member
from gateway.live.room import LiveRoom
from gateway.sockets.codec import Prepared
from gateway.sockets.connection import Opening
from presale.catalogue.events import SalesChanged
from tests.contracts.broker_suite import until
from tests.gateway.sockets.raw import CONNECT, CONNECT_ERROR, DISCONNECT, EVENT, Packet, RawSocket, raw_socket
from tests.gateway.sockets.venue import Venue, answer_with, venue

pytestmark = pytest.mark.asyncio(loop_scope="module")

BOTH = ("/live", "/console")
CONNECT_SECONDS = 0.4
STATE = ("room", "presence", "sales")

every_wire = pytest.mark.parametrize(
    ("codec", "transport"),
    [(codec, transport) for codec in ("json", "msgpack") for transport in ("websocket", "polling")],
)
each_namespace = pytest.mark.parametrize("namespace", BOTH)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hall(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Venue]:
    # the true count, told by the clock in the midst of a test, was one presence too many
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(upkeep, "PRESENCE_SECONDS", 3_600.0)
        folder = tmp_path_factory.mktemp("hall")
        async with venue(folder, connect_seconds=CONNECT_SECONDS, danmaku_burst=1000) as running:
            await running.give("host", Role.HOST, running.open_room)
            await running.phase(Phase.DOORS, Phase.LIVE, room=running.open_room)
            yield running


def brief(hall: Venue) -> dict[str, str]:
    return {"token": hall.token("host"), "room": hall.open_room}


async def enter(hall: Venue, fan: RawSocket, namespace: str) -> None:
    """CONNECT and be welcome, whatever is told in the other namespace meanwhile."""
    before = len(fan.heard)
    await fan.say(CONNECT, namespace, brief(hall))
    while len(came := [one for one in fan.heard[before:] if one.namespace == namespace]) < 2:
        await fan.next()
    assert (came[0].kind, came[1].event) == (CONNECT, "welcome")


async def enter_both(hall: Venue, fan: RawSocket) -> None:
    for namespace in BOTH:
        await enter(hall, fan, namespace)


async def the_room(hall: Venue) -> LiveRoom:
    room = await hall.house.live_rooms.get(hall.open_room)
    assert room is not None
    return room


async def member_in(hall: Venue, namespace: str) -> Member:
    (member,) = [one for one in (await the_room(hall)).of_user(UserId("host")) if one.surface.value == namespace]
    return member


def other_than(namespace: str) -> str:
    return next(one for one in BOTH if one != namespace)


def heard_in(fan: RawSocket, namespace: str) -> list[Packet]:
    return [packet for packet in fan.heard if packet.namespace == namespace]


async def answers(fan: RawSocket, namespace: str) -> None:
    assert (await fan.ask("clock", {"t0": 1}, namespace=namespace))["ok"]


class Doors:
    """Holds the CONNECTs of some namespaces until it is told how to decide them."""

    def __init__(self, hall: Venue, monkeypatch: pytest.MonkeyPatch, *held: str) -> None:
        self.asked: list[tuple[str, str]] = []
        """Namespace and device of each CONNECT that is being decided, or was."""
        self.open = {namespace: asyncio.Event() for namespace in held}
        self.denied: dict[str, Denied] = {}
        for server in hall.house.socket_servers:
            monkeypatch.setattr(server, "_admit", self._deciding(server._admit))

    async def reached(self, count: int) -> None:
        """Until so many have been asked about."""
        await until(lambda: len(self.asked) >= count)

    def _deciding(self, decide: Any) -> Callable[[Opening], Any]:
        async def later(opening: Opening) -> Any:
            await self.open[opening.namespace].wait()
            if opening.namespace in self.denied:
                return self.denied[opening.namespace]
            decided = decide(opening)
            return await decided if isinstance(decided, Awaitable) else decided

        def decided(opening: Opening) -> Any:
            self.asked.append((opening.namespace, opening.auth.get("device", "")))
            return later(opening) if opening.namespace in self.open else decide(opening)

        return decided


@every_wire
@pytest.mark.parametrize("first", BOTH)
async def test_both_are_decided_and_answered_side_by_side(
    hall: Venue, monkeypatch: pytest.MonkeyPatch, codec: str, transport: str, first: str
) -> None:
    # the second CONNECT once got no answer while the first was being decided, and counted as a fault
    second = other_than(first)
    async with raw_socket(hall.url, codec=codec, transport=transport) as fan:
        doors = Doors(hall, monkeypatch, first)
        await fan.say(CONNECT, first, brief(hall))
        await fan.say(CONNECT, second, brief(hall))
        await doors.reached(2)
        assert (await fan.next()).kind == CONNECT  # the one that nobody holds up
        await answers(fan, second)
        assert heard_in(fan, first) == []
        doors.open[first].set()
        await until_welcome(fan, first)
        for namespace in BOTH:
            assert heard_in(fan, namespace)[0].kind == CONNECT
            assert next(packet.event for packet in heard_in(fan, namespace) if packet.kind == EVENT) == "welcome"
            await answers(fan, namespace)


async def until_welcome(fan: RawSocket, namespace: str) -> None:
    while not any(packet.event == "welcome" for packet in heard_in(fan, namespace)):
        await fan.next()


@every_wire
@each_namespace
async def test_one_that_is_refused_leaves_the_other_in_and_being_decided(
    hall: Venue, monkeypatch: pytest.MonkeyPatch, codec: str, transport: str, namespace: str
) -> None:
    other = other_than(namespace)
    async with raw_socket(hall.url, codec=codec, transport=transport) as fan:
        doors = Doors(hall, monkeypatch, other)
        await fan.say(CONNECT, other, brief(hall))
        refused = await fan.connect(namespace, token="none", room=hall.open_room)
        assert (refused.kind, refused.namespace) == (CONNECT_ERROR, namespace)
        async with raw_socket(hall.url) as silent:  # opened later: its end shows that the time for a CONNECT is over
            await silent.until_end()
        doors.open[other].set()
        await until_welcome(fan, other)
        await fan.say(CONNECT, namespace, {"token": "none", "room": hall.open_room})
        await answers(fan, other)
        assert [packet.kind for packet in heard_in(fan, namespace)] == [CONNECT_ERROR] * 2


async def test_when_both_are_refused_the_transport_has_so_long_for_another_connect(
    hall: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with raw_socket(hall.url) as fan:
        doors = Doors(hall, monkeypatch, *BOTH)
        for namespace in BOTH:
            doors.denied[namespace] = Denied(Code.FORBIDDEN)
            await fan.say(CONNECT, namespace, brief(hall))
        for namespace in BOTH:
            doors.open[namespace].set()
        assert [(await fan.next()).kind for _ in BOTH] == [CONNECT_ERROR] * 2
        assert (await fan.until_end()).reason == "PROTOCOL"


@every_wire
@each_namespace
async def test_a_connect_that_is_asked_for_anew_is_answered_once_for_the_last_time_it_was_asked(
    hall: Venue, monkeypatch: pytest.MonkeyPatch, codec: str, transport: str, namespace: str
) -> None:
    # what an official client sends for connect(), disconnect(), connect() before it has heard an answer
    async with raw_socket(hall.url, codec=codec, transport=transport) as fan:
        await enter(hall, fan, other_than(namespace))
        doors = Doors(hall, monkeypatch, namespace)
        for device in ("first", "second", "third"):
            await fan.say(CONNECT, namespace, brief(hall) | {"device": device})
        await doors.reached(1)
        doors.open[namespace].set()
        await until_welcome(fan, namespace)
        assert [device for _, device in doors.asked] == ["first", "third"]
        assert (await member_in(hall, namespace)).device == "third"
        await answers(fan, namespace)
        await answers(fan, other_than(namespace))
        assert [packet.kind for packet in heard_in(fan, namespace)].count(CONNECT) == 1


@every_wire
@each_namespace
async def test_a_connect_that_is_taken_back_lets_nobody_in(
    hall: Venue, monkeypatch: pytest.MonkeyPatch, codec: str, transport: str, namespace: str
) -> None:
    async with raw_socket(hall.url, codec=codec, transport=transport) as fan:
        await enter(hall, fan, other_than(namespace))
        with monkeypatch.context() as patch:
            doors = Doors(hall, patch, namespace)
            await fan.say(CONNECT, namespace, brief(hall))
            await doors.reached(1)
            await fan.say(DISCONNECT, namespace)
            await answers(fan, other_than(namespace))
            doors.open[namespace].set()
            await until(lambda: all(not server._tasks for server in hall.house.socket_servers))
        assert len((await the_room(hall)).of_user(UserId("host"))) == 1
        assert heard_in(fan, namespace) == []
        await enter(hall, fan, namespace)


@every_wire
@each_namespace
async def test_a_namespace_is_begun_anew_by_who_has_forgotten_that_it_is_inside(
    hall: Venue, codec: str, transport: str, namespace: str
) -> None:
    async with raw_socket(hall.url, codec=codec, transport=transport) as fan:
        await enter_both(hall, fan)
        before = await member_in(hall, namespace)
        first = next(packet.data["sid"] for packet in heard_in(fan, namespace))
        for one in BOTH:
            await answers(fan, one)
        fan.heard.clear()
        await fan.say(CONNECT, namespace, brief(hall))
        await until_welcome(fan, namespace)
        kinds = [(packet.kind, packet.event) for packet in heard_in(fan, namespace)]
        assert kinds[:2] == [(CONNECT, None), (EVENT, "welcome")]
        assert heard_in(fan, namespace)[0].data["sid"] != first
        assert (await member_in(hall, namespace)) is not before
        for one in BOTH:
            await answers(fan, one)


async def happen(hall: Venue, times: int) -> None:
    """The room, how many are here and what was sold change so often, each for both namespaces."""
    room = await the_room(hall)
    room.told_online = -1  # else a number that the test before has told is no news
    for number in range(times):
        room.tell_presence(1000 + number, 0)
        room._presence_due_ms = 0
        room._tell_state(BOOK.by_news[SalesChanged])
        room.tell(Prepared(ROOM, room_shape(room.replica.room)))
        await until(lambda: not any(one.has_news for one in room._audiences._by_facet.values()))


@pytest.mark.parametrize("codec", ["json", "msgpack"])
async def test_what_waits_for_a_polling_client_is_the_latest_value_in_each_namespace(hall: Venue, codec: str) -> None:
    # the key by which a later value replaces a waiting one left the namespace out: /live heard none of these
    async with raw_socket(hall.url, codec=codec, transport="polling") as fan:
        await enter_both(hall, fan)
        for namespace in BOTH:
            await answers(fan, namespace)
        fan.heard.clear()
        await happen(hall, 3)
        for namespace in BOTH:
            await answers(fan, namespace)
        for namespace in BOTH:
            told = Counter(packet.event for packet in heard_in(fan, namespace) if packet.event in STATE)
            assert told == dict.fromkeys(STATE, 1)
            (online,) = [packet.data[1]["online"] for packet in heard_in(fan, namespace) if packet.event == "presence"]
            assert online == 1002


@every_wire
async def test_what_is_told_to_all_is_told_in_each_namespace(hall: Venue, codec: str, transport: str) -> None:
    async with raw_socket(hall.url, codec=codec, transport=transport) as fan:
        await enter_both(hall, fan)
        said = await fan.ask("danmaku", {"text": "安可"})
        assert said["ok"], said
        await happen(hall, 1)
        wanted = {(namespace, event) for namespace in BOTH for event in (*STATE, "danmaku")}
        while not wanted <= {(packet.namespace, packet.event) for packet in fan.heard}:
            await fan.next()


@each_namespace
async def test_who_leaves_a_namespace_and_comes_back_hears_nothing_that_waited_for_it_before(
    hall: Venue, namespace: str
) -> None:
    # what waited once came between the new CONNECT and its answer, and an official client told it before `welcome`
    async with raw_socket(hall.url, transport="polling") as fan:
        await enter_both(hall, fan)
        for one in BOTH:
            await answers(fan, one)
        fan.heard.clear()
        await happen(hall, 2)
        (await member_in(hall, namespace)).tell(INBOX, Inbox("1", "muted", 1))
        await fan.say(DISCONNECT, namespace)
        await fan.say(CONNECT, namespace, brief(hall))
        await until_welcome(fan, namespace)
        assert [(packet.kind, packet.event) for packet in heard_in(fan, namespace)][:2] == [(0, None), (2, "welcome")]
        other = other_than(namespace)
        await answers(fan, other)
        assert set(STATE) <= {packet.event for packet in heard_in(fan, other)}, "the other's is still told"


@every_wire
@each_namespace
async def test_a_namespace_that_sends_no_packets_ends_alone_at_the_third_time(
    hall: Venue, codec: str, transport: str, namespace: str
) -> None:
    other = other_than(namespace)
    async with raw_socket(hall.url, codec=codec, transport=transport) as fan:
        await enter_both(hall, fan)
        for one in (namespace, other, namespace, other):  # two of each
            await fan.say(EVENT, one, [1])
        for one in BOTH:
            await answers(fan, one)
        await fan.say(EVENT, namespace, [1])
        while not any(packet.kind == DISCONNECT for packet in fan.heard):
            await fan.next()
        assert [packet.data[1] for packet in fan.heard if packet.event == "bye"] == [
            {"code": "PROTOCOL", "retryable": False}
        ]
        assert {packet.namespace for packet in fan.heard if packet.kind == DISCONNECT} == {namespace}
        await answers(fan, other)
        await enter(hall, fan, namespace)


def byes(fan: RawSocket) -> list[tuple[str, str]]:
    return sorted((packet.namespace, packet.data[1]["code"]) for packet in fan.heard if packet.event == "bye")


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_what_names_no_namespace_is_a_fault_of_both(hall: Venue, transport: str) -> None:
    async with raw_socket(hall.url, transport=transport) as fan:
        await enter_both(hall, fan)
        for _ in range(3):
            await fan.transport.send("9")
        await fan.until_end()
        assert byes(fan) == [("/console", "PROTOCOL"), ("/live", "PROTOCOL")]


@every_wire
@each_namespace
@pytest.mark.parametrize("code", [Code.DRAINING, Code.BUSY])
async def test_a_farewell_that_closes_the_transport_is_said_in_both(
    hall: Venue, codec: str, transport: str, namespace: str, code: Code
) -> None:
    # the other one's transport was closed without a word
    counted = hall.house.metrics.byes.labels(code)._value.get()
    async with raw_socket(hall.url, codec=codec, transport=transport) as fan:
        await enter_both(hall, fan)
        (await member_in(hall, namespace)).bye(code, retry_after_ms=700)
        await fan.until_end()
        assert byes(fan) == [("/console", code), ("/live", code)]
        assert {packet.data[1]["retry_after_ms"] for packet in fan.heard if packet.event == "bye"} == {700}
    assert hall.house.metrics.byes.labels(code)._value.get() == counted + 2


async def test_who_does_not_read_is_sent_away_in_both(hall: Venue) -> None:
    async with raw_socket(hall.url, transport="polling") as fan:
        await enter_both(hall, fan)
        member = await member_in(hall, "/live")
        assert member.connection is not None
        member.connection.socket.give_up()
        await fan.until_end()
        assert byes(fan) == [("/console", "SLOW"), ("/live", "SLOW")]


@every_wire
@each_namespace
async def test_a_final_farewell_ends_one_while_the_other_is_being_decided(
    hall: Venue, monkeypatch: pytest.MonkeyPatch, codec: str, transport: str, namespace: str
) -> None:
    other = other_than(namespace)
    async with raw_socket(hall.url, codec=codec, transport=transport) as fan:
        await enter(hall, fan, namespace)
        doors = Doors(hall, monkeypatch, other)
        await fan.say(CONNECT, other, brief(hall))
        await doors.reached(1)
        (await member_in(hall, namespace)).bye(Code.KICKED)
        while not any(packet.kind == DISCONNECT for packet in fan.heard):
            await fan.next()
        doors.open[other].set()
        await until_welcome(fan, other)
        await answers(fan, other)


async def test_events_of_one_are_handled_while_the_other_waits_for_an_answer(
    hall: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, released = asyncio.Event(), asyncio.Event()

    async def held() -> ClockAck:
        begun.set()
        await released.wait()
        return ClockAck(1, 2, 3)

    async with raw_socket(hall.url) as fan:
        await enter_both(hall, fan)
        with monkeypatch.context() as patch:
            answer_with(patch, hall, "clock", lambda *_: held())
            waiting = await fan.emit("clock", {"t0": 1}, namespace="/console")
            await begun.wait()
        await answers(fan, "/live")
        released.set()
        assert (await fan.ack(waiting))["data"] == {"t0": 1, "t1": 2, "t2": 3}


async def test_one_that_sends_too_much_is_limited_alone(hall: Venue) -> None:
    async with raw_socket(hall.url) as fan:
        await enter_both(hall, fan)
        asked = [await fan.emit("clock", {"t0": 1}, namespace="/console") for _ in range(60)]
        codes = [(await fan.ack(number)).get("error", {}).get("code") for number in asked]
        assert "RATE_LIMITED" in codes
        await answers(fan, "/live")


async def test_the_same_number_of_an_ack_is_answered_in_each_namespace(hall: Venue) -> None:
    # official clients count from 0 in each
    async with raw_socket(hall.url) as fan:
        await enter_both(hall, fan)
        for namespace in BOTH:
            await fan.say(EVENT, namespace, ["clock", {"t0": 1}], 0)
        answered = set[str]()
        while answered != set(BOTH):
            packet = await fan.next()
            if packet.ack_id == 0:
                answered.add(packet.namespace)


async def test_refusals_of_one_end_no_transport_on_which_the_other_is_being_decided(
    hall: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with raw_socket(hall.url) as fan:
        doors = Doors(hall, monkeypatch, "/console")
        await fan.say(CONNECT, "/console", brief(hall))
        for _ in range(4):
            assert (await fan.connect("/live", token="none", room=hall.open_room)).kind == CONNECT_ERROR
        doors.open["/console"].set()
        await until_welcome(fan, "/console")
