"""The kill matrix in short: `make faults` plays all of it, for longer."""

from collections.abc import Iterator

import pytest

from tests.faults.journal import What
from tests.faults.play import Pace, play
from tests.faults.quarter import How, Quarter, Who, quarter

FREEZE_SECONDS = 2.0
SHORT = Pace(1.0, 2.0, 6)


@pytest.fixture(scope="module")
def house() -> Iterator[Quarter]:
    with quarter() as made:
        yield made


@pytest.mark.parametrize(
    ("who", "how"), [(Who.GATEWAY, How.KILL), (Who.REDIS, How.FREEZE), (Who.POSTGRESQL, How.RESTART)]
)
async def test_nothing_acknowledged_is_lost_or_doubled_and_nobody_unentitled_is_served(
    house: Quarter, who: Who, how: How
) -> None:
    played = await play(house, who, how, list(What), FREEZE_SECONDS, SHORT)
    assert {what: cell.broke for what, cell in played.cells.items()} == {what: [] for what in What}
    assert all(cell.count for cell in played.cells.values()), "everybody has acted"
