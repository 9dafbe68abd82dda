from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.presale.house import House, open_house
from tests.store import homes


@pytest.fixture(params=homes.HOMES)
def home(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def house(home: str, tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path, home=home) as opened:
        yield opened
