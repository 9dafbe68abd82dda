"""How a show sells, as its room follows it."""

from collections.abc import Iterable, Sequence

from msgspec import UNSET, structs
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.door import Surface
from gateway.features.sales import wire
from gateway.replica.news import AnyEvent, Effect, Fact, Knowledge, Moment, Pace, State
from gateway.replica.orders import CONSOLES, FANS, Order, ReadAgain, TellState, View
from gateway.replica.reading import GiftsCounted, ProductsListed
from gateway.replica.replica import ROOM_NEWS
from presale.books import revenue_sql
from presale.books.events import RevenueChanged
from presale.catalogue import shows_sql
from presale.catalogue.events import ProductCount, SalesChanged
from rooms.course.events import RoomState
from rooms.course.room import RoomRecord


def _sales(event: SalesChanged, known: Knowledge, view: View, _moment: Moment) -> wire.Sales:
    """Consoles always see what is left."""
    show_left = view.surface is Surface.CONSOLE or known.room.switches.sales_left
    return wire.Sales([_product(count, show_left=show_left) for count in event.products], event.version)


def _product(count: ProductCount, *, show_left: bool) -> wire.ProductSales:
    left = count.capacity - count.sold - count.held if show_left else UNSET
    return wire.ProductSales(count.id, count.sold, count.held, left)


def revenue_shape(known: Knowledge) -> wire.Revenue:
    """The `revenue` event: money of the box office, and the credits of all gifts."""
    money, given = known.newest(RevenueChanged), known.newest(GiftsCounted).credits
    return wire.Revenue(
        money.currency,
        money.gross_minor,
        money.refunded_minor,
        money.orders_paid,
        given,
        money.version + given,
    )


def _left_shown(_event: RoomState, before: RoomRecord, known: Knowledge, _moment: Moment) -> Iterable[Order]:
    if before.switches.sales_left is not known.room.switches.sales_left:
        yield TellState(SalesChanged)


def _other_products(event: SalesChanged, _before: RoomRecord, known: Knowledge, _moment: Moment) -> Iterable[Order]:
    if {count.id for count in event.products} != {product.id for product in known.newest(ProductsListed).products}:
        yield ReadAgain()


def _gift_sent(_event: GiftsCounted, _before: RoomRecord, _known: Knowledge, _moment: Moment) -> Iterable[Order]:
    yield TellState(RevenueChanged)


async def load(connection: AsyncConnection, room: RoomRecord, counted: int) -> Sequence[AnyEvent]:
    """What the show sells, how it sells, and what came in."""
    show = await shows_sql.load_show_of_room(connection, room.id)
    assert show is not None, "a room and its show are made in one transaction"
    products = tuple(await shows_sql.list_products(connection, show.id))
    counts = [ProductCount(product.id, product.sold, product.held, product.capacity) for product in products]
    version = sum(product.version for product in products)
    money = await revenue_sql.revenue(connection, show)
    return [
        ProductsListed(tuple(structs.replace(product, sold=0, held=0, version=1) for product in products)),
        SalesChanged(show.id, counts, version),
        RevenueChanged(
            show.id, money.currency, money.gross_minor, money.refunded_minor, money.orders_paid, money.version
        ),
    ]


NEWS = (
    Fact(ProductsListed, version=lambda listed: len(listed.products)),
    State(SalesChanged, wire.SALES, _sales, views=(FANS, CONSOLES), pace=Pace.CONFLATED, hello="sales"),
    Effect((SalesChanged,), _other_products),
    Effect(ROOM_NEWS, _left_shown),
    State(
        RevenueChanged,
        wire.REVENUE,
        lambda _, known, *__: revenue_shape(known),
        views=(CONSOLES,),
        pace=Pace.CONFLATED,
    ),
    Effect((GiftsCounted,), _gift_sent),
)
