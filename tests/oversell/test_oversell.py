"""The race in small; `make oversell` runs it in full."""

from pathlib import Path

from tests.oversell.race import open_box, without_guard

BUYERS, SEATS, ROUNDS = 50, 10, 3


async def test_fifty_buyers_get_ten_seats_in_every_round(home: str, tmp_path: Path) -> None:
    async with open_box(home, tmp_path) as box:
        for _ in range(ROUNDS):
            ended = await box.race(BUYERS, SEATS)
            assert (ended.sold, ended.held, ended.refused) == (SEATS, 0, BUYERS - SEATS)
        assert await box.audit() == []


async def test_the_same_race_oversells_without_its_guard(home: str, tmp_path: Path) -> None:
    """The control: if it did not, the race would prove nothing."""
    async with open_box(home, tmp_path) as box, without_guard(box):
        ended = await box.race(BUYERS, SEATS)
        assert ended.sold == BUYERS
        assert [finding.check for finding in await box.audit()] == ["seats.capacity"]
