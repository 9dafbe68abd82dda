"""Phases move along the table and nowhere else."""

import pytest

from auth.denials import Code, Denied
from auth.situation import Phase
from rooms.course.phases import OVER, TRANSITIONS, change_phase

ALLOWED = {
    ("draft", "presale"),
    ("draft", "doors"),
    ("draft", "cancelled"),
    ("presale", "doors"),
    ("presale", "cancelled"),
    ("doors", "live"),
    ("doors", "cancelled"),
    ("live", "paused"),
    ("live", "ended"),
    ("paused", "live"),
    ("paused", "ended"),
    ("paused", "cancelled"),
    ("ended", "replay"),
}


@pytest.mark.parametrize("current", Phase)
@pytest.mark.parametrize("target", Phase)
def test_every_pair_of_phases_is_decided_as_the_contract_says(current: Phase, target: Phase) -> None:
    outcome = change_phase(current, target)
    if (current.value, target.value) in ALLOWED:
        assert outcome is target
    else:
        assert isinstance(outcome, Denied)
        assert outcome.code is Code.PHASE_TRANSITION
        assert outcome.detail["phase"] == current


def test_what_is_over_stays_over() -> None:
    assert set(TRANSITIONS) == set(Phase)
    assert all(TRANSITIONS[phase] <= OVER for phase in OVER)
