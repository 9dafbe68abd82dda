"""Where payment providers call back: `POST /pay/{provider}/notify`."""

from collections.abc import Mapping

import structlog
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from auth.denials import Code, Denied
from gateway.api.bodies import TOO_LARGE, read_body
from gateway.api.bulkheads import PLACES, Bulkheads, Kind, Places
from gateway.api.refusals import refusal
from gateway.box_office import BoxOffice

log = structlog.get_logger(__name__)


def pay_routes(box_office: BoxOffice, places: Mapping[Kind, Places] | None = None) -> list[Route]:
    """The callback route, to stand at the root.

    204 only after what the callback says is committed, or was before; everything else makes the provider call again.
    The body is read raw, up to its bound, and nobody parses it before its signature is checked.
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

    bounded = Middleware(
        Bulkheads, places=places or {Kind.CALLBACKS: Places(PLACES[Kind.CALLBACKS])}, kind=lambda *_: Kind.CALLBACKS
    )
    return [Route("/pay/{provider}/notify", notify, methods=["POST"], middleware=[bounded])]
