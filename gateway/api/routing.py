"""What every route says about itself."""

from typing import Any, Literal

Needed = Literal["anybody", "viewer", "moderator", "host", "operator"]


def needs(*roles: Needed) -> dict[str, Any]:
    """The role a route needs, told in OpenAPI as `x-roles`: any one of these. `viewer` is anybody with a token."""
    extra: dict[str, Any] = {"x-roles": list(roles)}
    if "anybody" not in roles:
        extra["security"] = [{"bearer": []}]
    return {"openapi_extra": extra}
