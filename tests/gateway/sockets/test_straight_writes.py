"""Fan-out past the transports, with real descriptors on both event loops: nothing is torn, overtaken or misdirected."""

import asyncio
import os
import socket as os_socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Any, cast

import pytest
import uvloop

from auth.denials import Code
from auth.identity import Role, Tier, UserId
from auth.situation import Phase
from gateway.contract.codec import Codec
from gateway.engine import lines
from gateway.engine.backlog import BacklogLimits
from gateway.engine.engine import Engine
from gateway.engine.limits import EngineLimits
from gateway.engine.lines import NO_LINE
from gateway.engine.requests import Handshake
from gateway.engine.session import Reason
from gateway.engine.socket import Socket
from gateway.features.chat.wire import DANMAKU, Danmaku, DanmakuItem
from gateway.features.gifts.wire import WALLET, Wallet
from gateway.live.member import Member
from gateway.live.room import LiveRoom
from gateway.replica.orders import INSIDE
from gateway.sockets.audience import Audience, Facet
from gateway.sockets.codec import Prepared
from gateway.sockets.connection import Connection, SocketLimits
from tests.contracts.broker_suite import until
from tests.fuzz.wire import upgrade
from tests.gateway.sockets.raw import DISCONNECT, RawSocket, WebSocket, raw_socket
from tests.gateway.sockets.venue import Venue, venue

LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
BOUNDS: dict[str, Any] = {"outbox_bytes": 64 << 20, "outbox_packets": 10_000, "outbox_seconds": 60, "fanout_ms": 1}
"""Who does not read loses nothing here; what is said is written soon, so that no frame is beyond a client's bound."""
SECONDS = 10.0
LARGE, SMALL = 60_000, 20
REUSED = 64
"""Descriptors that are opened after somebody has gone: more than were closed."""

Scene = Callable[[Venue, LiveRoom], Awaitable[None]]


@pytest.fixture(params=LOOPS)
def play(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Scene], None]:
    """Plays a scene in a room that is live."""

    async def played(scene: Scene) -> None:
        async with venue(tmp_path, **BOUNDS) as hall:
            await hall.phase(Phase.DOORS, Phase.LIVE, room=hall.open_room)
            room = await hall.house.live_rooms.get(hall.open_room)
            assert room is not None
            await scene(hall, room)

    def play(scene: Scene) -> None:
        with asyncio.Runner(loop_factory=LOOPS[request.param]) as runner:
            runner.run(played(scene))

    return play


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Of each write: how much there was, and how much of it was taken straight."""
    writes: list[tuple[int, int]] = []
    really = lines.write

    def write(line: int, wire: bytes) -> int:
        taken = really(line, wire)
        writes.append((len(wire), taken))
        return taken

    monkeypatch.setattr(lines, "write", write)
    return writes


@asynccontextmanager
async def fan_of(hall: Venue, room: LiveRoom, user: str) -> AsyncIterator[tuple[RawSocket, Member]]:
    async with raw_socket(hall.url) as fan:
        await fan.enter(token=hall.token(user), room=hall.open_room)
        (member,) = room.of_user(UserId(user))
        yield fan, member


def line_of(member: Member) -> int:
    assert member.connection is not None
    return member.connection.socket.line


def danmaku(number: int, size: int) -> Prepared:
    return Prepared(DANMAKU, Danmaku([DanmakuItem(str(number), "u", "n", "x" * size, Tier.NONE, 1)], str(number)))


def say(room: LiveRoom, number: int, size: int = SMALL) -> None:
    room.tell(danmaku(number, size), view=INSIDE)


def told(fan: RawSocket) -> list[int]:
    """Numbers of danmaku, and of wallets, as heard."""
    heard: list[int] = []
    for one in fan.heard:
        if one.event == "danmaku":
            heard += [int(item["id"]) for item in one.data[1]["items"]]
        elif one.event == "wallet":
            heard.append(one.data[1]["version"])
    return heard


def is_free(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return True
    return False


def read(peer: os_socket.socket) -> bytes:
    """Some of what has come."""
    with suppress(BlockingIOError):
        return peer.recv(LARGE)
    return b""


class Lonely:
    """An application with an audience of one."""

    def __init__(self) -> None:
        self.audience = Audience(Facet(Codec.JSON, "/live", reads=True))
        self.said = b""

    def opened(self, socket: Socket, handshake: Handshake) -> None:
        receiver = cast("Any", None)
        socket.context = Connection(
            "sid", socket, "/live", receiver, codec=Codec.JSON, limits=SocketLimits(), ended=lambda *_: None
        )
        self.audience.enter(socket.context)

    def received(self, socket: Socket, data: str | bytes) -> None: ...

    def faulted(self, socket: Socket, *, is_final: bool) -> bool:
        return False

    def rerouted(self, socket: Socket) -> None:
        socket.context.rerouted()

    def slow(self, socket: Socket) -> None: ...

    def closed(self, socket: Socket, reason: Reason) -> None:
        socket.context.leave()

    def say(self, number: int) -> None:
        told = danmaku(number, LARGE)
        self.audience.append(told)
        self.said += told.frame(Codec.JSON, "/live").wire
        for _ in self.audience.write():
            pass


@pytest.mark.parametrize("loop", LOOPS)
def test_nothing_is_written_straight_while_the_transport_holds_the_rest_of_a_frame(loop: str) -> None:
    async def scene() -> None:
        ours, theirs = os_socket.socketpair()
        theirs.setblocking(False)
        app = Lonely()
        engine = Engine(app, EngineLimits(backlog=BacklogLimits(bytes=64 << 20)))
        websocket, handshake = upgrade(engine)
        transport, _ = await asyncio.get_running_loop().create_unix_connection(lambda: websocket, sock=ours)
        websocket.start(transport, handshake, lambda _: None)
        (socket,) = engine.sockets.values()
        heard, routes = b"", set[bool]()
        with closing(engine), theirs:
            for number in range(100):
                app.say(number)
                routes.add(socket.line == NO_LINE)
                if number % 3 == 0:
                    heard += read(theirs)  # now the kernel has room of which the transport has not heard
                if number % 10 == 9:
                    await asyncio.sleep(0)
            while not heard.endswith(app.said):
                await asyncio.sleep(0)
                heard += read(theirs)
                assert len(heard) < len(app.said) + 1_000
        assert routes == {True, False}

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(asyncio.wait_for(scene(), SECONDS))


def test_a_fan_who_stops_reading_and_goes_on_hears_everything_once_whole_and_in_order(
    play: Callable[[Scene], None], written: list[tuple[int, int]]
) -> None:
    async def scene(hall: Venue, room: LiveRoom) -> None:
        async with fan_of(hall, room, "fan") as (fan, member):
            said = 0
            for _ in range(3):
                await until(lambda: line_of(member) != NO_LINE)
                while line_of(member) != NO_LINE:
                    say(room, said, LARGE)
                    said += 1
                    await asyncio.sleep(0.003)
                for _ in range(5):  # these wait in the backlog, some told to all and some to one
                    say(room, said, LARGE)
                    member.tell(WALLET, Wallet(credits=0, version=said + 1))
                    said += 2
                while len(told(fan)) < said:
                    await fan.next()
                await until(lambda: line_of(member) != NO_LINE)
                for _ in range(50):
                    say(room, said)
                    said += 1
                    await asyncio.sleep(0)
                    if said % 3 == 0:
                        member.tell(WALLET, Wallet(credits=0, version=said))
                        said += 1
                while len(told(fan)) < said:
                    await fan.next()
            assert told(fan) == list(range(said))

    play(scene)
    assert any(0 < taken < size for size, taken in written), "something was taken in part"
    assert any(taken == size for size, taken in written)


async def leaves(fan: RawSocket, _member: Member) -> None:
    await fan.say(DISCONNECT, "/live")


async def is_cut(fan: RawSocket, _member: Member) -> None:
    assert isinstance(fan.transport, WebSocket)
    fan.transport.connection.transport.abort()


async def closes(fan: RawSocket, _member: Member) -> None:
    assert isinstance(fan.transport, WebSocket)
    await fan.transport.connection.close()


async def breaks_a_frame(fan: RawSocket, _member: Member) -> None:
    assert isinstance(fan.transport, WebSocket)
    fan.transport.connection.transport.write(b"\x83\x00")


async def is_sent_away(_fan: RawSocket, member: Member) -> None:
    member.bye(Code.KICKED)


@pytest.mark.parametrize("end", [leaves, is_cut, closes, breaks_a_frame, is_sent_away])
def test_what_is_told_after_somebody_has_gone_reaches_nobody_who_got_the_descriptor(
    play: Callable[[Scene], None],
    written: list[tuple[int, int]],
    end: Callable[[RawSocket, Member], Awaitable[None]],
) -> None:
    async def scene(hall: Venue, room: LiveRoom) -> None:
        async with fan_of(hall, room, "stays") as (stays, _):
            async with fan_of(hall, room, "goes") as (goes, member):
                say(room, 0)
                while 0 not in told(goes):
                    await goes.next()
                line = line_of(member)
                assert line != NO_LINE
                await end(goes, member)
                await until(lambda: not room.of_user(UserId("goes")))
                say(room, 1)
                await asyncio.sleep(0)
            await until(lambda: is_free(line))
            with ExitStack() as opened:
                others = [opened.enter_context(one) for _ in range(REUSED) for one in os_socket.socketpair()]
                assert line in {one.fileno() for one in others}
                say(room, 2)
                while 2 not in told(stays):
                    await stays.next()
                for one in others:
                    one.setblocking(False)
                    with pytest.raises(BlockingIOError):
                        one.recv(1)

    play(scene)
    assert any(taken == size for size, taken in written)


def test_who_leaves_one_namespace_of_two_is_told_nothing_there(play: Callable[[Scene], None]) -> None:
    async def scene(hall: Venue, room: LiveRoom) -> None:
        await hall.give("host", Role.HOST, hall.open_room)
        async with fan_of(hall, room, "fan") as (fan, member):
            await fan.enter("/console", token=hall.token("host"), room=hall.open_room)
            say(room, 0)
            while told(fan).count(0) < 2:
                await fan.next()
            await leaves(fan, member)
            await until(lambda: not room.of_user(UserId("fan")))
            say(room, 1)
            await fan.ask("clock", {"t0": 1}, namespace="/console")
            assert [one.namespace for one in fan.heard if one.event == "danmaku"][2:] == ["/console"]

    play(scene)
