"""Measures the gateway against itself: two over Redis, rooms and crowds of several sizes, and the opening rush."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace

from benchmarks import audience
from benchmarks.contestants import FLOOR, PACKETS, Contestant, Scene, Stand
from benchmarks.crowd import Address, Load
from benchmarks.experiments import DOORS, Experiment, Profile
from benchmarks.house import house
from benchmarks.processes import require_files

SIZES = ("smallest", "middle", "largest")
SPEAKERS = 40
TALK = {**PACKETS, "LIVEROOM_DANMAKU_PER_SECOND": "1000", "LIVEROOM_DANMAKU_BURST": "1000"}
"""A few sockets speak and many receive."""
AT_ONCE = {**TALK, "LIVEROOM_FANOUT_MS": "1"}
"""Every message goes in a frame of its own, at any rate: this measures the cost of a write per delivery."""

HOP_SOCKETS = 1_000
HOP_SPEAKERS = 400
HOP_RATES = (20.0, 200.0)
WIRE_RATE = 20.0
DELIVERIES = 20_000
"""Deliveries per second, the same for a room of every size."""
SPEAK_IN = 5
"""How many sockets each speaking room has, where there are many rooms."""
ROOMS_RATE = 500.0
ROOMS_CONNECT_RATE = 200.0
"""Connects per second where every fifth opens a room, which is read from SQL."""
SPARE_FILES = 300
"""How many files a gateway has open beside its sockets, at most."""

DOORS_RATE = 10_000 / 60
RUSH_RATE = 3_000 / 5
LOW_BUDGET = {"LIVEROOM_ADMISSIONS_PER_SECOND": "150", "LIVEROOM_ADMISSIONS_BURST": "300"}
DEFAULT_BUDGET = {"LIVEROOM_ADMISSIONS_BURST": "2000"}


@dataclass(frozen=True, slots=True)
class Size:
    """One of several sizes that are held against each other."""

    key: str
    label: str
    sockets: int
    rate: float = 0
    rooms: int = 1
    gateways: int = 1
    env: Mapping[str, str] = field(default_factory=dict)
    crowded: bool = True
    """Whether everybody is in the measured rooms. Otherwise each has a few members, and a silent room has the rest."""
    connect_rate: float = 0

    @property
    def listeners(self) -> int:
        return self.sockets if self.crowded else SPEAK_IN

    @property
    def contestant(self) -> Contestant:
        return Contestant(self.key, self.label, _started(self), is_ours=True)


def experiments(profile: Profile) -> list[Experiment]:
    """Smallest first within each."""
    load = Load(
        HOP_SOCKETS,
        seconds=profile.seconds,
        warm_seconds=profile.warm_seconds,
        settle_seconds=profile.settle_seconds,
        drain_seconds=1,
        connect_rate=profile.hall_connect_rate,
        connect_limit_seconds=90,
    )
    hop_load = replace(load, senders=HOP_SPEAKERS, rates=HOP_RATES)
    hop = Size("ours", "liveroom, two gateways", HOP_SOCKETS, gateways=2, env=TALK)
    return [
        _experiment(
            "hop",
            f"hop: {HOP_SOCKETS:,} sockets on two gateways, all danmaku said on the first",
            [hop],
            lambda _: hop_load,
        ),
        _experiment(
            "commands",
            f"commands: {WIRE_RATE:.0f} danmaku/s on two gateways, seats renewed once",
            _viewers(profile),
            lambda size: replace(load, senders=SPEAKERS, rates=(size.rate,), seconds=profile.seat_renew_seconds + 1),
        ),
        _experiment(
            "sockets",
            f"sockets: one room, {DELIVERIES:,} deliveries/s, each in a frame of its own",
            _crowds(profile),
            lambda size: replace(load, senders=SPEAKERS, rates=(size.rate,)),
            profile.growth_rounds,
        ),
        _experiment(
            "rooms",
            f"rooms: {ROOMS_RATE:.0f} danmaku/s in all, {SPEAK_IN} sockets in each room, the others in a silent one",
            _rooms(profile),
            lambda size: replace(
                load, senders=size.rooms * SPEAK_IN, rates=(size.rate,), connect_rate=ROOMS_CONNECT_RATE
            ),
            profile.growth_rounds,
        ),
        _experiment(
            DOORS,
            f"doors: {profile.doors:,} within {profile.doors / DOORS_RATE:.0f} s, and {profile.rush:,} within "
            f"{profile.rush / RUSH_RATE:.0f} s",
            _arrivals(profile),
            lambda size: replace(load, connect_rate=size.connect_rate, waits=True, settle_seconds=1),
        ),
    ]


def _experiment(key: str, title: str, sizes: list[Size], load: Callable[[Size], Load], rounds: int = 1) -> Experiment:
    of = {size.key: size for size in sizes}
    contestants = [size.contestant for size in sizes]
    if key == "sockets":  # what the kernel's part of it grows by
        of |= {f"floor-{size.key}": size for size in sizes}
        contestants += [replace(FLOOR, key=f"floor-{size.key}", label=f"send(), {size.label}") for size in sizes]
    return Experiment(
        key,
        title,
        Scene.HALL,
        contestants,
        lambda who: replace(load(of[who.key]), sockets=of[who.key].sockets),
        lambda who: of[who.key].listeners,
        rounds,
    )


def _viewers(profile: Profile) -> list[Size]:
    env = {**TALK, "LIVEROOM_SEAT_RENEW_SECONDS": str(profile.seat_renew_seconds)}
    return [
        Size(key, f"{count:,} viewers", count, WIRE_RATE, gateways=2, env=env)
        for key, count in zip(SIZES, profile.over_redis, strict=True)
    ]


def _crowds(profile: Profile) -> list[Size]:
    return [
        Size(key, f"{count:,} sockets", count, DELIVERIES / count, env=AT_ONCE)
        for key, count in zip(SIZES, profile.in_a_room, strict=True)
    ]


def _rooms(profile: Profile) -> list[Size]:
    sockets = profile.rooms[-1] * SPEAK_IN
    keys = [SIZES[0], *(f"middle-{count}" for count in profile.rooms[1:-1]), SIZES[-1]]
    return [
        Size(key, f"{count:,} room" + "s" * (count > 1), sockets, ROOMS_RATE, rooms=count, env=AT_ONCE, crowded=False)
        for key, count in zip(keys, profile.rooms, strict=True)
    ]


def _arrivals(profile: Profile) -> list[Size]:
    spared = LOW_BUDGET["LIVEROOM_ADMISSIONS_PER_SECOND"]
    return [
        Size(
            "ours",
            f"{profile.doors:,} at {DOORS_RATE:.0f}/s",
            profile.doors,
            env=DEFAULT_BUDGET,
            connect_rate=DOORS_RATE,
        ),
        Size(
            "rush", f"{profile.rush:,} at {RUSH_RATE:.0f}/s", profile.rush, env=DEFAULT_BUDGET, connect_rate=RUSH_RATE
        ),
        Size(
            "budget",
            f"the same, {spared} admitted/s",
            profile.rush,
            env=LOW_BUDGET,
            connect_rate=RUSH_RATE,
        ),
    ]


def _started(size: Size) -> Callable[[Stand], AbstractContextManager[Address]]:
    @contextmanager
    def start(stand: Stand) -> Iterator[Address]:
        require_files(size.sockets + SPARE_FILES)
        lobby = 0 if size.crowded else size.sockets - size.rooms * SPEAK_IN
        auths = audience.put_on(stand.folder, size.sockets, size.rooms, lobby)
        with house(stand.folder, stand.core, auths, env=size.env, gateways=size.gateways) as address:
            yield address

    return start
