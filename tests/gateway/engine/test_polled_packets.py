"""What a poll is answered with, when much waits."""

from typing import Any

from gateway.engine.engine import Engine
from gateway.engine.frames import Frame
from gateway.engine.packets import SEPARATOR
from gateway.engine.polling import Poll, PollingApp
from gateway.engine.requests import Handshake
from gateway.engine.session import Reason, Via
from gateway.engine.socket import PACKETS_PER_POLL, Socket

MOST_OF_THE_PYTHON_CLIENT = 16


class Nobody:
    def opened(self, socket: Socket, handshake: Handshake) -> None: ...

    def received(self, socket: Socket, data: str | bytes) -> None: ...

    def faulted(self, socket: Socket, *, is_final: bool) -> bool:
        return False

    def rerouted(self, socket: Socket) -> None: ...

    def slow(self, socket: Socket) -> None: ...

    def closed(self, socket: Socket, reason: Reason) -> None: ...


async def test_a_poll_carries_no_more_packets_than_the_official_python_client_reads() -> None:
    # python-engineio's client gives a connection up for a body of more than 16 packets; after a welcome and a busy
    # moment more wait, and the fan never came back
    engine = Engine(Nobody())
    try:
        socket = engine.open(Handshake("127.0.0.1", "/", {}, ()), Via.POLLING)
        assert isinstance(socket, Socket)
        for number in range(40):
            socket.send(Frame(str(number)))
        fetched: list[str] = []
        while socket.waits:
            assert socket.poll(Poll())
            answer = socket.collect()
            assert 0 < len(answer) <= PACKETS_PER_POLL < MOST_OF_THE_PYTHON_CLIENT
            fetched += answer
        assert fetched == [f"4{number}" for number in range(40)]
    finally:
        engine.close()


async def test_who_brings_many_packets_at_once_is_answered_as_many_at_once() -> None:
    # a phone out of a tunnel: fifteen of a thousand acks in each round trip would have been too slow for its outbox
    engine = Engine(Nobody())
    try:
        socket = engine.open(Handshake("127.0.0.1", "/", {}, ()), Via.POLLING)
        assert isinstance(socket, Socket)
        app = PollingApp(lambda: engine)
        body = SEPARATOR.join(["4x"] * 100).encode()
        query = f"EIO=4&transport=polling&sid={socket.sid}".encode()
        scope = {"type": "http", "method": "POST", "path": "/", "headers": [], "query_string": query}
        told: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body}

        async def send(message: dict[str, Any]) -> None:
            told.append(message)

        await app(scope, receive, send)
        assert told[0]["status"] == 200
        for number in range(200):
            socket.send(Frame(str(number)))
        assert socket.poll(Poll())
        assert len(socket.collect()) == 99
    finally:
        engine.close()
