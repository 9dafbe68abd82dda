"""`liveroom doctor` and `liveroom settings`: what is set, what it means, and what is wrong with it."""

import asyncio
import os
from typing import Annotated

import msgspec
import typer

from gateway.cli.output import out
from gateway.setup import doctor, preflight
from gateway.setup.described import described
from gateway.setup.doctor import Finding, Level

STYLES = {Level.OK: "green", Level.NOTE: "cyan", Level.WARNING: "yellow", Level.FAILURE: "bold red"}

AsJson = Annotated[bool, typer.Option("--json", help="A JSON list instead of a table.")]


def register(app: typer.Typer) -> None:
    """Add both commands."""
    app.command("doctor")(run_doctor)
    app.command("settings")(list_settings)


def run_doctor(as_json: AsJson = False) -> None:
    """Look at settings, disk, database, keys and neighbours. Status 1 when something must be changed."""
    findings = asyncio.run(_examine())
    if as_json:
        typer.echo(msgspec.json.encode(findings).decode())
    else:
        for finding in findings:
            out.print(f"{finding.level.value:<8}", style=STYLES[finding.level], end="")
            out.print(f"{finding.subject}: {finding.says}", markup=False)
            if finding.change:
                out.print(f"{'':<8}-> {finding.change}", style="dim", markup=False)
    if any(finding.level is Level.FAILURE for finding in findings):
        raise typer.Exit(1)


def list_settings(as_json: AsJson = False) -> None:
    """Every setting with its unit, default and meaning, and what this environment sets."""
    rows = described(os.environ)
    if as_json:
        typer.echo(msgspec.json.encode(rows).decode())
        return
    for row in rows:
        out.print(row.name, style="bold", end="")
        out.print(f"  {row.unit}, default {row.default or 'none'}", style="dim", markup=False, end="")
        out.print(f"  = {row.value}" if row.value else "", style="green", markup=False)
        out.print(f"    {row.meaning}", markup=False)


async def _examine() -> list[Finding]:
    try:
        settings = preflight.load_settings()
    except preflight.CommandError as error:
        return [
            Finding(Level.FAILURE, "settings", str(error), "`liveroom settings` lists them; LIVEROOM_MODE=demo to try")
        ]
    return [finding async for finding in doctor.examine(settings)]
