"""From an event to its handler: known, well-formed, not too often, allowed; then one function per event."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from auth.console import may as may_on_console
from auth.denials import Code, Denied
from gateway.contract.registry import CONSOLE_COMMANDS, SHARED_COMMANDS, VIEWER_COMMANDS, Command, RateClass
from gateway.features import console, viewer
from gateway.features.stage import commands
from gateway.live.member import Member
from gateway.replica.rights import missing_right, with_offer
from rooms import moderation_sql, roles_sql
from store.database_sql import RacedError

if TYPE_CHECKING:
    from gateway.house.house import House

Answer = msgspec.Struct | Denied
Handler = Callable[["House", Member, Any], Answer | Awaitable[Answer]]
"""One that needs neither SQL nor anybody's answer gives its own at once: no task is made for it."""

MAX_RACES = 5
"""How often a command that lost a race is decided again."""

RETRY_MS = 1_000
MAY_BE_LATE = frozenset(
    {
        Code.FORBIDDEN,
        Code.TICKET_REQUIRED,
        Code.BALANCE_DUE,
        Code.MUTED,
        Code.CLOSED,
        Code.LINKS_OFF,
        Code.EMOJI_ONLY,
        Code.STAGE_STATE,
        Code.STAGE_FULL,
    }
)
"""Refusals for good that hang on the room, its staff or a ticket, which may have changed a moment ago elsewhere."""

HANDLERS: Mapping[str, Handler] = {**viewer.HANDLERS, **console.HANDLERS, **commands.HANDLERS}

_BY_NAME = {command.name: command for command in (*VIEWER_COMMANDS, *CONSOLE_COMMANDS)}
ON_LIVE = frozenset(command.name for command in VIEWER_COMMANDS)
ON_CONSOLE = frozenset(command.name for command in CONSOLE_COMMANDS) | frozenset(SHARED_COMMANDS)


class Commands:
    """Answers every event of every member."""

    def __init__(self, house: "House") -> None:
        self._house = house

    def __call__(self, member: Member, event: str, payload: object) -> Answer | Awaitable[Answer]:
        """The ack of one event, at once where nothing has to be waited for."""
        if member.is_console:
            return self._counted_later(event, self._on_console(member, event, payload))
        answer = self._on_live(member, event, payload)
        if isinstance(answer, Answer) and not _may_be_late(answer):
            return self._counted(event, answer)
        return self._counted_later(event, self._made_sure(answer, member, event, payload))

    async def _made_sure(
        self, answer: Answer | Awaitable[Answer], member: Member, event: str, payload: object
    ) -> Answer:
        """Nobody is refused for good by a replica that may be a moment old: SQL is asked, and it is decided again."""
        if not isinstance(answer, Answer):
            answer = await answer
        if not _may_be_late(answer):
            return answer
        is_news = await self._house.truth.is_news(member)
        if is_news is None:
            return Denied(Code.BUSY, retry_after_ms=RETRY_MS)
        if is_news:
            once_more = self._on_live(member, event, payload)
            answer = once_more if isinstance(once_more, Answer) else await once_more
        return answer

    def _on_live(self, member: Member, event: str, payload: object) -> Answer | Awaitable[Answer]:
        request = _read(event, payload, ON_LIVE)
        if isinstance(request, Denied):
            return request
        command = _BY_NAME[event]
        denied = self._house.waiting.refuses(member, event)
        missing = None if denied else self._rights_only(member, command)
        if missing is not None and event not in viewer.KNOWN:
            return missing
        denied = denied or _too_often(member, command.rate, self._house.clock())
        if denied is None and missing is not None:
            return self._known(member, event, request, missing)
        return denied or self._decided(member, event, request)

    async def _known(self, member: Member, event: str, request: Any, missing: Denied) -> Answer:
        """What was answered under this key before the right to the event ended; else that it is missing."""
        answer: Answer | None = await viewer.KNOWN[event](self._house, member, request)
        return missing if answer is None else answer

    async def _on_console(self, member: Member, event: str, payload: object) -> Answer:
        request = _read(event, payload, ON_CONSOLE)
        if isinstance(request, Denied):
            return request
        rate = _BY_NAME[event].rate
        denied = await self._staff_only(member, event) or _too_often(member, rate, self._house.clock())
        if denied is not None:
            return denied
        answer = self._decided(member, event, request)
        return answer if isinstance(answer, Answer) else await answer

    def _decided(self, member: Member, event: str, request: Any) -> Answer | Awaitable[Answer]:
        answer = HANDLERS[event](self._house, member, request)
        return answer if isinstance(answer, Answer) else self._decided_later(answer, member, event, request)

    async def _decided_later(self, answer: Awaitable[Answer], member: Member, event: str, request: Any) -> Answer:
        """Decided again when a race was lost: nothing of it was written."""
        for _ in range(MAX_RACES - 1):
            try:
                return await answer
            except RacedError:
                once_more = HANDLERS[event](self._house, member, request)
                if isinstance(once_more, Answer):
                    return once_more
                answer = once_more
        return await answer

    async def _counted_later(self, event: str, answer: Awaitable[Answer]) -> Answer:
        try:
            return self._counted(event, await answer)
        except RacedError:  # again and again, somebody else changed it first
            return self._counted(event, Denied(Code.CONFLICT))

    def _counted(self, event: str, answer: Answer) -> Answer:
        known = event if event in _BY_NAME else "unknown"
        self._house.metrics.command(known, answer.code if isinstance(answer, Denied) else "ok")
        return answer

    def _rights_only(self, member: Member, command: Command) -> Denied | None:
        if command.permission is None or member.may(command.permission):
            return None
        replica = member.room.replica
        return with_offer(missing_right(command.permission, member.tier, replica.room), replica)

    async def _staff_only(self, member: Member, event: str) -> Denied | None:
        """Roles and bans are read from SQL at every action of a console."""
        async with self._house.db.read() as connection:
            is_banned = await moderation_sql.is_banned(connection, member.room.id, member.user)
            role = await roles_sql.role_of(connection, member.user, member.room.replica.show)
        if is_banned or not role.is_staff or (event not in SHARED_COMMANDS and not may_on_console(role, event)):
            return Denied(Code.FORBIDDEN)
        return None


def _may_be_late(answer: Answer) -> bool:
    return isinstance(answer, Denied) and answer.code in MAY_BE_LATE


def _read(event: str, payload: object, known: frozenset[str]) -> msgspec.Struct | Denied:
    """What an event of those that are known here asks for."""
    if event not in known:
        return Denied(Code.BAD_REQUEST, detail={"field": "event"})
    try:
        return msgspec.convert({} if payload is None else payload, _BY_NAME[event].payload)
    except msgspec.ValidationError as error:
        return Denied(Code.BAD_REQUEST, detail={"field": _field_of(str(error))})


def _field_of(message: str) -> str:
    """The place msgspec names: "... - at `$.text`", or "... missing required field `text`"."""
    if "required field `" in message:
        return message.split("`", 2)[1]
    if "at `$." in message:
        return message.split("at `$.", 1)[1].split("`", 1)[0]
    return "payload"


def _too_often(member: Member, rate: RateClass, now_ms: int) -> Denied | None:
    wait_ms = member.room.persons.take(member.user, rate, now_ms)
    return Denied(Code.RATE_LIMITED, retry_after_ms=wait_ms) if wait_ms else None
