"""`liveroom names list | set`: what viewers of a show may not call themselves."""

import asyncio
from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.denials import Denied
from auth.identity import RoomId, ShowId
from gateway.cli.output import out
from gateway.cli.roles import BY_COMMAND_LINE
from gateway.setup import preflight
from gateway.setup.preflight import CommandError
from rooms.course import rooms_sql
from rooms.names import names_sql
from rooms.names.names import MAX_OFFICIAL, NamesRecord

app = typer.Typer(help="The official names of a show, which no viewer may take.")

Show = Annotated[str, typer.Argument(help="The show's id.")]


@app.command("list")
def list_names(show: Show) -> None:
    """The names that the show keeps, and those of its hosts."""
    _tell(asyncio.run(_load(show)))


@app.command("set")
def set_names(
    show: Show,
    names: Annotated[list[str] | None, typer.Argument(help="The whole list; without any none is kept.")] = None,
) -> None:
    """Keep these names and no others. Viewers who bear one are shown under another at once."""
    _tell(asyncio.run(_set(show, names or [])))


async def _load(show: str) -> NamesRecord:
    async with preflight.database(preflight.database_url()) as database, database.read() as connection:
        return await names_sql.load(connection, await _room(connection, show))


async def _set(show: str, names: list[str]) -> NamesRecord:
    async with preflight.database(preflight.database_url()) as database, database.write() as uow:
        changed = await names_sql.set_official(uow, await _room(uow.connection, show), names, BY_COMMAND_LINE)
    if isinstance(changed, Denied):
        raise CommandError(f"a show keeps at most {MAX_OFFICIAL} names, each of 1 to 40 characters that are seen.")
    return changed


async def _room(connection: AsyncConnection, show: str) -> RoomId:
    found = await rooms_sql.load_room_of(connection, ShowId(show))
    if found is None:
        raise CommandError(f"there is no show {show}.")
    return found.id


def _tell(names: NamesRecord) -> None:
    out.print(f"official: {', '.join(names.official) or 'none'}", markup=False)
    out.print(f"hosts: {', '.join(sorted(set(names.hosts.values()))) or 'none'}", markup=False)
