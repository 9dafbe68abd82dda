"""What only demo and test mode have: a login for anybody, and shows to try things in."""

from collections.abc import Callable
from typing import Annotated

import msgspec
from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from auth.denials import Code, Denied
from auth.identity import Role, RoomId, ShowId, Tier, UserId
from auth.situation import Access, Phase
from auth.tokens import is_user_id, mint
from gateway.api.bodies import TOO_LARGE, read_body
from gateway.api.refusals import refusal
from gateway.setup.settings import Settings
from presale.catalogue import shows_sql
from presale.catalogue.shows import Product, ProductId, Show
from rooms.course import rooms_sql
from rooms.course.room import RoomRecord
from rooms.roles import roles_sql
from store.database_sql import Database, UnitOfWork

TOKEN_MS = 12 * 3_600_000
MINUTE_MS = 60_000
CURRENCY = "CNY"
DEMO = UserId("demo")
TICKETED = "Aurora Live 2026"
OPEN = "Soundcheck, doors open to all"
TITLES = {Access.TICKETED: TICKETED, Access.OPEN: OPEN}


class Login(Struct, frozen=True):
    """The user and role that somebody wants."""

    user: Annotated[str, Meta(min_length=1, max_length=64)]
    role: Role = Role.VIEWER


def playground_routes(
    db: Database, settings: Settings, clock: Callable[[], int], new_id: Callable[[], str]
) -> list[Route]:
    """`POST /demo/login` and `GET /demo/show`."""

    async def login(request: Request) -> Response:
        body = await read_body(request)
        if body is None:
            return refusal(TOO_LARGE, 413)
        try:
            wanted = msgspec.json.decode(body, type=Login)
        except msgspec.MsgspecError:
            return refusal(Denied(Code.BAD_REQUEST, detail={"field": "user, role"}))
        if not is_user_id(wanted.user):
            return refusal(Denied(Code.BAD_REQUEST, detail={"field": "user"}))
        async with db.write() as uow:
            await _become(uow, UserId(wanted.user), wanted.role)
        token = mint(
            settings.jwt_secrets[0],
            wanted.user,
            None,
            settings.jwt_issuer,
            settings.jwt_audience,
            clock(),
            TOKEN_MS,
            new_id(),
        )
        return JSONResponse({"token": token})

    async def show(_: Request) -> Response:
        async with db.write() as uow:
            current = await _selling_show(uow) or await _put_on(uow, Access.TICKETED)
            products = await shows_sql.list_products(uow.connection, current.id)
        return JSONResponse(
            {
                "show": current.id,
                "room": current.room,
                "products": [
                    {
                        "id": product.id,
                        "tier": product.tier.value,
                        "price_minor": product.price_minor,
                        "currency": current.currency,
                        "name": product.name,
                    }
                    for product in products
                ],
            }
        )

    return [Route("/demo/login", login, methods=["POST"]), Route("/demo/show", show)]


async def furnish(db: Database) -> None:
    """Make sure that there is a show that sells tickets, and an open one beside it."""
    async with db.write() as uow:
        await uow.take_turn("playground")  # several processes may open at a time
        if await _selling_show(uow) is None:
            await _put_on(uow, Access.TICKETED)
        if not await _shows(uow, Access.OPEN, _RUNNING):
            await _put_on(uow, Access.OPEN)


_RUNNING = frozenset({Phase.PRESALE, Phase.DOORS, Phase.LIVE, Phase.PAUSED})


async def _selling_show(uow: UnitOfWork) -> Show | None:
    """The newest ticketed show in presale."""
    shows = await _shows(uow, Access.TICKETED, frozenset({Phase.PRESALE}))
    return shows[-1] if shows else None


async def _shows(uow: UnitOfWork, access: Access, phases: frozenset[Phase]) -> list[Show]:
    """The demo's own shows of a kind in one of these phases, oldest first; shows that others made are left alone."""
    own = {
        room.show
        for room in await rooms_sql.list_rooms(uow.connection)
        if (room.access, room.title) == (access, TITLES[access]) and room.phase in phases
    }
    return [show for show in await shows_sql.list_shows(uow.connection) if show.id in own]


async def _put_on(uow: UnitOfWork, access: Access) -> Show:
    """Make a show in presale; whoever has a role in the other shows gets it here."""
    show = Show(
        id=ShowId(uow.new_id()),
        room=RoomId(uow.new_id()),
        currency=CURRENCY,
        refund_until_ms=uow.now_ms + 24 * 60 * MINUTE_MS,
        credit_minor=10,
    )
    staff = {
        (grant.user, grant.role)
        for other in await shows_sql.list_shows(uow.connection)
        for grant in await roles_sql.list_roles(uow.connection, other.id)
    }
    await shows_sql.create_show(uow, show)
    room = RoomRecord(
        id=show.room,
        show=show.id,
        title=TITLES[access],
        access=access,
        phase=Phase.PRESALE,
        doors_ms=uow.now_ms + 10 * MINUTE_MS,
        start_ms=uow.now_ms + 20 * MINUTE_MS,
    )
    await rooms_sql.create_room(uow, room)
    for name, tier, price_minor, capacity, included in (
        ("Main floor", Tier.MAIN, 6_800, 1_000, 100),
        ("VIP lounge", Tier.VIP, 18_800, 200, 500),
    ):
        await shows_sql.add_product(
            uow,
            Product(
                id=ProductId(uow.new_id()),
                show=show.id,
                name=name,
                tier=tier,
                price_minor=price_minor,
                capacity=capacity,
                credits=included,
            ),
        )
    for user, role in staff:
        await roles_sql.grant(uow, user, role, show.id, DEMO)
    return show


async def _become(uow: UnitOfWork, user: UserId, role: Role) -> None:
    """Grant the role in every show (operators everywhere), and revoke the others."""
    held = {(grant.show, grant.role) for grant in await roles_sql.list_held(uow.connection, user)}
    wanted: set[tuple[ShowId | None, Role]] = set()
    if role is Role.OPERATOR:
        wanted = {(None, role)}
    elif role.is_staff:
        wanted = {(show.id, role) for show in await shows_sql.list_shows(uow.connection)}
    for scope, old in held - wanted:
        await roles_sql.revoke(uow, user, old, scope, DEMO)
    for scope, new in wanted - held:
        await roles_sql.grant(uow, user, new, scope, DEMO)
