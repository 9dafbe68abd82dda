"""`liveroom backup` and `liveroom restore`: copies of the database, and how they are restored."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress as Bar

from gateway.cli.output import out, table
from gateway.features.audit.books import audit_house
from gateway.setup import clock, preflight
from gateway.setup.preflight import CommandError
from gateway.setup.settings import Mode
from store import migrations, postgresql_backup, sqlite_backup
from store.backup import BackupError, Contents, Kind, Progress, kind_of
from store.findings import Finding

FINDINGS = 1
ENDINGS = {Kind.SQLITE: "sqlite", Kind.POSTGRESQL: "dump"}
TOLD_FIRST = ("shows", "orders", "entitlements", "ledger_transactions", "refunds", "gifts", "jobs", "outbox")
"""The tables that operators know best; their row counts are printed first."""

Force = Annotated[bool, typer.Option("--force", help="Replace what is there.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(backup)
    app.command()(restore)


def backup(
    target: Annotated[
        Path, typer.Argument(metavar="FILE|FOLDER", help="Where to; in a folder it is named by the time.")
    ],
    force: Force = False,
) -> None:
    """Copy the database to a file, whole, while everything goes on. PostgreSQL: with pg_dump from the PATH."""
    url = preflight.database_url()
    database = preflight.embedded_path(url)
    if target.is_dir():
        target /= f"liveroom-{_stamp()}.{ENDINGS[_kind(database)]}"
    if database is not None and not database.exists():
        raise CommandError(f"there is no database at {database}.")
    with _told(f"copying {preflight.spoken(url)}", url) as progress:
        if database is None:
            contents = asyncio.run(postgresql_backup.back_up(url, target, progress, overwrites=force))
        else:
            contents = sqlite_backup.back_up(database, target, progress, overwrites=force)
    _tell(f"{target}: {_size(target)}, read back and whole.", contents)


def restore(
    copy: Annotated[Path, typer.Argument(metavar="FILE", help="What `liveroom backup` has made.")],
    force: Force = False,
) -> None:
    """Make the database what a copy is, with every gateway stopped, and audit it. Status 1: it finds something."""
    url = preflight.database_url()
    database = preflight.embedded_path(url)
    with _told(f"restoring {preflight.spoken(url)}", url) as progress:
        if kind_of(copy) is not _kind(database):
            raise BackupError(f"{copy} is a copy of {kind_of(copy)}, and LIVEROOM_DATABASE_URL names another database.")
        if database is None:
            contents = asyncio.run(postgresql_backup.restore(copy, url, progress, overwrites=force))
        else:
            contents = sqlite_backup.restore(copy, database, progress, overwrites=force, stamp=_stamp())
    _tell(f"{preflight.spoken(url)} is what {copy} was.", contents)
    if preflight.load_settings(Mode.DEMO).redis_url:
        out.print("Empty Redis before the gateways start: its history speaks of what the copy does not know.")
    if contents.revision != migrations.head():
        out.print("It is older than this version: `liveroom migrate`, then `liveroom audit`, before you serve it.")
        return
    findings = asyncio.run(_audit(url))
    if findings:
        out.print(table(("check", "subject", "detail"), [(f.check, f.subject, f.detail) for f in findings]))
        out.print(f"The audit has {len(findings)} findings.", style="bold red")
        raise typer.Exit(FINDINGS)
    out.print("The audit found nothing: orders, seats, entitlements and ledger match.")


def _kind(database: Path | None) -> Kind:
    return Kind.POSTGRESQL if database is None else Kind.SQLITE


@contextmanager
def _told(what: str, url: str) -> Iterator[Progress]:
    """Show a progress bar on a terminal; print a failure in one sentence."""
    with Bar(console=out, transient=True, disable=not out.is_terminal) as bar:
        task = bar.add_task(what)
        try:
            yield lambda done, whole: bar.update(task, completed=done, total=whole)
        except BackupError as error:
            raise CommandError(str(error)) from error
        except Exception as error:
            # whatever the database's driver raises
            raise preflight.unreachable(url, error) from error


def _tell(sentence: str, contents: Contents) -> None:
    out.print(sentence, markup=False)
    first = [(name, contents.rows[name]) for name in TOLD_FIRST if name in contents.rows]
    others = sum(contents.rows.values()) - sum(count for _, count in first)
    told = [f"{name.replace('_', ' ')} {count}" for name, count in first]
    out.print(f"Revision {contents.revision}; rows: {', '.join(told)}, others {others}.", markup=False)


async def _audit(url: str) -> list[Finding]:
    async with preflight.database(url) as database, database.survey() as connection:
        return await audit_house(connection)


def _stamp() -> str:
    return datetime.fromtimestamp(clock.now_ms() / 1000, UTC).strftime("%Y%m%dT%H%M%SZ")


def _size(file: Path) -> str:
    size = file.stat().st_size
    return f"{size / 2**20:.1f} MiB" if size >= 2**20 else f"{size / 2**10:.0f} KiB"
