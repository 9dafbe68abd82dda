"""Orders at presale from many fans, over many connections: `python -m tests.outages.generator`, on its own core.

`--at-once N` orders as fast as N fans get their answers; `--rate R` begins R orders a second, whatever becomes of them.
Writes what came of it as JSON.
"""

import argparse
import asyncio
import itertools
import json
import sys
import time
from collections import Counter

from auth.tokens import mint
from gateway.setup import clock
from gateway.setup.settings import Mode, Settings

TOKEN_MS = 3_600_000
MOST_CONNECTIONS = 1_000
ANSWER_SECONDS = 10.0


class Orders:
    """Every order is that of another fan."""

    def __init__(self, port: int, show: str, product: str, name: str) -> None:
        self._port = port
        self._show, self._product, self._name = show, product, name
        self._settings = Settings.load(Mode.TEST)
        self._numbers = itertools.count()
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._open = 0
        self.answers: Counter[str] = Counter()
        self.begun = 0

    async def one(self) -> None:
        """Order once; the status of the answer is counted, or why there is none."""
        self.begun += 1
        if not self._idle and self._open >= MOST_CONNECTIONS:
            self.answers["no connection left"] += 1
            return
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                self.answers[await self._ask()] += 1
        except (OSError, EOFError, ValueError) as error:
            self.answers[type(error).__name__] += 1

    async def _ask(self) -> str:
        if self._idle:
            reader, writer = self._idle.pop()
        else:
            self._open += 1
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            except BaseException:
                self._open -= 1
                raise
        try:
            writer.write(self._request())
            head = await reader.readuntil(b"\r\n\r\n")
            fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
            await reader.readexactly(int(fields[b"content-length"]))
        except BaseException:
            self._open -= 1
            writer.transport.abort()
            raise
        self._idle.append((reader, writer))
        return head[9:12].decode()

    def _request(self) -> bytes:
        settings, user = self._settings, f"{self._name}-{next(self._numbers)}"
        issuer, audience = settings.jwt_issuer, settings.jwt_audience
        token = mint(settings.jwt_secrets[0], user, None, issuer, audience, clock.now_ms(), TOKEN_MS, user)
        order = {"show": self._show, "items": [{"product": self._product}], "provider": "sandbox"}
        body = json.dumps(order).encode()
        head = (
            "POST /api/v1/orders HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {token}\r\nIdempotency-Key: {user}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


async def closed_loop(orders: Orders, at_once: int, seconds: float) -> None:
    """Each fan's order is followed by the next one's."""
    end = time.monotonic() + seconds

    async def in_turn() -> None:
        while time.monotonic() < end:
            await orders.one()

    await asyncio.gather(*(in_turn() for _ in range(at_once)))


async def open_loop(orders: Orders, rate: float, seconds: float) -> None:
    """Orders begin on time; on return those still under way are left to themselves."""
    began, tasks = time.monotonic(), set[asyncio.Task[None]]()
    for number in range(round(rate * seconds)):
        await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
        task = asyncio.create_task(orders.one())
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    orders.answers["without an answer when it ended"] += len(tasks)
    for task in list(tasks):
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.outages.generator")
    for name in ("show", "product", "name"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--at-once", type=int, default=0)
    parser.add_argument("--rate", type=float, default=0)
    parser.add_argument("--seconds", type=float, required=True)
    asked = parser.parse_args()
    orders = Orders(asked.port, asked.show, asked.product, asked.name)
    began = time.monotonic()
    if asked.rate:
        await open_loop(orders, asked.rate, asked.seconds)
    else:
        await closed_loop(orders, asked.at_once, asked.seconds)
    seconds = time.monotonic() - began
    json.dump({"seconds": seconds, "begun": orders.begun, "answers": orders.answers}, sys.stdout)


if __name__ == "__main__":
    asyncio.run(_main())
