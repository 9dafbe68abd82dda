"""Who is in a room on this gateway, and how all of them, some, or one user's sockets are told something."""

from collections.abc import Callable

from auth.identity import Tier, UserId
from auth.permissions import Permission
from gateway.contract.link import PRESENCE, Presence
from gateway.contract.rows import Payload, ServerEvent
from gateway.live.member import Member
from gateway.replica.orders import EVERYBODY, View
from gateway.sockets.audience import Audiences
from gateway.sockets.codec import Prepared
from pubsub.broker import Position
from pubsub.presence import Counts

PRESENCE_MS_PER_SOCKET = 1
"""Presence is sent at most once per (sockets x 1 ms): at most a thousand writes a second."""


class Attendance:
    """The sockets of a room, and where the room stands. Everything here is synchronous: order comes free."""

    def __init__(
        self,
        position: Position,
        fanout_seconds: float,
        *,
        delivered: Callable[[str, int], None],
        left_queue: Callable[[Member], None],
    ) -> None:
        self.position = position
        self.delivered = delivered
        """Counts events queued to sockets."""
        self._left_queue = left_queue
        self._audiences = Audiences(fanout_seconds)
        self._members: set[Member] = set()
        self._arriving: set[Member] = set()
        """Those who are told one by one, because their welcome is not sent or told them of places still to come."""
        self._by_user: dict[UserId, list[Member]] = {}
        self._online = dict.fromkeys(Tier, 0)
        self._staffed = 0
        self.told_online = -1
        """How many viewers are here, as everybody was told last."""
        self._presence_due_ms = 0

    @property
    def size(self) -> int:
        """How many sockets there are."""
        return len(self._members)

    @property
    def has_consoles(self) -> bool:
        """Whether any of them is a console."""
        return self._staffed > 0

    def enter(self, member: Member) -> None:
        """Add a socket; it hears everything from now on, and is told after its welcome."""
        self._members.add(member)
        self._staffed += member.is_console
        self._arriving.add(member)
        self._by_user.setdefault(member.user, []).append(member)

    def leave(self, member: Member) -> None:
        """Forget a socket. Idempotent."""
        if member not in self._members:
            return
        if member.is_waiting:
            self._left_queue(member)
        self._members.discard(member)
        self._staffed -= member.is_console
        self.recount(member)
        self._arriving.discard(member)
        if member.connection is not None:
            self._audiences.leave(member.connection)
        mine = self._by_user[member.user]
        mine.remove(member)
        if not mine:
            del self._by_user[member.user]

    def settle(self, member: Member) -> None:
        """Tell a socket from now on what others like it are told; again whenever what it may read has changed."""
        if member.connection is not None and member.told_until <= self.position.offset:
            self._arriving.discard(member)
            self._audiences.enter(member.connection, reads=Permission.CHAT_READ in member.permissions)

    def members(self) -> list[Member]:
        """All sockets, as of now."""
        return list(self._members)

    def of_user(self, user: UserId) -> list[Member]:
        """A user's sockets, oldest first."""
        return list(self._by_user.get(user, ()))

    def is_here(self, user: UserId) -> bool:
        """Whether somebody has an open socket here."""
        return any(member.connection is not None for member in self._by_user.get(user, ()))

    def recount(self, member: Member) -> None:
        """Count somebody as what they are now, after they opened, left or changed."""
        before, now = member.counted, self._counted(member)
        if now is not before:
            member.counted = now
            if before is not None:
                self._online[before] -= 1
            if now is not None:
                self._online[now] += 1

    def _counted(self, member: Member) -> Tier | None:
        is_here = member in self._members and member.connection is not None
        return member.tier if is_here and not member.is_console and not member.is_waiting else None

    def online(self) -> Counts:
        """Opened sockets of viewers by tier, without those who wait."""
        return self._online.copy()

    def tell_presence(self, online: int, now_ms: int) -> None:
        """Tell everybody how many are here, if that changed; a full room not at every change."""
        if online != self.told_online and now_ms >= self._presence_due_ms:
            self.told_online = online
            self._presence_due_ms = now_ms + self.size * PRESENCE_MS_PER_SOCKET
            self.tell(Prepared(PRESENCE, Presence(online)))

    def stand(self, position: Position) -> None:
        """Everything published up to here has come."""
        if position.epoch != self.position.epoch:  # places told in the old one are before all that is to come
            for member in self._arriving:
                member.told_until = min(member.told_until, 0)
        self.position = position

    def settle_arrived(self) -> None:
        """Settle all whose welcome has told no more than what has come by now."""
        for member in list(self._arriving):
            self.settle(member)

    def tell_user(self, user: UserId, event: ServerEvent[Payload], payload: Payload) -> None:
        """Tell all sockets of a user."""
        prepared = Prepared(event, payload)
        members = self.of_user(user)
        for member in members:
            member.send(prepared)
        self.delivered(event.name, len(members))

    def tell_holders(self, event: ServerEvent[Payload], payload: Payload) -> None:
        """Tell all sockets of those who hold a ticket."""
        prepared = Prepared(event, payload)
        holders = [member for member in self.members() if member.tier is not Tier.NONE]
        for member in holders:
            member.send(prepared)
        self.delivered(event.name, len(holders))

    def tell(self, prepared: Prepared, *, view: View = EVERYBODY, offset: int | None = None) -> None:
        """Tell everybody, or a part of the room; `offset` marks what carries a cursor."""
        surface, reads = view.surface, view.reads
        count = self._audiences.tell(prepared, namespace=surface and surface.value, reads=reads)
        for member in self._arriving:
            if (surface is None or member.surface is surface) and (
                reads is None or (Permission.CHAT_READ in member.permissions) is reads
            ):
                member.send(prepared, offset)
                count += 1
        self.delivered(prepared.event.name, count)
