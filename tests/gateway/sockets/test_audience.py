"""Fan-out: who is told what together, in which order, and how often a room is written to."""

import asyncio
import itertools
import random
from collections.abc import Callable, Iterator
from typing import Any, cast

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.contract.codec import Codec
from gateway.contract.link import PRESENCE, Presence
from gateway.engine import lines
from gateway.engine.backlog import Loss
from gateway.engine.frames import Frame
from gateway.engine.lines import NO_LINE
from gateway.features.chat.wire import DANMAKU, Danmaku, DanmakuItem
from gateway.sockets import audience
from gateway.sockets.audience import Audience, Audiences, Facet
from gateway.sockets.codec import Prepared
from gateway.sockets.connection import Connection, SocketLimits

TICK_SECONDS = 0.05
LIVE, CONSOLE = "/live", "/console"


class Line:
    """A peer: what reached it, write by write."""

    def __init__(self) -> None:
        self.line = NO_LINE
        self.writes: list[bytes] = []
        self.held: list[tuple[Loss, str]] = []
        self.flows = True
        self.on_write: Callable[[], None] = lambda: None

    def write(self, wire: bytes) -> bool:
        if self.flows:
            self.writes.append(wire)
            self.on_write()
        return self.flows

    def send(self, frame: Frame, loss: Loss = Loss.CONTROL, key: str = "", owner: str = "") -> None:
        if not self.write(frame.wire):
            self.held.append((loss, key))

    def close(self, text: str) -> None:
        self.writes.append(text.encode())

    @property
    def heard(self) -> bytes:
        return b"".join(self.writes)


def connected(line: Line, namespace: str = LIVE, codec: Codec = Codec.JSON) -> Connection:
    socket, receiver = cast("Any", line), cast("Any", None)
    return Connection("sid", socket, namespace, receiver, codec=codec, limits=SocketLimits(), ended=lambda *_: None)


class Room:
    """Audiences with sockets in them."""

    def __init__(self) -> None:
        self.audiences = Audiences(TICK_SECONDS)

    def enter(self, *, namespace: str = LIVE, reads: bool = True, codec: Codec = Codec.JSON) -> tuple[Connection, Line]:
        line = Line()
        connection = connected(line, namespace, codec)
        self.audiences.enter(connection, reads=reads)
        return connection, line

    async def written(self) -> None:
        """Long enough for what was told to be written."""
        await asyncio.sleep(0)
        await asyncio.sleep(0)


@pytest.fixture
async def room() -> Room:
    return Room()


def presence(online: int) -> Prepared:
    return Prepared(PRESENCE, Presence(online))


def danmaku(*names: str) -> Prepared:
    items = [DanmakuItem(name, "u", "n", name, cast("Any", "main"), 1) for name in names]
    return Prepared(DANMAKU, Danmaku(items, f"after-{names[-1]}"))


def said(line: Line) -> list[dict[str, Any]]:
    """The danmaku events a peer read."""
    texts = line.heard.decode("latin-1").split('42/live,["danmaku",')[1:]
    return [_event(text) for text in texts]


def _event(text: str) -> dict[str, Any]:
    depth = 0
    for place, character in enumerate(text):
        depth += {"{": 1, "}": -1}.get(character, 0)
        if depth == 0:
            return cast("dict[str, Any]", msgspec.json.decode(text[: place + 1]))
    raise AssertionError(text)


async def test_a_quiet_room_is_told_at_the_next_turn_of_the_loop(room: Room) -> None:
    _, line = room.enter()
    assert room.audiences.tell(presence(1)) == 1
    assert line.writes == []
    await room.written()
    assert len(line.writes) == 1


async def test_a_busy_room_is_told_once_per_tick_with_one_write_per_socket(room: Room) -> None:
    lines = [room.enter()[1] for _ in range(5)]
    room.audiences.tell(presence(0))
    await room.written()
    for online in range(1, 21):
        room.audiences.tell(presence(online))
        await asyncio.sleep(0)
    assert [len(line.writes) for line in lines] == [1] * 5
    async with asyncio.timeout(5):
        while any(len(line.writes) < 2 for line in lines):
            await asyncio.sleep(0.005)
    for line in lines:
        assert len(line.writes) == 2
        assert [f'"online":{online}}}'.encode() in line.writes[1] for online in range(1, 21)] == [True] * 20


async def test_an_answer_never_overtakes_what_its_socket_was_to_be_told(room: Room) -> None:
    connection, line = room.enter()
    _, other = room.enter()
    room.audiences.tell(presence(0))
    await room.written()
    room.audiences.tell(presence(1))
    connection.acknowledge(7, Presence(99))
    room.audiences.tell(presence(2))
    async with asyncio.timeout(5):
        while len(other.writes) < 2:
            await asyncio.sleep(0.005)
    places = [line.heard.index(word) for word in (b'"online":0', b'"online":1', b'"online":99', b'"online":2')]
    assert places == sorted(places)
    assert line.heard.count(b'"online":1}') == 1, "told once"


async def test_danmaku_of_one_tick_share_an_event_and_a_cursor_and_other_events_keep_their_place(room: Room) -> None:
    _, line = room.enter()
    for told in (danmaku("a"), danmaku("b"), presence(1), danmaku("c")):
        room.audiences.tell(told)
    await room.written()
    together, alone = said(line)
    assert [item["id"] for item in together["items"]] == ["a", "b"]
    assert (together["cursor"], alone["cursor"]) == ("after-b", "after-c")
    assert line.heard.index(b'"b"') < line.heard.index(b'"online":1') < line.heard.index(b'"c"')


async def test_only_those_concerned_are_told(room: Room) -> None:
    _, fan = room.enter()
    _, foyer = room.enter(reads=False)
    _, console = room.enter(namespace=CONSOLE)
    assert room.audiences.tell(danmaku("for readers"), reads=True) == 2
    assert room.audiences.tell(presence(1), namespace=CONSOLE) == 1
    await room.written()
    assert b"for readers" in fan.heard
    assert foyer.writes == []
    assert b"for readers" in console.heard
    assert [b"presence" in line.heard for line in (fan, foyer, console)] == [False, False, True]


async def test_whoever_loses_a_right_hears_what_was_said_before_and_nothing_after(room: Room) -> None:
    connection, line = room.enter()
    room.audiences.tell(danmaku("before"), reads=True)
    room.audiences.enter(connection, reads=False)
    room.audiences.tell(danmaku("after"), reads=True)
    await room.written()
    assert b"before" in line.heard
    assert b"after" not in line.heard.replace(b"after-", b"")


async def test_a_peer_that_does_not_keep_up_gets_frames_with_their_lanes_and_costs_the_others_nothing(
    room: Room,
) -> None:
    _, slow = room.enter()
    _, quick = room.enter()
    slow.flows = False
    room.audiences.tell(danmaku("x"))
    room.audiences.tell(presence(1))
    await room.written()
    assert slow.held == [(Loss.SHEDDABLE, "danmaku "), (Loss.COUNTER, "presence ")]
    assert len(quick.writes) == 1


async def test_what_cannot_be_written_costs_itself_and_the_room_goes_on(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, one = room.enter()
    _, two = room.enter()
    with monkeypatch.context() as broken:
        broken.setattr(Connection, "write", lambda *_: 1 / 0)
        room.audiences.tell(presence(1))
        await room.written()
    room.audiences.tell(presence(2))
    async with asyncio.timeout(5):
        while not (one.writes and two.writes):
            await asyncio.sleep(0.005)
    for line in (one, two):
        assert b'"online":2' in line.heard
        assert b'"online":1' not in line.heard


async def test_thousands_are_written_to_in_slices_and_newcomers_meanwhile_are_told_only_what_comes_after(
    room: Room,
) -> None:
    lines = [room.enter()[1] for _ in range(1200)]
    room.audiences.tell(presence(1))
    await asyncio.sleep(0)
    written = sum(bool(line.writes) for line in lines)
    assert 0 < written < 1200, "others had their turn"
    connection, late = room.enter()
    room.audiences.tell(presence(2))
    async with asyncio.timeout(5):
        while not all(b'"online":2' in line.heard for line in (*lines, late)):
            await asyncio.sleep(0.005)
    assert all(line.heard.count(b'"online":1}') == line.heard.count(b'"online":2}') == 1 for line in lines)
    assert late.heard.count(b'"online":1}') == 0
    room.audiences.leave(connection)


class Foyer:
    """An audience, what each of its sockets ought to hear of it, and the kernel, which takes as much as it likes."""

    def __init__(self, who: random.Random) -> None:
        self.audience, self.elsewhere = (Audience(Facet(Codec.JSON, LIVE, reads)) for reads in (True, False))
        self.who = who
        self.said: list[bytes] = []
        self.here: dict[Connection, tuple[Line, int]] = {}
        self.gone: list[tuple[Line, bytes]] = []
        """Those who left, and what was said in their time."""
        self.writing: Iterator[bool] = iter(())
        self.descriptors = itertools.count(3)
        self.by_descriptor: dict[int, Line] = {}

    def straight(self, descriptor: int, wire: bytes) -> int:
        """`gateway.engine.lines.write`."""
        line = self.by_descriptor.get(descriptor)
        if line is None:
            assert descriptor == NO_LINE, "its line is another one, or it is gone"
            return 0
        taken = self.who.choice([0, len(wire) // 2, len(wire)])
        line.writes.append(wire[:taken])
        if taken == len(wire):
            line.on_write()
        return taken

    def reroute(self) -> None:
        """One that kept up does so no more, or one that did not does."""
        if self.here:
            connection = self.who.choice(list(self.here))
            self.by_descriptor.pop(connection.socket.line, None)
            self.route(self.here[connection][0])
            connection.rerouted()

    def route(self, line: Line) -> None:
        line.line = NO_LINE if line.line != NO_LINE else next(self.descriptors)
        if line.line != NO_LINE:
            self.by_descriptor[line.line] = line

    def write(self) -> None:
        """A slice; the first of the next write where the last one is at its end."""
        if next(self.writing, None) is None:
            self.writing = self.audience.write()

    def say(self) -> None:
        frame = presence(len(self.said))
        self.audience.append(frame)
        self.said.append(frame.frame(Codec.JSON, LIVE).wire)

    def enter(self) -> None:
        line = Line()
        connection = connected(line)
        self.here[connection] = (line, len(self.said))
        if self.who.random() < 0.5:
            self.route(line)
        self.audience.enter(connection)

    def leave(self) -> None:
        if self.here:
            self.expel(self.who.choice(list(self.here)))

    def expel(self, connection: Connection) -> None:
        line, since = self.here.pop(connection, (None, 0))
        if line is not None:
            self.audience.leave(connection)
            self.elsewhere.enter(connection)
            self.by_descriptor.pop(line.line, None)
            self.gone.append((line, b"".join(self.said[since:])))

    def tell_alone(self) -> None:
        if self.here:
            self.audience.catch_up(self.who.choice(list(self.here)))

    def quarrel(self) -> None:
        """From now on whatever one of them hears sends another one away."""
        if len(self.here) > 1:
            one, other = self.who.sample(list(self.here), 2)
            self.here[one][0].on_write = lambda: self.expel(other)


@settings(max_examples=400)
@given(
    size=st.integers(0, 16),
    meanwhile=st.lists(
        st.sampled_from(
            [Foyer.write, Foyer.say, Foyer.enter, Foyer.leave, Foyer.tell_alone, Foyer.quarrel, Foyer.reroute]
        ),
        max_size=60,
    ),
    who=st.randoms(use_true_random=False),
)
def test_whoever_comes_and_goes_between_two_slices_everybody_hears_all_of_their_time_once_and_in_order(
    size: int, meanwhile: list[Callable[[Foyer], None]], who: random.Random
) -> None:
    foyer = Foyer(who)
    with pytest.MonkeyPatch.context() as slices:
        slices.setattr(audience, "SLICE", 3)
        slices.setattr(lines, "write", foyer.straight)
        for happen in [*[Foyer.enter] * size, *meanwhile, *[Foyer.write] * 60]:
            happen(foyer)
        while foyer.here:
            foyer.leave()
    for line, said in foyer.gone:
        assert line.heard == said
