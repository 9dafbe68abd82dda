"""Samples what a process holds, and judges whether it grows."""

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean

import httpx2
import msgspec
from redis.asyncio import Redis

from benchmarks.crowd import Address

PAGE_KIB = 4
CALM_LOOKS = 8
LOOK_SECONDS = 1.5
"""The sampling interval; eight of them are longer than a ping and its timeout."""
STIR = 2
"""By how many descriptors or tasks two samples of one state may differ: sampling itself needs some."""
REST_SECONDS = 60.0
FLAT_GROWTH = 0.02
"""The allowed growth of resident memory over the second half."""
SLACK = 5
"""How many descriptors or tasks may come and go by themselves."""
LEAST_JUDGED_SECONDS = 600
"""Memory is not judged in a shorter run: caches that fill once still fill in it."""


class Held(msgspec.Struct, frozen=True):
    """By one gateway."""

    rss_kib: int
    descriptors: int
    tasks: int
    sockets: int
    rooms: int
    outbox: int
    lag_ms: int


class Sample(msgspec.Struct, frozen=True):
    """One look at everything."""

    at_s: float
    gateways: list[Held]
    redis_kib: int


class Verdict(msgspec.Struct, frozen=True):
    """One promise."""

    promise: str
    found: str
    is_met: bool | None
    """None: the run was too short to judge."""


class Looks:
    """Takes samples of one house."""

    def __init__(self, address: Address) -> None:
        self._ports = (address.port, *address.farther_ports)
        self._pids = address.pids
        self._http = httpx2.AsyncClient(trust_env=False, timeout=30)
        self._redis: Redis = Redis(port=address.redis_port or 0)
        self._began = time.monotonic()

    async def aclose(self) -> None:
        """Look no more."""
        await self._http.aclose()
        await self._redis.aclose()

    async def sample(self) -> Sample:
        """Now."""
        gateways = [await self._held(port, pid) for port, pid in zip(self._ports, self._pids, strict=True)]
        memory = (await self._redis.info("memory"))["used_memory"]
        return Sample(round(time.monotonic() - self._began, 1), gateways, memory // 1024)

    async def watch(self, every_seconds: float, take: Callable[[Sample], None]) -> None:
        """Sample until cancelled."""
        while True:
            take(await self.sample())
            await asyncio.sleep(every_seconds)

    async def rest(self) -> Sample:
        """The first sample after everybody is gone and nothing changes any more; the last one where that never was."""
        deadline = time.monotonic() + REST_SECONDS
        calm: list[Sample] = []
        while True:
            sample = await self.sample()
            if calm and not _is_still(calm[0], sample):
                calm = []
            calm.append(sample)
            empty = not any(one.sockets for one in sample.gateways)
            if (empty and len(calm) > CALM_LOOKS) or time.monotonic() > deadline:
                return sample
            await asyncio.sleep(LOOK_SECONDS)

    async def _held(self, port: int, pid: int) -> Held:
        text = (await self._http.get(f"http://127.0.0.1:{port}/metrics", headers={"connection": "close"})).text
        return Held(
            rss_kib=resident_kib(pid),
            descriptors=descriptors(pid),
            tasks=round(value(text, "liveroom_tasks")),
            sockets=round(value(text, "liveroom_sockets")),
            rooms=round(value(text, "liveroom_rooms")),
            outbox=round(value(text, "liveroom_outbox_pending")),
            lag_ms=round(value(text, "liveroom_loop_lag_seconds") * 1000),
        )


def resident_kib(pid: int) -> int:
    """Of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * PAGE_KIB


def descriptors(pid: int) -> int:
    """That a process has open."""
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


def value(exposition: str, name: str) -> float:
    """A metric, summed over its labels."""
    lines = (line for line in exposition.splitlines() if line.startswith((f"{name} ", f"{name}{{")))
    return sum(float(line.rpartition(" ")[2]) for line in lines)


def growth(samples: Sequence[tuple[float, float]]) -> float:
    """By how much, of its mean, a straight line through the points rises from the first to the last; 0 for a point."""
    if len(samples) < 2:
        return 0.0
    times, values = [at for at, _ in samples], [one for _, one in samples]
    middle, mean = fmean(times), fmean(values)
    spread = sum((at - middle) ** 2 for at in times)
    slope = sum((at - middle) * (one - mean) for at, one in samples) / spread if spread else 0.0
    return slope * (times[-1] - times[0]) / mean if mean else 0.0


def judge(samples: Sequence[Sample], before: Sample, after: Sample) -> list[Verdict]:
    """`before`: at rest after the warm-up; `after`: at rest at the end; `samples`: while the crowd came and went."""
    half = (samples[0].at_s + samples[-1].at_s) / 2
    second = [sample for sample in samples if sample.at_s >= half]
    long_enough = samples[-1].at_s - samples[0].at_s >= LEAST_JUDGED_SECONDS
    verdicts = []
    for number, name in enumerate("AB"[: len(after.gateways)]):
        risen = growth([(sample.at_s, float(sample.gateways[number].rss_kib)) for sample in second])
        verdicts.append(
            Verdict(
                f"gateway {name}: memory grows by at most {FLAT_GROWTH:.0%} over the second half",
                f"{risen:+.1%}",
                risen <= FLAT_GROWTH if long_enough else None,
            )
        )
        was, now = before.gateways[number], after.gateways[number]
        for what, first, last in (
            ("descriptors", was.descriptors, now.descriptors),
            ("tasks", was.tasks, now.tasks),
        ):
            verdicts.append(
                Verdict(
                    f"gateway {name}: when everybody is gone, no more {what} than after the warm-up (+ {SLACK})",
                    f"{first} then, {last} now",
                    last <= first + SLACK,
                )
            )
        promise = f"gateway {name}: no socket is left, and nothing in the outbox"
        verdicts.append(Verdict(promise, f"{now.sockets}, {now.outbox}", not now.sockets and not now.outbox))
    return verdicts


def _is_still(first: Sample, last: Sample) -> bool:
    return all(
        abs(was.descriptors - now.descriptors) <= STIR and abs(was.tasks - now.tasks) <= STIR
        for was, now in zip(first.gateways, last.gateways, strict=True)
    )
