"""What is said over HTTP of roles."""

from typing import Literal

from auth.identity import Role
from gateway.api.shapes import Shape


class RoleBody(Shape):
    """A role somebody holds; `scope` is `show`, or `everywhere` for a global operator."""

    user: str
    role: Role
    scope: Literal["show", "everywhere"]


class RoleList(Shape):
    """Who may do more than watch."""

    show: str
    roles: list[RoleBody]
