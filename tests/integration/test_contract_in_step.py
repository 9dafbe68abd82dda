"""The registry of the contract and what a gateway says are one: on the wire, in the sources, in the handlers' types."""

import typing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from auth.denials import Code, Denied
from gateway.contract.link import Bye, Presence
from gateway.features.gifts.wire import Like
from gateway.features.registry import BY_NAME, SERVER_EVENTS, VIEWER_COMMANDS
from gateway.features.registry import COMMANDS as COMMANDS_OF_FEATURES
from gateway.features.session.wire import ClockAck
from gateway.live import upkeep
from gateway.replica.feature import AnyCommand
from tests.contracts.command_examples import of_features
from tests.integration.clients import Client, connected
from tests.integration.conftest import UNHURRIED
from tests.integration.evening import done, evening
from tests.integration.recording import EVENTS, Recording
from tests.integration.running import liveroom
from tests.integration.test_door import token_of

ROOT = Path(__file__).parents[2]
NOT_SENT_YET = {"streams"}
"""It answers `streams:refresh` alone."""
OF_THE_WIRE = {"degraded"}
"""Told where there is a wire between gateways to lose: see test_two_gateways.py."""
OF_THE_QUEUE = {"admission"}
"""Told where more come than are let in: see test_waiting.py."""
OF_FANS = {"tier", "order", "wallet", "inbox", "cohost", "token:expiring"}
OF_CONSOLES = {"audit", "revenue", "cohost:queue", "names", "health"}


def assert_of_the_contract(socket: Client) -> None:
    """Everything heard is what the registry says, field by field: read and written again it is the same."""
    for name, data in socket.heard:
        read = msgspec.convert(data, EVENTS[name].payload)
        assert msgspec.json.decode(msgspec.json.encode(read)) == data, name


async def test_every_event_of_the_registry_is_sent_as_it_says_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "HEALTH_SECONDS", 0.05)
    async with (
        liveroom(tmp_path, **UNHURRIED, position_seconds=0.05, sockets_per_seat=2) as house,
        evening(house, "presale") as show,
    ):
        brief = {"token": token_of(house, "fan", expires_in_seconds=30), "room": show.room}
        async with (
            connected(house.url, **brief) as fan,
            connected(house.url, codec="msgpack", transport="polling", **brief) as other,
        ):
            await show.ticket("fan")
            await show.phase("doors", "live")
            said = await done(fan, "danmaku", {"text": "hello", "style": {"color": "#ffffff"}})
            await done(show.host, "pin", {"id": said["id"]})
            await done(show.host, "retract", {"id": said["id"]})
            await done(show.host, "countdown:set", {"target_ms": show.start_ms, "label": "encore"})
            await done(fan, "gift", {"gift": "rose", "key": "a-key-of-this-test"})
            await done(fan, "like", {"count": 3})
            await done(fan, "cohost:request", {"message": "let me sing"})
            await done(show.host, "cohost:approve", {"user": "fan"})
            await done(show.host, "mute", {"user": "fan", "minutes": 1})
            for feature in of_features():
                await feature.be_heard(show.host, fan)
            everybody = (
                set(EVENTS) - NOT_SENT_YET - OF_THE_WIRE - OF_THE_QUEUE - OF_FANS - OF_CONSOLES - {"draining", "bye"}
            )
            for socket, events in ((fan, OF_FANS), (other, OF_FANS), (show.host, OF_CONSOLES)):
                for event in everybody | events:
                    await socket.wait(event)
            house.stop.set()
            for socket in (fan, other, show.host):
                await socket.wait("draining")
                assert (await socket.wait("bye"))["code"] == "DRAINING"
            for socket in (fan, other, show.host):
                assert_of_the_contract(socket)
            for socket in (fan, other):
                assert not OF_CONSOLES & {name for name, _ in socket.heard}
            assert {name for socket in (fan, show.host) for name, _ in socket.heard} == (
                set(EVENTS) - NOT_SENT_YET - OF_THE_WIRE - OF_THE_QUEUE
            )


def test_each_namespace_takes_its_own_commands() -> None:
    assert {command.name for command in VIEWER_COMMANDS if command.is_shared} == {
        "danmaku",
        "streams:refresh",
        "token:refresh",
        "clock",
    }
    assert len({event.name for event in SERVER_EVENTS}) == len(SERVER_EVENTS)
    assert len(BY_NAME) == len(COMMANDS_OF_FEATURES)


@pytest.mark.parametrize("command", COMMANDS_OF_FEATURES, ids=lambda command: str(command.name))
def test_a_command_takes_and_answers_what_its_row_says(command: AnyCommand) -> None:
    hints = typing.get_type_hints(command.answer)
    assert hints["request"] is command.payload
    answers = set(typing.get_args(hints["return"])) or {hints["return"]}
    assert answers - {Denied} == {command.ack}


@pytest.mark.parametrize(
    ("say", "wrong"),
    [
        (lambda one: one.take_event("gossip", Like(1)), "gossip is sent and not in the registry"),
        (lambda one: one.take_event("like", Presence(1)), "like carries Presence, not Like"),
        (lambda one: one.take_event("bye", Bye("GOODBYE", retryable=False)), "GOODBYE is no farewell"),
        (lambda one: one.take_answer("clock", Denied(Code.SOLD_OUT)), "clock is answered by SOLD_OUT"),
        (lambda one: one.take_answer("clock", Like(1)), "clock is answered by Like"),
        (lambda one: one.take_answer("gossip", Like(1)), "gossip is answered by Like"),
        (lambda one: one.take_answer("gossip", Denied(Code.FORBIDDEN)), "gossip is answered by FORBIDDEN"),
    ],
)
def test_the_recording_of_all_tests_finds_what_is_not_of_the_contract(say: Any, wrong: str) -> None:
    recording = Recording()
    recording.take_event("like", Like(1))
    recording.take_answer("clock", ClockAck(1, 2, 3))
    recording.take_answer("gossip", Denied(Code.BAD_REQUEST))
    assert recording.wrong == []
    say(recording)
    assert [wrong in one for one in recording.wrong] == [True]
