"""Where payment providers call back, and where their cashiers send fans back to."""

from collections.abc import Mapping

import structlog
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from auth.denials import Code, Denied
from gateway.api.bodies import TOO_LARGE, read_body
from gateway.api.bulkheads import PLACES, Bulkheads, Kind, Places
from gateway.api.refusals import refusal
from presale.orders.orders import OrderId
from presale.use_cases.box_office import BoxOffice

RETURN_PATH = "/pay/return"
MAX_ORDER_CHARS = 64

log = structlog.get_logger(__name__)


def pay_routes(
    box_office: BoxOffice, places: Mapping[Kind, Places] | None = None, *, fan_page: str = "/watch"
) -> list[Route]:
    """The routes of providers, to stand at the root.

    `POST /pay/{provider}/notify`: 204 only after what the callback says is committed, or was before; everything else
    makes the provider call again. The body is read raw, up to its bound, and nobody parses it before its signature is
    checked.

    `GET /pay/return/{order}`: has the provider asked about the order, and goes on to `fan_page`. It needs no token, for
    it grants and tells nothing; how often a provider is asked is bounded for each order.
    """

    async def notify(request: Request) -> Response:
        provider: str = request.path_params["provider"]
        body = await read_body(request)
        if body is None:
            return refusal(TOO_LARGE, 413)
        denied = await box_office.receive_callback(provider, request.headers, body)
        if isinstance(denied, Denied):
            log.warning("callback.refused", provider=provider, code=denied.code, reason=denied.detail.get("reason"))
            return refusal(denied, 404 if denied.code is Code.PROVIDER_UNKNOWN else None)
        return Response(status_code=204)

    async def come_back(request: Request) -> Response:
        order: str = request.path_params["order"]
        if len(order) <= MAX_ORDER_CHARS:
            await box_office.came_back(OrderId(order))
        return RedirectResponse(fan_page, 303, {"cache-control": "no-store"})

    places = places or {kind: Places(limit) for kind, limit in PLACES.items()}
    called = Middleware(Bulkheads, places=places, kind=lambda *_: Kind.CALLBACKS)
    visited = Middleware(Bulkheads, places=places, kind=lambda *_: Kind.BUYING)
    return [
        Route("/pay/{provider}/notify", notify, methods=["POST"], middleware=[called]),
        Route(f"{RETURN_PATH}/{{order}}", come_back, methods=["GET"], middleware=[visited]),
    ]
