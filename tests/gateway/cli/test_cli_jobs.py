import asyncio
import json
from pathlib import Path

import pytest
from sqlalchemy import update

from gateway.cli import jobs as cli_jobs
from gateway.setup import clock as ambient
from presale.orders import jobs as orders_jobs
from presale.refunds import jobs as refunds_jobs
from store.database_sql import Database
from store.tables_sql import JobState, jobs
from tests.gateway.cli.test_cli import Liveroom, data_dir, liveroom

__all__ = ["data_dir", "liveroom"]


@pytest.fixture
def given_up(liveroom: Liveroom, data_dir: Path) -> list[str]:
    """The ids of two jobs that were given up, beside one that waits."""
    liveroom("migrate")
    return asyncio.run(_give_up(f"sqlite+aiosqlite:///{data_dir / 'liveroom.sqlite'}"))


async def _give_up(url: str) -> list[str]:
    database = await Database.open(url, clock=ambient.now_ms, new_id=ambient.new_id)
    async with database.write() as uow:
        await uow.enqueue(refunds_jobs.SUBMIT_JOB, "refund-7", b"refund-7", uow.now_ms)
        await uow.enqueue(orders_jobs.QUERY_JOB, "order-9:closed", b"order-9", uow.now_ms)
        died = update(jobs).values(state=JobState.DEAD, attempt=20, error="[Errno 111] refused").returning(jobs.c.id)
        ids = sorted(row.id for row in await uow.connection.execute(died))
        await uow.enqueue(orders_jobs.EXPIRE_JOB, "order-11", b"order-11", uow.now_ms)
    await database.close()
    return ids


def test_jobs_that_were_given_up_are_told_with_what_they_were_for_and_why(
    liveroom: Liveroom, given_up: list[str]
) -> None:
    found = liveroom("jobs")
    assert found.status == 0
    assert all(job in found.out for job in given_up)
    assert "return the money of refund refund-7" in found.out
    assert "ask the provider whether order order-9 was paid" in found.out
    assert found.out.count("given up: [Errno 111] refused") == 2
    assert "order-11" not in found.out


def test_jobs_that_were_given_up_are_told_to_machines(liveroom: Liveroom, given_up: list[str]) -> None:
    listed = json.loads(liveroom("jobs", "--json").out)
    assert [job["id"] for job in listed] == given_up
    assert set(listed[0]) == {"id", "kind", "purpose", "asked_ms", "why"}


def test_one_job_is_tried_again_and_then_the_rest(liveroom: Liveroom, given_up: list[str]) -> None:
    assert liveroom("jobs", "retry", given_up[0]).out == "1 to be tried again.\n"
    assert given_up[0] not in liveroom("jobs").out
    assert "there is no job" in liveroom("jobs", "retry", given_up[0]).one_sentence()
    assert liveroom("jobs", "retry", "--all").out == "1 to be tried again.\n"
    assert "No job was given up." in liveroom("jobs").out
    assert json.loads(liveroom("jobs", "--json").out) == []
    assert "Nothing found" in liveroom("audit").out


@pytest.mark.parametrize("arguments", [["retry"], ["retry", "some", "--all"]])
def test_which_job_is_to_be_tried_again_has_to_be_said(
    liveroom: Liveroom, given_up: list[str], arguments: list[str]
) -> None:
    assert "--all" in liveroom("jobs", *arguments).one_sentence()
    assert all(job in liveroom("jobs").out for job in given_up)


def test_every_kind_of_job_has_its_purpose_told() -> None:
    named = [*vars(orders_jobs).items(), *vars(refunds_jobs).items()]
    assert set(cli_jobs.PURPOSES) == {kind for name, kind in named if name.endswith("_JOB")}
