"""Co-hosting as a state machine."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from auth.denials import Code, Denied
from auth.identity import Tier, UserId
from auth.situation import Phase
from rooms.stage.stage import (
    MAX_INVITATIONS,
    MAX_REQUESTS,
    TRANSITIONS,
    StageAction,
    StageCommand,
    StageReason,
    StageRecord,
    StageState,
    Terms,
    decide,
    lapsed,
    without,
)

ANN, BEN, CAT = UserId("ann"), UserId("ben"), UserId("cat")
PATHS: dict[StageState, list[StageAction]] = {
    StageState.IDLE: [],
    StageState.REQUESTED: [StageAction.REQUEST],
    StageState.INVITED: [StageAction.INVITE],
    StageState.ON_STAGE: [StageAction.REQUEST, StageAction.APPROVE],
}


def command(action: StageAction, user: UserId = ANN) -> StageCommand:
    return StageCommand(action, user, name=user.upper(), tier=Tier.MAIN, message="hi")


def after(stage: StageRecord, *commands: StageCommand, phase: Phase = Phase.LIVE) -> StageRecord:
    for number, item in enumerate(commands):
        outcome = decide(stage, item, phase, 1_000 + number)
        assert isinstance(outcome, StageRecord), outcome
        stage = outcome
    return stage


def code_of(outcome: StageRecord | Denied) -> Code | None:
    return outcome.code if isinstance(outcome, Denied) else None


@pytest.mark.parametrize("state", StageState)
@pytest.mark.parametrize("action", StageAction)
def test_every_state_and_action_follows_the_table(state: StageState, action: StageAction) -> None:
    stage = after(StageRecord(), *(command(step) for step in PATHS[state]))
    assert stage.state_of(ANN) is state
    outcome = decide(stage, command(action), Phase.LIVE, 5_000)
    target = TRANSITIONS.get((state, action))
    if target is None:
        assert code_of(outcome) is Code.STAGE_STATE
    else:
        assert isinstance(outcome, StageRecord)
        assert outcome.state_of(ANN) is target
        assert outcome.version == stage.version + 1


@given(
    st.lists(
        st.tuples(st.sampled_from(StageAction), st.sampled_from([ANN, BEN, CAT]), st.sampled_from(Phase)), max_size=60
    ),
    st.integers(1, 2),
)
def test_no_sequence_overfills_the_stage_or_puts_anybody_in_two_places(
    steps: list[tuple[StageAction, UserId, Phase]], capacity: int
) -> None:
    stage = StageRecord(capacity=capacity)
    for number, (action, user, phase) in enumerate(steps):
        outcome = decide(stage, command(action, user), phase, number)
        if isinstance(outcome, Denied):
            continue
        assert outcome.version == stage.version + 1
        for other in {ANN, BEN, CAT} - {user}:
            assert outcome.state_of(other) is stage.state_of(other)
        stage = outcome
        assert len(stage.members) <= capacity
        users = [member.user for member in stage.members] + [item.user for item in stage.queue]
        assert len(users) == len(set(users))
        assert {item.state for item in stage.queue} <= {StageState.REQUESTED, StageState.INVITED}


def test_approval_brings_a_requester_on_stage_with_their_name() -> None:
    stage = after(StageRecord(), command(StageAction.REQUEST), command(StageAction.APPROVE))
    assert [(member.user, member.name, member.since_ms) for member in stage.members] == [(ANN, "ANN", 1_001)]
    assert stage.queue == ()


def test_an_invited_viewer_must_accept() -> None:
    stage = after(StageRecord(), command(StageAction.INVITE))
    assert code_of(decide(stage, command(StageAction.APPROVE), Phase.LIVE, 0)) is Code.STAGE_STATE
    assert after(stage, command(StageAction.ACCEPT)).state_of(ANN) is StageState.ON_STAGE


def test_a_requester_who_is_invited_keeps_their_place_and_words() -> None:
    stage = after(
        StageRecord(),
        command(StageAction.REQUEST, ANN),
        command(StageAction.REQUEST, BEN),
        command(StageAction.INVITE, ANN),
    )
    assert [(item.user, item.state, item.message, item.at_ms) for item in stage.queue] == [
        (ANN, StageState.INVITED, "hi", 1_000),
        (BEN, StageState.REQUESTED, "hi", 1_001),
    ]


def test_a_full_stage_takes_nobody_until_somebody_leaves() -> None:
    stage = StageRecord(capacity=1)
    stage = after(stage, command(StageAction.REQUEST, ANN), command(StageAction.APPROVE, ANN))
    stage = after(stage, command(StageAction.REQUEST, BEN), command(StageAction.INVITE, CAT))
    assert code_of(decide(stage, command(StageAction.APPROVE, BEN), Phase.LIVE, 0)) is Code.STAGE_FULL
    assert code_of(decide(stage, command(StageAction.ACCEPT, CAT), Phase.LIVE, 0)) is Code.STAGE_FULL
    stage = after(stage, command(StageAction.LEAVE, ANN), command(StageAction.ACCEPT, CAT))
    assert [member.user for member in stage.members] == [CAT]


def test_a_pause_rests_the_way_up_but_nobody_loses_their_place() -> None:
    stage = after(StageRecord(), command(StageAction.REQUEST, ANN), command(StageAction.APPROVE, ANN))
    stage = after(stage, command(StageAction.REQUEST, BEN), command(StageAction.INVITE, CAT))
    for item in (
        command(StageAction.REQUEST, UserId("dan")),
        command(StageAction.INVITE, UserId("dan")),
        command(StageAction.APPROVE, BEN),
        command(StageAction.ACCEPT, CAT),
    ):
        assert code_of(decide(stage, item, Phase.PAUSED, 0)) is Code.CLOSED
    assert stage.state_of(ANN) is StageState.ON_STAGE
    down = (command(StageAction.LEAVE, ANN), command(StageAction.CANCEL, BEN), command(StageAction.REMOVE, CAT))
    assert after(stage, *down, phase=Phase.PAUSED).members == ()


def test_a_full_queue_is_busy() -> None:
    stage = StageRecord()
    for number in range(MAX_REQUESTS):
        stage = after(stage, command(StageAction.REQUEST, UserId(f"fan{number}")))
    outcome = decide(stage, command(StageAction.REQUEST), Phase.LIVE, 0)
    assert code_of(outcome) is Code.BUSY
    assert stage.version == MAX_REQUESTS + 1
    # nor do requests fill the places of invitations, and the other way round
    for number in range(MAX_INVITATIONS):
        stage = after(stage, command(StageAction.INVITE, UserId(f"guest{number}")))
    for invited in (ANN, UserId("fan0")):
        assert code_of(decide(stage, command(StageAction.INVITE, invited), Phase.LIVE, 0)) is Code.BUSY
    stage = after(stage, command(StageAction.CANCEL, UserId("fan0")))
    assert after(stage, command(StageAction.REQUEST)).state_of(ANN) is StageState.REQUESTED


@pytest.mark.parametrize(
    ("action", "reason"),
    [
        (StageAction.REJECT, StageReason.REJECTED),
        (StageAction.REMOVE, StageReason.REMOVED),
        (StageAction.LEAVE, StageReason.LEFT),
        (StageAction.CANCEL, StageReason.CANCELLED),
        (StageAction.END, StageReason.RIGHTS_ENDED),
        (StageAction.ACCEPT, None),
    ],
)
def test_who_stands_idle_again_is_told_why(action: StageAction, reason: StageReason | None) -> None:
    assert command(action).outcome is reason
    assert structs.replace(command(action), reason=StageReason.PAUSED).outcome is StageReason.PAUSED


TERMS = Terms(grace_ms=15_000, patience_ms=120_000)


def test_who_is_on_stage_without_a_socket_has_a_grace_since_they_were_seen_or_came() -> None:
    stage = after(StageRecord(), command(StageAction.REQUEST), command(StageAction.APPROVE))
    [member] = stage.members
    came_ms = member.since_ms
    assert lapsed(stage, {}, came_ms + 14_999, TERMS) == {}
    assert lapsed(stage, {}, came_ms + 15_000, TERMS) == {ANN: StageReason.ABSENT}
    assert lapsed(stage, {ANN: came_ms + 60_000}, came_ms + 74_999, TERMS) == {}
    assert lapsed(stage, {ANN: came_ms + 60_000, BEN: 2**40}, came_ms + 75_000, TERMS) == {ANN: StageReason.ABSENT}
    # what is known of an earlier visit takes nobody off who has just come
    assert lapsed(stage, {ANN: 0}, came_ms + 14_999, TERMS) == {}


def test_requests_and_invitations_end_in_time() -> None:
    stage = after(StageRecord(), command(StageAction.REQUEST, ANN), command(StageAction.INVITE, BEN))
    assert lapsed(stage, {}, 120_999, TERMS) == {}
    assert lapsed(stage, {}, 121_000, TERMS) == {ANN: StageReason.EXPIRED}
    assert lapsed(stage, {}, 121_001, TERMS) == {ANN: StageReason.EXPIRED, BEN: StageReason.EXPIRED}
    # an invitation is as long whether there was a request before it or not
    invited = decide(stage, command(StageAction.INVITE, ANN), Phase.LIVE, 100_000)
    assert isinstance(invited, StageRecord)
    assert lapsed(invited, {}, 219_999, TERMS) == {BEN: StageReason.EXPIRED}
    assert lapsed(invited, {}, 220_000, TERMS).keys() == {ANN, BEN}


def test_only_those_named_are_taken_off() -> None:
    stage = after(StageRecord(), command(StageAction.REQUEST, ANN), command(StageAction.APPROVE, ANN))
    stage = after(stage, command(StageAction.REQUEST, BEN), command(StageAction.INVITE, CAT))
    left = without(stage, {ANN, BEN})
    assert [left.state_of(user) for user in (ANN, BEN, CAT)] == [StageState.IDLE, StageState.IDLE, StageState.INVITED]
    assert left.version == stage.version + 1
