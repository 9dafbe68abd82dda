"""What is published of what the staff did."""

from msgspec import Struct

from auth.identity import UserId


class AuditRecorded(Struct, frozen=True, tag_field="t", tag="room.audit"):
    """Somebody of the staff did something; for consoles."""

    id: str
    by: UserId
    action: str
    target: str
    at_ms: int
