"""Small writes that come together are one transaction, and each is answered after it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from auth.denials import Code, Denied
from store import batches
from store.batches import Batches
from store.database_sql import Database, RacedError, UnitOfWork
from tests.store import homes
from tests.store.fakes import FakeClock, counting_ids


class Writer:
    """Takes down what it is asked to write, and loses as many races as it is told to."""

    def __init__(self, races: int = 0) -> None:
        self.written: list[list[int]] = []
        self.races = races

    async def __call__(self, _uow: UnitOfWork, items: Sequence[int]) -> Sequence[int | Denied]:
        if self.races:
            self.races -= 1
            raise RacedError("again")
        self.written.append(list(items))
        return [item if item >= 0 else Denied(Code.NOT_FOUND) for item in items]


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    with homes.migrated(homes.SQLITE, tmp_path) as url:
        opened = await Database.open(url, clock=FakeClock(), new_id=counting_ids())
        yield opened
        await opened.close()


async def test_what_comes_together_is_written_together_and_each_is_answered(db: Database) -> None:
    writing, writer = Batches(db, 0.0), Writer()
    answers = await asyncio.gather(*(writing.add("votes", item, writer) for item in (1, -2, 3)))
    assert answers == [1, Denied(Code.NOT_FOUND), 3]
    assert writer.written == [[1, -2, 3]]


async def test_what_comes_while_a_batch_is_written_goes_with_the_next(db: Database) -> None:
    writing, writer = Batches(db, 0.0), Writer()
    first = asyncio.create_task(writing.add("votes", 1, writer))
    assert await first == 1
    assert await writing.add("votes", 2, writer) == 2
    assert writer.written == [[1], [2]]


async def test_kinds_are_apart(db: Database) -> None:
    writing, one, other = Batches(db, 0.0), Writer(), Writer()
    await asyncio.gather(writing.add("one", 1, one), writing.add("other", 2, other))
    assert (one.written, other.written) == ([[1]], [[2]])


async def test_a_lost_race_is_written_again_and_many_of_them_are_busy(db: Database) -> None:
    lucky, unlucky = Writer(races=2), Writer(races=100)
    assert await Batches(db, 0.0).add("votes", 1, lucky) == 1
    assert await Batches(db, 0.0).add("votes", 1, unlucky) == Denied(Code.BUSY, retry_after_ms=batches.RETRY_MS)


async def test_too_many_that_wait_are_busy_and_a_large_crowd_is_parted(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "MAX_WAITING", 4)
    monkeypatch.setattr(batches, "MAX_ITEMS", 3)
    writing, writer = Batches(db, 0.0), Writer()
    answers = await asyncio.gather(*(writing.add("votes", item, writer) for item in range(5)))
    assert answers == [0, 1, 2, 3, Denied(Code.BUSY, retry_after_ms=batches.RETRY_MS)]
    assert writer.written == [[0, 1, 2], [3]]


async def test_who_loses_patience_takes_nothing_from_the_others(db: Database) -> None:
    writing, writer = Batches(db, 0.01), Writer()
    gone = asyncio.create_task(writing.add("votes", 1, writer))
    stays = asyncio.create_task(writing.add("votes", 2, writer))
    await asyncio.sleep(0)
    gone.cancel()
    assert await stays == 2
    assert writer.written == [[1, 2]]


async def test_what_the_driver_says_is_heard_by_all_who_wait_and_the_next_batch_is_written(db: Database) -> None:
    async def fails(_uow: UnitOfWork, _items: Sequence[int]) -> Sequence[int]:
        raise OSError("the disk is full")

    writing, writer = Batches(db, 0.0), Writer()
    told = await asyncio.gather(*(writing.add("votes", item, fails) for item in (1, 2)), return_exceptions=True)
    assert [str(one) for one in told] == ["the disk is full"] * 2
    assert await writing.add("votes", 3, writer) == 3
