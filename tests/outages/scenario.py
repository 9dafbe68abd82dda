"""An outage under a live show: what goes on meanwhile, and what came of it for everybody inside."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from auth.identity import RoomId
from gateway.features.registry import BOOK, LOADS
from gateway.live.loading import read_room
from gateway.rehearsal.device import Device
from gateway.replica.replica import Replica
from gateway.setup import clock
from presale.catalogue.events import SalesChanged
from rooms.gifts.events import LeaderboardChanged
from tests.outages import verdict
from tests.outages.outages import Outage
from tests.outages.processes import House
from tests.outages.show import Fan, Show, live_show
from tests.outages.verdict import COUNTERS, Span

BEFORE_SECONDS = 1.0
HEAL_SECONDS = 20.0
"""For everything to be right again before it is called lost; what is promised is less, and is judged elsewhere."""
STEADY_SECONDS = 2.5
"""How long counters have to be right: longer than two gateways take to hear of each other's viewers in turn."""
LISTEN_SECONDS = 1.0
"""Everything has to stay right for so long."""
LOOK_SECONDS = 0.2
STAGGER_SECONDS = 0.5
LEAST_FANS = 14


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one outage came to. Times in seconds, from when Redis answered again; 0 where it was so before."""

    name: str
    out_seconds: float
    fans: int
    untold: dict[str, int]
    """Fan -> how much they missed without being told."""
    missed_told: int
    """Fans who missed something and were told."""
    whole: int
    """Fans who missed nothing."""
    doubled: int
    ended: list[str]
    """Fans whose socket ended though nobody asked for it."""
    told_out_seconds: float | None
    """From the beginning to the last fan's word that the wire is out; None: not all were told."""
    back_seconds: float
    counters_seconds: float | None
    """None: never right."""
    rights_seconds: dict[str, float | None]
    rights_after_commit: dict[str, float | None]
    """The same from each one's own commit."""
    heard_own: float
    heard_other: float
    refused: list[str]
    problems: list[str] = field(default_factory=list)

    @property
    def is_whole_or_told(self) -> bool:
        """Nobody took a part for the whole, heard anything twice or lost the socket."""
        return not self.untold and not self.doubled and not self.ended and not self.problems


@dataclass
class Cast:
    """Who does what; all others listen."""

    fans: list[Fan]

    speakers = property(lambda self: self.fans[0:2])
    givers = property(lambda self: self.fans[2:4])
    refunded = property(lambda self: self.fans[5])
    banned = property(lambda self: self.fans[7])
    buyer = property(lambda self: self.fans[9])
    comers = property(lambda self: self.fans[10:12])

    @property
    def stayers(self) -> list[Fan]:
        """Those inside from the beginning to the end, with all rights."""
        gone = {self.refunded.user, self.banned.user, self.buyer.user}
        return [fan for fan in self.fans if fan.user not in gone]

    @property
    def steady(self) -> list[Fan]:
        """Those of them who never left."""
        away = {fan.user for fan in self.comers}
        return [fan for fan in self.stayers if fan.user not in away]


async def suffer(house: House, outage: Outage, seconds: float, fans: int, takes: Callable[[str], bool]) -> Outcome:
    """A show of its own goes through one outage."""
    assert fans >= LEAST_FANS
    async with live_show(house, takes=takes) as show:
        cast = Cast(await show.invite(fans, f"fan-{clock.new_id()[-6:].lower()}"))
        await show.enter(cast.fans)
        await show.refund(cast.buyer)
        assert await cast.buyer.device.wait(lambda: cast.buyer.notes.tier == "none", HEAL_SECONDS)
        enough_said, enough_given = asyncio.Event(), asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for fan in cast.speakers:
                group.create_task(show.speak(fan, enough_said))
            for fan in cast.givers:
                group.create_task(show.give(fan, enough_given))
            try:
                span, commits = await _outage(show, cast, outage, seconds, enough_given)
                await _right_again(show, cast)
                await asyncio.sleep(LISTEN_SECONDS)
                truth = await _truth(show, cast)
                counters = [_counters(fan, truth) for fan in cast.steady]
                problems = [wrong for fan in cast.steady for wrong in _wrong(fan, truth)]
            finally:
                enough_said.set()
                enough_given.set()
        if not await _all_hear_the_last(show, cast):
            problems.append("not everybody heard the last words and gifts")
        house.check_alive()
        return _outcome(show, cast, outage, span, commits, counters, problems)


async def _outage(
    show: Show, cast: Cast, outage: Outage, seconds: float, enough_given: asyncio.Event
) -> tuple[Span, dict[str, int]]:
    """The outage from its beginning to its end, and when each deed within it was committed."""
    await asyncio.sleep(BEFORE_SECONDS)
    began_ms = clock.now_ms()
    await outage.begin()
    back_ms = clock.now_ms()
    for fan in cast.comers:
        fan.device.drop()
    deeds = asyncio.create_task(_deeds(show, cast, 0 if outage.is_instant else seconds / 3))
    if not outage.is_instant:
        await asyncio.sleep(seconds)
        await outage.end()
        back_ms = clock.now_ms()
    enough_given.set()
    span = Span(began_ms, back_ms)
    for fan in cast.comers:
        await show.come_back(fan)
        await asyncio.sleep(STAGGER_SECONDS)
    return span, await deeds


async def _deeds(show: Show, cast: Cast, after_seconds: float) -> dict[str, int]:
    """A refund, a purchase, a ban and a change of phase, committed elsewhere than where they are felt."""
    await asyncio.sleep(after_seconds)
    return {
        "refund": await show.refund(cast.refunded),
        "purchase": await show.buy(cast.buyer),
        "ban": await show.command("ban", {"user": cast.banned.user}),
        "phase": await show.command("show:phase", {"phase": "paused"}),
    }


async def _truth(show: Show, cast: Cast) -> dict[str, Any]:
    """The counters as SQL has them."""
    async with show.house.database.read() as connection:
        replica = Replica(BOOK, await read_room(connection, RoomId(show.room), LOADS))
    sold = {product.id: product.sold for product in replica.newest(SalesChanged).products}
    givers = [(item.user, item.credits) for item in replica.newest(LeaderboardChanged).items]
    return {"sales": sold, "leaderboard": givers, "presence": len(cast.fans) - 1}


def _is(truth: dict[str, Any]) -> Callable[[str, Any], bool]:
    def is_right(name: str, value: Any) -> bool:
        match name:
            case "sales":
                return bool({one["id"]: one["sold"] for one in value["products"]} == truth["sales"])
            case "leaderboard":
                return bool([(one["user"], one["credits"]) for one in value["items"]] == truth["leaderboard"])
            case _:
                return bool(value["online"] == truth["presence"])

    return is_right


async def _right_again(show: Show, cast: Cast) -> None:
    """Wait until all is as it should be, counters for a while already, or for as long as it may take at most.

    For a while: on the way from one number of viewers to the next a screen may show the right one for another reason.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + HEAL_SECONDS
    while loop.time() < deadline:
        truth, rights = await _truth(show, cast), _rights(cast)
        counters = [_counters(fan, truth) for fan in cast.steady]
        degraded = [fan for fan in cast.stayers if _is_told_out(fan)]
        steady_ms = clock.now_ms() - round(STEADY_SECONDS * 1000)
        are_right = all(since_ms is not None and since_ms <= steady_ms for since_ms in counters)
        if None not in rights.values() and are_right and not degraded:
            return
        await asyncio.sleep(LOOK_SECONDS)


def _is_told_out(fan: Fan) -> bool:
    told = [entry for entry in fan.notes.entries if entry.event == "degraded"]
    return bool(told) and told[-1].payload["since_ms"] is not None


def _counters(fan: Fan, truth: dict[str, Any]) -> int | None:
    return verdict.right_since_ms(fan.notes, COUNTERS, _is(truth))


def _wrong(fan: Fan, truth: dict[str, Any]) -> list[str]:
    """Counters on a screen that never became right, for people."""
    names = [name for name in COUNTERS if verdict.right_since_ms(fan.notes, (name,), _is(truth)) is None]
    return [f"{fan.user} at {fan.gateway}: {name} {fan.notes.last(name)}, not {truth[name]}" for name in names]


def _rights(cast: Cast) -> dict[str, int | None]:
    """Since when each is felt by whom it concerns."""

    def tier(fan: Fan, wanted: str) -> int | None:
        def is_right(_name: str, value: Any) -> bool:
            return bool(value["tier"] == wanted and (wanted != "none" or not value["streams"]))

        return verdict.right_since_ms(fan.notes, ("tier",), is_right)

    byes = [at.at_ms for at in cast.banned.notes.entries if at.event == "bye" and at.payload["code"] == "BANNED"]
    phases = [
        verdict.right_since_ms(fan.notes, ("room",), lambda _, room: bool(room["phase"] == "paused"))
        for fan in cast.steady
    ]
    known = [at_ms for at_ms in phases if at_ms is not None]
    return {
        "refund": tier(cast.refunded, "none"),
        "purchase": tier(cast.buyer, "main"),
        "ban": byes[0] if byes else None,
        "phase": max(known) if len(known) == len(phases) else None,
    }


async def _all_hear_the_last(show: Show, cast: Cast) -> bool:
    """A last word and a last gift from either gateway reach everybody."""
    last = {("danmaku", done.id) for fan in cast.speakers if (done := await show.say(fan, "the last word"))}
    last |= {("gift", done.id) for fan in cast.givers if (done := await show.rose(fan))}

    def has_all(device: Device) -> bool:
        return last <= {item.key for item in device.journal.items()}

    heard = [await fan.device.wait(lambda device=fan.device: has_all(device), HEAL_SECONDS) for fan in cast.stayers]  # type: ignore[misc]
    return len(last) == 4 and all(heard)


def _outcome(
    show: Show,
    cast: Cast,
    outage: Outage,
    span: Span,
    commits: dict[str, int],
    counters: list[int | None],
    problems: list[str],
) -> Outcome:
    hearings = {fan.user: verdict.hearing(fan, show.said, show.given) for fan in cast.stayers}
    told_out = [verdict.told_of_it_ms(fan, span) for fan in cast.steady]
    words = [at_ms for at_ms in told_out if at_ms is not None]
    end_ms = span.back_ms
    rights = _rights(cast)

    def since(at_ms: int | None, from_ms: int) -> float | None:
        return None if at_ms is None else max(0.0, (at_ms - from_ms) / 1000)

    ended = [fan.user for fan in cast.stayers if not fan.device.online]
    return Outcome(
        name=outage.name,
        out_seconds=(span.back_ms - span.began_ms) / 1000,
        fans=len(cast.fans),
        untold={user: len(one.untold) for user, one in hearings.items() if one.untold},
        missed_told=sum(bool(one.missing) and not one.untold for one in hearings.values()),
        whole=sum(not one.missing for one in hearings.values()),
        doubled=sum(one.doubled for one in hearings.values()),
        ended=ended,
        told_out_seconds=(max(words) - span.began_ms) / 1000 if len(words) == len(told_out) else None,
        back_seconds=max(0, verdict.back_ms(cast.steady, show.said, span)) / 1000,
        counters_seconds=None if None in counters else max(since(at_ms, end_ms) or 0.0 for at_ms in counters),
        rights_seconds={name: since(at_ms, max(end_ms, commits[name])) for name, at_ms in rights.items()},
        rights_after_commit={name: since(at_ms, commits[name]) for name, at_ms in rights.items()},
        heard_own=verdict.heard_share(cast.steady, show.said, span, own=True),
        heard_other=verdict.heard_share(cast.steady, show.said, span, own=False),
        refused=show.refused,
        problems=problems,
    )
