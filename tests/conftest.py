"""What every suite may ask for."""

import pytest

from tests.store import homes


@pytest.fixture(params=homes.HOMES)
def home(request: pytest.FixtureRequest) -> str:
    """Which database: whoever asks for it runs once on each."""
    return str(request.param)
