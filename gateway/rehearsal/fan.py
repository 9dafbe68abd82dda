"""One fan: buys, connects, does what the plan says, drops and reconnects."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from auth.identity import Tier
from gateway.rehearsal.desk import PROVIDER, Desk
from gateway.rehearsal.device import Device
from gateway.rehearsal.journal import GiftTry, Journal, Playback
from gateway.rehearsal.plan import Act, Cashier, Do, Part
from gateway.rehearsal.wire import Memo

PROMOTION_SECONDS = 20.0
"""A payment without a `tier` event for this long is reported as a trouble."""
RETURN_TRIES = 4
RETURN_SECONDS = 0.5
FLOOD = 6


class Stall:
    """What the show sells, by tier."""

    def __init__(self, show: str, room: str, products: dict[Tier, str]) -> None:
        self.show = show
        self.room = room
        self.products = products


class Fan:
    """Plays a part. Everything seen stands in `journal`."""

    def __init__(self, part: Part, desk: Desk, stall: Stall, memo: Memo, operator: Callable[[], str]) -> None:
        self.part = part
        self.journal = Journal(part.user)
        self.device = Device(self.journal, desk.http, memo, encoding=part.encoding, polling=part.polling)
        self._desk = desk
        self._stall = stall
        self._operator = operator
        self._token = ""
        self._order = ""
        self._bought = 0
        self._keys = 0
        self._do: dict[Do, Callable[[Act], Awaitable[None]]] = {
            Do.SAY: self._say,
            Do.FLOOD: self._flood,
            Do.GIVE: self._give,
            Do.GIVE_TWICE: self._give_twice,
            Do.GIVE_AND_DROP: self._give_and_drop,
            Do.GIVE_OTHERWISE: self._give_otherwise,
            Do.OVERSPEND: self._give,
            Do.LIKE: self._like,
            Do.ASK_FOR_STAGE: self._ask_for_stage,
            Do.DROP: self._drop,
            Do.WATCH: self._watch,
            Do.BUY: self._buy_late,
            Do.UPGRADE: self._upgrade,
            Do.RETURN_TICKET: self._be_refunded,
            Do.BE_REFUNDED: self._be_refunded,
        }

    async def login(self) -> None:
        """Become somebody."""
        self._token = await self._desk.login(self.part.user)

    async def come(self, *, resume: bool = False) -> bool:
        """Connect; whether welcome. A busy door is tried again after its wait."""
        for attempt in range(RETURN_TRIES):
            try:
                refused = await self.device.connect(self._token, self._stall.room, resume=resume)
            except (TimeoutError, OSError) as error:
                self.journal.troubles.append(f"connect: {type(error).__name__} {error}")
                await asyncio.sleep(RETURN_SECONDS * (attempt + 1))
                continue
            if refused is None:
                return True
            if not refused.data["retryable"]:
                return False
            await asyncio.sleep(refused.data.get("retry_after_ms", 1000) / 1000)
        return False

    async def buy(self, wants: Tier | None = None) -> None:
        """Order, go to the cashier, wait until the ticket counts. Sold out is no reason to go home."""
        tier = wants or self.part.wants
        order = await self._place(tier)
        if order == "SOLD_OUT" and tier is Tier.VIP and wants is None:
            order = await self._place(Tier.MAIN)
        if isinstance(order, str):
            return
        cashier = self.part.cashier
        if cashier in (Cashier.DECLINE, Cashier.DECLINE_THEN_PAY):
            await self._desk.press(order["pay_url"], "decline", self.journal)
        elif cashier in (Cashier.ABANDON, Cashier.ABANDON_THEN_PAY):
            await self._desk.press(order["pay_url"], "abandon", self.journal)
        if not cashier.pays:
            self.journal.unpaid += 1
            return
        heard = len(self._tiers("purchase"))
        if await self._desk.press(order["pay_url"], "pay", self.journal):
            self._order = order["order"]
            self.journal.paid_minor.append(order["amount_minor"])
            await self._until_the_ticket_counts(heard, time.time())

    async def perform(self, started: float) -> None:
        """The acts of the plan, each at its time after `started` (monotonic), one after the other."""
        for act in self.part.acts:
            await asyncio.sleep(max(0.0, started + act.at_s - time.monotonic()))
            await self._do[act.do](act)

    # ---- buying and returning ------------------------------------------------------------------------

    async def _place(self, tier: Tier) -> dict[str, Any] | str:
        self._bought += 1
        key = f"{self.part.user}-{self._bought}"
        body = {"show": self._stall.show, "items": [{"product": self._stall.products[tier]}], "provider": PROVIDER}
        order = await self._desk.ask("POST", "/orders", self._token, self.journal, body, key)
        if self.part.asks_twice and not isinstance(order, str):
            again = await self._desk.ask("POST", "/orders", self._token, self.journal, body, key)
            if isinstance(again, str) or again["order"] != order["order"]:
                self.journal.troubles.append("one key, two orders")
        return order

    async def _until_the_ticket_counts(self, heard: int, paid_at: float) -> None:
        if self.device.online:
            if await self.device.wait(lambda: len(self._tiers("purchase")) > heard, PROMOTION_SECONDS):
                told_ms = self._tiers("purchase")[heard]
                self.journal.promoted_ms.append(max(0, told_ms - round(paid_at * 1000)))
            else:
                self.journal.troubles.append(f"paid and not promoted within {PROMOTION_SECONDS:.0f} s")
            return
        deadline = time.monotonic() + PROMOTION_SECONDS
        while time.monotonic() < deadline:
            order = await self._desk.ask("GET", f"/orders/{self._order}", self._token, self.journal)
            if not isinstance(order, str) and order["state"] == "paid":
                return
            await asyncio.sleep(RETURN_SECONDS)
        self.journal.troubles.append(f"paid and the order does not say so within {PROMOTION_SECONDS:.0f} s")

    async def _buy_late(self, _: Act) -> None:
        await self.buy()

    async def _upgrade(self, _: Act) -> None:
        if self.journal.tier is Tier.MAIN:
            await self.buy(Tier.VIP)

    async def _be_refunded(self, act: Act) -> None:
        if not self._order:
            return
        token = self._token if act.do is Do.RETURN_TICKET else self._operator()
        grants = _streams(self.journal)
        heard = len(self._tiers("refund"))
        path = f"/orders/{self._order}/refunds"
        refund = await self._desk.ask("POST", path, token, self.journal, {"reason": "cannot come"})
        if isinstance(refund, str):
            return
        asked_at = time.time()
        self.journal.returned_minor.append(refund["amount_minor"])
        if not self.device.online:
            return
        if not await self.device.wait(lambda: len(self._tiers("refund")) > heard, PROMOTION_SECONDS):
            self.journal.troubles.append(f"refunded and not told within {PROMOTION_SECONDS:.0f} s")
            return
        self.journal.demoted_ms.append(max(0, self._tiers("refund")[heard] - round(asked_at * 1000)))
        for grant in grants:
            await self._play(grant, owed=False)

    def _tiers(self, reason: str) -> list[int]:
        """When `tier` events came for this reason."""
        told = (entry for entry in self.journal.entries if entry.event == "tier")
        return [entry.at_ms for entry in told if entry.payload["reason"] == reason]

    # ---- in the room -----------------------------------------------------------------------------------

    async def _say(self, act: Act) -> None:
        answer = await self.device.ask("danmaku", {"text": act.word})
        if answer is not None and answer["ok"]:
            self.journal.accepted_danmaku.append(answer["data"]["id"])

    async def _flood(self, act: Act) -> None:
        await asyncio.gather(*(self._say(act._replace(word=f"{act.word} {number}")) for number in range(FLOOD)))

    async def _like(self, act: Act) -> None:
        await self.device.ask("like", {"count": act.times})

    async def _ask_for_stage(self, _: Act) -> None:
        await self.device.ask("cohost:request", {"message": "let me sing"})

    async def _give(self, act: Act) -> None:
        await self._send_gift(self._new_key(), act)

    async def _give_twice(self, act: Act) -> None:
        key = self._new_key()
        await asyncio.gather(self._send_gift(key, act), self._send_gift(key, act))

    async def _give_and_drop(self, act: Act) -> None:
        key = self._new_key()
        lost = asyncio.create_task(self._send_gift(key, act))
        await asyncio.sleep(0)
        await self._drop(act)
        await lost
        await self._send_gift(key, act)

    async def _give_otherwise(self, act: Act) -> None:
        key = self._new_key()
        await self._send_gift(key, act)
        await self._send_gift(key, act._replace(times=act.times + 1))

    async def _send_gift(self, key: str, act: Act) -> None:
        answer = await self.device.ask("gift", {"gift": act.word, "count": act.times, "key": key})
        if answer is not None and answer["ok"]:
            known = self.journal.gifts.setdefault(key, GiftTry(act.word, act.times))
            known.answers.append(answer["data"]["id"])

    def _new_key(self) -> str:
        self._keys += 1
        return f"{self.part.user}-gift-{self._keys}"

    async def _drop(self, act: Act) -> None:
        if not self.device.online:
            return
        self.device.drop()
        await asyncio.sleep(act.away_s)
        await self.come(resume=True)

    async def _watch(self, _: Act) -> None:
        await self.device.ask("streams:refresh")
        for grant in _streams(self.journal):
            await self._play(grant, owed=True)

    async def _play(self, grant: dict[str, Any], *, owed: bool) -> None:
        status = await self._desk.play(grant["url"])
        if status is not None:
            self.journal.playbacks.append(Playback(grant["stream"], owed, status))


def _streams(journal: Journal) -> list[dict[str, Any]]:
    told = journal.last("tier")
    return [] if told is None else list(told["streams"])
