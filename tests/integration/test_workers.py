"""`liveroom serve --workers 3`: one port, one house, whichever process a request happens to reach."""

import asyncio
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio

from tests.integration.evening import Evening, evening
from tests.integration.workers import DEADLINE_SECONDS, START_SECONDS, Crowd, Node, crowd, node, until, workers_of
from tests.ports import free_port
from tests.redis_server import RedisServer

pytestmark = pytest.mark.asyncio(loop_scope="module")

FANS = 9
WORKERS = 3
OPEN = {"EIO": "4", "transport": "polling"}
WIRES = [("json", "websocket"), ("json", "polling"), ("json", "upgrade"), ("msgpack", "upgrade")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def three(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Node]:
    """Shared by the tests that leave it as it was."""
    async with node(tmp_path_factory.mktemp("three"), WORKERS) as running:
        yield running


def tokens(house: Node, count: int = FANS) -> list[str]:
    return [house.house.token(f"fan-{number}") for number in range(count)]


@asynccontextmanager
async def chatty(running: Node) -> AsyncIterator[Evening]:
    """A live show at which everybody may speak."""
    async with evening(running.house, access="open") as show:
        await show.switch(chat="everyone")
        yield show


def owners(fans: Crowd) -> Counter[int]:
    return Counter(fans.owner(fan) for fan in range(len(fans.heard)))


async def gives_way(fans: Crowd, carried: str) -> None:
    """Wait until everybody is carried as asked for."""
    await fans.reads(lambda: all(fans.transport(fan) == carried for fan in range(FANS)))


async def test_connections_are_dealt_out_among_the_workers_and_sessions_name_theirs(three: Node) -> None:
    sessions = []
    for _ in range(30):
        async with httpx2.AsyncClient(base_url=three.url, trust_env=False) as http:
            sessions.append((await http.get("/socket.io/", params=OPEN)).text.partition('"sid":"')[2].split("."))
    assert len({node for node, _, _ in sessions}) == 1
    assert {number for _, number, _ in sessions} == {"0", "1", "2"}


@pytest.mark.parametrize(("codec", "transport"), WIRES)
async def test_official_clients_reach_their_session_through_any_worker(three: Node, codec: str, transport: str) -> None:
    async with chatty(three) as show:
        arguments = ("--room", show.room, "--codec", codec, "--transport", transport)
        async with crowd(three.url, tokens(three), *arguments) as fans:
            await gives_way(fans, "polling" if transport == "polling" else "websocket")
            for turn in range(5):  # each on whatever connection its client has, or makes anew
                for fan in range(FANS):
                    fans.say(fan, "danmaku", {"text": f"{turn} of {fan}"})
                await fans.all_hear("ack", times=turn + 1)
            assert [answer for fan in range(FANS) for answer in fans.all(fan, "ack") if not answer["ok"]] == []
            assert sum("disconnect" in dict(heard) for heard in fans.heard) == 0
            assert len(owners(fans)) > 1, "all on one worker by chance, one in six thousand"


async def test_what_is_said_on_one_worker_is_heard_on_all_of_them(three: Node) -> None:
    async with (
        chatty(three) as show,
        crowd(three.url, tokens(three), "--room", show.room) as fans,
    ):
        for fan in range(FANS):
            fans.say(fan, "danmaku", {"text": f"from {fan}"})
        wanted = {f"from {fan}" for fan in range(FANS)}
        await fans.reads(lambda: all(texts(fans, fan) == wanted for fan in range(FANS)))
        assert len(owners(fans)) > 1


def texts(fans: Crowd, fan: int) -> set[str]:
    return {item["text"] for batch in fans.all(fan, "danmaku") for item in batch["items"]}


async def test_whichever_worker_is_asked_tells_the_metrics_of_all(three: Node) -> None:
    async with (
        chatty(three) as show,
        crowd(three.url, tokens(three), "--room", show.room) as fans,
    ):
        sockets = 'liveroom_sockets{{worker="{}",codec="json",namespace="/live"}}'
        alike = 0
        async with asyncio.timeout(DEADLINE_SECONDS):  # they are counted twice a second
            while alike < 6:
                samples = await three.metrics()
                assert [samples[f'liveroom_worker_up{{worker="{number}"}}'] for number in range(WORKERS)] == [1, 1, 1]
                counted = {number: samples.get(sockets.format(number), 0) for number in range(WORKERS)}
                alike = alike + 1 if counted == {number: owners(fans)[number] for number in range(WORKERS)} else 0
                await asyncio.sleep(0.02)


async def test_a_killed_worker_is_started_again_and_its_clients_come_back(tmp_path: Path) -> None:
    async with node(tmp_path) as running, chatty(running) as show:
        async with crowd(running.url, tokens(running), "--room", show.room, "--transport", "upgrade") as fans:
            victim, _ = owners(fans).most_common(1)[0]
            cut = [fan for fan in range(FANS) if fans.owner(fan) == victim]
            os.kill(running.workers()[victim], signal.SIGKILL)
            await fans.reads(lambda: all(len(fans.all(fan, "welcome")) == 2 for fan in cut))
            await running.serving(WORKERS)
            spared = [fan for fan in range(FANS) if fan not in cut]
            assert all("disconnect" not in dict(fans.heard[fan]) for fan in spared)
        await show.stack.aclose()
        running.signal(signal.SIGTERM)
        status, said = await running.ended()
        assert status == 0, said
        assert "worker.ended" in said


async def test_sigterm_drains_all_workers_and_leaves_nothing_behind(tmp_path: Path) -> None:
    async with node(tmp_path) as running:
        async with chatty(running) as show:
            room = show.room
        async with crowd(running.url, tokens(running), "--room", room) as fans:
            workers = running.workers().values()
            assert len(list(running.folder.glob("*/*.sock"))) == WORKERS
            running.signal(signal.SIGTERM)
            await fans.all_hear("disconnect")
            for fan in range(FANS):
                [draining], [bye] = fans.all(fan, "draining"), fans.all(fan, "bye")
                assert bye["code"] == "DRAINING"
                assert bye["retry_after_ms"] == draining["reconnect_after_ms"]
            status, said = await running.ended()
        assert (status, "Traceback" in said) == (0, False), said
        assert not any(alive(worker) for worker in workers)
        assert list(running.folder.iterdir()) == []


async def test_sighup_exchanges_the_workers_one_by_one_and_refuses_nobody(tmp_path: Path) -> None:
    async with node(tmp_path) as running:
        async with chatty(running) as show:
            room = show.room
        async with crowd(running.url, tokens(running), "--room", room, "--transport", "upgrade") as fans:
            before = set(running.workers().values())
            running.signal(signal.SIGHUP)
            answers: Counter[int] = Counter()
            async with httpx2.AsyncClient(base_url=running.url, trust_env=False) as kept:
                while before & set(running.workers().values()):
                    async with httpx2.AsyncClient(base_url=running.url, trust_env=False) as fresh:
                        for http in (kept, fresh):
                            answers[(await http.get("/socket.io/", params=OPEN)).status_code] += 1
                            answers[(await http.get("/readyz")).status_code] += 1
            assert set(answers) == {200}, answers
            await fans.all_hear("welcome", times=2)
            for fan in range(FANS):
                assert {bye["code"] for bye in fans.all(fan, "bye")} == {"DRAINING"}
                assert fans.all(fan, "connect_error") == []
            await running.serving(WORKERS)
        running.signal(signal.SIGTERM)
        status, said = await running.ended()
        assert status == 0, said
        assert "workers.renewal_ended" in said


async def test_workers_end_by_themselves_when_their_supervisor_is_killed(tmp_path: Path) -> None:
    async with node(tmp_path, 2) as running:
        workers = running.workers().values()
        running.signal(signal.SIGKILL)
        await until(lambda: not any(alive(worker) for worker in workers), "the workers to end")
        assert list(running.folder.iterdir()) == []
        await running.ended()


def alive(process: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text("ascii")
    except FileNotFoundError:
        return False


async def test_what_keeps_the_house_shut_is_told_once_and_in_one_sentence(tmp_path: Path) -> None:
    process = await started(tmp_path, "serve", "--workers", "3", mode="production", port=free_port())
    out, err = await process.communicate()
    assert (process.returncode, out) == (2, b"")
    assert err.decode().startswith("liveroom: there is no database at ")
    assert err.count(b"\n") == 1


async def test_the_demo_is_served_by_as_many_workers_as_it_is_told(tmp_path: Path) -> None:
    with closing(RedisServer()) as redis:
        redis.start()
        process = await started(tmp_path, "demo", port=free_port(), sandbox_port=free_port(), redis_url=redis.url)
        assert process.stdout is not None
        said = ""
        async with asyncio.timeout(START_SECONDS):
            while "Ctrl-C" not in said:
                said += (await process.stdout.readline()).decode()
        await until(lambda: len(workers_of(process.pid)) == 2, "both workers")
        workers = workers_of(process.pid).values()
        process.send_signal(signal.SIGINT)
        _, err = await asyncio.wait_for(process.communicate(), START_SECONDS)
        assert (process.returncode, "Traceback" in err.decode()) == (0, False), err
        assert not any(alive(worker) for worker in workers)


async def started(folder: Path, *arguments: str, **settings: object) -> asyncio.subprocess.Process:
    """A command of the house with settings of its own."""
    secret = "not-a-secret-of-anybody-but-long-enough"
    chosen = {
        "data_dir": folder,
        "redis_url": "redis://127.0.0.1:1/0",
        **{f"{purpose}_secrets": f"{secret}-{purpose}" for purpose in ("jwt", "grant", "wire")},
        "workers": 2,
        **settings,
    }
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway.cli", *arguments),
        env={**os.environ, **{f"LIVEROOM_{name.upper()}": str(value) for name, value in chosen.items()}},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
