from auth.denials import Code, Denied
from auth.identity import RoomId, ShowId, UserId
from presale.catalogue.offer import Offer
from presale.catalogue.shows import Show
from presale.orders.orders import Order, OrderId, OrderState, Payment, PaymentProgress
from presale.payments.receipts import Receipt, receive

SHOW = Show(id=ShowId("show"), room=RoomId("room"), currency="CNY")
ORDER = Order(
    id=OrderId("order"),
    show=SHOW.id,
    user=UserId("fan"),
    state=OrderState.PAID,
    amount_minor=100,
    currency="CNY",
    lines=(),
    expires_ms=1,
    key="key",
    body_hash="",
    provider="fake",
    payment="first",
    pay_url=None,
    version=2,
    created_ms=0,
    paid_ms=1,
)


# The walk of test_decisions.py found it: the attempt was to be marked as mismatched, which the database refuses for one
# that has brought money, and the callback was answered with a lost race for ever.
def test_other_money_for_a_doubled_attempt_that_brought_its_own_is_refused() -> None:
    doubled = Payment(
        id="second",
        order=ORDER.id,
        provider="fake",
        provider_ref=None,
        amount_minor=100,
        currency="CNY",
        progress=PaymentProgress.PAID,
        transaction="t-1",
    )
    other = Receipt(provider="fake", payment="second", transaction="t-2", amount_minor=101, currency="CNY")
    decided = receive(
        Offer(SHOW, ()), ORDER, doubled, other, [ORDER], admits=True, is_elsewhere=False, now_ms=2, new_id=lambda: "id"
    )
    assert decided == Denied(Code.BAD_REQUEST, detail={"field": "amount"})
