"""Who is in a room, at whatever gateway: asked over the broker where this one does not know.

Asked by the staff alone, a few times an evening. An answer says nothing but a name, and only who is here answers: who
is nowhere costs a wait of `ANSWER_SECONDS`.
"""

import asyncio
from collections.abc import Callable

from auth.denials import Code, Denied
from auth.identity import RoomId, UserId
from gateway.live.room import LiveRoom
from pubsub.broker import Broker, Publication, Retention
from rooms.encoding import encode
from rooms.gateways import Present, Sought

ANSWER_SECONDS = 1.0
"""How long other gateways have to say that somebody is there; many times what a hop takes."""
MAX_ASKED = 100
"""Questions of this gateway that are open at once; beyond it BUSY."""
AWAY_RETRY_MS = 2_000


class Whereabouts:
    """Asks other gateways, and answers them."""

    def __init__(
        self,
        broker: Broker,
        *,
        clock: Callable[[], int],
        new_id: Callable[[], str],
        known: Callable[[RoomId], LiveRoom | None],
        is_alone: bool,
        is_cut_off: Callable[[], bool],
    ) -> None:
        """`known`: a room if it is open here.

        `is_alone`: no other gateway exists. `is_cut_off()`: others may exist, and cannot be asked now.
        """
        self._broker = broker
        self._clock = clock
        self._new_id = new_id
        self._known = known
        self._is_alone = is_alone
        self._is_cut_off = is_cut_off
        self._asked: dict[str, asyncio.Future[str]] = {}

    async def name_of(self, room_id: RoomId, user: UserId) -> str | Denied:
        """The name of a viewer who is inside; NOT_HERE where nobody has seen them, BUSY where that cannot be known."""
        room = self._known(room_id)
        here = _viewer_in(room, user) if room is not None else None
        if here is not None:
            return here
        if self._is_alone:
            return Denied(Code.NOT_HERE)
        if self._is_cut_off() or len(self._asked) >= MAX_ASKED:
            return Denied(Code.BUSY, retry_after_ms=AWAY_RETRY_MS)
        question = self._new_id()
        answer = self._asked[question] = asyncio.get_running_loop().create_future()
        try:
            self._tell(room_id, Sought(question, user))
            async with asyncio.timeout(ANSWER_SECONDS):
                name: str = await answer
                return name
        except TimeoutError:
            return Denied(Code.NOT_HERE)
        finally:
            del self._asked[question]

    def sought(self, room: LiveRoom, event: Sought) -> None:
        """Another gateway asks for somebody: say so if they are here."""
        here = None if event.question in self._asked else _viewer_in(room, event.user)
        if here is not None:
            self._tell(room.id, Present(event.question, here))

    def present(self, event: Present) -> None:
        """An answer; the first one to a question of this gateway counts."""
        asked = self._asked.get(event.question)
        if asked is not None and not asked.done():
            asked.set_result(event.name)

    def _tell(self, room: RoomId, event: Sought | Present) -> None:
        self._broker.post(room, Publication(self._new_id(), encode(event), Retention.NONE, self._clock()))


def _viewer_in(room: LiveRoom, user: UserId) -> str | None:
    """The name of somebody who could follow an invitation here."""
    inside = (member for member in room.of_user(user) if member.is_inside and not member.is_console)
    return next((member.name for member in inside), None)
