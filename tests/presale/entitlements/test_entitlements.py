from itertools import permutations

import pytest

from auth.identity import Tier
from presale.entitlements.entitlements import tier_of


def test_nothing_bought_is_worth_none() -> None:
    assert tier_of(()) is Tier.NONE


@pytest.mark.parametrize("tiers", list(permutations((Tier.LOBBY, Tier.MAIN, Tier.VIP))))
def test_the_best_ticket_counts(tiers: tuple[Tier, ...]) -> None:
    assert tier_of(tiers) is Tier.VIP
    assert tier_of(tiers[:1]) is tiers[0]
