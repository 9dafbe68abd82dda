"""What is published when a tier changes."""

from msgspec import Struct

from auth.identity import ShowId, Tier, UserId
from presale.entitlements.entitlements import EntitlementReason


class EntitlementChanged(Struct, frozen=True, tag_field="t", tag="presale.entitlement"):
    """A user's tier changed."""

    user: UserId
    show: ShowId
    tier: Tier
    version: int
    reason: EntitlementReason
