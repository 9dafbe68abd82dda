"""What somebody may do in a room, why not, and what they could buy so that they may."""

from msgspec import structs

from auth.denials import Code, Denied
from auth.identity import Role, Tier
from auth.permissions import Permission, Permissions, permissions
from auth.situation import Phase
from gateway.replica.reading import ProductsListed
from gateway.replica.replica import Replica
from presale.books.events import RevenueChanged
from presale.catalogue.events import SalesChanged
from rooms.course.room import RoomRecord

STREAMS = {Permission.STREAM_MAIN: "main", Permission.STREAM_VIP: "vip"}
"""The stream that each right lets its holder watch, in the order in which grants are told."""
BUY_AT = "/api/v1/orders"


def rights_in(room: RoomRecord, role: Role, tier: Tier) -> Permissions:
    """Everything somebody may do in this room as it stands."""
    return permissions(role, tier, room.access, room.phase, room.switches)


def keeps_stage(room: RoomRecord, role: Role, tier: Tier) -> bool:
    """Whether somebody may stay on stage or in its queue; a pause takes nobody off."""
    return Permission.COHOST in rights_in(structs.replace(room, phase=Phase.LIVE), role, tier)


def missing_right(permission: Permission, tier: Tier, room: RoomRecord) -> Denied:
    """The refusal of an action that `tier` does not cover now: a ticket would help, or nothing would.

    Before the doors open a ticket helps when it will help at the show.
    """
    if room.phase is Phase.PRESALE:
        room = structs.replace(room, phase=Phase.LIVE)
    if permission in rights_in(room, Role.VIEWER, tier):
        return Denied(Code.CLOSED)
    for better in (Tier.MAIN, Tier.VIP):
        if better > tier and permission in rights_in(room, Role.VIEWER, better):
            code = Code.BALANCE_DUE if tier is Tier.LOBBY else Code.TICKET_REQUIRED
            return Denied(code, detail={"needs": better.value})
    return Denied(Code.CLOSED)


def with_offer(denied: Denied, replica: Replica) -> Denied:
    """TICKET_REQUIRED and BALANCE_DUE with what to buy and where, so that an app can open its purchase sheet."""
    if denied.code not in (Code.TICKET_REQUIRED, Code.BALANCE_DUE):
        return denied
    needs = Tier(str(denied.detail.get("needs", Tier.MAIN)))
    currency = replica.newest(RevenueChanged).currency
    left = {count.id: count.capacity - count.sold - count.held for count in replica.newest(SalesChanged).products}
    offer = [
        {
            "id": product.id,
            "name": product.name,
            "tier": product.tier.value,
            "price_minor": product.price_minor,
            "currency": currency,
            "sold_out": left.get(product.id, 0) <= 0,
        }
        for product in replica.newest(ProductsListed).products
        if product.tier >= needs
    ]
    detail = {**denied.detail, "show": replica.show, "room": replica.id, "products": offer, "buy": BUY_AT}
    return Denied(denied.code, denied.retry_after_ms, detail)
