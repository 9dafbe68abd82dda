import random

import pytest

from auth.identity import Tier
from auth.situation import Phase
from gateway.rehearsal.plan import LAST_ACT, LEAST_FANS, Cashier, Do, Plan, Purchase, draw
from gateway.rehearsal.wire import Encoding


def drawn(fans: int, seed: int = 1) -> Plan:
    return draw(fans, 20.0, "run", random.Random(seed))  # noqa: S311 - repeatable choices, no secret


@pytest.mark.parametrize("fans", [LEAST_FANS, 20, 100, 500])
def test_every_part_is_cast_in_a_crowd_of_any_size(fans: int) -> None:
    plan = drawn(fans)
    parts = plan.parts
    assert len(parts) == len({part.user for part in parts}) == fans
    assert {part.purchase for part in parts} == set(Purchase)
    assert {part.cashier for part in parts} >= {Cashier.PAY, Cashier.DECLINE, Cashier.ABANDON, Cashier.DECLINE_THEN_PAY}
    assert {part.comes for part in parts} == {Phase.PRESALE, Phase.DOORS, Phase.LIVE}
    assert {part.encoding for part in parts} == set(Encoding)
    done = {act.do for part in parts for act in part.acts}
    assert done >= set(Do) - {Do.UPGRADE}
    assert plan.mutes
    assert plan.retractions


def test_the_same_seed_makes_the_same_choices_and_another_one_others() -> None:
    assert drawn(50) == drawn(50)
    assert drawn(50) != drawn(50, seed=2)


def test_witnesses_hold_each_tier_and_never_leave_their_socket() -> None:
    witnesses = [part for part in drawn(100).parts if part.witness]
    assert [part.wants for part in witnesses] == [Tier.MAIN, Tier.VIP]
    assert {act.do for part in witnesses for act in part.acts} == {Do.WATCH}


def test_acts_come_in_order_and_leave_time_for_the_last_answers() -> None:
    for part in drawn(100).parts:
        times = [act.at_s for act in part.acts]
        assert times == sorted(times)
        assert all(0 <= at_s <= LAST_ACT * 20 for at_s in times)


def test_what_a_crowd_asks_of_the_fan_out_stays_within_bounds_however_large_it_is() -> None:
    for fans in (100, 500, 5_000):
        said = sum(act.do is Do.SAY for part in drawn(fans).parts for act in part.acts)
        foyer = sum(part.comes is Phase.PRESALE and not part.holds_ticket_at_doors for part in drawn(fans).parts)
        assert (said - foyer) / 20 * fans <= 4_000 + 10 * fans


def test_too_few_fans_cannot_play_every_part() -> None:
    with pytest.raises(ValueError, match="12 fans"):
        drawn(LEAST_FANS - 1)
