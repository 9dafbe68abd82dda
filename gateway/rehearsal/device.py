"""A fan's or a host's device: one socket at a time, its acks, its cursor, and a journal of everything received."""

import asyncio
import itertools
import time
from collections.abc import Callable
from typing import Any

import httpx2

from gateway.rehearsal.journal import End, Entry, Journal, Place, Refusal, SocketLog
from gateway.rehearsal.links import Gone, Heard, Link, PollingLink, WebSocketLink
from gateway.rehearsal.wire import (
    PONG,
    Accepted,
    Acked,
    Encoding,
    Ended,
    Frame,
    Memo,
    Opened,
    Pinged,
    Refused,
    Told,
    Unreadable,
    Wire,
)
from gateway.setup import clock

WELCOME_SECONDS = 20.0
"""The timeout from the first byte to `welcome`, including the wait in the queue."""
ACK_SECONDS = 15.0

Listener = Callable[[str, Any], None]


class Device:
    """Connects, asks, drops, comes back. Everything it meets stands in `journal`."""

    def __init__(
        self,
        journal: Journal,
        http: httpx2.AsyncClient,
        memo: Memo,
        *,
        namespace: str = "/live",
        encoding: Encoding = Encoding.JSON,
        polling: bool = False,
    ) -> None:
        self.journal = journal
        self.cursor = ""
        self.listener: Listener | None = None
        """Called with every event; must not block."""
        self._http = http
        self._wire = Wire(encoding, namespace, memo)
        self._polling = polling
        self._link: Link | None = None
        self._life = 0
        self._auth: dict[str, str] = {}
        self._entered: asyncio.Future[Refused | None] | None = None
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._acks = itertools.count(1)
        self._bye: str | None = None
        self._news = asyncio.Event()

    @property
    def online(self) -> bool:
        """Whether a welcome came and no end since."""
        return self.journal.online

    async def connect(self, token: str, room: str, *, resume: bool = False) -> Refused | None:
        """None once welcome; the refusal; TimeoutError or OSError where the server did neither."""
        self._auth = {"token": token, "room": room}
        if resume and self.cursor:
            self._auth["cursor"] = self.cursor
        self._entered = asyncio.get_running_loop().create_future()
        self._bye = None
        self._life += 1
        life = self._life  # what an earlier link still has to say is nobody's business

        def heard(frame: Frame) -> None:
            if life == self._life:
                self._heard(frame)

        def gone(why: str) -> None:
            if life == self._life:
                self._gone(why)

        self._link = await self._open(heard, gone)
        try:
            async with asyncio.timeout(WELCOME_SECONDS):
                refused = await self._entered
        except TimeoutError:
            self._hang_up()
            raise
        if refused is not None:
            self.journal.refusals.append(Refusal(Place.CONNECT, "connect", refused.code))
            self._hang_up()
        return refused

    async def ask(self, event: str, payload: object = None) -> dict[str, Any] | None:
        """Send an event; its ack, or None where the socket ended before it came."""
        if not self.online or self._link is None:
            return None
        ack = next(self._acks)
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[ack] = answer
        self.journal.asked += 1
        asked = time.monotonic()
        self._link.send(self._wire.emit(event, payload, ack))
        try:
            async with asyncio.timeout(ACK_SECONDS):
                body: dict[str, Any] | None = await answer
        except TimeoutError:
            self._waiting.pop(ack, None)
            self.journal.troubles.append(f"no ack of {event} within {ACK_SECONDS:.0f} s")
            return None
        if body is not None:
            self.journal.ack_ms.setdefault(event, []).append(round((time.monotonic() - asked) * 1000))
        if body is not None and not body["ok"]:
            self.journal.refusals.append(Refusal(Place.EVENT, event, body["error"]["code"]))
        return body

    async def wait(self, matches: Callable[[], bool], seconds: float) -> bool:
        """Until something heard makes `matches` true, or the time is over."""
        try:
            async with asyncio.timeout(seconds):
                while not matches():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return matches()
        return True

    async def gone(self, seconds: float) -> bool:
        """Until the socket has ended, or the time is over."""
        return await self.wait(lambda: not self.online, seconds)

    def drop(self) -> None:
        """Lose the transport as in a tunnel."""
        if self.online:
            self._end(End.DROPPED)
        self._hang_up()

    def leave(self) -> None:
        """Leave as clients do."""
        if self.online and self._link is not None:
            self._link.send(self._wire.leave())
            self._link.close()
            self._end(End.LEFT)
        self._life += 1

    # ---- what comes in -----------------------------------------------------------------------------

    def _heard(self, frame: Frame) -> None:
        incoming = self._wire.receive(frame)
        match incoming:
            case Told():
                self._told(incoming)
            case Acked():
                self._acked(incoming)
            case Pinged():
                self._send(PONG)
            case Opened():
                if isinstance(self._link, PollingLink):
                    self._link.name(incoming.sid)
                self._send(self._wire.connect(self._auth))
            case Refused():
                self._enter(incoming)
            case Ended():
                self._gone("the namespace was closed")
            case Unreadable():
                self.journal.troubles.append(f"unreadable: {incoming.data[:60]!r}")
            case Accepted() | None:
                pass

    def _told(self, told: Told) -> None:
        now_ms = clock.now_ms()
        payload = told.payload
        if told.event == "welcome":
            self.journal.sockets.append(
                SocketLog(
                    opened_ms=now_ms,
                    server_ms=payload["server_ms"],
                    resumed="cursor" in self._auth,
                    recovered=payload["recovered"],
                    truncated=payload.get("danmaku_truncated", False),
                    polling=self._polling,
                )
            )
        elif not self.online:
            self.journal.troubles.append(f"{told.event} before the welcome")
            return
        if isinstance(payload, dict) and "cursor" in payload:
            self.cursor = payload["cursor"]
        if told.event == "bye":
            self._bye = payload["code"]
        self.journal.hear(Entry(now_ms, len(self.journal.sockets) - 1, told.event, payload))
        self._news.set()
        if told.event == "welcome":
            self._enter(None)
        if self.listener is not None:
            self.listener(told.event, payload)

    def _acked(self, acked: Acked) -> None:
        answer = self._waiting.pop(acked.ack, None)
        if answer is None:
            self.journal.troubles.append(f"ack {acked.ack} twice, or of nothing asked")
            return
        self.journal.answered += 1
        if not answer.done():
            answer.set_result(acked.body)

    def _enter(self, refused: Refused | None) -> None:
        if self._entered is not None and not self._entered.done():
            self._entered.set_result(refused)

    def _gone(self, why: str) -> None:
        if self.online:
            self.journal.sockets[-1].why = why
            self._end(End.SILENT if self._bye is None else End.BYE)
        if self._entered is not None and not self._entered.done():
            self._entered.set_exception(ConnectionError(f"before the welcome: {why}"))
        self._hang_up()

    def _end(self, end: End) -> None:
        log = self.journal.sockets[-1]
        log.ended_ms, log.end, log.bye = clock.now_ms(), end, self._bye
        self.journal.unanswered_in_drop += len(self._waiting)
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_result(None)
        self._waiting.clear()
        self._news.set()

    async def _open(self, heard: Heard, gone: Gone) -> Link:
        encoding = self._wire.encoding
        if self._polling:
            return PollingLink.open(self._http, encoding, heard, gone)
        return await WebSocketLink.open(str(self._http.base_url), encoding, heard, gone)

    def _hang_up(self) -> None:
        self._life += 1
        if self._link is not None:
            self._link.drop()

    def _send(self, frame: Frame) -> None:
        if self._link is not None:
            self._link.send(frame)
