"""`liveroom contract`: writes the contract with clients as files, for machines and for people."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.output import out
from gateway.setup.preflight import CommandError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("contract")(write_contract)


def write_contract(
    folder: Annotated[Path, typer.Option("--out", help="Folder to write into; it is made if need be.")],
) -> None:
    """Write AsyncAPI, OpenAPI, TypeScript types and the reference pages of this version into a folder."""
    # here, because the small commands need none of what the documents are made from
    from gateway.reference.__main__ import write_all  # noqa: PLC0415

    try:
        files = write_all(folder)
    except OSError as error:
        raise CommandError(f"{folder} cannot be written: {(error.strerror or str(error)).lower()}.") from error
    for file in files:
        out.print(f"wrote {file}", markup=False, highlight=False)
