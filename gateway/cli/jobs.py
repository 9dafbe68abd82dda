"""`liveroom jobs`: lists jobs that ran out of attempts, and retries them once the cause is gone."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated

import msgspec
import typer
from msgspec import Struct

from gateway.cli.output import out
from gateway.setup import preflight
from gateway.setup.preflight import CommandError
from presale.orders import jobs as orders_jobs
from presale.refunds import jobs as refunds_jobs
from store import jobs_sql
from store.jobs_sql import DeadJob

PURPOSES: Mapping[str, str] = {
    orders_jobs.EXPIRE_JOB: "close order {} if it is unpaid, and free its seats",
    orders_jobs.QUERY_JOB: "ask the provider whether order {} was paid",
    orders_jobs.END_JOB: "close order {} at its provider, for it must not be paid any more",
    orders_jobs.END_ALL_JOB: "close the unpaid orders of show {}, which sells no more",
    orders_jobs.CLOSE_PAYMENT_JOB: "close payment {} at its provider, for its order was paid by another one",
    refunds_jobs.SUBMIT_JOB: "return the money of refund {}",
    refunds_jobs.QUERY_JOB: "ask the provider how refund {} ended",
    refunds_jobs.SUBMIT_DOUBLED_JOB: "return the money of refund {}, of an order that was paid twice",
    refunds_jobs.QUERY_DOUBLED_JOB: "ask the provider how refund {} ended, of an order that was paid twice",
}
"""The purpose of each kind of job; its payload is the id that is printed."""

app = typer.Typer(help="Work that was given up: list it, or have it tried again.", invoke_without_command=True)


class GivenUp(Struct, frozen=True):
    """An entry of `--json`."""

    id: str
    kind: str
    purpose: str
    asked_ms: int
    why: str


@app.callback()
def list_dead(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON list instead of a text.")] = False,
) -> None:
    """List the jobs that were given up after all their attempts, with what they were for and why they failed."""
    if context.invoked_subcommand is not None:
        return
    given_up = [_told(job) for job in asyncio.run(_dead())]
    if as_json:
        typer.echo(msgspec.json.encode(given_up).decode())
        return
    for job in given_up:
        asked = datetime.fromtimestamp(job.asked_ms / 1000, UTC)
        out.print(job.id, style="bold", end="")
        out.print(f"  {job.kind}, asked for at {asked:%Y-%m-%d %H:%M} UTC", style="dim", markup=False)
        out.print(f"    {job.purpose}", markup=False)
        out.print(f"    given up: {job.why}", style="red", markup=False)
    out.print("`liveroom jobs retry ID` or `--all` has them tried again." if given_up else "No job was given up.")


@app.command()
def retry(
    job: Annotated[str | None, typer.Argument(metavar="ID", help="The job's id, as `liveroom jobs` tells it.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All that were given up.")] = False,
) -> None:
    """Have a job that was given up tried again, with all its attempts. A running gateway takes it within a second."""
    if (job is None) != everything:
        raise CommandError("say which job, by its id, or --all.")
    revived = asyncio.run(_revive(job))
    if job is not None and not revived:
        raise CommandError(f"there is no job {job} that was given up.")
    out.print(f"{revived} to be tried again.")


def _told(job: DeadJob) -> GivenUp:
    purpose = PURPOSES.get(job.kind, "{}").format(job.payload.decode(errors="replace"))
    return GivenUp(job.id, job.kind, purpose, job.created_ms, job.error or "its worker crashed every time")


async def _dead() -> list[DeadJob]:
    async with preflight.database(preflight.database_url()) as database, database.read() as connection:
        return await jobs_sql.list_dead(connection)


async def _revive(job: str | None) -> int:
    async with preflight.database(preflight.database_url()) as database:
        return await jobs_sql.revive(database, job)
