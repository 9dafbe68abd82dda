"""What somebody's tickets are worth together."""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct

from auth.identity import Tier, UserId


class EntitlementReason(StrEnum):
    """Why a tier changed."""

    PURCHASE = "purchase"
    REFUND = "refund"
    REFUND_FAILED = "refund_failed"


class Entitlement(Struct, frozen=True):
    """A user's right in a show. The version grows by one with every change of the tier; 0: never had one."""

    tier: Tier = Tier.NONE
    version: int = 0


class Change(NamedTuple):
    """What an entitlement became. The versions of a user count from 1 without gaps."""

    version: int
    at_ms: int
    tier: Tier


class Guest(Struct, frozen=True):
    """A line of the guest list."""

    user: UserId
    tier: Tier
    version: int


def tier_of(live_tiers: Iterable[Tier]) -> Tier:
    """The best tier among the lines of paid orders."""
    return max(live_tiers, default=Tier.NONE)
