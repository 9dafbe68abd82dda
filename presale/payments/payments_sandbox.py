"""The payment provider port over the sandbox provider's signed HTTP. TEST MONEY only."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import httpx2
import msgspec
from msgspec import Struct

from auth.denials import Code, Denied
from presale.payments.payments import (
    MAX_CALLBACK_BYTES,
    AlreadyPaid,
    Closed,
    Created,
    Other,
    Paid,
    PaymentPaid,
    PaymentRequest,
    PaymentState,
    ProviderEvent,
    RefundRequest,
    RefundSettled,
    RefundState,
    RefundStatus,
    Unavailable,
    Unknown,
    Unpaid,
)
from presale.payments.webhook_signature import Flaw, Secret, request_content, sign, verify

TIMEOUT_SECONDS = 5.0
MAX_CONNECTIONS = 50

Shape = TypeVar("Shape", bound=Struct)


class _Opened(Struct, frozen=True):
    pay_url: str
    provider_ref: str


class _Payment(Struct, frozen=True):
    state: str
    transaction: str | None = None
    amount_minor: int = 0
    currency: str = ""
    paid_ms: int = 0


class _Refund(Struct, frozen=True):
    status: RefundStatus
    amount_minor: int
    reason: str


class _Callback(Struct, frozen=True):
    type: str
    merchant: str
    payment: str
    at_ms: int = 0
    transaction: str = ""
    refund: str = ""
    amount_minor: int = 0
    currency: str = ""
    reason: str = ""


_REFUND_ENDS = {"refund.succeeded": RefundStatus.SUCCEEDED, "refund.failed": RefundStatus.FAILED}


class SandboxPayments:
    """Adapter of `presale.payments.payments.PaymentProvider`."""

    name = "sandbox"

    def __init__(
        self,
        url: str,
        secrets: Sequence[Secret],
        *,
        clock: Callable[[], int],
        new_id: Callable[[], str],
        merchant: str = "demo-merchant",
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        """`url` is where the provider listens. The first secret signs our calls; any verifies its callbacks."""
        self._secrets = tuple(secrets)
        self._clock = clock
        self._new_id = new_id
        self._merchant = merchant
        self._client = httpx2.AsyncClient(
            base_url=url,
            timeout=timeout_seconds,
            trust_env=False,
            follow_redirects=False,
            limits=httpx2.Limits(max_connections=MAX_CONNECTIONS),
        )

    async def create(self, request: PaymentRequest) -> Created | Unavailable:
        """As the port promises."""
        answer = await self._call("POST", "/v1/payments", _Opened, request)
        return Created(answer.pay_url, answer.provider_ref) if isinstance(answer, _Opened) else _unavailable(answer)

    async def query(self, payment: str) -> PaymentState | Unavailable:
        """As the port promises."""
        answer = await self._call("GET", f"/v1/payments/{payment}", _Payment, accept=(200, 404))
        if isinstance(answer, Unknown):
            return answer
        if not isinstance(answer, _Payment):
            return _unavailable(answer)
        if answer.state == "paid":
            return _paid(answer)
        return Closed() if answer.state == "closed" else Unpaid()

    async def close(self, payment: str) -> Closed | AlreadyPaid | Unavailable:
        """As the port promises."""
        answer = await self._call("POST", f"/v1/payments/{payment}/close", _Payment, accept=(200, 409))
        if not isinstance(answer, _Payment):
            return _unavailable(answer)
        return AlreadyPaid(_paid(answer)) if answer.state == "paid" else Closed()

    async def refund(self, request: RefundRequest) -> RefundState | Unavailable:
        """As the port promises."""
        answer = await self._call("POST", "/v1/refunds", _Refund, request)
        return _refund_state(answer) if isinstance(answer, _Refund) else _unavailable(answer)

    async def query_refund(self, refund: str) -> RefundState | Unavailable:
        """As the port promises."""
        answer = await self._call("GET", f"/v1/refunds/{refund}", _Refund, accept=(200, 404))
        if isinstance(answer, Unknown):
            return RefundState(RefundStatus.UNKNOWN)
        return _refund_state(answer) if isinstance(answer, _Refund) else _unavailable(answer)

    def verify(self, headers: Mapping[str, str], body: bytes, now_ms: int) -> ProviderEvent | Denied:
        """As the port promises; the reason of a refusal stands in its detail."""
        if len(body) > MAX_CALLBACK_BYTES:
            return Denied(Code.BAD_REQUEST, detail={"reason": "too large"})
        delivery = verify(self._secrets, headers, body, now_ms)
        if isinstance(delivery, Flaw):
            return Denied(Code.SIGNATURE_INVALID, detail={"reason": delivery.value})
        try:
            callback = msgspec.json.decode(body, type=_Callback)
        except msgspec.DecodeError:
            return Denied(Code.BAD_REQUEST, detail={"reason": "not understood"})
        if callback.merchant != self._merchant:
            return Denied(Code.SIGNATURE_INVALID, detail={"reason": "foreign merchant"})
        return _event(callback, delivery.id)

    async def aclose(self) -> None:
        """As the port promises."""
        await self._client.aclose()

    async def _call(
        self,
        method: str,
        path: str,
        shape: type[Shape],
        content: Struct | None = None,
        *,
        accept: tuple[int, ...] = (200, 201),
    ) -> Shape | Unknown | Unavailable:
        """One signed call. An accepted 404 is `Unknown`."""
        body = b"" if content is None else msgspec.json.encode(content)
        headers = sign(
            self._secrets[0],
            delivery=self._new_id(),
            timestamp_seconds=self._clock() // 1000,
            body=request_content(method, path, body),
        )
        try:
            answer = await self._client.request(
                method, path, content=body, headers={**headers, "content-type": "application/json"}
            )
            if answer.status_code not in accept:
                refused = 400 <= answer.status_code < 500
                return Unavailable(f"status {answer.status_code} to {method} {path}", retryable=not refused)
            if answer.status_code == 404:
                return Unknown()
            return msgspec.json.decode(answer.content, type=shape)
        except (httpx2.HTTPError, msgspec.DecodeError) as flaw:
            return Unavailable(f"{type(flaw).__name__} to {method} {path}")


def _unavailable(answer: object) -> Unavailable:
    return answer if isinstance(answer, Unavailable) else Unavailable("unexpected answer")


def _paid(answer: _Payment) -> Paid:
    return Paid(answer.transaction or "", answer.amount_minor, answer.currency, answer.paid_ms)


def _refund_state(answer: _Refund) -> RefundState:
    failed = answer.status is RefundStatus.FAILED
    return RefundState(answer.status, 0 if failed else answer.amount_minor, answer.reason)


def _event(callback: _Callback, delivery_id: str) -> ProviderEvent:
    if callback.type == "payment.paid":
        return PaymentPaid(
            payment=callback.payment,
            transaction=callback.transaction,
            amount_minor=callback.amount_minor,
            currency=callback.currency,
            merchant=callback.merchant,
            at_ms=callback.at_ms,
            delivery_id=delivery_id,
        )
    if callback.type in _REFUND_ENDS:
        return RefundSettled(
            refund=callback.refund,
            payment=callback.payment,
            status=_REFUND_ENDS[callback.type],
            amount_minor=callback.amount_minor,
            currency=callback.currency,
            merchant=callback.merchant,
            at_ms=callback.at_ms,
            delivery_id=delivery_id,
            reason=callback.reason,
        )
    return Other(callback.type, delivery_id)
