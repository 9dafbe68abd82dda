"""What is on record of somebody: role, rights, wallet, orders; from the guest list, and from SQL where that ends."""

from auth.identity import Role, Tier
from gateway.live.member import Member
from gateway.replica.welcome import Luggage
from presale.books import wallet_sql
from presale.entitlements import entitlements_sql
from presale.orders import orders_sql
from presale.orders.events import told
from presale.orders.orders import STANDING
from rooms import turns_sql
from rooms.roles import roles_sql
from rooms.roles.events import RoleChanged
from store.database_sql import Database


class Records:
    """Brings a member's rights and luggage up to date."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def know(self, member: Member) -> bool:
        """Look it up, and ask SQL where the guest list cannot tell; whether it could."""
        is_from_list = self.look_up(member)
        if not is_from_list:
            await self.read(member)
        return is_from_list

    def look_up(self, member: Member) -> bool:
        """From the guest list alone; False where it cannot tell, and nothing has changed."""
        guest = member.room.guests.find(member.user)
        if guest is None:
            return False
        member.take_role(Role.VIEWER, member.room.replica.counted.floor)
        member.take_tier(guest.tier, guest.tier_version)
        member.refresh_permissions()
        member.luggage = Luggage(guest.wallet, guest.orders)
        return True

    async def read(self, member: Member) -> None:
        """From SQL, in one snapshot."""
        show = member.room.replica.show
        async with self._db.read() as connection:
            role = await roles_sql.role_of(connection, member.user, show)
            counted = await turns_sql.counted(connection, member.room.id)
            entitlement = await entitlements_sql.load(connection, show, member.user)
            wallet = await wallet_sql.load(connection, show, member.user)
            orders = await orders_sql.list_own(connection, show, member.user)
        member.take_role(role, counted)
        member.room.replica.suppose(RoleChanged(member.user, role, counted))
        member.take_tier(entitlement.tier, entitlement.version)
        member.refresh_permissions()
        standing = [told(order) for order in orders if order.state in STANDING]
        member.luggage = Luggage(wallet, sorted(standing, key=lambda order: order.order))

    async def history_since(self, member: Member, at_ms: int) -> list[tuple[int, Tier]]:
        """The tiers held from a time on, and maybe before, as (at_ms, tier from then on)."""
        guest = member.room.guests.find(member.user)
        if guest is not None and guest.tier_version == member.tier_version:
            known = guest.history_since(at_ms)
            if known is not None:
                return known
        async with self._db.read() as connection:
            return await entitlements_sql.history(connection, member.room.replica.show, member.user)
