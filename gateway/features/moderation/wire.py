"""Payloads and events of moderation."""

from typing import Annotated

from msgspec import Meta, Struct

from gateway.contract.rows import console
from gateway.contract.scalars import Millis, User


class AuditItem(Struct, frozen=True):
    """Somebody of the staff did something."""

    id: str
    by: str
    """The user who did it."""
    action: str
    target: str
    """Whom or what it was done to."""
    at_ms: Millis


class Audit(Struct, frozen=True):
    """What the staff did, oldest first."""

    items: list[AuditItem]


class Mute(Struct, frozen=True):
    """Silence a viewer; without `minutes` until unmuted."""

    user: User
    minutes: Annotated[int, Meta(ge=1, le=10080)] | None = None


AUDIT = console("audit", Audit, is_whole=False)
