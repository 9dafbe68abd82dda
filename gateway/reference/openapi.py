"""The HTTP routes as an OpenAPI document: `liveroom contract`, and /api/v1/openapi.json of a running gateway."""

from typing import cast

import msgspec

from gateway.api.app import create_api
from gateway.api.callers import ApiDependencies
from gateway.features.registry import routers_of


def openapi() -> str:
    """The whole document as text."""
    # describing needs routes, not what they are connected to
    api = create_api(routers_of(cast("ApiDependencies", None)))
    return msgspec.json.format(msgspec.json.encode(api.openapi()), indent=2).decode() + "\n"
