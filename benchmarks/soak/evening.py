"""What the crowd comes to: shows that go on for hours, put on and run through the gateways' own doors."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from auth.identity import Tier
from auth.situation import Phase
from benchmarks.crowd import Address
from benchmarks.house import house
from benchmarks.processes import CannotRunError, listening
from gateway.rehearsal.desk import Desk
from gateway.rehearsal.fan import Stall
from gateway.rehearsal.host import Host
from gateway.rehearsal.journal import Entry, Journal
from gateway.rehearsal.wire import Memo
from gateway.setup import clock
from gateway.setup.settings import DEMO_SANDBOX_SECRET
from tests.ports import free_port

HOUR_MS = 3_600_000
SEATS = 1_000_000
PRICES = {Tier.MAIN: (6_800, 200), Tier.VIP: (18_800, 600)}
"""Minor units, and gift credits included."""
PAUSE_SECONDS = 15.0
PING_SECONDS = 5
"""Shorter than anywhere else: whoever fell silent is to be found out before the crowd has gone home."""
OPERATOR = "soak-operator"


class Forgetful(Journal):
    """A journal that counts only: an evening of an hour is long."""

    def hear(self, _entry: Entry) -> None:
        self.events += 1


@dataclass
class Evening:
    """Everything that runs, and what was done so far."""

    address: Address
    desks: list[Desk]
    stalls: list[Stall] = field(default_factory=list)
    hosts: list[Host] = field(default_factory=list)
    deeds: dict[str, int] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)
    memo: Memo = field(default_factory=Memo)
    host_tokens: list[str] = field(default_factory=list)

    def count(self, deed: str, times: int = 1) -> None:
        """Something was done."""
        self.deeds[deed] = self.deeds.get(deed, 0) + times

    async def put_on(self, shows: int) -> None:
        """Live shows, their hosts at the consoles."""
        desk, journal = self.desks[0], Journal(OPERATOR)
        token = await desk.login(OPERATOR, "operator")
        for number in range(shows):
            made = await desk.ask("POST", "/shows", token, journal, _show())
            if isinstance(made, str):
                raise CannotRunError(f"a show was refused with {made}")
            user = f"soak-host-{number}"
            self.host_tokens.append(await desk.login(user))
            await desk.ask("PUT", f"/shows/{made['show']}/roles/{user}/host", token, journal)
            products = {Tier(product["tier"]): product["id"] for product in made["products"]}
            self.stalls.append(Stall(str(made["show"]), str(made["room"]), products))
        await self.open_consoles()
        for host in self.hosts:
            for phase in (Phase.PRESALE, Phase.DOORS, Phase.LIVE):
                await host.move(phase)

    async def open_consoles(self) -> None:
        """The hosts come, each at another gateway."""
        self.hosts = [
            Host(f"soak-host-{number}", self.desks[number % len(self.desks)], stall.room, self.memo)
            for number, stall in enumerate(self.stalls)
        ]
        for host, token in zip(self.hosts, self.host_tokens, strict=True):
            await host.come(token)

    def close_consoles(self) -> None:
        """The hosts leave."""
        for host in self.hosts:
            host.leave()

    async def run_shows(self) -> None:
        """Pause and go on, one show after another, until cancelled; then all go on."""
        number = 0
        while True:
            host = self.hosts[number % len(self.hosts)]
            await host.move(Phase.PAUSED)
            try:
                await asyncio.sleep(PAUSE_SECONDS)
            finally:
                await host.move(Phase.LIVE)
            self.count("phase changes", 2)
            host.journal.entries.clear()
            number += 1


@asynccontextmanager
async def evening(folder: Path, shows: int) -> AsyncIterator[Evening]:
    """Two gateways, Redis, the sandbox provider, and shows that are live."""
    sandbox_port = free_port()
    env = {
        "LIVEROOM_SANDBOX_PORT": str(sandbox_port),
        "LIVEROOM_PING_INTERVAL_SECONDS": str(PING_SECONDS),
        "LIVEROOM_PING_TIMEOUT_SECONDS": str(PING_SECONDS),
        "LIVEROOM_HANDSHAKES_PER_MINUTE": "1000",
    }
    async with AsyncExitStack() as running:
        address = running.enter_context(house(folder, None, folder / "nobody", env=env, gateways=2))
        running.enter_context(_sandbox(sandbox_port, address.port, folder))
        urls = [f"http://127.0.0.1:{port}" for port in (address.port, *address.farther_ports)]
        desks = [await running.enter_async_context(Desk(url)) for url in urls]
        stage = Evening(address, desks)
        await stage.put_on(shows)
        yield stage


def _sandbox(port: int, notify: int, folder: Path) -> AbstractContextManager[list[int]]:
    command = [sys.executable, "-m", "presale.sandbox", "--port", str(port), "--data", str(folder / "sandbox.sqlite")]
    command += ["--notify", f"http://127.0.0.1:{notify}/pay/sandbox/notify", "--stop-with-parent"]
    env = {"LIVEROOM_MODE": "test", "LIVEROOM_SANDBOX_SECRETS": DEMO_SANDBOX_SECRET}
    return listening(command, port, core=None, folder=folder, env=env, name="sandbox")


def _show() -> dict[str, object]:
    now_ms = clock.now_ms()
    return {
        "title": "Soak",
        "access": "ticketed",
        "currency": "CNY",
        "doors_ms": now_ms + HOUR_MS,
        "start_ms": now_ms + 2 * HOUR_MS,
        "refund_until_ms": now_ms + 48 * HOUR_MS,
        "credit_minor": 10,
        "products": [
            {"name": tier.value, "tier": tier.value, "price_minor": price, "capacity": SEATS, "credits": credits_}
            for tier, (price, credits_) in PRICES.items()
        ],
    }
