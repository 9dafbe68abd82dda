from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.presale.house import House, open_house


@pytest.fixture
async def house(home: str, tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path, home=home) as opened:
        yield opened
