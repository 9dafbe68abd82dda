"""A flood of orders on presale, and what a room and its door feel of it; every process on the core it is given."""

import asyncio
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from statistics import median

from tests.outages.audience import Round, Times
from tests.outages.priority import first_in_line
from tests.outages.processes import House, house
from tests.outages.show import Fan, Show, live_show
from tests.redis_server import RedisServer
from tests.store.postgresql_process import PostgresProcess

LISTENERS = 40
COMERS = 60
SAYS_PER_SECOND = 20.0
COMES_PER_SECOND = 20.0
AT_ONCE = 32
CAPACITY_SECONDS = 6.0
CALM_SECONDS = 60.0
QUICK_SECONDS = 0.2
QUICK_ANSWERS = 3
OVER = 3.0
"""How much more the flood is than what presale can take."""


@dataclass(frozen=True, slots=True)
class Shares:
    """Of one kind of time, p50 and p99 in milliseconds: medians over the rounds without and with the flood."""

    quiet: tuple[float, float]
    flooded: tuple[float, float]
    p99_rounds: tuple[tuple[float, ...], tuple[float, ...]]

    @property
    def growth(self) -> float:
        """Of p99."""
        return self.flooded[1] / self.quiet[1] - 1


@dataclass(frozen=True, slots=True)
class Flooded:
    """What came of it."""

    capacity: float
    """Orders a second."""
    offered: float
    answered: float
    """Orders placed, a second, during the flood."""
    other_answers: dict[str, int]
    danmaku: Shares
    connect: Shares
    failed: int


async def flooded(rounds: int, seconds: float, *, is_first: bool = False) -> Flooded:
    """Rounds without and with the flood by turns, each of so many seconds."""
    room_core, flood_core = _cores()
    with _on(flood_core):
        postgres = PostgresProcess()
        postgres.start()
    try:
        with closing(RedisServer()) as redis:
            with _on(room_core):
                redis.start()
            cores = {
                "a": room_core,
                "b": flood_core,
                "presale": flood_core,
                "worker": flood_core,
                "sandbox": flood_core,
            }
            async with house(redis.url, cores=cores, postgres=postgres.url) as running, live_show(running) as show:
                fans = await show.invite(LISTENERS + COMERS, "fan")
                with first_in_line(is_wanted=is_first):
                    return await _measured(running, show, fans, rounds, seconds, room_core, flood_core)
    finally:
        postgres.discard()


async def _measured(
    running: House, show: Show, fans: list[Fan], rounds: int, seconds: float, room_core: int, flood_core: int
) -> Flooded:
    orders = ["--port", str(running.desk.http.base_url.port), "--show", show.id, "--product", show.product]

    async def flood(name: str, *more: str) -> dict[str, object]:
        return await _child(flood_core, "tests.outages.generator", [*orders, "--name", name, *more])

    alone = await flood("first", "--at-once", str(AT_ONCE), "--seconds", str(CAPACITY_SECONDS))
    capacity = _placed(alone) / float(str(alone["seconds"]))
    told = json.dumps(asdict(_round(running, show, fans, seconds)))
    quiet, loud, floods = list[Times](), list[Times](), list[dict[str, object]]()
    await _audience(room_core, told)  # what is only slow once
    for number in range(rounds):
        quiet.append(await _audience(room_core, told))
        lasting = ("--rate", str(capacity * OVER), "--seconds", str(seconds + 2))
        pouring = asyncio.create_task(flood(f"flood-{number}", *lasting))
        loud.append(await _audience(room_core, told))
        floods.append(await pouring)
        await _calm(running)
    asked = sum(int(str(one["begun"])) for one in floods)
    lasted = sum(float(str(one["seconds"])) for one in floods)
    others: dict[str, int] = {}
    for one in floods:
        for answer, count in dict(one["answers"]).items():  # type: ignore[call-overload]
            if answer != "201":
                others[answer] = others.get(answer, 0) + count
    return Flooded(
        capacity,
        asked / lasted,
        sum(map(_placed, floods)) / lasted,
        others,
        _shares([one.danmaku_ms for one in quiet], [one.danmaku_ms for one in loud]),
        _shares([one.connect_ms for one in quiet], [one.connect_ms for one in loud]),
        sum(one.failed for one in (*quiet, *loud)),
    )


async def _calm(running: House) -> None:
    """Wait until presale has done with what is left of the flood."""
    async with asyncio.timeout(CALM_SECONDS):
        quick = 0
        while quick < QUICK_ANSWERS:
            began_s = time.monotonic()
            await running.desk.http.get("/api/v1/shows")
            quick = quick + 1 if time.monotonic() - began_s < QUICK_SECONDS else 0
            await asyncio.sleep(QUICK_SECONDS)


def _round(running: House, show: Show, fans: list[Fan], seconds: float) -> Round:
    tokens = {fan.user: fan.token for fan in fans}
    users = list(tokens)
    return Round(
        str(running.gateways[0].base_url),
        show.room,
        {user: tokens[user] for user in users[:LISTENERS]},
        {user: tokens[user] for user in users[LISTENERS:]},
        SAYS_PER_SECOND,
        COMES_PER_SECOND,
        seconds,
    )


def _placed(flood: dict[str, object]) -> int:
    return int(dict(flood["answers"]).get("201", 0))  # type: ignore[call-overload]


def _shares(quiet: list[list[float]], loud: list[list[float]]) -> Shares:
    def of(rounds: list[list[float]], share: float) -> tuple[float, ...]:
        return tuple(sorted(one)[min(len(one) - 1, int(len(one) * share))] for one in rounds)

    return Shares(
        (median(of(quiet, 0.5)), median(of(quiet, 0.99))),
        (median(of(loud, 0.5)), median(of(loud, 0.99))),
        (of(quiet, 0.99), of(loud, 0.99)),
    )


async def _audience(core: int, told: str) -> Times:
    found = await _child(core, "tests.outages.audience", [], told)
    return Times(**found)  # type: ignore[arg-type]


async def _child(core: int, module: str, arguments: list[str], told: str = "") -> dict[str, object]:
    """What a process of ours on a core of its own has to say."""
    with _on(core):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", module, *arguments), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
    said, _ = await process.communicate(told.encode())
    assert process.returncode == 0, module
    answer: dict[str, object] = json.loads(said)
    return answer


def _cores() -> tuple[int, int]:
    usable = sorted(os.sched_getaffinity(0))
    return usable[0], usable[-1]


@contextmanager
def _on(core: int) -> Iterator[None]:
    """What is started in here runs there, with all that it starts."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
