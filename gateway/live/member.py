"""One socket in a room: who it is, what it may do now, and the order of what it is told."""

from typing import Protocol

from auth.denials import Code
from auth.door import Surface
from auth.identity import Identity, Role, RoomId, Tier, UserId
from auth.permissions import Permission, Permissions
from gateway.contract.rows import Payload, ServerEvent
from gateway.replica.guests import GuestList
from gateway.replica.replica import Replica
from gateway.replica.welcome import NO_LUGGAGE
from gateway.sockets.codec import Prepared
from gateway.sockets.connection import Connection, Opening
from rooms.names.names import Names

SURFACES = {surface.value: surface for surface in Surface}
SLOW_RETRY_MS = 1000
NOTHING: Permissions = frozenset()


class Place(Protocol):
    """A room, as its members and the door know it."""

    @property
    def id(self) -> RoomId: ...
    @property
    def replica(self) -> Replica: ...
    @property
    def guests(self) -> GuestList: ...
    @property
    def names(self) -> Names: ...
    @property
    def is_committing(self) -> bool:
        """Whether what happens was committed by this process a moment ago, and may not be acked yet."""
        ...

    def permissions_of(self, role: Role, tier: Tier) -> Permissions:
        """What somebody may do here now."""
        ...

    def of_user(self, user: UserId) -> "list[Member]":
        """A user's sockets, oldest first."""
        ...

    def recount(self, member: "Member") -> None:
        """Count somebody as what they are now."""
        ...

    def settle(self, member: "Member") -> None:
        """Tell a socket from now on what others like it are told."""
        ...

    def retiered(self, member: "Member") -> None:
        """The ticket of somebody who waits at the door is worth something else now."""
        ...

    def admit(self, member: "Member") -> None:
        """Somebody who waited is like everybody inside from now on."""
        ...

    def delivered(self, event: str, count: int) -> None:
        """Count an event that was queued to sockets."""
        ...


class Member:
    """One socket of a live room.

    It is in the room from before its rights are read from SQL, so that no change of them slips between; until
    it is opened what it is sent waits, so that `welcome` comes first.
    """

    __slots__ = (
        "_held",
        "asks_first",
        "connection",
        "counted",
        "device",
        "expelled",
        "identity",
        "is_acting",
        "is_console",
        "is_waiting",
        "luggage",
        "permissions",
        "role",
        "role_version",
        "room",
        "surface",
        "tier",
        "tier_version",
        "told_until",
        "user",
        "was_inside",
    )

    def __init__(self, room: Place, opening: Opening, identity: Identity) -> None:
        self.room = room
        self.surface = SURFACES[opening.namespace]
        self.is_console = self.surface is Surface.CONSOLE
        """Whether it steers the room."""
        self.device = opening.auth.get("device", "")
        self.asks_first = opening.auth.get("takeover") == "ask"
        """Whether it would rather be refused than take another device's seat."""
        self.identity = identity
        self.user = identity.user
        """Whose socket this is; a new token is of the same user."""
        self.role = Role.VIEWER
        self.role_version = -1
        self.tier = Tier.NONE
        self.tier_version = -1
        self.permissions: Permissions = NOTHING
        self.is_waiting = False
        """Whether it stands in the queue at the door, without rights until it is its turn."""
        self.was_inside = False
        """Whether it has shown that it was inside a moment ago."""
        self.connection: Connection | None = None
        self.counted: Tier | None = None
        """As what the room counts it; None: not at all."""
        self.luggage = NO_LUGGAGE
        """What the welcome is made of; gone once it is sent."""
        self.told_until = -1
        """The offset up to which its welcome told the history."""
        self._held: list[tuple[int | None, Prepared]] | None = []
        self.expelled: Code | None = None
        """With what code it ends once it has heard its welcome, or its ack."""
        self.is_acting = False
        """Whether a command of its is being carried out: it ends after the ack."""

    @property
    def name(self) -> str:
        """Under which name it is shown in its room."""
        return self.room.names.shown(self.user, self.identity.name, is_staff=self.role.is_staff)

    @property
    def is_seated(self) -> bool:
        """Whether it uses a ticket, of which only so many devices may at once."""
        is_fan = not self.is_console and not self.role.is_staff
        return is_fan and not self.is_waiting and self.tier >= Tier.MAIN

    @property
    def is_inside(self) -> bool:
        """Whether it is open, and past the queue."""
        return self.connection is not None and not self.connection.leaving and not self.is_waiting

    def may(self, permission: Permission) -> bool:
        """Whether it may do this now."""
        return permission in self.permissions

    def take_tier(self, tier: Tier, version: int) -> bool:
        """Take an entitlement in; False where a newer one is known already."""
        if version <= self.tier_version:
            return False
        self.tier, self.tier_version = tier, version
        self.refresh_permissions()
        if self.is_waiting:
            self.room.retiered(self)
        return True

    def take_role(self, role: Role, version: int) -> bool:
        """Take a role in, as of a version that the room has counted; False where that is no news."""
        if version < self.role_version or (version == self.role_version and role is self.role):
            return False
        self.role, self.role_version = role, version
        return True

    def refresh_permissions(self) -> bool:
        """Work out the rights again from role, tier and room; True where they changed."""
        self.room.recount(self)
        before = self.permissions
        self.permissions = NOTHING if self.is_waiting else self.room.permissions_of(self.role, self.tier)
        if before == self.permissions:
            return False
        if self.connection is not None and self._held is None:
            self.room.settle(self)
        return True

    # ---- sending -----------------------------------------------------------------------------------

    def send(self, prepared: Prepared, offset: int | None = None) -> None:
        """Queue an event; `offset` marks what carries a cursor, which the welcome may already have passed."""
        if self._held is not None:
            self._held.append((offset, prepared))
        elif self.connection is not None and (offset is None or offset > self.told_until):
            self.connection.send(prepared)

    def tell(self, event: ServerEvent[Payload], payload: Payload) -> None:
        """Send something meant for this socket alone."""
        self.send(Prepared(event, payload))
        self.room.delivered(event.name, 1)

    def bye(self, code: Code, retry_after_ms: int | None = None) -> None:
        """End the socket; one that is still waiting to be opened ends right after its welcome.

        One whose command this process may just have committed ends right after its ack.
        """
        is_acting = self.is_acting and self.room.is_committing
        if self.connection is None or self._held is not None or is_acting:
            self.expelled = code
            return
        self.connection.bye(code, retry_after_ms)

    @property
    def is_open(self) -> bool:
        """Whether it was welcomed and is not on its way out."""
        return self.connection is not None and self._held is None and not self.connection.leaving

    def welcomed(self) -> None:
        """It has heard its welcome: what was held back for it follows, and then what everybody like it is told."""
        held, self._held = self._held or [], None
        for offset, prepared in held:
            self.send(prepared, offset)
        self.room.settle(self)
        if self.expelled is not None:
            self.bye(self.expelled)

    def closed(self) -> None:
        """Its transport is gone: nothing is sent any more."""
        self._held = None
        self.connection = None
