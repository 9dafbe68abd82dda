"""Who comes and what each fan will do, drawn from one random generator: the same for the same seed. No I/O."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from auth.identity import Tier
from auth.situation import Phase
from gateway.rehearsal.wire import Encoding

LEAST_FANS = 12
"""The fewest fans that can play every part."""

DELIVERIES_PER_S = 4_000
"""The most deliveries per second that chat, gifts and likes cause, over all sockets."""
PAUSE_FROM, PAUSE_UNTIL = 0.45, 0.6
"""Of the live part."""
LAST_ACT = 0.92
"""No act begins after this fraction of the live part, so that the last answers arrive within it."""

TEXTS = (
    "encore! 安可",
    "bravo 👏",
    "これは最高",
    "여기 왔어요",
    "шикарно",
    "¡otra, otra!",
    "la la la",
    "👨‍👩‍👧‍👦 here",
)
GIFTS = (("rose", 1), ("rose", 9), ("cheer", 1), ("cheer", 2), ("star", 1), ("rocket", 1))


class Purchase(StrEnum):
    """When somebody buys."""

    NEVER = "never"
    EARLY = "early"
    """Buys before connecting."""
    FOYER = "foyer"
    """Buys while connected, in presale."""
    LATE = "late"
    """Buys while connected, during the show."""


class Cashier(StrEnum):
    """What somebody does there."""

    PAY = "pay"
    DECLINE_THEN_PAY = "decline then pay"
    ABANDON_THEN_PAY = "abandon then pay"
    DECLINE = "decline"
    ABANDON = "abandon"

    @property
    def pays(self) -> bool:
        """Whether money moves in the end."""
        return self not in (Cashier.DECLINE, Cashier.ABANDON)


class Do(StrEnum):
    """One act during the show."""

    SAY = "say"
    FLOOD = "flood"
    """Sends more danmaku at once than the limit allows."""
    GIVE = "give"
    GIVE_TWICE = "give twice"
    """Sends a gift twice concurrently with the same key."""
    GIVE_AND_DROP = "give and drop"
    """Drops the transport before the answer, and repeats the gift with the same key after reconnecting."""
    GIVE_OTHERWISE = "give otherwise"
    """Sends another gift with a key already used."""
    OVERSPEND = "overspend"
    LIKE = "like"
    ASK_FOR_STAGE = "ask for the stage"
    DROP = "drop"
    WATCH = "watch"
    BUY = "buy"
    UPGRADE = "upgrade"
    RETURN_TICKET = "return the ticket"
    BE_REFUNDED = "be refunded"
    """Is refunded by the operator."""


class Act(NamedTuple):
    """Something to do so many seconds into the live part."""

    at_s: float
    do: Do
    word: str = ""
    """The text to send, or the gift."""
    times: int = 1
    away_s: float = 0.0


@dataclass(slots=True)
class Part:
    """One fan's evening."""

    user: str
    wants: Tier
    purchase: Purchase
    cashier: Cashier
    encoding: Encoding
    comes: Phase
    """The phase in which the fan first connects."""
    polling: bool = False
    witness: bool = False
    """Never disconnects; the others' history is compared with a witness's."""
    asks_twice: bool = False
    """Places the order twice with the same key, like an impatient user."""
    acts: list[Act] = field(default_factory=list)

    @property
    def holds_ticket_at_doors(self) -> bool:
        """Whether they are inside from the start."""
        return self.purchase in (Purchase.EARLY, Purchase.FOYER) and self.cashier.pays


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole rehearsal."""

    parts: Sequence[Part]
    live_s: float
    main_seats: int
    vip_seats: int
    """Fewer seats than fans who want one."""
    mutes: Sequence[tuple[float, str]]
    """When the host mutes, and whom."""
    retractions: Sequence[float]

    @property
    def pause_s(self) -> tuple[float, float]:
        """When the show pauses and goes on."""
        return PAUSE_FROM * self.live_s, PAUSE_UNTIL * self.live_s


def draw(fans: int, live_s: float, run: str, chance: random.Random) -> Plan:
    """The plan of `fans` fans; `run` makes their ids new, `chance` decides the rest."""
    if fans < LEAST_FANS:
        raise ValueError(f"a rehearsal takes {LEAST_FANS} fans or more")
    parts = _cast(fans, run, chance)
    inside = [part for part in parts if part.holds_ticket_at_doors and not part.witness]
    last_s = LAST_ACT * live_s
    _talk(parts, inside, last_s, chance)
    _give(inside, last_s, chance)
    _come_and_go(parts, inside, last_s, chance)
    steady = [part for part in inside if not _leaves(part)]
    loud = chance.sample(steady, min(2 * _share(fans, 0.01), len(steady)))
    flooding, silenced = loud[::2], loud[1::2]  # who is muted is refused for that, not for haste
    for part in flooding:
        part.acts.append(Act(chance.uniform(0, last_s), Do.FLOOD, "flood"))
    mutes = [(chance.uniform(0.1, 0.5) * live_s, part.user) for part in silenced]
    for at_s, user in mutes:
        part = next(part for part in parts if part.user == user)
        part.acts.append(Act(min(at_s + 0.25 * live_s, last_s), Do.SAY, "can anybody hear me?"))
    for part in parts:
        part.acts.sort(key=lambda act: act.at_s)
    paying = [part for part in parts if part.cashier.pays and part.purchase is not Purchase.NEVER]
    wanted = sum(part.wants is Tier.VIP for part in paying)
    return Plan(
        parts=parts,
        live_s=live_s,
        main_seats=fans,
        vip_seats=max(2, wanted * 9 // 10),
        mutes=mutes,
        retractions=[chance.uniform(0.4, 0.9) * live_s for _ in range(1 + _share(fans, 0.02))],
    )


def _cast(fans: int, run: str, chance: random.Random) -> list[Part]:
    kinds: list[tuple[Purchase, Cashier, Phase]] = []
    kinds += [(Purchase.NEVER, Cashier.PAY, Phase.PRESALE)] * _share(fans, 0.05)
    kinds += [(Purchase.NEVER, Cashier.PAY, Phase.LIVE)] * _share(fans, 0.05)
    kinds += [(Purchase.FOYER, Cashier.DECLINE, Phase.PRESALE)] * _share(fans, 0.03)
    kinds += [(Purchase.FOYER, Cashier.ABANDON, Phase.PRESALE)] * _share(fans, 0.03)
    kinds += [(Purchase.LATE, Cashier.PAY, Phase.DOORS)] * _share(fans, 0.08)
    kinds += [(Purchase.FOYER, Cashier.DECLINE_THEN_PAY, Phase.PRESALE)] * _share(fans, 0.05)
    kinds += [(Purchase.EARLY, Cashier.ABANDON_THEN_PAY, Phase.DOORS)] * _share(fans, 0.03)
    kinds += [(Purchase.FOYER, Cashier.PAY, Phase.PRESALE)] * _share(fans, 0.2)
    kinds += [(Purchase.EARLY, Cashier.PAY, Phase.DOORS)] * max(0, fans - 2 - len(kinds))
    kinds = kinds[: fans - 2]
    chance.shuffle(kinds)
    polling = _share(fans, 0.01)
    parts = [
        Part(f"{run}-witness-main", Tier.MAIN, Purchase.EARLY, Cashier.PAY, Encoding.JSON, Phase.DOORS, witness=True),
        Part(f"{run}-witness-vip", Tier.VIP, Purchase.EARLY, Cashier.PAY, Encoding.MSGPACK, Phase.DOORS, witness=True),
    ]
    for number, (purchase, cashier, comes) in enumerate(kinds):
        part = Part(
            user=f"{run}-{number:04}",
            wants=Tier.VIP if chance.random() < 0.3 else Tier.MAIN,
            purchase=purchase,
            cashier=cashier,
            encoding=chance.choice(tuple(Encoding)),
            comes=comes,
            asks_twice=chance.random() < 0.1,
        )
        if polling and part.holds_ticket_at_doors:
            part.polling, polling = True, polling - 1
        parts.append(part)
    return parts


def _talk(parts: Sequence[Part], inside: Sequence[Part], last_s: float, chance: random.Random) -> None:
    per_s = min(0.3 * len(parts), 0.6 * DELIVERIES_PER_S / len(parts))
    for number in range(max(len(TEXTS), round(per_s * last_s))):
        text = f"{chance.choice(TEXTS)} {number}"
        chance.choice(inside).acts.append(Act(chance.uniform(0, last_s), Do.SAY, text))
    for _ in range(round(min(0.1 * len(parts), 5) * last_s)):
        chance.choice(inside).acts.append(Act(chance.uniform(0, last_s), Do.LIKE, times=chance.randint(1, 30)))
    for part in parts:
        if part.comes is Phase.PRESALE and not part.holds_ticket_at_doors:
            part.acts.append(Act(chance.uniform(0, last_s), Do.SAY, "from the foyer"))
    for part in chance.sample(inside, min(len(inside), max(6, len(parts) // 50))):
        part.acts.append(Act(chance.uniform(0, 0.9 * PAUSE_FROM * last_s), Do.ASK_FOR_STAGE))


def _give(inside: Sequence[Part], last_s: float, chance: random.Random) -> None:
    per_s = min(0.15 * len(inside), 0.15 * DELIVERIES_PER_S / len(inside))
    kinds = [Do.GIVE] * 6 + [Do.GIVE_TWICE, Do.GIVE_TWICE, Do.GIVE_AND_DROP, Do.GIVE_OTHERWISE]
    for number in range(max(2 * len(kinds), round(per_s * last_s))):
        do = kinds[number % len(kinds)]
        givers = [part for part in inside if not (part.polling and do is Do.GIVE_AND_DROP)]
        gift, count = chance.choice(GIFTS[:5] if do is not Do.GIVE else GIFTS)
        away_s = chance.uniform(0.1, 0.1 * last_s) if do is Do.GIVE_AND_DROP else 0.0
        chance.choice(givers).acts.append(Act(chance.uniform(0, last_s), do, gift, count, away_s))
    for part in chance.sample(inside, _share(len(inside), 0.01)):
        part.acts.append(Act(chance.uniform(0, last_s), Do.OVERSPEND, "castle", 9))


def _come_and_go(parts: Sequence[Part], inside: Sequence[Part], last_s: float, chance: random.Random) -> None:
    fans = len(parts)
    for part in (*inside, *(part for part in parts if part.witness)):
        part.acts.append(Act(chance.uniform(0, last_s), Do.WATCH))
    for part in parts:
        if part.purchase is Purchase.LATE:
            part.acts.append(Act(chance.uniform(0, 0.7 * last_s), Do.BUY))
    steady = [part for part in inside if not part.polling]
    for part in chance.sample(steady, min(len(steady), _share(fans, 0.3))):
        for _ in range(chance.randint(1, 2)):
            away_s = chance.uniform(0.1, 0.15 * last_s)
            part.acts.append(Act(chance.uniform(0, 0.8 * last_s), Do.DROP, away_s=away_s))
    chosen = chance.sample(steady, min(len(steady), 2 * _share(fans, 0.04) + _share(fans, 0.03)))
    returning, refunded = _share(fans, 0.04), 2 * _share(fans, 0.04)
    for number, part in enumerate(chosen):
        at_s = chance.uniform(0.2 * last_s, last_s)
        if number < refunded:
            part.acts.append(Act(at_s, Do.RETURN_TICKET if number < returning else Do.BE_REFUNDED))
        elif part.wants is Tier.MAIN:
            part.acts.append(Act(at_s, Do.UPGRADE))


def _leaves(part: Part) -> bool:
    return any(act.do in (Do.RETURN_TICKET, Do.BE_REFUNDED) for act in part.acts)


def _share(fans: int, fraction: float) -> int:
    return max(1, round(fans * fraction))
