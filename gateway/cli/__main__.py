"""The command line: `liveroom demo | serve | migrate | token | role | audit | jobs | backup | ...`; `--help` has all.

Exit status: 0 done, 1 an audit or a rehearsal found something, 2 an expected reason not to, told in one sentence on
stderr.
"""

import asyncio
import sys
from typing import Annotated

import msgspec
import typer
from rich.panel import Panel

from gateway import __version__
from gateway.cli import backup, contract, jobs, names, rehearse, roles, tokens
from gateway.cli import settings as settings_commands
from gateway.cli.output import out, table
from gateway.demo.demo import run_demo
from gateway.features.audit import findings
from gateway.node.supervisor import supervise
from gateway.setup import clock, loop, preflight
from gateway.setup.preflight import CommandError
from gateway.setup.settings import Duty, Mode, Settings
from store import migrations
from store.findings import Finding

EXPECTED_FAILURE = 2
FINDINGS = 1

app = typer.Typer(
    help="The real-time front door of paid, presold live shows.",
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(tokens.app, name="token")
app.add_typer(roles.app, name="role")
app.add_typer(names.app, name="names")
app.add_typer(jobs.app, name="jobs")
backup.register(app)
settings_commands.register(app)
rehearse.register(app)
contract.register(app)


@app.callback(invoke_without_command=True)
def version(
    context: typer.Context,
    is_wanted: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """The real-time front door of paid, presold live shows."""
    if is_wanted:
        typer.echo(__version__)
    elif context.invoked_subcommand is None:
        raise CommandError("a command is missing; see `liveroom --help`.")


def main() -> int:
    """Run the command line; the answer is the exit status."""
    try:
        status = app(prog_name="liveroom", standalone_mode=False)
    except CommandError as error:
        return _refuse(str(error))
    except typer.TyperException as error:
        return _refuse(f"{error.format_message().rstrip('.')}; see `liveroom --help`.")
    except (KeyboardInterrupt, typer.Abort):
        return 130
    return status if isinstance(status, int) else 0


@app.command()
def demo() -> None:
    """The whole house on this machine: gateway, sandbox payments, pages. Play money, ends with Ctrl-C."""
    settings = preflight.load_settings(Mode.DEMO)
    preflight.require_writable(settings.data_dir)
    preflight.require_free_port(settings.host, settings.port, "LIVEROOM_PORT")
    preflight.require_free_port("127.0.0.1", settings.sandbox_port, "LIVEROOM_SANDBOX_PORT")
    out.print("starting ...", style="dim")
    loop.run(run_demo(settings, _serve, lambda: _welcome(settings)))
    out.print("ended.", style="dim")


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; else LIVEROOM_HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; else LIVEROOM_PORT.")] = None,
    database_url: Annotated[str | None, typer.Option(help="Database; else LIVEROOM_DATABASE_URL.")] = None,
    redis_url: Annotated[str | None, typer.Option(help="The wire between processes; else LIVEROOM_REDIS_URL.")] = None,
    role: Annotated[Duty | None, typer.Option(help="What this loop does; else LIVEROOM_ROLE.")] = None,
    node: Annotated[str | None, typer.Option(help="Its name in session ids; else LIVEROOM_NODE.")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes on the port; else LIVEROOM_WORKERS.")] = None,
) -> None:
    """Serve as LIVEROOM_* settings say, until SIGTERM or Ctrl-C. One loop does everything unless it has a role."""
    given = {
        "host": host,
        "port": port,
        "database_url": database_url,
        "redis_url": redis_url,
        "role": role,
        "node": node,
        "workers": workers,
    }
    settings = preflight.load_settings(None, **{name: value for name, value in given.items() if value is not None})
    preflight.require_writable(settings.data_dir)
    preflight.require_free_port(settings.host, settings.port, "LIVEROOM_PORT")
    loop.run(_serve(settings))


@app.command()
def migrate() -> None:
    """Bring the database to the schema of this version. Safe to repeat."""
    url = preflight.database_url()
    path = preflight.embedded_path(url)
    if path is not None:
        preflight.require_writable(path.parent)
    before = asyncio.run(_migrate(url))
    if before == migrations.head():
        out.print(f"{preflight.spoken(url)} already stands at revision {before}.")
    else:
        out.print(f"{preflight.spoken(url)} moved from revision {before or 'none'} to {migrations.head()}.")


@app.command()
def audit(
    as_json: Annotated[bool, typer.Option("--json", help="A JSON list instead of a table.")] = False,
) -> None:
    """Hold orders, seats, entitlements, gifts, ledger and stages against each other. Status 1 on a finding."""
    found = asyncio.run(_audit())
    if as_json:
        typer.echo(msgspec.json.encode(found).decode())
    elif found:
        out.print(table(("check", "subject", "detail"), [(f.check, f.subject, f.detail) for f in found]))
        out.print(f"{len(found)} findings.", style="bold red")
    else:
        out.print("Nothing found: orders, seats, entitlements, gifts and ledger match.")
    if found:
        raise typer.Exit(FINDINGS)


async def _serve(settings: Settings) -> None:
    if settings.workers > 1:
        await supervise(settings)
        return
    # here, because the server's libraries take a second to load and the small commands need none of them
    from gateway.house.server import serve as run_server  # noqa: PLC0415

    await run_server(settings, loaded=loop.tame_garbage_collection)


def _welcome(settings: Settings) -> None:
    pages = [
        ("the show", f"{settings.own_url}/"),
        ("fans, side by side", f"{settings.own_url}/split"),
        ("one fan", f"{settings.own_url}/watch"),
        ("streamer console", f"{settings.own_url}/console"),
        ("reference", f"{settings.own_url}/docs"),
        ("test payments", settings.sandbox_url),
        ("state on disk", str(settings.data_dir.absolute())),
    ]
    lines = "\n".join(f"{what:<20}{where}" for what, where in pages)
    if not settings.web_dir.is_dir():
        lines += "\n\nThe pages are not built; `make build` builds them."
    out.print(Panel(lines, title="liveroom demo: play money", subtitle="Ctrl-C ends everything", expand=False))


async def _migrate(url: str) -> str | None:
    try:
        before = await migrations.current(url)
        await migrations.upgrade(url)
    except Exception as error:
        # whatever the database's driver raises: the first talk with it is where set-ups fail
        raise preflight.unreachable(url, error) from error
    return before


async def _audit() -> list[Finding]:
    settings = preflight.load_settings(Mode.DEMO)
    async with preflight.database(settings.effective_database_url) as database, database.survey() as connection:
        return await findings.findings(connection, clock.now_ms(), settings.stage_terms)


def _refuse(sentence: str) -> int:
    sys.stderr.write(f"liveroom: {sentence}\n")
    return EXPECTED_FAILURE


if __name__ == "__main__":
    sys.exit(main())
