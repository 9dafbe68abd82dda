"""`liveroom rehearse`: plays a show with a simulated crowd before the real one comes."""

import asyncio
import secrets
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from gateway.cli.output import out

FAILED = 1
LEAST_SECONDS = 4
MOST_SECONDS = 86_400


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(rehearse)


def rehearse(
    url: Annotated[str, typer.Option(help="The demo or test server.")] = "http://127.0.0.1:8000",
    fans: Annotated[int, typer.Option(min=12, max=20_000, help="How many come.")] = 100,
    seconds: Annotated[
        float, typer.Option(min=LEAST_SECONDS, max=MOST_SECONDS, help="How long the live part lasts.")
    ] = 20,
    seed: Annotated[
        int | None, typer.Option(help="The same seed makes the same choices; a new one without it.")
    ] = None,
    rights_within_ms: Annotated[
        int, typer.Option(min=1, max=60_000, help="What p99 of promotion and demotion may take.")
    ] = 1000,
    as_json: Annotated[bool, typer.Option("--json", help="The report as one JSON document.")] = False,
) -> None:
    """Play a whole show of its own on a demo or test server with a crowd, and hold what it saw against SQL.

    Status 0: everything held. 1: a check failed. 2: it could not be played to its end.
    """
    # here, because the crowd's libraries take a moment to load and the small commands need none of them
    from gateway.rehearsal import rehearse as rehearsal  # noqa: PLC0415
    from gateway.rehearsal.report import told  # noqa: PLC0415

    wishes = rehearsal.Wishes(url, fans, seconds, secrets.randbelow(10**6) if seed is None else seed, rights_within_ms)
    report = asyncio.run(rehearsal.rehearse(wishes, Console(stderr=True, highlight=False) if as_json else out))
    if as_json:
        typer.echo(msgspec.json.encode(report).decode())
    else:
        out.print(told(report))
    if not report.passed:
        raise typer.Exit(FAILED)
