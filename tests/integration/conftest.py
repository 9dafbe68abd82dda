"""One running gateway for many tests, with rates that leave a test's own pace alone."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from tests.integration.gate import Gate
from tests.integration.recording import Recording, recorded
from tests.integration.running import Liveroom, liveroom

UNHURRIED = {
    "danmaku_per_second": 1000.0,
    "danmaku_burst": 1000,
    "gifts_per_second": 1000.0,
    "likes_per_second": 1000.0,
    "likes_burst": 1000,
    "cohost_every_seconds": 0.001,
    "packets_per_second": 10_000.0,
    "packets_burst": 10_000,
    "conflate_ms": 10,
}
"""Settings under which only what a test is about is ever refused for its pace."""


@pytest.fixture(scope="package")
def recording() -> Iterator[Recording]:
    """What all gateways of this process send and answer, while tests of the package run and none of another."""
    with recorded() as found:
        yield found


@pytest.fixture(autouse=True)
def contract_is_kept(recording: Recording) -> Iterator[None]:
    """Fails the test during which something was said that the registry does not know."""
    yield
    wrong, recording.wrong = recording.wrong, []
    assert wrong == []


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Liveroom]:
    """Shared by all tests that run in its loop: `pytestmark = pytest.mark.asyncio(loop_scope="package")`."""
    async with liveroom(tmp_path_factory.mktemp("house"), **UNHURRIED) as running:
        yield running


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    """Who is admitted at once, in the hands of the test."""
    return Gate.of_all_budgets(monkeypatch)
