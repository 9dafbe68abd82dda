"""Every command of every feature tells all that it changes: see `tests/contracts/replica_suite.py`."""

from pathlib import Path

import pytest

from gateway.features.registry import BY_NAME
from tests.contracts.replica_suite import assert_news_are_enough, evening, examples

EXAMPLES = examples()


def test_every_command_has_an_example() -> None:
    assert set(BY_NAME) - set(EXAMPLES) == set()


@pytest.mark.parametrize("name", EXAMPLES)
async def test_state_plus_news_is_state_read_again(name: str, tmp_path: Path) -> None:
    async with evening(tmp_path) as now:
        await assert_news_are_enough(now, EXAMPLES[name])
