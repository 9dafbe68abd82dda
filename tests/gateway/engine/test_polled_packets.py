"""What a poll is answered with, when much waits."""

from gateway.engine.engine import Engine
from gateway.engine.frames import Frame
from gateway.engine.polling import Poll
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
