"""`liveroom token`: mint one as your platform would, take tokens back before their time, or let them be taken again."""

import asyncio
import math
import time
from datetime import UTC, datetime
from typing import Annotated

import typer

from auth.denials import Code, Denied
from auth.revocations import Kind, Revocation
from auth.tokens import mint
from gateway.cli.output import out, table
from gateway.cli.roles import BY_COMMAND_LINE
from gateway.setup import clock, preflight
from gateway.setup.preflight import CommandError
from rooms.roles import revocations_sql
from rooms.roles.revocations_sql import Standing

NO_SUBJECT = "a user id has 1 to 64 characters, a `jti` 1 to 128, and no control characters."

app = typer.Typer(help="Print a token, take tokens back (revoke), list what was (list-revoked), or undo it (restore).")


@app.callback(invoke_without_command=True)
def token(
    context: typer.Context,
    user: Annotated[str | None, typer.Option(help="The user's id on your platform.")] = None,
    name: Annotated[str | None, typer.Option(help="The name others see; the id without one.")] = None,
    hours: Annotated[float, typer.Option(help="How long it lives, at most 24.")] = 12,
) -> None:
    """Print a token as your platform would mint it, signed with the first HS256 secret; or see the commands below."""
    if context.invoked_subcommand is not None:
        return
    if user is None:
        raise CommandError("whose token: name the user with --user; see `liveroom --help`.")
    if not math.isfinite(hours):
        raise CommandError("--hours is a number of hours, at most 24.")
    settings = preflight.minting_settings()
    try:
        minted = mint(
            settings.jwt_secrets[0],
            user,
            name,
            settings.jwt_issuer,
            settings.jwt_audience,
            clock.now_ms(),
            round(hours * 3_600_000),
            clock.new_id(),
        )
    except (ValueError, OverflowError) as error:
        raise CommandError(f"{error}.") from error
    typer.echo(minted)


@app.command()
def revoke(
    user: Annotated[str | None, typer.Option(help="Take back all tokens that this user was given until now.")] = None,
    jti: Annotated[str | None, typer.Option(help="Take back the one token with this `jti`.")] = None,
) -> None:
    """Take tokens back. Every process refuses them within a second, and their open sockets end."""
    made = asyncio.run(_revoke(*_named(user, jti)))
    time.sleep(max(0, made.settled_ms - clock.now_ms()) / 1000)  # what is minted after our word is taken
    told = (
        f"All tokens of {user} issued until {_told(made.until_ms)} are" if user is not None else f"The token {jti} is"
    )
    out.print(f"{told} refused.", markup=False)


@app.command()
def restore(
    user: Annotated[str | None, typer.Option(help="Lift the revocation of this user's tokens.")] = None,
    jti: Annotated[str | None, typer.Option(help="Lift the revocation of the token with this `jti`.")] = None,
) -> None:
    """Undo a revocation: every process takes the tokens again within a second, while they are valid by themselves."""
    kind, subject = _named(user, jti)
    asyncio.run(_restore(kind, subject))
    told = f"Tokens of {subject} are" if kind is Kind.USER else f"The token {subject} is"
    out.print(f"{told} taken again.", markup=False)


@app.command("list-revoked")
def list_revoked() -> None:
    """The revocations that hold, the newest first."""
    found = asyncio.run(_list_revoked())
    if not found:
        out.print("No token is revoked.")
        return
    rows = [
        (
            one.revocation.kind.value,
            one.revocation.subject,
            _told(one.revocation.until_ms),
            _told(one.revocation.ends_ms),
            one.by,
        )
        for one in found
    ]
    out.print(table(("what", "which", "issued until", "ends", "by"), rows))


def _named(user: str | None, jti: str | None) -> tuple[Kind, str]:
    if (user is None) is (jti is None):
        raise CommandError("name either a user with --user or one token with --jti.")
    return (Kind.USER, user) if user is not None else (Kind.JTI, jti or "")


def _told(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")


async def _list_revoked() -> list[Standing]:
    found: list[Standing] = []
    async with preflight.database(preflight.database_url()) as database, database.read() as connection:
        while page := await revocations_sql.list_standing(
            connection, clock.now_ms(), before=found[-1].revocation.version if found else revocations_sql.NEWEST
        ):
            found += page
    return found


async def _restore(kind: Kind, subject: str) -> None:
    async with preflight.database(preflight.database_url()) as database, database.write() as uow:
        lifted = await revocations_sql.lift(uow, kind, subject, BY_COMMAND_LINE)
    if isinstance(lifted, Denied):
        named = f"tokens of {subject} are" if kind is Kind.USER else f"the token {subject} is"
        raise CommandError(NO_SUBJECT if lifted.code is Code.BAD_REQUEST else f"{named} not revoked.")


async def _revoke(kind: Kind, subject: str) -> Revocation:
    async with preflight.database(preflight.database_url()) as database, database.write() as uow:
        made = await revocations_sql.revoke(uow, kind, subject, BY_COMMAND_LINE)
        if not isinstance(made, Denied):
            return made
    if made.code is Code.BUSY:
        raise CommandError(
            f"{revocations_sql.MAX_REVOCATIONS} revocations stand already; take a whole user's tokens back instead of "
            "single ones, or exchange the key that signed them."
        )
    raise CommandError(NO_SUBJECT)
