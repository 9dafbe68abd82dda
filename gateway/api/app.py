"""The FastAPI app of the box office."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from gateway.api import refusals
from gateway.api.bodies import BoundedBodies
from gateway.api.bulkheads import PLACES, Bulkheads, Kind, Places
from gateway.api.callers import ApiDependencies
from gateway.api.shapes import ErrorBody
from gateway.features.audit.routes import audit_routes
from gateway.features.names.routes import name_routes
from gateway.features.orders.inbox import inbox_routes
from gateway.features.orders.routes import order_routes
from gateway.features.roles.routes import role_routes
from gateway.features.sales.programme import programme_routes
from gateway.features.sales.routes import show_routes
from gateway.features.session.routes import token_routes

VERSION = "1"


def create_api(deps: ApiDependencies, places: Mapping[Kind, Places] | None = None) -> FastAPI:
    """Routes under `/v1`, described at `/v1/openapi.json`; `places`: how many requests of a kind are served at a time.

    The pages FastAPI could add are off: they load scripts from elsewhere.
    """
    api = FastAPI(
        title="live-room-gateway",
        version=VERSION,
        openapi_url="/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        responses={"default": {"model": ErrorBody, "description": "A refusal; the status follows from the code."}},
        redirect_slashes=False,
    )
    tables = (
        show_routes,
        programme_routes,
        order_routes,
        inbox_routes,
        role_routes,
        name_routes,
        token_routes,
        audit_routes,
    )
    for routes in tables:
        api.include_router(routes(deps))
    refusals.install(api)
    api.add_middleware(Bulkheads, places=places or {kind: Places(limit) for kind, limit in PLACES.items()})
    api.add_middleware(BoundedBodies)  # around it: whoever takes long over a body takes no turn

    def openapi() -> dict[str, Any]:
        if api.openapi_schema is None:
            described = get_openapi(title=api.title, version=api.version, routes=api.routes, servers=[{"url": "/api"}])
            described.setdefault("components", {})["securitySchemes"] = {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
            }
            api.openapi_schema = described
        return api.openapi_schema

    api.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend the description
    return api
