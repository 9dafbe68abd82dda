"""A few seconds of what `make fuzz` does for longer."""

import pytest

from tests.fuzz.mutation import Mutator
from tests.fuzz.run import FLAT_BYTES, FuzzError, run
from tests.fuzz.targets import PACKETS, TARGETS, Echo, FrameTarget

SAMPLES = 3_300
SEED = 7


@pytest.mark.parametrize("name", TARGETS)
async def test_hostile_bytes_raise_nothing_hold_nothing_and_leave_memory_flat(name: str) -> None:
    outcome = await run(name, SAMPLES, SEED)
    assert outcome.samples == SAMPLES
    assert outcome.growth_bytes <= FLAT_BYTES


def test_the_same_seed_makes_the_same_samples() -> None:
    one, same, other = (Mutator(PACKETS, seed) for seed in (1, 1, 2))
    samples = [one.sample() for _ in range(100)]
    assert samples == [same.sample() for _ in range(100)]
    assert samples != [other.sample() for _ in range(100)]


async def test_a_sample_that_raises_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(_: FrameTarget, sample: bytes) -> None:
        raise ValueError(sample)

    monkeypatch.setattr(FrameTarget, "feed", fails)
    with pytest.raises(FuzzError, match="websocket frames, seed 7, sample 0: b"):
        await run("websocket frames", 10, SEED)


async def test_a_socket_that_is_not_let_go_of_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Echo, "closed", lambda *_: None)
    with pytest.raises(AssertionError):
        await run("websocket frames", 100, SEED)
