"""What every payment provider adapter must do; inherit the class and give it a `world`."""

import json
from dataclasses import dataclass
from typing import Protocol

import pytest

from auth.denials import Code, Denied
from presale.payments.payments import (
    MAX_CALLBACK_BYTES,
    AlreadyPaid,
    Closed,
    Created,
    Paid,
    PaymentPaid,
    PaymentProvider,
    PaymentRequest,
    RefundRequest,
    RefundSettled,
    RefundState,
    RefundStatus,
    Unavailable,
    Unknown,
    Unpaid,
)

STALE_MS = 301_000
AMOUNT = 12_800


@dataclass(frozen=True)
class Received:
    """A callback as it came in."""

    headers: dict[str, str]
    body: bytes


class PaymentWorld(Protocol):
    """A provider with a fan who pays at it and an endpoint it calls back."""

    @property
    def provider(self) -> PaymentProvider: ...

    @property
    def unreachable(self) -> PaymentProvider:
        """The same adapter pointed to where nobody listens."""
        ...

    def now_ms(self) -> int: ...
    def new_id(self) -> str: ...
    async def pay(self, created: Created) -> None: ...
    async def decline(self, created: Created) -> None: ...
    async def callbacks(self, payment: str, count: int) -> list[Received]:
        """The first `count` callbacks about a payment, waited for up to a deadline."""
        ...


class PaymentProviderContract:
    @pytest.fixture
    def world(self) -> PaymentWorld:
        raise NotImplementedError

    @staticmethod
    def request(world: PaymentWorld, **changes: object) -> PaymentRequest:
        fields: dict[str, object] = {
            "payment": world.new_id(),
            "order": world.new_id(),
            "amount_minor": AMOUNT,
            "currency": "CNY",
            "description": "一张票 <b>&",
            "expires_ms": world.now_ms() + 600_000,
        }
        return PaymentRequest(**{**fields, **changes})  # type: ignore[arg-type]

    async def opened(self, world: PaymentWorld) -> tuple[PaymentRequest, Created]:
        request = self.request(world)
        created = await world.provider.create(request)
        assert isinstance(created, Created)
        return request, created

    async def paid(self, world: PaymentWorld) -> tuple[PaymentRequest, Paid]:
        request, created = await self.opened(world)
        await world.pay(created)
        state = await world.provider.query(request.payment)
        assert isinstance(state, Paid)
        return request, state

    @staticmethod
    def refund_of(world: PaymentWorld, request: PaymentRequest, amount_minor: int = AMOUNT) -> RefundRequest:
        return RefundRequest(
            refund=world.new_id(),
            payment=request.payment,
            amount_minor=amount_minor,
            total_minor=request.amount_minor,
            currency=request.currency,
            reason="the fan asked",
        )

    async def test_the_name_fits_a_path(self, world: PaymentWorld) -> None:
        assert world.provider.name.isidentifier()

    async def test_a_new_payment_is_unpaid_and_says_where_to_pay(self, world: PaymentWorld) -> None:
        request, created = await self.opened(world)
        assert created.pay_url.startswith("http")
        assert created.provider_ref
        assert await world.provider.query(request.payment) == Unpaid()

    async def test_creating_again_answers_the_same_page(self, world: PaymentWorld) -> None:
        request, created = await self.opened(world)
        assert await world.provider.create(request) == created

    @pytest.mark.parametrize("change", [{"amount_minor": AMOUNT + 1}, {"currency": "USD"}])
    async def test_an_id_cannot_be_used_for_other_money(self, world: PaymentWorld, change: dict[str, object]) -> None:
        request, _ = await self.opened(world)
        again = await world.provider.create(self.request(world, **{"payment": request.payment, **change}))
        assert isinstance(again, Unavailable)
        assert not again.retryable

    async def test_a_paid_payment_tells_transaction_amount_and_time(self, world: PaymentWorld) -> None:
        before_ms = world.now_ms()
        _, paid = await self.paid(world)
        assert paid.transaction
        assert (paid.amount_minor, paid.currency) == (AMOUNT, "CNY")
        assert before_ms - 1000 <= paid.paid_ms <= world.now_ms() + 1000

    async def test_paying_twice_takes_the_money_once(self, world: PaymentWorld) -> None:
        request, created = await self.opened(world)
        await world.pay(created)
        first = await world.provider.query(request.payment)
        await world.pay(created)
        assert await world.provider.query(request.payment) == first

    async def test_a_declined_payment_stays_open_for_another_try(self, world: PaymentWorld) -> None:
        request, created = await self.opened(world)
        await world.decline(created)
        assert await world.provider.query(request.payment) == Unpaid()
        await world.pay(created)
        assert isinstance(await world.provider.query(request.payment), Paid)

    async def test_a_payment_nobody_opened_is_unknown(self, world: PaymentWorld) -> None:
        assert await world.provider.query(world.new_id()) == Unknown()

    async def test_a_closed_payment_takes_no_money(self, world: PaymentWorld) -> None:
        request, created = await self.opened(world)
        assert await world.provider.close(request.payment) == Closed()
        await world.pay(created)
        assert await world.provider.query(request.payment) == Closed()
        assert await world.provider.close(request.payment) == Closed()

    async def test_closing_comes_too_late_after_paying(self, world: PaymentWorld) -> None:
        request, paid = await self.paid(world)
        assert await world.provider.close(request.payment) == AlreadyPaid(paid)

    async def test_closing_what_was_never_opened_closes_it(self, world: PaymentWorld) -> None:
        assert await world.provider.close(world.new_id()) == Closed()

    async def test_a_payment_cannot_be_paid_after_it_expired(self, world: PaymentWorld) -> None:
        request = self.request(world, expires_ms=world.now_ms() - 1000)
        created = await world.provider.create(request)
        assert isinstance(created, Created)
        await world.pay(created)
        assert not isinstance(await world.provider.query(request.payment), Paid)

    async def test_paying_is_called_back_with_what_a_query_says(self, world: PaymentWorld) -> None:
        request, paid = await self.paid(world)
        (received,) = await world.callbacks(request.payment, 1)
        event = world.provider.verify(received.headers, received.body, world.now_ms())
        assert isinstance(event, PaymentPaid)
        assert (event.payment, event.transaction, event.amount_minor, event.currency, event.at_ms) == (
            request.payment,
            paid.transaction,
            paid.amount_minor,
            paid.currency,
            paid.paid_ms,
        )
        assert event.delivery_id

    async def test_header_names_match_in_any_case(self, world: PaymentWorld) -> None:
        request, _ = await self.paid(world)
        (received,) = await world.callbacks(request.payment, 1)
        for change in (str.upper, str.lower, str.title):
            headers = {change(name): value for name, value in received.headers.items()}
            assert isinstance(world.provider.verify(headers, received.body, world.now_ms()), PaymentPaid)

    async def test_any_change_to_a_callback_is_refused(self, world: PaymentWorld) -> None:
        request, _ = await self.paid(world)
        (received,) = await world.callbacks(request.payment, 1)
        forged = [
            received.body.replace(b"12800", b"1"),
            received.body + b" ",
            b"",
            b"{",
            json.dumps({"type": "payment.paid"}).encode(),
        ]
        for body in forged:
            verdict = world.provider.verify(received.headers, body, world.now_ms())
            assert isinstance(verdict, Denied), body
            assert verdict.code is Code.SIGNATURE_INVALID

    async def test_a_callback_without_its_headers_is_refused(self, world: PaymentWorld) -> None:
        request, _ = await self.paid(world)
        (received,) = await world.callbacks(request.payment, 1)
        verdict = world.provider.verify({}, received.body, world.now_ms())
        assert isinstance(verdict, Denied)
        assert verdict.code is Code.SIGNATURE_INVALID

    async def test_a_callback_is_refused_when_it_is_old(self, world: PaymentWorld) -> None:
        request, _ = await self.paid(world)
        (received,) = await world.callbacks(request.payment, 1)
        for now_ms in (world.now_ms() + STALE_MS, world.now_ms() - STALE_MS):
            verdict = world.provider.verify(received.headers, received.body, now_ms)
            assert isinstance(verdict, Denied)
            assert verdict.code is Code.SIGNATURE_INVALID

    async def test_a_huge_callback_is_refused(self, world: PaymentWorld) -> None:
        assert isinstance(world.provider.verify({}, b"x" * (MAX_CALLBACK_BYTES + 1), world.now_ms()), Denied)

    async def test_a_refund_gives_the_money_back_once(self, world: PaymentWorld) -> None:
        request, _ = await self.paid(world)
        refund = self.refund_of(world, request)
        first = await world.provider.refund(refund)
        assert isinstance(first, RefundState)
        assert first.status in {RefundStatus.PENDING, RefundStatus.SUCCEEDED}
        assert first.amount_minor == AMOUNT
        again = await world.provider.refund(refund)
        assert isinstance(again, RefundState)
        assert again.status in {RefundStatus.PENDING, RefundStatus.SUCCEEDED}
        more = await world.provider.refund(self.refund_of(world, request, 1))
        assert isinstance(more, RefundState)
        assert (more.status, more.amount_minor) == (RefundStatus.FAILED, 0)

    async def test_a_settled_refund_is_called_back_and_can_be_asked_for(self, world: PaymentWorld) -> None:
        request, _ = await self.paid(world)
        refund = self.refund_of(world, request)
        await world.provider.refund(refund)
        received = (await world.callbacks(request.payment, 2))[1]
        event = world.provider.verify(received.headers, received.body, world.now_ms())
        assert isinstance(event, RefundSettled)
        assert (event.refund, event.payment, event.status, event.amount_minor, event.currency) == (
            refund.refund,
            request.payment,
            RefundStatus.SUCCEEDED,
            AMOUNT,
            "CNY",
        )
        state = await world.provider.query_refund(refund.refund)
        assert state == RefundState(RefundStatus.SUCCEEDED, AMOUNT)

    async def test_partial_refunds_add_up_to_what_was_paid(self, world: PaymentWorld) -> None:
        request, _ = await self.paid(world)
        statuses = []
        for amount_minor in (AMOUNT - 100, 101, 100):
            state = await world.provider.refund(self.refund_of(world, request, amount_minor))
            assert isinstance(state, RefundState)
            statuses.append(state.status is not RefundStatus.FAILED)
        assert statuses == [True, False, True]

    async def test_a_refund_id_cannot_be_used_for_other_money(self, world: PaymentWorld) -> None:
        request, _ = await self.paid(world)
        refund = self.refund_of(world, request, 100)
        await world.provider.refund(refund)
        other = RefundRequest(
            refund=refund.refund,
            payment=request.payment,
            amount_minor=101,
            total_minor=AMOUNT,
            currency="CNY",
            reason="",
        )
        answer = await world.provider.refund(other)
        assert isinstance(answer, Unavailable)
        assert not answer.retryable

    async def test_nothing_is_refunded_that_was_not_paid(self, world: PaymentWorld) -> None:
        request, _ = await self.opened(world)
        state = await world.provider.refund(self.refund_of(world, request))
        assert isinstance(state, RefundState)
        assert state.status is RefundStatus.FAILED

    async def test_a_refund_nobody_asked_for_is_unknown(self, world: PaymentWorld) -> None:
        assert await world.provider.query_refund(world.new_id()) == RefundState(RefundStatus.UNKNOWN)

    async def test_a_provider_out_of_reach_is_a_value_not_an_exception(self, world: PaymentWorld) -> None:
        request = self.request(world)
        answers = [
            await world.unreachable.create(request),
            await world.unreachable.query(request.payment),
            await world.unreachable.close(request.payment),
            await world.unreachable.refund(self.refund_of(world, request)),
            await world.unreachable.query_refund("r1"),
        ]
        assert all(isinstance(answer, Unavailable) and answer.retryable for answer in answers)
