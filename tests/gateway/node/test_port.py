"""Sockets of workers on one port: what waits in them is nobody's loss, and who is gone gets nothing more."""

import socket

import pytest

from gateway.node.port import SPREADS, Port
from gateway.setup.preflight import CommandError
from tests.ports import free_port

HOST = "127.0.0.1"
KNOCKS = 40
pytestmark = pytest.mark.skipif(not SPREADS, reason="only Linux deals connections out")


def accepted(listener: socket.socket) -> int:
    """How many connections wait in a socket."""
    count = 0
    listener.setblocking(False)
    while True:
        try:
            listener.accept()[0].close()
        except BlockingIOError:
            return count
        count += 1


def knock(port: int) -> list[socket.socket]:
    return [socket.create_connection((HOST, port), timeout=2) for _ in range(KNOCKS)]


def test_connections_are_dealt_out_and_go_elsewhere_once_a_worker_is_given_up() -> None:
    number = free_port()
    port = Port(HOST, number)
    first, second = port.open(), port.open()
    for listener in first + second:
        listener.listen(KNOCKS)
    knocking = knock(number)
    dealt = (accepted(first[0]), accepted(second[0]))
    assert sum(dealt) == KNOCKS
    assert min(dealt) > 0, "one in a billion that all went to one"
    port.close(first)
    assert first == []
    knocking += knock(number)
    assert accepted(second[0]) == KNOCKS
    port.close(second)
    for line in knocking:
        line.close()


def test_connections_wait_for_the_next_worker_while_somebody_holds_the_socket() -> None:
    number = free_port()
    port = Port(HOST, number)
    kept = port.open()
    of_a_worker = kept[0].dup()
    of_a_worker.listen(KNOCKS)
    of_a_worker.close()
    knocking = knock(number)
    assert accepted(kept[0]) == KNOCKS
    port.close(kept)
    for line in knocking:
        line.close()


def test_a_port_of_somebody_else_is_told() -> None:
    with socket.create_server((HOST, 0)) as other, pytest.raises(CommandError, match="cannot be listened on"):
        Port(HOST, other.getsockname()[1]).open()
