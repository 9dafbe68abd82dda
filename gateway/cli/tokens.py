"""`liveroom token`: mint one as your platform would, or take tokens back before their time."""

import asyncio
import math
import time
from datetime import UTC, datetime
from typing import Annotated

import typer

from auth.denials import Code, Denied
from auth.revocations import Kind, Revocation
from auth.tokens import mint
from gateway.cli.output import out
from gateway.cli.roles import BY_COMMAND_LINE
from gateway.setup import clock, preflight
from gateway.setup.preflight import CommandError
from rooms import revocations_sql

app = typer.Typer(help="Print a token, or take tokens back (revoke).")


@app.callback(invoke_without_command=True)
def token(
    context: typer.Context,
    user: Annotated[str | None, typer.Option(help="The user's id on your platform.")] = None,
    name: Annotated[str | None, typer.Option(help="The name others see; the id without one.")] = None,
    hours: Annotated[float, typer.Option(help="How long it lives, at most 24.")] = 12,
) -> None:
    """Print a token as your platform would mint it, signed with the first HS256 secret; or `revoke` some."""
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
    if (user is None) is (jti is None):
        raise CommandError("name either a user with --user or one token with --jti.")
    kind = Kind.USER if user is not None else Kind.JTI
    made = asyncio.run(_revoke(kind, user if user is not None else jti or ""))
    time.sleep(max(0, made.settled_ms - clock.now_ms()) / 1000)  # what is minted after our word is taken
    until = datetime.fromtimestamp(made.until_ms / 1000, UTC).isoformat(timespec="milliseconds")
    told = f"All tokens of {user} issued until {until} are" if user is not None else f"The token {jti} is"
    out.print(f"{told} refused.", markup=False)


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
    raise CommandError("a user id has 1 to 64 characters, a `jti` 1 to 128, and no control characters.")
