"""Routes by which staff put shows on, change them and add products."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Depends
from msgspec import structs
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.denials import Code, Denied
from auth.identity import Identity, Role, RoomId, ShowId, Tier
from auth.situation import Access, Phase
from gateway.api.callers import ApiDependencies, caller_of, checked_write, operator_everywhere, require_role
from gateway.api.refusals import Refused, granted
from gateway.api.routing import needs
from gateway.features.sales.bodies import NewProduct, NewShow, ProductBody, ShowBody, ShowChanges
from gateway.features.sales.catalogue import Listed, product_body
from gateway.features.sales.routes import existing_show
from presale.catalogue import announcements_sql, shows_sql
from presale.catalogue.shows import Product, ProductId, Show, is_priced, planned
from presale.refunds import refunds, refunds_sql
from rooms import turns_sql
from rooms.audit import audit_sql
from rooms.course import rooms_sql
from rooms.course.room import RoomRecord
from store.database_sql import UnitOfWork


def programme_routes(deps: ApiDependencies) -> APIRouter:
    """Operators put shows on, hosts change theirs."""
    router = APIRouter(tags=["shows"])
    caller = caller_of(deps)

    @router.post("/v1/shows", status_code=201, **needs("operator"))
    async def create_show(body: NewShow, who: Annotated[Identity, Depends(caller)]) -> ShowBody:
        """Put a show on, with its room and products; it begins as a draft."""
        async with checked_write(deps.db, operator_everywhere(who)) as (uow, _):
            show, room, products = await _put_on(uow, body, who)
        return Listed(show, room, products).body(Role.OPERATOR, deps.clock())

    @router.patch("/v1/shows/{show}", **needs("operator", "host"))
    async def change_show(show: str, body: ShowChanges, who: Annotated[Identity, Depends(caller)]) -> ShowBody:
        """Move a show, or set its deadline for refunds or the price of a spent credit."""
        async with checked_write(deps.db, _run_by(who, show)) as (uow, existing):
            changed, room = await _change(uow, existing, body, who)
            products = await shows_sql.list_products(uow.connection, changed.id)
        return Listed(changed, room, products).body(Role.OPERATOR, deps.clock())

    @router.post("/v1/shows/{show}/products", status_code=201, **needs("operator", "host"))
    async def add_product(show: str, body: NewProduct, who: Annotated[Identity, Depends(caller)]) -> ProductBody:
        """Sell one more kind of ticket."""
        async with checked_write(deps.db, _run_by(who, show)) as (uow, seen):
            await shows_sql.take_turn(uow, seen.id)  # the price of its credits stays as it is read now
            existing = await existing_show(uow.connection, show)
            product = _offered(body, existing, uow)
            if not is_priced(existing, [product]):
                raise Refused(Denied(Code.BAD_REQUEST, detail={"field": "credits"}))
            await shows_sql.add_product(uow, product)
            await announcements_sql.sales_changed(uow, existing)
            await audit_sql.record(uow, existing.room, who.user, "product:add", product.id)
        return product_body(product, existing.currency, shows_left=True)

    return router


def _run_by(who: Identity, show: str) -> Callable[[AsyncConnection], Awaitable[Show]]:
    """A check that answers the show, if the caller runs it."""

    async def check(connection: AsyncConnection) -> Show:
        existing = await existing_show(connection, show)
        await require_role(connection, who.user, existing.id, Role.OPERATOR, Role.HOST)
        return existing

    return check


async def _put_on(uow: UnitOfWork, body: NewShow, who: Identity) -> tuple[Show, RoomRecord, list[Product]]:
    """The show with its room in `draft` and its products; for those who are operators everywhere."""
    show = _planned(body, ShowId(uow.new_id()), RoomId(uow.new_id()))
    products = [_offered(product, show, uow) for product in body.products]
    room = RoomRecord(
        id=show.room,
        show=show.id,
        title=body.title,
        access=Access(body.access),
        phase=Phase.DRAFT,
        doors_ms=body.doors_ms,
        start_ms=body.start_ms,
    )
    _refuse_if(planned(room.course, show.refund_until_ms, uow.now_ms) or _unpriced(show, products))
    await shows_sql.create_show(uow, show)
    granted(await rooms_sql.create_room(uow, room, by=who.user))
    for product in products:
        await shows_sql.add_product(uow, product)
    return show, room, products


async def _change(uow: UnitOfWork, before: Show, body: ShowChanges, who: Identity) -> tuple[Show, RoomRecord]:
    """The show as it is wanted, in its own turn and its room's."""
    await turns_sql.take(uow, before.room)
    await shows_sql.take_turn(uow, before.id)
    before = await existing_show(uow.connection, before.id)
    room = await rooms_sql.load_room(uow.connection, before.room)
    assert room is not None, "a show has a room"
    doors_ms = room.doors_ms if body.doors_ms is None else body.doors_ms
    start_ms = room.start_ms if body.start_ms is None else body.start_ms
    course = room.course._replace(doors_ms=doors_ms, start_ms=start_ms)
    after = refunds.moved(before, room.course, course, uow.now_ms)
    named = body.model_fields_set
    if "refund_until_ms" in named:
        after = structs.replace(after, refund_until_ms=body.refund_until_ms)
    if body.credit_minor is not None:
        after = structs.replace(after, credit_minor=body.credit_minor)
        _refuse_if(_unpriced(after, await shows_sql.list_products(uow.connection, after.id)))
    _refuse_if(planned(course, after.refund_until_ms, uow.now_ms, named))
    if course != room.course:
        room = granted(await rooms_sql.update_schedule(uow, room.id, doors_ms, start_ms, who.user))
    if (after.refund_until_ms, after.credit_minor) != (before.refund_until_ms, before.credit_minor):
        told = f"refund_until_ms={after.refund_until_ms} credit_minor={after.credit_minor}"
        await audit_sql.record(uow, room.id, who.user, "show:refunds", told)
    return await refunds_sql.change_show(uow, before, after, was=room.phase, phase=room.phase), room


def _unpriced(show: Show, products: list[Product]) -> Denied | None:
    return None if is_priced(show, products) else Denied(Code.BAD_REQUEST, detail={"field": "credit_minor"})


def _refuse_if(denied: Denied | None) -> None:
    if denied is not None:
        raise Refused(denied)


def _planned(body: NewShow, show: ShowId, room: RoomId) -> Show:
    return Show(
        id=show,
        room=room,
        currency=body.currency,
        refund_until_ms=body.refund_until_ms,
        credit_minor=body.credit_minor,
    )


def _offered(body: NewProduct, show: Show, uow: UnitOfWork) -> Product:
    return Product(
        id=ProductId(uow.new_id()),
        show=show.id,
        name=body.name,
        tier=Tier(body.tier),
        price_minor=body.price_minor,
        capacity=body.capacity,
        credits=body.credits,
        repeatable=body.repeatable,
    )
