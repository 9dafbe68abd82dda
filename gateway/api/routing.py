"""Metadata that every route declares."""

from typing import Any, Literal

Needed = Literal["anybody", "viewer", "moderator", "host", "operator"]


def needs(*roles: Needed) -> dict[str, Any]:
    """Declares the roles of a route, in OpenAPI as `x-roles`: any one suffices. `viewer` is anybody with a token."""
    extra: dict[str, Any] = {"x-roles": list(roles)}
    if "anybody" not in roles:
        extra["security"] = [{"bearer": []}]
    return {"openapi_extra": extra}
