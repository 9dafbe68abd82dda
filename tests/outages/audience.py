"""Fans of one room, and how long they wait: `python -m tests.outages.audience`, on its own core.

Reads who they are as JSON, says danmaku, lets others come and go, writes the times in milliseconds as JSON.
"""

import asyncio
import itertools
import json
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field

import httpx2

from gateway.rehearsal.device import Device
from gateway.rehearsal.journal import Journal
from gateway.rehearsal.wire import Memo


@dataclass
class Times:
    """What one round measured."""

    danmaku_ms: list[float] = field(default_factory=list)
    """From the moment of saying to each fan."""
    connect_ms: list[float] = field(default_factory=list)
    """From the first byte to the welcome."""
    failed: int = 0


@dataclass(frozen=True)
class Round:
    """Who is there and what they do."""

    url: str
    room: str
    listeners: dict[str, str]
    """User -> token; the first one speaks."""
    comers: dict[str, str]
    says_per_second: float
    comes_per_second: float
    seconds: float


async def measure(asked: Round) -> Times:
    """One round."""
    times, memo = Times(), Memo()
    async with httpx2.AsyncClient(base_url=asked.url, trust_env=False) as http:
        inside = [Device(Journal(user), http, memo) for user in asked.listeners]
        said_s: dict[str, float] = {}

        def heard(event: str, payload: dict[str, object]) -> None:
            if event == "danmaku":
                now_s = time.monotonic()
                for item in payload["items"]:  # type: ignore[attr-defined]
                    if item["text"] in said_s:
                        times.danmaku_ms.append((now_s - said_s[item["text"]]) * 1000)

        for device, (_, token) in zip(inside, asked.listeners.items(), strict=True):
            assert await device.connect(token, asked.room) is None
            device.listener = heard
        speaker, numbers = inside[0], itertools.count()

        async def say() -> None:
            text = f"{time.monotonic_ns()} {next(numbers)}"
            said_s[text] = time.monotonic()
            await speaker.ask("danmaku", {"text": text})

        comers = itertools.cycle(asked.comers.items())

        async def come() -> None:
            user, token = next(comers)
            began_s, device = time.monotonic(), Device(Journal(user), http, memo)
            try:
                times.failed += await device.connect(token, asked.room) is not None
            except (OSError, TimeoutError):
                times.failed += 1
            else:
                times.connect_ms.append((time.monotonic() - began_s) * 1000)
            device.leave()

        await asyncio.gather(
            _on_time(say, asked.says_per_second, asked.seconds), _on_time(come, asked.comes_per_second, asked.seconds)
        )
        for device in inside:
            device.leave()
    return times


async def _on_time(act: Callable[[], Awaitable[None]], rate: float, seconds: float) -> None:
    """Begin so often a second, whether the one before has ended or not; all have ended on return."""
    began, tasks = time.monotonic(), []
    for number in range(round(rate * seconds)):
        await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
        tasks.append(asyncio.ensure_future(act()))
    await asyncio.gather(*tasks)


if __name__ == "__main__":
    json.dump(asdict(asyncio.run(measure(Round(**json.load(sys.stdin))))), sys.stdout)
