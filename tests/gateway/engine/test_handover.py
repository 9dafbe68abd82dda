"""Several processes of a node on one port: a request for a foreign session travels to its owner, connection and all."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.engine.handover import CHUNK_BYTES, Handover
from gateway.engine.requests import Handshake
from tests import protocol_app
from tests.gateway.engine.peers import Poller, client, dialled, poller
from tests.protocol_app import NODE, Worker

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATH = "/engine.io/"
SCRIPT = Path(__file__).parents[2] / "clients" / "protocol.mjs"
DEADLINE_SECONDS = 20.0
PONG_SECONDS = 5.0
HELD = ["isLetIn", "keepsOrder", "isCarriedAsAsked", "saysAnything", "sharesItsTransport", "livesOn", "comesBack"]
UPGRADE = (
    "connection: upgrade\r\nupgrade: websocket\r\n"
    "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
UNKNOWN = (400, {"code": 1, "message": "Session ID unknown"})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def workers() -> AsyncIterator[list[Worker]]:
    async with protocol_app.running_node("engineio", pong_seconds=PONG_SECONDS) as (_, started):
        yield started


async def test_ids_of_sessions_name_their_worker(workers: list[Worker]) -> None:
    for number, worker in enumerate(workers):
        async with poller(worker.url, PATH) as session:
            assert session.sid.startswith(f"{NODE}.{number}.")


async def test_a_foreign_worker_has_polls_and_posts_answered_by_the_owner(workers: list[Worker]) -> None:
    async with (
        poller(workers[0].url, PATH) as session,
        client(workers[1].url) as other,
        client(workers[2].url) as third,
    ):
        own, session.http = session.http, other
        await session.say("4one", "4two")
        session.http = third
        assert await session.hear_all(2) == ["4one", "4two"]
        session.http = own
        await session.say("4three")
        assert await session.hear() == ["4three"]


async def test_a_poll_is_held_by_the_owner_until_there_is_something(workers: list[Worker]) -> None:
    async with poller(workers[0].url, PATH) as session, client(workers[1].url) as other:
        own, session.http = session.http, other
        held = asyncio.create_task(session.hear())
        await asyncio.sleep(0)
        session.http = own
        await session.say("4late")
        assert await held == ["4late"]


async def test_a_connection_goes_on_with_its_new_owner_and_may_be_given_on(workers: list[Worker]) -> None:
    async with poller(workers[0].url, PATH) as first, poller(workers[1].url, PATH) as second:
        reader, writer = await asyncio.open_connection("127.0.0.1", workers[2].port)
        for session in (first, second, second, first):  # as a proxy that keeps connections mixes them
            await session.say("4x")
            writer.write(f"GET {PATH}?EIO=4&transport=polling&sid={session.sid} HTTP/1.1\r\nhost: a\r\n\r\n".encode())
            async with asyncio.timeout(DEADLINE_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
                assert head.startswith(b"HTTP/1.1 200 "), head
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
                assert b"4x" in (await reader.readexactly(length)).split(b"\x1e")
        writer.close()


async def test_a_large_body_arrives_whole_at_the_owner(workers: list[Worker]) -> None:
    said = "4" + "安" * CHUNK_BYTES
    async with poller(workers[0].url, PATH) as session, client(workers[1].url) as other:
        own, session.http = session.http, other
        await session.say(said)
        session.http = own
        assert await session.hear() == [said]


async def test_a_request_line_in_pieces_is_understood(workers: list[Worker]) -> None:
    async with poller(workers[0].url, PATH) as session:
        await session.say("4x")
        reader, writer = await asyncio.open_connection("127.0.0.1", workers[1].port)
        request = (
            f"GET {PATH}?EIO=4&transport=polling&sid={session.sid} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"
        )
        for position in range(0, len(request), 11):
            writer.write(request[position : position + 11].encode())
            await writer.drain()
            await asyncio.sleep(0)
        async with asyncio.timeout(DEADLINE_SECONDS):
            assert b"4x" in (await reader.read()).partition(b"\r\n\r\n")[2]
        writer.close()


async def test_a_foreign_worker_upgrades_to_the_owner(workers: list[Worker]) -> None:
    async with (
        poller(workers[0].url, PATH) as session,
        dialled(workers[1].url, PATH, f"EIO=4&transport=websocket&sid={session.sid}") as line,
    ):
        await line.say("2probe")
        assert await line.hear() == "3probe"
        await line.say("5", "4over", b"\x00\xff")
        assert await line.hear_all(2) == ["4over", b"\x00\xff"]
        assert not workers[1].server.server_state.connections, "nothing passes through it"


@pytest.mark.parametrize(("transport", "status"), [("polling", 200), ("websocket", 101)])
async def test_the_owner_sees_the_real_peer(
    workers: list[Worker], monkeypatch: pytest.MonkeyPatch, transport: str, status: int
) -> None:
    seen: list[str] = []

    def look(handshake: Handshake, *_: object) -> None:
        seen.append(handshake.address)

    async with poller(workers[0].url, PATH) as session:
        await session.say("4x")
        monkeypatch.setattr(f"gateway.engine.{transport}.requests.refusal_of", look)
        line = socket.socket()
        line.setblocking(False)
        line.bind(("127.0.0.77", 0))
        await asyncio.get_running_loop().sock_connect(line, ("127.0.0.1", workers[1].port))
        reader, writer = await asyncio.open_connection(sock=line)
        head = f"GET {PATH}?EIO=4&transport={transport}&sid={session.sid} HTTP/1.1\r\nhost: a\r\n"
        writer.write((head + (UPGRADE if transport == "websocket" else "\r\n")).encode())
        async with asyncio.timeout(DEADLINE_SECONDS):
            answer = await reader.readline()
        assert (answer.split()[1], seen) == (str(status).encode(), ["127.0.0.77"])
        writer.close()


@pytest.mark.parametrize(
    "sid",
    [
        f"{NODE}.0.nobody",
        f"{NODE}.1.nobody",
        f"{NODE}.7.nobody",
        f"{NODE}.99999.nobody",
        f"{NODE}.٣.nobody",
        f"{NODE}.-1.nobody",
        f"{NODE}.",
        f"{NODE}../1.x",
        "node2.1.nobody",
        "",
        "x" * 3000,
    ],
)
@pytest.mark.parametrize("transport", ["polling", "websocket"])
async def test_a_session_that_nobody_has_is_unknown(workers: list[Worker], sid: str, transport: str) -> None:
    headers = {
        "connection": "upgrade",
        "upgrade": "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    async with client(workers[1].url) as http:
        query = {"EIO": "4", "transport": transport, "sid": sid}
        answer = await http.get(PATH, params=query, headers=headers if transport == "websocket" else {})
        assert (answer.status_code, answer.json()) == UNKNOWN


async def test_a_session_of_a_worker_that_ended_is_unknown_and_its_client_starts_anew() -> None:
    node = protocol_app.running_node("engineio", pong_seconds=PONG_SECONDS, workers=2)
    async with node as (_, pair), client(pair[0].url) as first, client(pair[1].url) as other:
        opened = await first.get(PATH, params={"EIO": "4", "transport": "polling"})
        session = Poller(other, PATH, opened.text)
        await session.say("4x")
        await pair[0].end()
        for answer in (await session.poll(), await session.post("4x")):
            assert (answer.status_code, answer.json()) == UNKNOWN


async def test_a_worker_that_was_killed_leaves_a_socket_behind_that_nobody_trips_over(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "4.sock"))
    survivor, next_one = Handover(tmp_path, NODE, 1), Handover(tmp_path, NODE, 4)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert not await survivor.give(4, ours.fileno(), b"x")
        given: list[bytes] = []

        async def adopt(connection: socket.socket, read: bytes) -> None:
            given.append(read)
            connection.close()

        next_one.open(adopt)
        assert await survivor.give(4, ours.fileno(), b"x")
        async with asyncio.timeout(DEADLINE_SECONDS):
            while given != [b"x"]:
                await asyncio.sleep(0.01)
    await next_one.close()
    assert survivor.siblings() == []


async def test_a_retired_worker_keeps_its_sessions_and_gives_everything_else_to_its_successor() -> None:
    node = protocol_app.running_node("engineio", pong_seconds=PONG_SECONDS)
    async with node as (_, three), poller(three[0].url, PATH) as session, client(three[0].url) as newcomer:
        three[0].handover.successor = 2
        opened = await newcomer.get(PATH, params={"EIO": "4", "transport": "polling"})
        assert f'"sid":"{NODE}.2.' in opened.text
        await session.say("4still")
        assert await session.hear() == ["4still"]


@pytest.mark.parametrize("transport", ["websocket", "polling", "upgrade"])
@pytest.mark.parametrize("codec", ["json", "msgpack"])
async def test_the_javascript_client_can_do_all_it_knows_among_workers(codec: str, transport: str) -> None:
    async with protocol_app.running_node("socketio", codec, pong_seconds=PONG_SECONDS) as (url, _):
        arguments = [str(SCRIPT), url, "--codec", codec, "--transport", transport]
        process = await asyncio.create_subprocess_exec(
            "node", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        out, err = await asyncio.wait_for(process.communicate(), DEADLINE_SECONDS)
        assert (process.returncode, err.decode(), out.decode().split()) == (0, "", HELD)
