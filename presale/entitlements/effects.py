"""What a decision wants done about rights."""

from msgspec import Struct

from auth.identity import UserId
from presale.entitlements.entitlements import EntitlementReason


class Recalculate(Struct, frozen=True):
    """A user's tier follows from their paid orders, as they are by then."""

    user: UserId
    reason: EntitlementReason
