"""The only ways from one phase of a show to another."""

from collections.abc import Mapping

from auth.denials import Code, Denied
from auth.situation import Phase

TRANSITIONS: Mapping[Phase, frozenset[Phase]] = {
    Phase.DRAFT: frozenset({Phase.PRESALE, Phase.DOORS, Phase.CANCELLED}),
    Phase.PRESALE: frozenset({Phase.DOORS, Phase.CANCELLED}),
    Phase.DOORS: frozenset({Phase.LIVE, Phase.CANCELLED}),
    Phase.LIVE: frozenset({Phase.PAUSED, Phase.ENDED}),
    Phase.PAUSED: frozenset({Phase.LIVE, Phase.ENDED, Phase.CANCELLED}),
    Phase.ENDED: frozenset({Phase.REPLAY}),
    Phase.REPLAY: frozenset(),
    Phase.CANCELLED: frozenset(),
}

OVER = frozenset({Phase.ENDED, Phase.REPLAY, Phase.CANCELLED})
"""Phases after the show: nobody is on stage any more."""


def change_phase(current: Phase, target: Phase) -> Phase | Denied:
    """The target, or PHASE_TRANSITION with what would be possible."""
    if target in TRANSITIONS[current]:
        return target
    possible = [phase.value for phase in Phase if phase in TRANSITIONS[current]]
    return Denied(Code.PHASE_TRANSITION, detail={"phase": current.value, "possible": possible})
