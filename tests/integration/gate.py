"""The budget of admissions in the hands of a test, which has no time to lose and none to win."""

from dataclasses import dataclass
from typing import Self

import pytest

from rooms.queue.waiting_room import AdmissionBudget

EVERYBODY = 1_000_000


@dataclass
class Gate:
    """So many more go in at the gateways of this process."""

    left: int = EVERYBODY

    @classmethod
    def of_all_budgets(cls, monkeypatch: pytest.MonkeyPatch) -> Self:
        """Open to everybody at first."""
        gate = cls()

        def take(_budget: AdmissionBudget, _now_ms: int) -> bool:
            if not gate.left:
                return False
            gate.left -= 1
            return True

        monkeypatch.setattr(AdmissionBudget, "take", take)
        monkeypatch.setattr(AdmissionBudget, "has", lambda _budget, _now_ms: bool(gate.left))
        return gate
