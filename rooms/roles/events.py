"""What is published of roles."""

from msgspec import Struct

from auth.identity import Role, UserId


class RoleChanged(Struct, frozen=True, tag_field="t", tag="room.role"):
    """The strongest role somebody has in this room's show from now on."""

    user: UserId
    role: Role
    version: int = 0
