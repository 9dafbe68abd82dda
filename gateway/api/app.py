"""The FastAPI app around the routes of the features: their bounds, their refusals, their description."""

from collections.abc import Iterable, Mapping
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi

from gateway.api import refusals
from gateway.api.bodies import BoundedBodies
from gateway.api.bulkheads import PLACES, Bulkheads, Kind, Places
from gateway.api.shapes import ErrorBody

VERSION = "1"


def create_api(routers: Iterable[APIRouter], places: Mapping[Kind, Places] | None = None) -> FastAPI:
    """Serves these routes under `/v1` and describes them at `/v1/openapi.json`.

    `places`: how many requests of each kind are served at a time.

    FastAPI's own documentation pages are off: they load scripts from other sites.
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
    for router in routers:
        api.include_router(router)
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
