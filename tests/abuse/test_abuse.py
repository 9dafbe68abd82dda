"""What a gateway does under attack, in short: `make abuse` is the same for longer.

Each comment tells what the gateway did on the stock engine (python-engineio under uvicorn), on the same machine.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.abuse import attacks, floods
from tests.abuse.crowd import EARS, percentile, stalled_readers
from tests.abuse.line import FINAL, TEXT, frame, line
from tests.abuse.target import Gateway, gateway

MIB = 2**20
FLOOD_SECONDS = 0.8
RATE = 80.0
STALL_SECONDS = 4.5
QUICK: dict[str, Any] = {
    "header_seconds": 0.5,
    "body_seconds": 0.5,
    "connect_seconds": 0.5,
    "ping_interval_seconds": 0.4,
    "ping_timeout_seconds": 0.4,
    "outbox_seconds": 1,
}
FAREWELL_SECONDS = 2.0
LATE_SECONDS = 2.0
"""How much later than promised a busy machine may be."""


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with gateway(tmp_path_factory.mktemp("target")) as running:
        yield running


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with gateway(tmp_path_factory.mktemp("quick"), **QUICK) as running:
        yield running


def test_attachments_that_were_announced_without_end_cut_the_socket(target: Gateway) -> None:
    # stock: taken for as long as they were sent, 5 GB in 5 s
    flood = attacks.attachment_bombs(target, 10.0)
    assert flood.was_cut
    assert flood.seconds < FAREWELL_SECONDS + LATE_SECONDS
    assert flood.growth_bytes < 8 * MIB


@pytest.mark.parametrize("attack", [attacks.empty_fragments, attacks.tiny_fragments, attacks.pings_unread])
def test_floods_take_no_memory(target: Gateway, attack: Callable[[Gateway, float], attacks.Flood]) -> None:
    # stock, in 5 s: empty fragments +8 MiB and growing, tiny ones +16 MiB, pings +111 MiB
    flood = attack(target, FLOOD_SECONDS)
    assert flood.sent_bytes > 100_000
    assert flood.growth_bytes < 12 * MIB, flood
    assert not target.warnings()


def test_who_asks_and_never_reads_the_answers_is_cut(target: Gateway) -> None:
    # stock: 270,000 requests in 5 s were taken, and the socket stood
    flood = attacks.requests_unread(target, 10.0)
    assert flood.was_cut
    assert flood.growth_bytes < 12 * MIB


def test_heads_and_bodies_that_never_end_are_cut_in_their_time(quick: Gateway) -> None:
    # stock: all of them stood after 20 s
    for attack in (attacks.dripped_heads, attacks.dripped_bodies):
        drip = attack(quick, 10, 10.0)
        assert all(end is not None and 0.4 < end < 0.5 + LATE_SECONDS for end in drip.seconds), (attack, drip)


@pytest.mark.parametrize(("attack", "promised"), [(attacks.silent_sockets, 0.5), (attacks.pongless_sockets, 0.8)])
def test_who_says_nothing_is_closed_and_not_waited_for(
    quick: Gateway, attack: Callable[[Gateway, int, float], attacks.Drip], promised: float
) -> None:
    # stock: 11 s, ten of them for an answer to its close frame
    drip = attack(quick, 10, 15.0)
    latest = promised + FAREWELL_SECONDS + LATE_SECONDS
    assert all(end is not None and promised - 0.1 < end < latest for end in drip.seconds), drip


def test_an_address_has_so_many_sockets_that_nobody_knows_and_none_is_refused(tmp_path: Path) -> None:
    # stock: any number; and once the thirteenth was refused, a fan behind the same address among them
    with gateway(tmp_path, production=True, unaccepted_sockets_per_address=5) as target:
        assert attacks.knocks(target, 12) == [101] * 12
        with line(target.port, "127.0.0.9") as inside:
            assert inside.upgrade() == 101
            assert attacks.knocks(target, 4) == [101] * 4
            inside.enter(target.tokens["fan0"], target.room)


def test_stalled_readers_are_cut_and_nobody_else(tmp_path: Path) -> None:
    # stock: none of them within 15 s
    with gateway(tmp_path, fans=100, outbox_seconds=0.5) as target:
        stall = stalled_readers(target, fans=100, stalled=20, rate=RATE, listen=0.5, limit=STALL_SECONDS)
    assert all(end is not None for end in stall.cut), stall.cut
    assert stall.healthy_cut == 0
    assert len(stall.during) > 0.7 * EARS * RATE * STALL_SECONDS
    assert max(stall.memory_after) - stall.memory_before < 12 * MIB


@pytest.mark.parametrize("kind", list(floods.FLOODS))
def test_sockets_that_send_without_end_are_cut_and_delay_nobody(tmp_path: Path, kind: str) -> None:
    # three of them made the loop late by 4.5 s; the strict bound on p99 is that of `make abuse`
    with gateway(tmp_path, fans=40, packets_per_second=20, packets_burst=40) as target:
        noise = floods.flooded(target, kind, sockets=8, seconds=3.0)
    assert len(noise.during) > 0.7 * len(noise.before)
    assert percentile(noise.during, 0.9) < 2 * percentile(noise.before, 0.9) + 0.05


def test_three_packets_that_are_none_close_and_are_no_news(target: Gateway) -> None:
    hostile = [
        b"42/live," + b"[" * 1000 + b"]" * 1000,
        b'42/live,["clock",{"t0":NaN}]',
        b'42/live,["clock",{"t0":1,"t0":2}]',
        b'42/live,["clock",{' + b",".join(b'"k%d":1' % number for number in range(65)) + b"}]",
        b"42/live,7" + b"[" * 17 + b"]" * 17,
    ]
    for packet in hostile:
        with line(target.port) as fan:
            fan.upgrade()
            fan.enter(target.tokens["fan0"], target.room)
            fan.say(frame(packet, FINAL | TEXT) * 3)
            assert fan.hear_event("bye") == {"code": "PROTOCOL", "retryable": False}
    assert not target.warnings()


def test_noise_on_the_line_is_told_at_most_once_a_second(target: Gateway) -> None:
    # stock: one line of log for each
    before, started = len(target.warnings()), time.monotonic()
    for _ in range(200):
        with line(target.port) as stranger:
            stranger.say(b"\x16\x03\x01\x00\xa5noise\r\n\r\n")
            assert stranger.hear_all(2.0).startswith(b"HTTP/1.1 400")
    assert len(target.warnings()) - before <= 2 + (time.monotonic() - started)
