"""Merges the metrics of all processes of a node into one Prometheus text, whichever process is asked."""

import asyncio
import socket
from collections.abc import Mapping
from typing import Final

from gateway.engine.handover import Handover

SECONDS: Final = 2.0
"""The timeout for a sibling's metrics."""
REQUEST: Final = b"GET /metrics HTTP/1.1\r\nhost: sibling\r\nconnection: close\r\n\r\n"
ANSWER_BYTES: Final = 2**22
CHUNK_BYTES: Final = 2**16
UP: Final = "liveroom_worker_up"


async def of_all(handover: Handover, own: bytes) -> bytes:
    """The metrics of all processes, labelled with their numbers; one that does not answer is reported as down."""
    numbers = handover.siblings()
    answers = await asyncio.gather(*(_ask(handover, number) for number in numbers))
    return merged({handover.number: own, **dict(zip(numbers, answers, strict=True))})


def merged(expositions: Mapping[int, bytes | None]) -> bytes:
    """One exposition from several, every sample with the label `worker`; None for a process that did not answer."""
    families: dict[str, list[str]] = {}
    up = [f"# HELP {UP} Whether a worker of this node tells its metrics", f"# TYPE {UP} gauge"]
    for number, exposition in sorted(expositions.items()):
        up.append(f'{UP}{{worker="{number}"}} {int(exposition is not None)}')
        _add(families, number, (exposition or b"").decode())
    return "\n".join([*up, *(line for lines in families.values() for line in lines), ""]).encode()


def _add(families: dict[str, list[str]], number: int, text: str) -> None:
    """Keep the samples of a family together, below its HELP and TYPE lines."""
    family: list[str] = []
    for line in text.splitlines():
        if line.startswith("# HELP "):
            family = families.setdefault(line.split(" ", 3)[2], [])
            if not family:
                family.append(line)
        elif line.startswith("#"):
            if len(family) == 1:
                family.append(line)
        elif line:
            name, _, value = line.partition(" ")
            name, brace, labels = line.partition("{") if "{" in name else (name, "", value)
            family.append(f'{name}{{worker="{number}",{labels}' if brace else f'{name}{{worker="{number}"}} {labels}')


async def _ask(handover: Handover, number: int) -> bytes | None:
    """Ask over a connection handed over like any other; its empty peer address shows that a sibling asks."""
    ours, theirs = socket.socketpair()
    with ours:
        ours.setblocking(False)
        with theirs:
            if not await handover.give(number, theirs.fileno(), REQUEST):
                return None
        answer = bytearray()
        try:
            async with asyncio.timeout(SECONDS):
                while chunk := await asyncio.get_running_loop().sock_recv(ours, CHUNK_BYTES):
                    answer += chunk
                    if len(answer) > ANSWER_BYTES:
                        return None
        except (OSError, TimeoutError):
            return None
    head, _, body = bytes(answer).partition(b"\r\n\r\n")
    return body if head.startswith(b"HTTP/1.1 200 ") else None
