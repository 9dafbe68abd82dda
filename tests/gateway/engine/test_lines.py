"""Writing past a transport: what the kernel takes, and what it does not."""

import asyncio
import socket as os_socket
from collections.abc import Iterator
from typing import Any, cast

import pytest

from gateway.engine import lines
from gateway.engine.lines import NO_LINE


@pytest.fixture
def pair() -> Iterator[tuple[os_socket.socket, os_socket.socket]]:
    ours, theirs = os_socket.socketpair()
    ours.setblocking(False)
    with ours, theirs:
        yield ours, theirs


def test_what_is_written_arrives(pair: tuple[os_socket.socket, os_socket.socket]) -> None:
    ours, theirs = pair
    assert lines.write(ours.fileno(), b"a frame") == 7
    assert theirs.recv(100) == b"a frame"


def test_a_full_line_takes_a_part_and_then_nothing(pair: tuple[os_socket.socket, os_socket.socket]) -> None:
    ours, theirs = pair
    wire = bytes(range(256)) * 40_000
    taken = lines.write(ours.fileno(), wire)
    assert 0 < taken < len(wire)
    assert lines.write(ours.fileno(), wire) == 0
    heard = theirs.recv(len(wire), os_socket.MSG_WAITALL | os_socket.MSG_DONTWAIT)
    assert heard == wire[: len(heard)]


def test_nothing_is_taken_where_there_is_no_line_or_no_peer(pair: tuple[os_socket.socket, os_socket.socket]) -> None:
    ours, theirs = pair
    theirs.close()
    assert lines.write(NO_LINE, b"a frame") == 0
    assert lines.write(ours.fileno(), b"a frame") == 0


def test_a_transport_that_changes_what_it_is_given_has_no_line(
    pair: tuple[os_socket.socket, os_socket.socket],
) -> None:
    class Transport:
        def __init__(self, **extra: object) -> None:
            self.get_extra_info = extra.get

    def line_of(**extra: object) -> int:
        return lines.line_of(cast("asyncio.Transport", cast("Any", Transport(**extra))))

    ours, _ = pair
    assert line_of(socket=ours) == ours.fileno()
    assert line_of(socket=ours, ssl_object=object()) == NO_LINE
    assert line_of() == NO_LINE
