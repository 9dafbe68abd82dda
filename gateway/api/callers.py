"""Authenticates callers by bearer token, and reads from SQL their role in a show; a ban takes the role away."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Protocol, TypeVar

from fastapi import Header
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.denials import Code, Denied
from auth.identity import Identity, Role, ShowId, UserId
from gateway.api.refusals import Refused, granted
from presale.use_cases.box_office import BoxOffice
from rooms.roles import roles_sql
from rooms.stage.stage import Terms
from store.database_sql import Database, UnitOfWork

_T = TypeVar("_T")

AuthorizationHeader = Annotated[str, Header(include_in_schema=False)]
"""OpenAPI describes it as the route's security, so it is left out of the parameters."""


class Verifier(Protocol):
    """Turns a token into its bearer; `auth.tokens.TokenVerifier` is one."""

    def verify(self, token: str, now_ms: int) -> Identity | Denied:
        """The bearer, or TOKEN_INVALID or TOKEN_EXPIRED."""
        ...


async def _nothing() -> None:
    pass


@dataclass(frozen=True, slots=True)
class ApiDependencies:
    """What the API is made of."""

    db: Database
    box_office: BoxOffice
    verifier: Verifier
    clock: Callable[[], int]
    stage_terms: Terms
    revoked: Callable[[], Awaitable[None]] = _nothing
    """To be awaited after a revocation was committed: this process refuses the token from then on."""


def caller_of(deps: ApiDependencies) -> Callable[..., Identity]:
    """A dependency: the caller, or 401."""

    def caller(authorization: AuthorizationHeader = "") -> Identity:
        identity = _bearer(deps, authorization)
        if identity is None:
            raise Refused(Denied(Code.TOKEN_INVALID))
        return identity

    return caller


def optional_caller_of(deps: ApiDependencies) -> Callable[..., Identity | None]:
    """A dependency: the caller, None without a token, 401 with an invalid one."""

    def caller(authorization: AuthorizationHeader = "") -> Identity | None:
        return _bearer(deps, authorization)

    return caller


async def role_in(connection: AsyncConnection, user: UserId | None, show: ShowId) -> Role:
    """The caller's role in a show; a viewer where there is no caller."""
    return Role.VIEWER if user is None else await roles_sql.acting_role(connection, user, show)


async def require_role(connection: AsyncConnection, user: UserId, show: ShowId, *allowed: Role) -> Role:
    """The caller's role in a show, or 403 if it is not one of these."""
    role = await roles_sql.acting_role(connection, user, show)
    if role not in allowed:
        raise Refused(Denied(Code.FORBIDDEN))
    return role


def operator_everywhere(who: Identity) -> Callable[[AsyncConnection], Awaitable[Role]]:
    """A check that the caller is operator of every show, also of future ones."""

    async def check(connection: AsyncConnection) -> Role:
        return await require_role(connection, who.user, roles_sql.EVERYWHERE, Role.OPERATOR)

    return check


@asynccontextmanager
async def checked_write(
    db: Database, check: Callable[[AsyncConnection], Awaitable[_T]]
) -> AsyncIterator[tuple[UnitOfWork, _T]]:
    """A write transaction, opened only for callers that pass `check`; it runs again inside, where its result counts.

    Writers queue for the database, readers do not: strangers are refused without delaying anybody.
    """
    async with db.read() as connection:
        await check(connection)
    async with db.write() as uow:
        yield uow, await check(uow.connection)


@asynccontextmanager
async def checked_survey(
    db: Database, check: Callable[[AsyncConnection], Awaitable[_T]]
) -> AsyncIterator[tuple[AsyncConnection, _T]]:
    """A long read, begun only for callers that pass `check`.

    Few long reads run at a time, and opening a room needs one: a refused caller must not occupy any of them.
    """
    async with db.read() as connection:
        checked = await check(connection)
    async with db.survey() as connection:
        yield connection, checked


def _bearer(deps: ApiDependencies, authorization: str) -> Identity | None:
    if not authorization:
        return None
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise Refused(Denied(Code.TOKEN_INVALID))
    return granted(deps.verifier.verify(token.strip(), deps.clock()))
