"""The host on the console: changes phases, runs the stage, mutes, retracts."""

import asyncio
import time
from typing import Any

from auth.situation import Phase
from gateway.rehearsal.desk import Desk
from gateway.rehearsal.device import Device
from gateway.rehearsal.journal import Journal
from gateway.rehearsal.plan import Plan
from gateway.rehearsal.wire import Memo
from gateway.setup.preflight import CommandError

LEAVES_STAGE_SECONDS = 1.5
"""How long a guest stays on stage."""

_WAYS_OUT = {
    Phase.DRAFT: Phase.CANCELLED,
    Phase.PRESALE: Phase.CANCELLED,
    Phase.DOORS: Phase.CANCELLED,
    Phase.LIVE: Phase.ENDED,
    Phase.PAUSED: Phase.ENDED,
}


class Host:
    """Runs the show. Its console hears everything, which makes its journal the reference."""

    def __init__(self, user: str, desk: Desk, room: str, memo: Memo) -> None:
        self.journal = Journal(user)
        self.muted: list[str] = []
        self.retracted: list[str] = []
        self.staged = 0
        self._desk = desk
        self._room = room
        self._device = Device(self.journal, desk.http, memo, namespace="/console")
        self._device.listener = self._hear
        self._invited: set[str] = set()
        self._chores: set[asyncio.Task[None]] = set()
        self._queued = 0

    async def come(self, token: str) -> None:
        """Open the console."""
        refused = await self._device.connect(token, self._room)
        if refused is not None:
            raise CommandError(f"the console refused the host of the rehearsal's own show: {refused.code}.")

    async def move(self, phase: Phase) -> None:
        """Move the show on; CommandError where the server does not."""
        answer = await self._device.ask("show:phase", {"phase": phase.value})
        if answer is None or not answer["ok"]:
            log = self.journal.sockets[-1]
            silence = f"did not answer ({log.bye or log.why or 'the console is still connected'})"
            why = silence if answer is None else f"refused with {answer['error']['code']}"
            raise CommandError(f"the show cannot go on: moving it to {phase.value} the server {why}.")

    async def perform(self, plan: Plan, started: float) -> None:
        """Mutes, retractions and the pause, each at its time after `started` (monotonic)."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._pause(plan, started))
            for at_s, user in plan.mutes:
                group.create_task(self._mute(user, started + at_s))
            for at_s in plan.retractions:
                group.create_task(self._retract(started + at_s))

    async def abandon(self) -> None:
        """End a show that was broken off, so that it does not stand on the pages for ever."""
        room = self.journal.last("room")
        way_out = None if room is None else _WAYS_OUT.get(Phase(room["phase"]))
        if way_out is not None and self._device.online:
            await self._device.ask("show:phase", {"phase": way_out.value})
        self.leave()

    def leave(self) -> None:
        """Close the console."""
        for chore in self._chores:
            chore.cancel()
        self._device.leave()

    async def _pause(self, plan: Plan, started: float) -> None:
        from_s, until_s = plan.pause_s
        await _until(started + from_s)
        await self.move(Phase.PAUSED)
        await _until(started + until_s)
        await self.move(Phase.LIVE)

    async def _mute(self, user: str, at: float) -> None:
        await _until(at)
        answer = await self._device.ask("mute", {"user": user, "minutes": 5})
        if answer is not None and answer["ok"]:
            self.muted.append(user)

    async def _retract(self, at: float) -> None:
        await _until(at)
        said = [item.key[1] for item in self.journal.items() if item.key[0] == "danmaku"]
        standing = [one for one in said if one not in self.retracted]
        if not standing:
            return
        self.retracted.append(standing[-1])  # before the answer, so that two at once take two
        answer = await self._device.ask("retract", {"id": standing[-1]})
        if answer is None or not answer["ok"]:
            self.retracted.remove(standing[-1])

    # ---- the stage -----------------------------------------------------------------------------------

    def _hear(self, event: str, payload: Any) -> None:
        if event == "cohost:queue":
            for item in payload["items"]:
                if item["state"] == "requested" and item["user"] not in self._invited:
                    self._invited.add(item["user"])
                    self._start(item["user"])

    def _start(self, user: str) -> None:
        self._queued += 1
        chore = asyncio.create_task(self._receive(user, self._queued))
        self._chores.add(chore)
        chore.add_done_callback(self._chores.discard)

    async def _receive(self, user: str, number: int) -> None:
        """Every third is sent away, the others come on stage for a moment."""
        if number % 3 == 0:
            await self._device.ask("cohost:reject", {"user": user})
            return
        answer = await self._device.ask("cohost:approve", {"user": user})
        if answer is not None and answer["ok"]:
            self.staged += 1
            await asyncio.sleep(LEAVES_STAGE_SECONDS)
            await self._device.ask("cohost:remove", {"user": user})


async def _until(at: float) -> None:
    await asyncio.sleep(max(0.0, at - time.monotonic()))
