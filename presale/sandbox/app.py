"""The sandbox provider's HTTP: a signed API for merchants and the cashier's pages for fans."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from presale.catalogue.currencies import is_currency
from presale.payments.webhook_signature import Flaw, Secret, request_content, verify
from presale.sandbox import cashier_page
from presale.sandbox.book import (
    Action,
    OpenPayment,
    OpenRefund,
    Outcome,
    Payment,
    PaymentStatus,
    Refund,
    ScriptFaults,
    page_of,
)
from presale.sandbox.book_sqlite import Book, Conflict
from presale.sandbox.courier import Courier

MAX_BODY_BYTES = 65_536

_PAGE_STATUS = {Outcome.CLOSED: 409, Outcome.EXPIRED: 409}
_PAGE_HEADERS = {
    "content-security-policy": cashier_page.CONTENT_SECURITY_POLICY,
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}

Body = TypeVar("Body", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class ProviderParts:
    """What the app is made of."""

    book: Book
    courier: Courier
    secrets: Sequence[Secret]
    clock: Callable[[], int]
    public_url: str
    """Without a slash at the end; cashier addresses start with it."""


def create_app(parts: ProviderParts) -> Starlette:
    """The whole provider; its courier runs as long as the app does."""
    merchant = _MerchantApi(parts)
    cashier = _Cashier(parts)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        courier = asyncio.create_task(parts.courier.run())
        try:
            yield
        finally:
            courier.cancel()
            await asyncio.gather(courier, return_exceptions=True)
            parts.book.close()

    return Starlette(
        routes=[
            Route("/livez", _livez),
            Route("/v1/payments", merchant.signed(merchant.open_payment), methods=["POST"]),
            Route("/v1/payments/{payment}", merchant.signed(merchant.payment), methods=["GET"]),
            Route("/v1/payments/{payment}/close", merchant.signed(merchant.close_payment), methods=["POST"]),
            Route("/v1/refunds", merchant.signed(merchant.open_refund), methods=["POST"]),
            Route("/v1/refunds/{refund}", merchant.signed(merchant.refund), methods=["GET"]),
            Route("/v1/faults", merchant.signed(merchant.script_faults), methods=["POST"]),
            Route("/cashier/{token}", cashier.show, methods=["GET"]),
            Route("/cashier/{token}", cashier.press, methods=["POST"]),
        ],
        middleware=[Middleware(_BoundedBodies)],
        lifespan=lifespan,
    )


class _MerchantApi:
    """Calls of merchants. Each is signed over method, path and body, and may be repeated safely."""

    def __init__(self, parts: ProviderParts) -> None:
        self._parts = parts
        self._book = parts.book

    def signed(self, answer: Callable[[Request, bytes], Response]) -> Callable[[Request], Awaitable[Response]]:
        """A route that only a holder of the secret reaches."""

        async def checked(request: Request) -> Response:
            body = await request.body()
            path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            content = request_content(request.method, path, body)
            verdict = verify(self._parts.secrets, request.headers, content, self._parts.clock())
            if isinstance(verdict, Flaw):
                return _json({"error": f"signature {verdict}"}, 401)
            try:
                response = answer(request, body)
            except msgspec.DecodeError as flaw:  # a ValidationError is one too
                return _json({"error": str(flaw)}, 400)
            self._parts.courier.wake()
            return response

        return checked

    def open_payment(self, _request: Request, body: bytes) -> Response:
        asked = _decode(body, OpenPayment)
        if not is_currency(asked.currency):
            return _json({"error": f"no such currency: {asked.currency}", "field": "currency"}, 400)
        opened = self._book.open_payment(asked)
        if isinstance(opened, Conflict):
            return _json({"error": "the id is taken by another payment"}, 409)
        if opened.answer_fails:
            return _json({"error": "scripted failure after the payment was made"}, 500)
        pay_url = f"{self._parts.public_url}/cashier/{opened.payment.token}"
        return _json(
            {"pay_url": pay_url, "provider_ref": f"pay_{opened.payment.token[-8:]}", **_told(opened.payment)}, 201
        )

    def payment(self, request: Request, _body: bytes) -> Response:
        payment = self._book.payment(request.path_params["payment"])
        return _json({"error": "no such payment"}, 404) if payment is None else _json(_told(payment))

    def close_payment(self, request: Request, _body: bytes) -> Response:
        payment = self._book.close_payment(request.path_params["payment"])
        return _json(_told(payment), 409 if payment.status is PaymentStatus.PAID else 200)

    def open_refund(self, _request: Request, body: bytes) -> Response:
        refund = self._book.open_refund(_decode(body, OpenRefund))
        if isinstance(refund, Conflict):
            return _json({"error": "the id is taken by another refund"}, 409)
        return _json(_told_refund(refund), 201)

    def refund(self, request: Request, _body: bytes) -> Response:
        refund = self._book.refund(request.path_params["refund"])
        return _json({"error": "no such refund"}, 404) if refund is None else _json(_told_refund(refund))

    def script_faults(self, _request: Request, body: bytes) -> Response:
        script = _decode(body, ScriptFaults)
        self._book.script(script.payment, script.faults)
        return Response(status_code=204)


class _Cashier:
    """Pages of fans. The address is the only secret; it pays one payment."""

    def __init__(self, parts: ProviderParts) -> None:
        self._parts = parts

    async def show(self, request: Request) -> Response:
        payment = self._parts.book.payment_of_token(request.path_params["token"])
        if payment is None:
            return _nothing_here(request)
        return _page(request, payment, page_of(payment, self._parts.clock()), status=200)

    async def press(self, request: Request) -> Response:
        async with request.form(max_files=0, max_fields=10) as form:
            pressed = str(form.get("action", ""))
        try:
            action = Action(pressed)
        except ValueError:
            return _json({"error": "action is pay, decline or abandon"}, 400)
        result = self._parts.book.press(request.path_params["token"], action)
        if result is None:
            return _nothing_here(request)
        self._parts.courier.wake()
        payment, outcome = result
        return _page(request, payment, outcome, status=_PAGE_STATUS.get(outcome, 200))


class _BoundedBodies:
    """Refuses bodies of unknown or too great length before anything reads them."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = dict(scope["headers"])
            length = headers.get(b"content-length", b"0")
            if b"transfer-encoding" in headers or not length.isdigit() or int(length) > MAX_BODY_BYTES:
                await PlainTextResponse("body too large", 413)(scope, receive, send)
                return
        await self._app(scope, receive, send)


async def _livez(_request: Request) -> Response:
    return PlainTextResponse("ok")


def _decode(body: bytes, shape: type[Body]) -> Body:
    return msgspec.json.decode(body, type=shape)


def _json(content: Mapping[str, Any], status: int = 200) -> Response:
    return Response(msgspec.json.encode(content), status, media_type="application/json")


def _wants_json(request: Request) -> bool:
    accept = request.headers.get("accept", "")
    return "application/json" in accept and "text/html" not in accept


def _page(request: Request, payment: Payment, outcome: Outcome, *, status: int) -> Response:
    if _wants_json(request):
        return _json({"outcome": outcome, "order": payment.order, **_told(payment)}, status)
    return HTMLResponse(cashier_page.render(payment, outcome), status, _PAGE_HEADERS)


def _nothing_here(request: Request) -> Response:
    if _wants_json(request):
        return _json({"error": "no such payment"}, 404)
    return HTMLResponse(cashier_page.render_nothing_here(), 404, _PAGE_HEADERS)


def _told(payment: Payment) -> dict[str, object]:
    told: dict[str, object] = {"payment": payment.id, "state": payment.status}
    if payment.status is PaymentStatus.PAID:
        told |= {
            "transaction": payment.transaction,
            "amount_minor": payment.paid_minor,
            "currency": payment.currency,
            "paid_ms": payment.paid_ms,
        }
    return told


def _told_refund(refund: Refund) -> dict[str, object]:
    return {
        "refund": refund.id,
        "payment": refund.payment,
        "status": refund.status,
        "amount_minor": refund.amount_minor,
        "currency": refund.currency,
        "reason": refund.reason,
    }
