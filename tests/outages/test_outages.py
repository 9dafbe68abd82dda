"""Outages in short; `make outages` runs them in full, and measures what is only awaited here."""

from tests.outages.outages import one_server
from tests.outages.processes import house
from tests.outages.scenario import LEAST_FANS, suffer

OUT_SECONDS = 3.0


async def test_nobody_takes_a_part_for_the_whole_and_all_is_right_again_after_every_way_of_losing_redis() -> None:
    """One house for all of them: to start its processes takes longer than most outages."""
    async with one_server() as site, house(site.url) as running:
        for outage in site.outages:
            outcome = await suffer(running, outage, OUT_SECONDS, LEAST_FANS, site.takes)
            assert outcome.is_whole_or_told, outcome
            assert outcome.counters_seconds is not None, outcome
            assert None not in outcome.rights_seconds.values(), outcome
            assert outcome.heard_own == 1.0, outcome
            assert outcome.told_out_seconds is not None or outage.is_instant, outcome
