"""Everything a gateway of this process sends and answers, held against the registry of the contract."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import msgspec

from auth.denials import Denied
from gateway.contract.link import Bye
from gateway.contract.rows import EVERY_COMMAND, FAREWELLS, ServerEvent
from gateway.features.registry import BY_NAME, SERVER_EVENTS
from gateway.sockets.codec import Prepared
from gateway.sockets.connection import Answer, Received
from gateway.sockets.server import SocketServer

EVENTS = {event.name: event for event in SERVER_EVENTS}
COMMANDS = BY_NAME


class Recording:
    """What was sent and answered so far, and what of it the contract does not know."""

    def __init__(self) -> None:
        self.sent: set[str] = set()
        self.answered: dict[str, set[str]] = {}
        self.wrong: list[str] = []

    def take_event(self, event: str, payload: msgspec.Struct) -> None:
        self.sent.add(event)
        known = EVENTS.get(event)
        if known is None:
            self.wrong.append(f"{event} is sent and not in the registry")
        elif type(payload) is not known.payload:
            self.wrong.append(f"{event} carries {type(payload).__name__}, not {known.payload.__name__}")
        elif isinstance(payload, Bye) and payload.code not in FAREWELLS:
            self.wrong.append(f"{payload.code} is no farewell of the contract")

    def take_answer(self, event: str, answer: msgspec.Struct | Denied) -> None:
        command = COMMANDS.get(event)
        said = answer.code.value if isinstance(answer, Denied) else "ok"
        self.answered.setdefault(event if command is not None else "", set()).add(said)
        if isinstance(answer, Denied):
            if answer.code not in (command.errors if command is not None else EVERY_COMMAND):
                self.wrong.append(f"{event} is answered by {answer.code}, which is not listed for it")
        elif command is None or type(answer) is not command.ack:
            self.wrong.append(f"{event} is answered by {type(answer).__name__}")


@contextmanager
def recorded() -> Iterator[Recording]:
    """While this holds, all that gateways of this process say is taken down."""
    recording = Recording()
    prepare, at_once, awaited = Prepared.__init__, SocketServer._answer, SocketServer._awaited

    def prepare_and_record(self: Prepared, event: ServerEvent[Any], payload: msgspec.Struct) -> None:
        recording.take_event(event.name, payload)
        prepare(self, event, payload)

    def answer_and_record(self: SocketServer, connection: Any, received: Received) -> Any:
        answer = at_once(self, connection, received)
        if isinstance(answer, Answer):
            recording.take_answer(received.event, answer)
        return answer

    async def await_and_record(self: SocketServer, received: Received, answer: Any) -> Any:
        found = await awaited(self, received, answer)
        if not isinstance(answer, Answer):
            recording.take_answer(received.event, found)
        return found

    with (
        mock.patch.object(Prepared, "__init__", prepare_and_record),
        mock.patch.object(SocketServer, "_answer", answer_and_record),
        mock.patch.object(SocketServer, "_awaited", await_and_record),
    ):
        yield recording
