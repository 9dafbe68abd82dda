"""`liveroom role grant | revoke | list`: the first operator has nobody else to be named by."""

import asyncio
from typing import Annotated

import typer

from auth.denials import Denied
from auth.identity import Role, ShowId, UserId
from auth.tokens import is_user_id
from gateway.cli.output import out, table
from gateway.setup import preflight
from gateway.setup.preflight import CommandError
from presale.catalogue import shows_sql
from rooms.roles import roles_sql
from rooms.roles.roles_sql import RoleGrant

BY_COMMAND_LINE = UserId("cli")
GIVEN = (Role.OPERATOR, Role.HOST, Role.MODERATOR)

app = typer.Typer(help="Who is operator, host or moderator.")

User = Annotated[str, typer.Argument(help="The user's id on your platform.")]
GivenRole = Annotated[Role, typer.Argument(help="operator, host or moderator.")]
Show = Annotated[str | None, typer.Option(help="The show it holds for; without one it holds everywhere (operator).")]


@app.command()
def grant(user: User, role: GivenRole, show: Show = None) -> None:
    """Give a role. Giving it again changes nothing."""
    asyncio.run(_change(user, role, show, gives=True))
    out.print(f"{user} is {role.value} of {_spoken(show)}.", markup=False)


@app.command()
def revoke(user: User, role: GivenRole, show: Show = None) -> None:
    """Take a role. Open sockets of the user lose it at once."""
    asyncio.run(_change(user, role, show, gives=False))
    out.print(f"{user} is no longer {role.value} of {_spoken(show)}.", markup=False)


@app.command("list")
def list_roles(show: Show = None) -> None:
    """Who has a role in the show, those who have one everywhere included."""
    given = asyncio.run(_list(show))
    if not given:
        out.print("Nobody has a role.")
        return
    out.print(table(("user", "role", "show"), [(each.user, each.role.value, _spoken(each.show)) for each in given]))


async def _change(user: str, role: Role, show: str | None, *, gives: bool) -> None:
    if role not in GIVEN:
        raise CommandError("everybody is a viewer: give or take operator, host or moderator.")
    if show is None and role is not Role.OPERATOR:
        raise CommandError(f"a {role.value} belongs to one show: name it with --show.")
    if not is_user_id(user):
        raise CommandError("a user id has 1 to 64 characters and no control characters.")
    async with preflight.database(preflight.database_url()) as database, database.write() as uow:
        if show is not None and await shows_sql.load_show(uow.connection, ShowId(show)) is None:
            raise CommandError(f"there is no show {show}.")
        change = roles_sql.grant if gives else roles_sql.revoke
        changed = await change(uow, UserId(user), role, ShowId(show) if show else None, BY_COMMAND_LINE)
        if isinstance(changed, Denied):
            raise CommandError(f"{user} is not {role.value} of {_spoken(show)}.")


async def _list(show: str | None) -> list[RoleGrant]:
    async with preflight.database(preflight.database_url()) as database, database.read() as connection:
        everywhere = await roles_sql.list_roles(connection, None)
        return everywhere + (await roles_sql.list_roles(connection, ShowId(show)) if show else [])


def _spoken(show: str | None) -> str:
    return show or "every show"
