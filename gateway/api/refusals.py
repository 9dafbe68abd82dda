"""Refusals over HTTP: one table from code to status, one body `{"error": {"code", "retryable", ...}}`."""

from collections.abc import Mapping
from typing import TypeVar

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from auth.denials import Code, Denied
from store.database_sql import RacedError

log = structlog.get_logger(__name__)

STATUSES: Mapping[Code, int] = {
    Code.BAD_REQUEST: 400,
    Code.PROVIDER_UNKNOWN: 400,
    Code.TEXT_EMPTY: 400,
    Code.TEXT_TOO_LONG: 400,
    Code.TEXT_BLOCKED: 400,
    Code.LINKS_OFF: 400,
    Code.EMOJI_ONLY: 400,
    Code.PROTOCOL: 400,
    Code.TOKEN_INVALID: 401,
    Code.TOKEN_EXPIRED: 401,
    Code.SIGNATURE_INVALID: 401,
    Code.FORBIDDEN: 403,
    Code.BANNED: 403,
    Code.MUTED: 403,
    Code.KICKED: 403,
    Code.TICKET_REQUIRED: 403,
    Code.BALANCE_DUE: 403,
    Code.NOT_FOUND: 404,
    Code.ROOM_NOT_FOUND: 404,
    Code.GIFT_UNKNOWN: 404,
    Code.SEAT_TAKEN: 409,
    Code.ROOM_ENDED: 409,
    Code.ROOM_CANCELLED: 409,
    Code.CLOSED: 409,
    Code.INSUFFICIENT_CREDITS: 409,
    Code.STAGE_FULL: 409,
    Code.STAGE_STATE: 409,
    Code.NOT_HERE: 409,
    Code.PHASE_TRANSITION: 409,
    Code.POLL_OPEN: 409,
    Code.POLL_ENDED: 409,
    Code.CONFLICT: 409,
    Code.SALES_CLOSED: 409,
    Code.ALREADY_HELD: 409,
    Code.SOLD_OUT: 409,
    Code.ORDER_STATE: 409,
    Code.REFUND_POLICY: 409,
    Code.IDEMPOTENCY_REUSED: 409,
    Code.RATE_LIMITED: 429,
    Code.SLOW: 429,
    Code.INTERNAL: 500,
    Code.BUSY: 503,
    Code.DRAINING: 503,
    Code.PROVIDER_UNAVAILABLE: 503,
}
"""The HTTP status of every code."""

_STATUS_CODES = {404: Code.NOT_FOUND, 405: Code.BAD_REQUEST, 413: Code.BAD_REQUEST}

Value = TypeVar("Value")


class Refused(Exception):  # noqa: N818  a refusal on its way out of a route, no error
    """Carries a refusal out of a route or a dependency; raised at the HTTP edge only."""

    def __init__(self, denied: Denied) -> None:
        super().__init__(denied.code)
        self.denied = denied


def granted(value: Value | Denied) -> Value:
    """The value; a `Denied` ends the request with its refusal."""
    if isinstance(value, Denied):
        raise Refused(value)
    return value


def refusal(denied: Denied, status: int | None = None) -> JSONResponse:
    """The HTTP answer for a refusal."""
    headers = {}
    if denied.code in {Code.TOKEN_INVALID, Code.TOKEN_EXPIRED}:
        headers["www-authenticate"] = "Bearer"
    if denied.retry_after_ms is not None:
        headers["retry-after"] = str(-(-denied.retry_after_ms // 1000))
    return JSONResponse({"error": denied.as_error()}, status or STATUSES[denied.code], headers)


def install(app: FastAPI) -> None:
    """Give the same error body to every way in which a request can fail."""
    app.add_exception_handler(Refused, _on_refused)
    app.add_exception_handler(RacedError, _on_raced)
    app.add_exception_handler(RequestValidationError, _on_malformed)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(Exception, _on_broken)


def _on_refused(_request: Request, refused: Exception) -> JSONResponse:
    assert isinstance(refused, Refused)
    return refusal(refused.denied)


def _on_raced(_request: Request, _raced: Exception) -> JSONResponse:
    return refusal(Denied(Code.CONFLICT))  # nothing was written: the same call may succeed now


def _on_malformed(_request: Request, malformed: Exception) -> JSONResponse:
    assert isinstance(malformed, RequestValidationError)
    flaws = malformed.errors()
    place = flaws[0]["loc"] if flaws else ()
    # ("body", "items", 0, "product") is told as items.0.product; malformed JSON as body
    named = [str(part) for part in place[1:]] if flaws and flaws[0]["type"] != "json_invalid" else []
    detail: dict[str, object] = {"field": ".".join(named) or "body"}
    if flaws and flaws[0]["type"] == "too_long":
        detail["max_items"] = flaws[0]["ctx"]["max_length"]
    return refusal(Denied(Code.BAD_REQUEST, detail=detail))


def _on_http_exception(_request: Request, raised: Exception) -> JSONResponse:
    assert isinstance(raised, HTTPException)
    code = _STATUS_CODES.get(raised.status_code, Code.BAD_REQUEST if raised.status_code < 500 else Code.INTERNAL)
    return refusal(Denied(code), raised.status_code)


def _on_broken(request: Request, broken: Exception) -> JSONResponse:
    # the template of the route: in a path stand the ids of users
    route = getattr(request.scope.get("route"), "path", None)
    log.error("api.failed", method=request.method, route=route, exc_info=broken)
    return refusal(Denied(Code.INTERNAL))
