"""`liveroom doctor` and `liveroom settings`: what is set, what it means, and what is wrong with it."""

import asyncio
import os
import re
import types
import typing
from enum import StrEnum
from typing import Annotated

import msgspec
import typer
from msgspec import Struct
from pydantic_core import PydanticUndefined

from gateway import doctor, preflight
from gateway.cli_output import out
from gateway.doctor import Finding, Level
from gateway.settings import Settings

SECRET = re.compile(r"secret|database_url")
UNITS = {
    "_per_second": "per second",
    "_per_minute": "per minute",
    "_seconds": "seconds",
    "_ms": "milliseconds",
    "_bytes": "bytes",
    "_port": "port",
    "port": "port",
    "_url": "URL",
    "_dir": "folder",
    "_file": "file",
}
STYLES = {Level.OK: "green", Level.NOTE: "cyan", Level.WARNING: "yellow", Level.FAILURE: "bold red"}

AsJson = Annotated[bool, typer.Option("--json", help="A JSON list instead of a table.")]


class Setting(Struct, frozen=True):
    """A setting as people read of it."""

    name: str
    unit: str
    default: str
    value: str
    """What the environment sets it to; empty where it does not."""
    meaning: str


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
    rows = all_settings()
    if as_json:
        typer.echo(msgspec.json.encode(rows).decode())
        return
    for row in rows:
        out.print(row.name, style="bold", end="")
        out.print(f"  {row.unit}, default {row.default or 'none'}", style="dim", markup=False, end="")
        out.print(f"  = {row.value}" if row.value else "", style="green", markup=False)
        out.print(f"    {row.meaning}", markup=False)


def all_settings() -> list[Setting]:
    """Every setting, in the order of the source. Values of secrets are not told, only that they are set."""
    described = []
    for name, field in Settings.model_fields.items():
        variable = f"LIVEROOM_{name.upper()}"
        value = os.environ.get(variable, "")
        default = field.get_default(call_default_factory=True, validated_data={})
        described.append(
            Setting(
                variable,
                unit_of(name, field.annotation),
                "" if default in (PydanticUndefined, None, "", []) else str(default),
                "(set)" if value and SECRET.search(name) else value,
                field.description or "",
            )
        )
    return described


def unit_of(name: str, annotation: object) -> str:
    """The unit of a setting, as its name or its type tells."""
    for suffix, unit in UNITS.items():
        if name.endswith(suffix):
            return unit
    parts = [annotation, *typing.get_args(annotation)]
    if any(isinstance(part, type) and issubclass(part, StrEnum) for part in parts):
        kinds = [part for part in parts if isinstance(part, type) and issubclass(part, StrEnum)]
        return " | ".join(kinds[0])
    if typing.get_origin(annotation) is list:
        return "list"
    if annotation is int:
        return "count"
    return "text" if annotation is str or isinstance(annotation, types.UnionType) else ""


async def _examine() -> list[Finding]:
    try:
        settings = preflight.load_settings()
    except preflight.CommandError as error:
        return [
            Finding(Level.FAILURE, "settings", str(error), "`liveroom settings` lists them; LIVEROOM_MODE=demo to try")
        ]
    return [finding async for finding in doctor.examine(settings)]
