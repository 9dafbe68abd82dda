"""A socket's stay in a room: hears what its client sends, and acts for its member."""

import asyncio
from collections.abc import Awaitable

from auth.denials import Code, Denied
from auth.grants import Grant
from auth.identity import Identity, Role, Tier
from auth.permissions import Permission
from gateway.contract.link import TOKEN_EXPIRING, TokenExpiring
from gateway.live.commands import Commands
from gateway.live.deadlines import Deadline
from gateway.live.greeting import greet
from gateway.live.member import SLOW_RETRY_MS, Member
from gateway.live.room import LiveRoom
from gateway.replica.act import Means
from gateway.sockets.connection import Answer, Connection
from rooms.names.events import NamesChanged


class Visit:
    """From a CONNECT that was accepted to the end of the socket: a `Receiver` of it, and the `Act` of its commands."""

    __slots__ = ("_commands", "_token_deadline", "means", "member", "room", "user")

    def __init__(self, room: LiveRoom, member: Member, commands: Commands, means: Means) -> None:
        self.room = room
        self.member = member
        self.means = means
        self.user = member.user
        """Who acts; a new token is of the same user."""
        self._commands = commands
        self._token_deadline: Deadline | None = None

    def begin(self) -> None:
        """Watch the token, and keep the name of a host from viewers."""
        self._watch_token()
        self._keep_name()

    # ---- gateway.sockets.connection.Receiver ---------------------------------------------------------

    def opened(self, connection: Connection) -> None:
        """Welcome, then what happened since the snapshot was taken."""
        member = self.member
        member.connection = connection
        self.room.recount(member)
        greet(self.room, member)
        member.welcomed()

    def received(self, event: str, payload: object) -> Answer | Awaitable[Answer]:
        """Hand an event to its command."""
        if self.member.expelled is not None:
            return Denied(Code.BUSY, retry_after_ms=SLOW_RETRY_MS)
        answer = self._commands(self, event, payload)
        return answer if isinstance(answer, Answer) else self._answered(answer)

    async def _answered(self, answer: Awaitable[Answer]) -> Answer:
        member = self.member
        member.is_acting = True
        try:
            return await answer
        finally:
            member.is_acting = False
            if member.expelled is not None:  # the ack is sent before the loop turns
                asyncio.get_running_loop().call_soon(member.bye, member.expelled)

    def slow(self) -> None:
        """Sent away because it does not read; it may come back and is told what it missed."""
        self.member.bye(Code.SLOW, retry_after_ms=SLOW_RETRY_MS)

    def closed(self) -> None:
        """Leave the room."""
        if self._token_deadline is not None:
            self._token_deadline.cancel()
        self.room.went(self.member)
        self.member.closed()

    # ---- gateway.replica.act.Act -----------------------------------------------------------------------

    @property
    def name(self) -> str:
        """Under which name the room shows them."""
        return self.member.name

    @property
    def role(self) -> Role:
        """As which they act."""
        return self.member.role

    @property
    def tier(self) -> Tier:
        """What their ticket is worth."""
        return self.member.tier

    @property
    def tier_version(self) -> int:
        """Of the entitlement behind `tier`."""
        return self.member.tier_version

    def may(self, permission: Permission) -> bool:
        """Whether they may do this now."""
        return permission in self.member.permissions

    def grants(self) -> list[Grant]:
        """Fresh grants of every stream that they may watch."""
        return self.room.grants_of(self.member)

    def stay(self, identity: Identity) -> None:
        """Stay for as long as a new token says."""
        self.member.identity = identity
        self.begin()

    # ---- the token -------------------------------------------------------------------------------------

    def _keep_name(self) -> None:
        """See to it that no viewer takes the name of a host who is here."""
        member, room = self.member, self.room
        kept = room.replica.newest(NamesChanged).hosts.get(member.user)
        if (kept is not None or member.role is Role.HOST) and kept != member.identity.name:
            room.around.errands.host_came(room.id, member.user, member.identity.name)

    def _watch_token(self) -> None:
        """Warn before the end of the token, and end the socket with it; again for a new one."""
        if self._token_deadline is not None:
            self._token_deadline.cancel()
        around = self.room.around
        warn_ms = self.member.identity.expires_ms - around.limits.token_warning_ms
        self._token_deadline = around.deadlines.at(warn_ms, self._token_expiring)

    def _token_expiring(self) -> None:
        ends_ms = self.member.identity.expires_ms
        self._token_deadline = self.room.around.deadlines.at(ends_ms, self._token_expired)
        self.member.tell(TOKEN_EXPIRING, TokenExpiring(ends_ms))

    def _token_expired(self) -> None:
        self.member.bye(Code.TOKEN_EXPIRED)
