"""The course of a rehearsal: make a show, sell it, let the crowd in, run it, read SQL, end it."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from auth.identity import Tier
from auth.situation import Phase
from gateway.features.audit.bodies import ShowAudit
from gateway.rehearsal.desk import Desk
from gateway.rehearsal.evening import Deeds, Evening
from gateway.rehearsal.fan import Fan, Stall
from gateway.rehearsal.host import Host
from gateway.rehearsal.journal import Journal
from gateway.rehearsal.plan import Plan, Purchase
from gateway.rehearsal.wire import Memo
from gateway.setup import clock
from gateway.setup.preflight import CommandError

TITLE = "Rehearsal"
CURRENCY = "CNY"
PRICES = {Tier.MAIN: (6_800, 100), Tier.VIP: (18_800, 500)}
"""The price in minor units, and the gift credits included."""
CREDIT_MINOR = 10
HOUR_MS = 3_600_000
CONNECTS_AT_ONCE = 24
BUYERS_AT_ONCE = 12
SETTLE_SECONDS = 20.0
"""The time for refunds at the provider, batched writes to SQL and counters to become final."""
SETTLE_ROUND_SECONDS = 0.4
CALM_ROUNDS = 2
"""A counter is sent one tick after its cause, so equal values are read this often before they count as final."""
GOODBYE_SECONDS = 10.0
CLEAN_UP_SECONDS = 10.0
AFTER_SECONDS = 60.0
"""How long the last acts may take after the live part."""


@dataclass(slots=True)
class Stage:
    """Where the rehearsal stands, for whoever watches."""

    says: str = "starting"
    fans: list[Fan] = field(default_factory=list)
    host: Host | None = None
    started: float = field(default_factory=time.monotonic)
    changed: Callable[[str], None] = lambda _says: None

    def turn(self, says: str) -> None:
        """The next part of the evening begins."""
        self.says = says
        self.changed(says)


class Crowd:
    """Everybody of one rehearsal."""

    def __init__(self, desk: Desk, plan: Plan, run: str, stage: Stage) -> None:
        self._desk = desk
        self._plan = plan
        self._run = run
        self._stage = stage
        self._memo = Memo()
        self._operator = f"{run}-operator"
        self._operator_token = ""
        self._operator_journal = Journal(self._operator)
        self._host_id = f"{run}-host"
        self.show = ""

    async def rehearse(self, rights_within_ms: int, settle_seconds: float = SETTLE_SECONDS) -> Evening:
        """Play the evening; whatever happens, no show of ours is left running. CommandError where it cannot go on."""
        self._operator_token = await self._desk.login(self._operator, "operator")
        try:
            return await self._evening(rights_within_ms, settle_seconds)
        finally:
            with contextlib.suppress(CommandError, OSError, TimeoutError):
                async with asyncio.timeout(CLEAN_UP_SECONDS):
                    await self._clean_up()

    async def _evening(self, rights_within_ms: int, settle_seconds: float) -> Evening:
        stage = self._stage
        stage.turn("putting a show on")
        host_token = await self._desk.login(self._host_id)  # first: the demo's login takes roles away
        stall = await self._put_on()
        host = stage.host = Host(self._host_id, self._desk, stall.room, self._memo)
        await host.come(host_token)
        await host.move(Phase.PRESALE)
        fans = stage.fans = [
            Fan(part, self._desk, stall, self._memo, lambda: self._operator_token) for part in self._plan.parts
        ]
        stage.turn("presale: logging in")
        await _each(fans, BUYERS_AT_ONCE, lambda fan: fan.login())
        await self._sell(fans)
        await host.move(Phase.DOORS)
        stage.turn("doors: coming in")
        await _connect(fan for fan in fans if fan.part.comes is Phase.DOORS)
        await host.move(Phase.LIVE)
        stage.turn("live")
        await self._run_the_show(host, fans)
        stage.turn("settling")
        truth = await self._settled(host, fans, settle_seconds)
        for journal in (host.journal, *(fan.journal for fan in fans)):
            journal.was_online_at_the_end = journal.online
        stage.turn("ending")
        await host.move(Phase.ENDED)
        await asyncio.gather(*(fan.device.gone(GOODBYE_SECONDS) for fan in fans))
        host.leave()
        return Evening(
            console=host.journal,
            fans=[fan.journal for fan in fans],
            witnesses={fan.part.wants: fan.journal for fan in fans if fan.part.witness},
            truth=truth,
            deeds=Deeds(host.muted, host.retracted, host.staged),
            rights_within_ms=rights_within_ms,
        )

    async def _put_on(self) -> Stall:
        """A ticketed show of our own, steered by a host of our own."""
        now_ms = clock.now_ms()
        seats = {Tier.MAIN: self._plan.main_seats, Tier.VIP: self._plan.vip_seats}
        made = await self._operate(
            "POST",
            "/shows",
            {
                "title": TITLE,
                "access": "ticketed",
                "currency": CURRENCY,
                "doors_ms": now_ms + HOUR_MS,
                "start_ms": now_ms + 2 * HOUR_MS,
                "refund_until_ms": now_ms + 24 * HOUR_MS,
                "credit_minor": CREDIT_MINOR,
                "products": [
                    {
                        "name": tier.value,
                        "tier": tier.value,
                        "price_minor": price_minor,
                        "capacity": seats[tier],
                        "credits": credits_,
                    }
                    for tier, (price_minor, credits_) in PRICES.items()
                ],
            },
        )
        self.show = str(made["show"])
        # a host of this show only: the demo's login would make one of every show
        await self._operate("PUT", f"/shows/{self.show}/roles/{self._host_id}/host")
        products = {Tier(product["tier"]): product["id"] for product in made["products"]}
        return Stall(self.show, str(made["room"]), products)

    async def _operate(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        answer = await self._desk.ask(method, path, self._operator_token, self._operator_journal, body)
        if isinstance(answer, str):
            raise CommandError(f"the operator's {method} {path.split('/')[1]} was refused with {answer}.")
        return answer

    async def _sell(self, fans: list[Fan]) -> None:
        """The witnesses first, while there are seats; then early buyers and those in the foyer, all at once."""
        self._stage.turn("presale: selling")
        for fan in fans:
            if fan.part.witness:
                await fan.buy()
        await _connect(fan for fan in fans if fan.part.comes is Phase.PRESALE)
        buyers = [fan for fan in fans if fan.part.purchase in (Purchase.EARLY, Purchase.FOYER) and not fan.part.witness]
        await _each(buyers, BUYERS_AT_ONCE, lambda fan: fan.buy())

    async def _run_the_show(self, host: Host, fans: list[Fan]) -> None:
        started = time.monotonic()
        strangers = [fan for fan in fans if fan.part.comes is Phase.LIVE]
        try:
            async with asyncio.timeout(self._plan.live_s + AFTER_SECONDS), asyncio.TaskGroup() as group:
                group.create_task(host.perform(self._plan, started))
                group.create_task(_connect(strangers))
                for fan in fans:
                    group.create_task(fan.perform(started))
                group.create_task(asyncio.sleep(self._plan.live_s))
        except TimeoutError:
            raise CommandError(
                f"the crowd was not through {AFTER_SECONDS:.0f} s after the live part: the server is too slow for it."
            ) from None

    async def _settled(self, host: Host, fans: list[Fan], seconds: float) -> ShowAudit:
        """The truth, once nothing is under way any more and screens had their time."""
        deadline = time.monotonic() + seconds
        journals = [host.journal, *(fan.journal for fan in fans)]
        calm = 0
        while True:
            truth = await self._desk.audit(self.show, self._operator_token)
            calm = calm + 1 if _is_settled(truth, journals) else 0
            if calm == CALM_ROUNDS or time.monotonic() > deadline:
                return truth
            await asyncio.sleep(SETTLE_ROUND_SECONDS)

    async def _clean_up(self) -> None:
        """End what was begun, take the roles back."""
        host = self._stage.host
        if self.show:
            if host is not None:
                await host.abandon()
            path = f"/shows/{self.show}/roles/{self._host_id}/host"
            await self._desk.ask("DELETE", path, self._operator_token, self._operator_journal)
        await self._desk.login(self._operator, "viewer")
        for fan in self._stage.fans:
            fan.device.drop()


def _is_settled(truth: ShowAudit, journals: list[Journal]) -> bool:
    """Whether no refund is under way, danmaku are stored, and every screen shows the counters SQL has.

    A wrong counter never settles: then the deadline ends the wait, and a check says so.
    """
    seen = {item.key for item in journals[0].items()}
    stored = truth.room.danmaku + truth.room.gifts + truth.room.retractions
    sold = {product.id: (product.sold, product.held) for product in truth.products}
    return (
        truth.orders["refunding"] == 0
        and stored == len(seen)
        and all(_shows(journal, sold) for journal in journals if journal.online)
    )


def _shows(journal: Journal, sold: dict[str, tuple[int, int]]) -> bool:
    sales = journal.last("sales")
    return sales is not None and {p["id"]: (p["sold"], p["held"]) for p in sales["products"]} == sold


async def _connect(fans: Iterable[Fan]) -> None:
    async def come(fan: Fan) -> None:
        await fan.come()

    await _each(list(fans), CONNECTS_AT_ONCE, come)


async def _each(fans: list[Fan], at_once: int, do: Callable[[Fan], Awaitable[None]]) -> None:
    """Everybody, so many at a time."""
    waiting = iter(fans)

    async def work() -> None:
        for fan in waiting:
            await do(fan)

    async with asyncio.TaskGroup() as group:
        for _ in range(min(at_once, len(fans))):
            group.create_task(work())
