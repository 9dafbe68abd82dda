import pytest

from auth.denials import Code, Denied
from auth.identity import ShowId, Tier
from presale.catalogue.shows import Product, ProductId
from presale.orders.orders import TRANSITIONS, OrderEvent, OrderItem, OrderState, amount_minor, body_hash, price, step

P, D, C, R, X = OrderState.PENDING, OrderState.PAID, OrderState.CLOSED, OrderState.REFUNDING, OrderState.REFUNDED

# rows: events; columns: pending, paid, closed, refunding, refunded; None: refused
TABLE: dict[OrderEvent, tuple[OrderState | None, ...]] = {
    OrderEvent.PAY: (D, None, None, None, None),
    OrderEvent.EXPIRE: (C, None, None, None, None),
    OrderEvent.CANCEL: (C, None, None, None, None),
    OrderEvent.PAY_LATE: (None, None, D, None, None),
    OrderEvent.PAY_UNWANTED: (R, None, R, None, None),
    OrderEvent.REQUEST_REFUND: (None, R, None, None, None),
    OrderEvent.REFUND_SUCCEEDED: (None, None, None, X, None),
    OrderEvent.REFUND_FAILED: (None, None, None, D, None),
}


@pytest.mark.parametrize("event", OrderEvent)
@pytest.mark.parametrize(("column", "state"), list(enumerate((P, D, C, R, X))))
def test_every_event_in_every_state_ends_where_the_table_says(
    event: OrderEvent, column: int, state: OrderState
) -> None:
    expected = TABLE[event][column]
    after = step(state, event)
    if expected is None:
        assert after == Denied(Code.ORDER_STATE, detail={"state": state.value})
    else:
        assert after is expected


def test_refunded_is_the_only_end() -> None:
    assert set(OrderState) - {state for state, _ in TRANSITIONS} == {OrderState.REFUNDED}


def product(id_: str, price_minor: int = 100, credits_: int = 0) -> Product:
    return Product(
        id=ProductId(id_),
        show=ShowId("show"),
        name=id_,
        tier=Tier.MAIN,
        price_minor=price_minor,
        capacity=1,
        credits=credits_,
    )


PRODUCTS = {ProductId(id_): product(id_, price_minor) for id_, price_minor in (("a", 100), ("b", 250))}


def items(*asked: tuple[str, int]) -> list[OrderItem]:
    return [OrderItem(ProductId(id_), quantity) for id_, quantity in asked]


def test_lines_carry_the_prices_of_the_products_in_the_order_of_their_ids() -> None:
    lines = price(items(("b", 1), ("a", 1)), PRODUCTS)
    assert not isinstance(lines, Denied)
    assert [(line.product, line.price_minor) for line in lines] == [("a", 100), ("b", 250)]
    assert amount_minor(lines) == 350


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ([], Code.BAD_REQUEST),
        ([("a", 0)], Code.BAD_REQUEST),
        ([("a", -1)], Code.BAD_REQUEST),
        ([("a", 2)], Code.BAD_REQUEST),
        ([("a", 1), ("a", 1)], Code.BAD_REQUEST),
        ([(str(number), 1) for number in range(9)], Code.BAD_REQUEST),
        ([("elsewhere", 1)], Code.NOT_FOUND),
    ],
)
def test_carts_that_cannot_be_sold_are_refused(asked: list[tuple[str, int]], code: Code) -> None:
    refusal = price(items(*asked), PRODUCTS)
    assert isinstance(refusal, Denied)
    assert refusal.code is code


def test_the_order_of_the_items_does_not_change_what_was_asked() -> None:
    one, other = items(("a", 1), ("b", 1)), items(("b", 1), ("a", 1))
    assert body_hash(ShowId("s"), one, "p") == body_hash(ShowId("s"), other, "p")


def test_show_items_quantity_and_provider_all_change_what_was_asked() -> None:
    asked = {
        body_hash(ShowId(show), items(*cart), provider)
        for show in ("s", "t")
        for cart in ([("a", 1)], [("a", 2)], [("b", 1)])
        for provider in ("p", "q")
    }
    assert len(asked) == 12
