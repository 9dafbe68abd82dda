"""The protocol's states: a table over stage x packet x transport, and a model that time and packets run through."""

import json

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.engine.session import Act, End, Heartbeat, Message, Reason, Session, Stage, Step, Via

BEAT = Heartbeat(interval=25.0, timeout=20.0)
CLIENT = End(Reason.CLIENT)
POLLING, WEBSOCKET = Via.POLLING, Via.WEBSOCKET

OURS = ["0", "0{}", "2", "2probe", "3probe", "5", "6", "7", "", "x", "1x", "3x", "5x", "2prob", "2probes", "\x1e", "²"]
"""Text packets that mean nothing, or mean something at one moment only: see `EXPECTED`."""


def session(stage: Stage) -> Session:
    made = Session("sid", BEAT, WEBSOCKET if stage is Stage.WEBSOCKET else POLLING, now=0.0)
    if stage is Stage.PROBING:
        assert made.receive("2probe", WEBSOCKET, 0.0) is Act.CONFIRM
    if stage is Stage.ENDED:
        made.end(Reason.SERVER)
    assert made.stage is stage
    return made


EXPECTED: dict[tuple[Stage, str, Via], tuple[Step, Stage]] = {
    (Stage.POLLING, "2probe", WEBSOCKET): (Act.CONFIRM, Stage.PROBING),
    (Stage.PROBING, "5", WEBSOCKET): (Act.SWITCH, Stage.WEBSOCKET),
}
"""What is neither here nor a rule of its own below is a fault, and changes nothing."""


@pytest.mark.parametrize("stage", [Stage.POLLING, Stage.PROBING, Stage.WEBSOCKET])
@pytest.mark.parametrize("via", list(Via))
@pytest.mark.parametrize("packet", OURS)
def test_a_packet_out_of_place_is_a_fault_and_changes_nothing(stage: Stage, packet: str, via: Via) -> None:
    made = session(stage)
    due = made.due
    step, after = EXPECTED.get((stage, packet, via), (Act.FAULT, stage))
    assert made.receive(packet, via, 1.0) == step
    assert (made.stage, made.due) == (after, due)


CARRIER = {Stage.POLLING: POLLING, Stage.PROBING: POLLING, Stage.WEBSOCKET: WEBSOCKET}


@pytest.mark.parametrize("stage", list(CARRIER))
@pytest.mark.parametrize("via", list(Via))
@pytest.mark.parametrize(
    ("packet", "data"), [("4", ""), ("4hello", "hello"), ("42[]", "2[]"), (b"", b""), (b"\x00\xff", b"\x00\xff")]
)
def test_messages_come_by_the_transport_that_carries_the_session(
    stage: Stage, packet: str | bytes, data: str | bytes, via: Via
) -> None:
    made = session(stage)
    assert made.receive(packet, via, 1.0) == (Message(data) if via is CARRIER[stage] else Act.FAULT)
    assert made.stage is stage


@pytest.mark.parametrize("stage", list(CARRIER))
@pytest.mark.parametrize("via", list(Via))
def test_close_is_heard_by_either_transport(stage: Stage, via: Via) -> None:
    made = session(stage)
    assert made.receive("1", via, 1.0) == CLIENT
    assert made.stage is Stage.ENDED


@pytest.mark.parametrize("stage", list(CARRIER))
@pytest.mark.parametrize("via", list(Via))
def test_a_pong_puts_the_next_ping_off(stage: Stage, via: Via) -> None:
    made = session(stage)
    if via is CARRIER[stage]:
        assert made.receive("3", via, 7.0) is Act.NOTHING
        assert made.due == 7.0 + BEAT.interval
    else:
        assert made.receive("3", via, 7.0) is Act.FAULT
        assert made.due == BEAT.interval


@pytest.mark.parametrize("via", list(Via))
@pytest.mark.parametrize("packet", [*OURS, "1", "3", "4hello", b"bytes"])
def test_nothing_is_heard_after_the_end(packet: str | bytes, via: Via) -> None:
    made = session(Stage.ENDED)
    assert made.receive(packet, via, 1.0) is Act.NOTHING
    assert made.tick(1e9) is Act.NOTHING
    made.abandon_probe()
    assert made.stage is Stage.ENDED


@pytest.mark.parametrize("stage", list(Stage))
def test_only_a_probe_can_be_abandoned(stage: Stage) -> None:
    made = session(stage)
    made.abandon_probe()
    assert made.stage is (Stage.POLLING if stage is Stage.PROBING else stage)


def test_a_probe_can_be_tried_again_after_it_was_abandoned() -> None:
    made = session(Stage.PROBING)
    made.abandon_probe()
    assert made.receive("2probe", WEBSOCKET, 1.0) is Act.CONFIRM
    assert made.receive("5", WEBSOCKET, 1.0) is Act.SWITCH


@pytest.mark.parametrize("stage", list(CARRIER))
def test_a_ping_after_the_interval_and_the_end_after_the_timeout(stage: Stage) -> None:
    made = session(stage)
    assert made.tick(24.999) is Act.NOTHING
    assert made.tick(25.0) is Act.PING
    assert made.due == 45.0
    assert made.tick(44.999) is Act.NOTHING
    assert made.tick(45.0) == End(Reason.SILENT)
    assert made.stage is Stage.ENDED


@pytest.mark.parametrize("late", [0.0, 0.05, 3.0, 5.0, 1000.0])
def test_a_ping_that_is_late_leaves_the_peer_most_of_its_timeout(late: float) -> None:
    made = session(Stage.WEBSOCKET)
    assert made.tick(25.0 + late) is Act.PING
    assert 0.75 * BEAT.timeout <= made.due - (25.0 + late) <= BEAT.timeout
    assert made.due <= 45.0 or made.due == 25.0 + late + 0.75 * BEAT.timeout


def test_messages_are_no_pong() -> None:
    made = session(Stage.WEBSOCKET)
    made.tick(25.0)
    assert made.receive("4still talking", WEBSOCKET, 44.0) == Message("still talking")
    assert made.tick(45.0) == End(Reason.SILENT)


@pytest.mark.parametrize(("via", "upgrades"), [(POLLING, ["websocket"]), (WEBSOCKET, [])])
def test_the_open_packet_tells_the_terms(via: Via, upgrades: list[str]) -> None:
    opened = Session("a-sid", Heartbeat(0.3, 0.2), via, now=0.0).open_packet(1000)
    assert opened[0] == "0"
    assert json.loads(opened[1:]) == {
        "sid": "a-sid",
        "upgrades": upgrades,
        "pingInterval": 300,
        "pingTimeout": 200,
        "maxPayload": 1000,
    }


PACKETS = st.sampled_from([*OURS, "1", "3", "4", "4m", b"", b"\x01"]) | st.text(max_size=4) | st.binary(max_size=3)


class Life(RuleBasedStateMachine):
    """Any packets at any moments, against what the protocol's text says in other words."""

    @initialize(via=st.sampled_from(list(Via)))
    def begin(self, via: Via) -> None:
        self.session = Session("sid", BEAT, via, now=0.0)
        self.now = 0.0
        self.heard = 0.0
        """When the peer last showed life."""
        self.pinged: float | None = None
        self.stages = [self.session.stage]

    @rule(packet=PACKETS, via=st.sampled_from(list(Via)))
    def receive(self, packet: str | bytes, via: Via) -> None:
        before = self.session.stage
        step = self.session.receive(packet, via, self.now)
        after = self.session.stage
        self.stages.append(after)
        if before is Stage.ENDED:
            assert (step, after) == (Act.NOTHING, Stage.ENDED)
            return
        assert step is not Act.PING
        if isinstance(step, Message):
            assert packet == ("4" + step.data if isinstance(step.data, str) else step.data)
            assert via is CARRIER[before]
        assert (step == CLIENT) == (packet == "1") == (after is Stage.ENDED)
        assert (step is Act.SWITCH) == (after is Stage.WEBSOCKET and before is not after)
        assert (step is Act.CONFIRM) == (after is Stage.PROBING and before is not after)
        if packet == "3" and via is CARRIER[before]:
            self.heard, self.pinged = self.now, None

    @rule(seconds=st.floats(0.0, 60.0))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        before = self.session.stage
        step = self.session.tick(self.now)
        self.stages.append(self.session.stage)
        if before is Stage.ENDED:
            assert step is Act.NOTHING
        elif self.pinged is not None and self.now >= self.pinged + BEAT.timeout:
            assert step == End(Reason.SILENT)
        elif step == End(Reason.SILENT):
            assert self.pinged is not None
            assert self.now >= self.pinged + 0.75 * BEAT.timeout
        elif self.pinged is None and self.now >= self.heard + BEAT.interval:
            assert step is Act.PING
            self.pinged = self.now
        else:
            assert step is Act.NOTHING

    @precondition(lambda self: self.session.stage is Stage.PROBING)
    @rule()
    def lose_the_probe(self) -> None:
        self.session.abandon_probe()
        self.stages.append(self.session.stage)
        assert self.session.stage is Stage.POLLING

    @invariant()
    def a_websocket_is_never_left_for_polling_and_an_end_is_one(self) -> None:
        if not hasattr(self, "stages"):
            return
        if Stage.WEBSOCKET in self.stages:
            later = self.stages[self.stages.index(Stage.WEBSOCKET) :]
            assert set(later) <= {Stage.WEBSOCKET, Stage.ENDED}
        if Stage.ENDED in self.stages:
            assert set(self.stages[self.stages.index(Stage.ENDED) :]) == {Stage.ENDED}


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=60, deadline=None)
