"""The outer ASGI app: sockets, API, callbacks, media checks, keys, health, metrics, and the pages."""

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway import __version__
from gateway.api.app import create_api
from gateway.api.bulkheads import Kind, Places
from gateway.api.callers import ApiDependencies
from gateway.contract.codec import Codec
from gateway.demo.playground import playground_routes
from gateway.engine.handover import Handover
from gateway.features.orders.callbacks import pay_routes
from gateway.features.registry import routers_of
from gateway.features.streams.routes import media_routes
from gateway.house.house import House
from gateway.node import exposition
from gateway.reference.asyncapi import asyncapi
from gateway.setup.origins import ANY, Origins
from gateway.setup.settings import Duty
from gateway.sockets.server import SocketServer
from store import migrations

SOCKET_PATHS = {Codec.JSON: "/socket.io/", Codec.MSGPACK: "/socket.io-msgpack/"}
PAGES = {
    "/": "index.html",
    "/watch": "watch.html",
    "/console": "console.html",
    "/split": "split.html",
    "/docs": "docs.html",
}
OF_THE_FAN_PAGE = frozenset({"user", "embed", "codec"})
"""Query parameters with which `/` redirects to the fan page at `/watch`, where it moved: old links still work."""
PAGE_POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self' ws: wss:; "
    "frame-ancestors 'self'; base-uri 'none'; form-action 'self'"
)


def create_app(house: House, handover: Handover | None = None) -> ASGIApp:
    """The whole ASGI app; `serve` runs background work and shutdown. `handover`: this process has siblings."""
    settings, routes = house.settings, _operations(house, handover)
    duties = settings.duties
    if Duty.GATEWAY in duties:
        routes += (Mount(path, app=polling(house.socket_server(codec))) for codec, path in SOCKET_PATHS.items())
        with_playlists = settings.is_playground and not settings.media_url
        routes += media_routes(house.db, house.grants, house.clock, with_playlists=with_playlists)
    if Duty.PRESALE in duties:
        terms = settings.stage_terms
        deps = ApiDependencies(house.db, house.box_office, house.verifier, house.clock, terms, house.revocations.settle)
        places = {kind: Places(getattr(settings, f"{kind.value}_at_once")) for kind in Kind}
        api = create_api(routers_of(deps), places)
        routes.append(Mount("/api", app=_open_to(api, settings.origins)))
        routes += pay_routes(house.box_office, places, fan_page=f"{settings.own_url}/watch")
    if settings.is_playground and settings.role != Duty.WORKER:
        routes += playground_routes(house.db, settings, house.clock, house.new_id)
    if Duty.GATEWAY in duties:
        routes += _pages(house)
    return Starlette(routes=routes, middleware=[Middleware(SafeHeaders)])


def polling(server: SocketServer) -> ASGIApp:
    """The ASGI app for the polling transport of a socket server."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await server.handle_request(scope, receive, send)

    return app


class SafeHeaders:
    """Adds headers to every HTTP answer that forbid browsers to guess content types or frame pages elsewhere."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI entry point."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *message.get("headers", ()),
                    (b"x-content-type-options", b"nosniff"),
                    (b"referrer-policy", b"no-referrer"),
                    (b"content-security-policy", PAGE_POLICY.encode()),
                ]
            await send(message)

        await self._app(scope, receive, send_safely)


def _open_to(api: ASGIApp, origins: Origins) -> ASGIApp:
    """Allow pages of these origins to call the API (CORS). The API has no cookies, only bearer tokens.

    Pages of named origins may send credentials and any header: tracing adds headers, load balancers set cookies.
    """
    return CORSMiddleware(
        api,
        allow_origins=[ANY] if origins.is_open else sorted(origins.named),
        allow_credentials=not origins.is_open,
        allow_methods=("GET", "POST", "PUT", "PATCH", "DELETE"),
        allow_headers=[ANY],
        expose_headers=("retry-after",),
        max_age=600,
    )


def _operations(house: House, handover: Handover | None) -> list[BaseRoute]:
    async def livez(_: Request) -> Response:
        return JSONResponse({"ok": True, "version": __version__})

    async def readyz(_: Request) -> Response:
        reasons = await _not_ready(house)
        return JSONResponse({"ok": not reasons, "reasons": reasons}, 503 if reasons else 200)

    async def metrics(request: Request) -> Response:
        text = house.metrics.exposition()
        if handover is not None and request.client is not None:  # a sibling has no address, and asks for ours alone
            text = await exposition.of_all(handover, text)
        return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")

    async def jwks(_: Request) -> Response:
        return JSONResponse(house.keys().public_jwks(), headers={"cache-control": "max-age=300"})

    async def contract(_: Request) -> Response:
        return Response(asyncapi(), media_type="application/json", headers={"cache-control": "no-cache"})

    return [
        Route("/docs/asyncapi.json", contract),
        Route("/livez", livez),
        Route("/readyz", readyz),
        Route("/metrics", metrics),
        Route("/.well-known/jwks.json", jwks),
    ]


async def _not_ready(house: House) -> list[str]:
    """The codes of all reasons why this process cannot serve now."""
    if house.draining:
        return ["draining"]
    try:
        async with house.db.read() as connection:
            is_served = await migrations.is_served(connection)
    except Exception:  # noqa: BLE001 - whatever a driver raises: the database cannot be asked
        return ["database_unreachable"]
    if not is_served:
        return ["database_schema_outdated"]
    return [] if house.db.is_writable else ["database_not_writable"]


def _pages(house: House) -> list[BaseRoute]:
    folder = house.settings.web_dir
    if not folder.is_dir():
        return []

    def page(name: str) -> Route:
        async def answer(request: Request) -> Response:
            if name == "/" and not OF_THE_FAN_PAGE.isdisjoint(request.query_params):
                return RedirectResponse(f"/watch?{request.url.query}")
            return FileResponse(folder / PAGES[name], headers={"cache-control": "no-cache"})

        return Route(name, answer)

    return [*(page(name) for name in PAGES), Mount("/", app=StaticFiles(directory=folder))]
