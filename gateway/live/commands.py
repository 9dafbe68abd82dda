"""From an event to its handler: known, well-formed, not too often, allowed; then one function per event."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

import msgspec

from auth.denials import Code, Denied
from gateway.contract.rows import SLOW_MODE, RateClass
from gateway.contract.shared import Streams
from gateway.live.member import Member
from gateway.replica.act import Act
from gateway.replica.feature import AnyCommand
from gateway.replica.rights import missing_right, with_offer
from rooms.roles import roles_sql
from store.database_sql import Database, RacedError

Answer = msgspec.Struct | Denied


class Acting(Act, Protocol):
    """An act whose socket is here."""

    @property
    def member(self) -> Member: ...


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
"""Refusals for good that hang on the room, its staff or a ticket, which may have changed a moment ago elsewhere.

Slow mode's is one of them, for hours may have been switched off; a rate of the settings is not.
"""

UNKNOWN = Denied(Code.BAD_REQUEST, detail={"field": "event"})
"""The answer to an event that is not taken here."""


class Commands:
    """Answers every event of every member."""

    def __init__(
        self,
        rows: Mapping[str, AnyCommand],
        db: Database,
        clock: Callable[[], int],
        *,
        refuses: Callable[[Member, str], Denied | None],
        is_news: Callable[[Member], Awaitable[bool | None]],
        count: Callable[[str, str], None],
    ) -> None:
        self.rows = dict(rows)
        self._db = db
        self._clock = clock
        self._refuses = refuses
        """Why somebody may not send something while they wait at the door."""
        self._is_news = is_news
        """Whether SQL had anything that may change a refusal; None where it cannot be asked."""
        self._count = count

    def __call__(self, act: Acting, event: str, payload: object) -> Answer | Awaitable[Answer]:
        """The ack of one event, at once where nothing has to be waited for."""
        if act.member.is_console:
            return self._counted_later(event, self._on_console(act, event, payload))
        answer = self._on_live(act, event, payload)
        if isinstance(answer, Answer) and not _may_be_late(answer):
            return self._counted(event, answer)
        return self._counted_later(event, self._made_sure(answer, act, event, payload))

    async def _made_sure(self, answer: Answer | Awaitable[Answer], act: Acting, event: str, payload: object) -> Answer:
        """SQL is asked, and it is decided again: nobody is refused for good by a replica that may be a moment old.

        Nor are streams granted by one, to somebody who is banned.
        """
        if not isinstance(answer, Answer):
            answer = await answer
        if not _may_be_late(answer):
            return answer
        is_news = await self._is_news(act.member)
        if is_news is None:
            return Denied(Code.BUSY, retry_after_ms=RETRY_MS)
        if is_news or isinstance(answer, Streams):
            once_more = self._on_live(act, event, payload)
            answer = once_more if isinstance(once_more, Answer) else await once_more
        return answer

    def _on_live(self, act: Acting, event: str, payload: object) -> Answer | Awaitable[Answer]:
        command = self.rows.get(event)
        if command is None or command.roles is not None:
            return UNKNOWN
        request = _read(command, payload)
        if isinstance(request, Denied):
            return request
        denied = self._refuses(act.member, event)
        missing = None if denied else _rights_only(act, command)
        if missing is not None and command.known is None:
            return missing
        denied = denied or _too_often(act, command.rate, self._clock())
        if denied is None and missing is not None and command.known is not None:
            return _known(command.known(act, request), missing)
        return denied or _decided(act, command, request)

    async def _on_console(self, act: Acting, event: str, payload: object) -> Answer:
        command = self.rows.get(event)
        if command is None or (command.roles is None and not command.is_shared):
            return UNKNOWN
        request = _read(command, payload)
        if isinstance(request, Denied):
            return request
        denied = await self._staff_only(act, command) or _too_often(act, command.rate, self._clock())
        if denied is not None:
            return denied
        answer = _decided(act, command, request)
        return answer if isinstance(answer, Answer) else await answer

    async def _counted_later(self, event: str, answer: Awaitable[Answer]) -> Answer:
        try:
            return self._counted(event, await answer)
        except RacedError:  # again and again, somebody else changed it first
            return self._counted(event, Denied(Code.CONFLICT))

    def _counted(self, event: str, answer: Answer) -> Answer:
        known = event if event in self.rows else "unknown"
        self._count(known, answer.code if isinstance(answer, Denied) else "ok")
        return answer

    async def _staff_only(self, act: Act, command: AnyCommand) -> Denied | None:
        """Roles and bans are read from SQL at every action of a console."""
        async with self._db.read() as connection:
            role = await roles_sql.acting_role(connection, act.user, act.room.replica.show)
        may = role.is_staff if command.roles is None else role in command.roles
        return None if may else Denied(Code.FORBIDDEN)


def _rights_only(act: Act, command: AnyCommand) -> Denied | None:
    if command.permission is None or act.may(command.permission):
        return None
    replica = act.room.replica
    return with_offer(missing_right(command.permission, act.tier, replica.room), replica)


def _decided(act: Act, command: AnyCommand, request: Any) -> Answer | Awaitable[Answer]:
    answer: Answer | Awaitable[Answer] = command.answer(act, request)
    return answer if isinstance(answer, Answer) else _decided_later(answer, act, command, request)


async def _decided_later(answer: Awaitable[Answer], act: Act, command: AnyCommand, request: Any) -> Answer:
    """Decided again when a race was lost: nothing of it was written."""
    for _ in range(MAX_RACES - 1):
        try:
            return await answer
        except RacedError:
            once_more: Answer | Awaitable[Answer] = command.answer(act, request)
            if isinstance(once_more, Answer):
                return once_more
            answer = once_more
    return await answer


def _may_be_late(answer: Answer) -> bool:
    if isinstance(answer, Denied):
        return answer.code in MAY_BE_LATE or SLOW_MODE in answer.detail
    return isinstance(answer, Streams) and bool(answer.grants)


async def _known(before: Awaitable[Answer | None], missing: Denied) -> Answer:
    """What was answered under this key before the right to the event ended; else that it is missing."""
    answer = await before
    return missing if answer is None else answer


def _read(command: AnyCommand, payload: object) -> Any:
    """What a command asks for."""
    try:
        return msgspec.convert({} if payload is None else payload, command.payload)
    except msgspec.ValidationError as error:
        return Denied(Code.BAD_REQUEST, detail={"field": _field_of(str(error))})


def _field_of(message: str) -> str:
    """The place msgspec names: "... - at `$.text`", or "... missing required field `text`"."""
    if "required field `" in message:
        return message.split("`", 2)[1]
    if "at `$." in message:
        return message.split("at `$.", 1)[1].split("`", 1)[0]
    return "payload"


def _too_often(act: Act, rate: RateClass, now_ms: int) -> Denied | None:
    wait_ms = act.room.persons.take(act.user, rate, now_ms)
    return Denied(Code.RATE_LIMITED, retry_after_ms=wait_ms) if wait_ms else None
