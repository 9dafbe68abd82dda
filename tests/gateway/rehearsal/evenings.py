"""A small evening in which everything went right, for tests to spoil one thing of."""

import copy
from dataclasses import replace
from typing import Any

import msgspec

from auth.identity import Role, Tier
from auth.permissions import Permission, permissions
from auth.situation import Access, Phase, Switches
from gateway.features.audit.bodies import AuditFinding, ProductAudit, RightAudit, RoomAudit, ShowAudit, WalletAudit
from gateway.rehearsal.evening import Deeds, Evening
from gateway.rehearsal.journal import End, Entry, GiftTry, Journal, Place, Playback, Refusal, SocketLog

AT = 1_800_000_000_000
"""When the doors open; the crowd's clock is `SKEW_MS` behind the server's."""
SKEW_MS = 40
MAIN, VIP = "product-main", "product-vip"
STREAMS = {Permission.STREAM_MAIN: "main", Permission.STREAM_VIP: "vip"}


def room(phase: Phase, version: int) -> dict[str, Any]:
    return {
        "version": version,
        "access": "ticketed",
        "phase": phase.value,
        "switches": msgspec.to_builtins(Switches()),
    }


def tier(held: Tier, version: int, phase: Phase, reason: str) -> dict[str, Any]:
    allowed = permissions(Role.VIEWER, held, Access.TICKETED, phase, Switches())
    return {
        "tier": held.value,
        "version": version,
        "permissions": sorted(allowed),
        "streams": [{"stream": STREAMS[one]} for one in sorted(allowed) if one in STREAMS],
        "reason": reason,
    }


def danmaku(number: int, at_ms: int, user: str = "witness-main") -> dict[str, Any]:
    item = {"id": f"d{number}", "user": user, "name": user, "text": f"la {number}", "tier": "main", "at_ms": at_ms}
    return {"items": [item], "cursor": f"c{number}"}


def gift(at_ms: int) -> dict[str, Any]:
    item = {"id": "g1", "user": "witness-vip", "name": "", "gift": "rose", "count": 7, "credits": 7, "at_ms": at_ms}
    return {"items": [item], "cursor": "cg"}


RETRACT = {"items": [{"id": "d2"}], "cursor": "cr"}
SHOWN: tuple[tuple[str, int, dict[str, Any]], ...] = (
    ("danmaku", AT + 5_000, danmaku(1, AT + 5_000)),
    ("danmaku", AT + 6_000, danmaku(2, AT + 6_000)),
    ("retract", AT + 7_000, RETRACT),
    ("gift", AT + 8_000, gift(AT + 8_000)),
    ("danmaku", AT + 9_000, danmaku(3, AT + 9_000)),
    ("danmaku", AT + 12_000, danmaku(4, AT + 12_000)),
    ("danmaku", AT + 15_000, danmaku(5, AT + 15_000)),
)
SALES: dict[str, Any] = {
    "products": [{"id": MAIN, "sold": 3, "held": 1, "left": 6}, {"id": VIP, "sold": 1, "held": 0, "left": 1}],
    "version": 9,
}
BOARD: dict[str, Any] = {"items": [{"user": "witness-vip", "name": "", "credits": 7}], "version": 1}
END_MS = AT + 20_000
LATE_MS = AT + 8_500
"""When the late fan's ticket begins."""
REFUND_MS = AT + 11_000


class Writer:
    """Writes a journal as a device would."""

    def __init__(self, user: str) -> None:
        self.journal = Journal(user)

    def welcome(
        self,
        at_ms: int,
        held: Tier,
        version: int,
        phase: Phase,
        *,
        missed: list[dict[str, Any]] | None = None,
        resumed: bool = False,
        credits_: int = 0,
    ) -> None:
        rights = tier(held, version, phase, "")
        self.journal.sockets.append(SocketLog(at_ms - SKEW_MS, at_ms, resumed, resumed, truncated=False))
        payload = {
            "server_ms": at_ms,
            "room": room(phase, 2),
            "you": {**rights, "wallet": {"credits": credits_, "version": 1}, "cohost": {}, "muted_until_ms": None},
            "streams": rights["streams"],
            "sales": SALES,
            "leaderboard": BOARD,
            "stage": {"members": [], "capacity": 4},
            "missed": missed or [],
        }
        self.hear(at_ms, "welcome", payload)

    def hear(self, at_ms: int, event: str, payload: dict[str, Any]) -> None:
        entry = Entry(at_ms - SKEW_MS, len(self.journal.sockets) - 1, event, copy.deepcopy(payload))
        self.journal.hear(entry)

    def see(self, from_ms: int, until_ms: int = END_MS) -> None:
        for event, at_ms, payload in SHOWN:
            if from_ms <= at_ms < until_ms:
                self.hear(at_ms + 5, event, payload)

    def go_live(self, held: Tier, version: int) -> None:
        self.hear(AT + 1_000, "room", room(Phase.LIVE, 3))
        if held is not Tier.NONE:
            self.hear(AT + 1_000, "tier", tier(held, version, Phase.LIVE, "phase"))

    def end(self, at_ms: int, how: End, bye: str | None = None) -> None:
        log = self.journal.sockets[-1]
        log.ended_ms, log.end, log.bye = at_ms - SKEW_MS, how, bye

    def stay_to_the_end(self) -> Journal:
        self.journal.was_online_at_the_end = True
        self.end(END_MS + 100, End.BYE, "ROOM_ENDED")
        self.journal.asked = self.journal.answered = 3
        return self.journal


def good_evening() -> Evening:
    console, witness_main, witness_vip = _console(), _witness(Tier.MAIN), _witness(Tier.VIP)
    fans = [witness_main, witness_vip, _dropper(), _late(), _refunded(), _stranger()]
    witnesses = {Tier.MAIN: witness_main, Tier.VIP: witness_vip}
    return Evening(console, fans, witnesses, _truth(), Deeds(["late"], ["d2"], 1), rights_within_ms=1_000)


def _console() -> Journal:
    writer = Writer("host")
    writer.welcome(AT - 10_000, Tier.NONE, 0, Phase.DOORS)
    writer.go_live(Tier.NONE, 0)
    writer.see(AT)
    money = {"gross_minor": 52_800, "refunded_minor": 6_800, "orders_paid": 4, "gift_credits": 7}
    writer.hear(AT + 9_000, "revenue", money)
    return writer.stay_to_the_end()


def _witness(held: Tier) -> Journal:
    writer = Writer(f"witness-{held.value}")
    writer.welcome(AT, held, 1, Phase.DOORS, credits_=100 if held is Tier.MAIN else 500)
    writer.go_live(held, 1)
    writer.see(AT)
    writer.journal.playbacks.append(Playback("main", owed=True, status=200))
    if held is Tier.MAIN:
        writer.journal.paid_minor.append(6_800)
        writer.journal.accepted_danmaku = ["d1", "d2", "d3", "d4", "d5"]
        writer.journal.refusals.append(Refusal(Place.EVENT, "danmaku", "RATE_LIMITED"))
    else:
        writer.hear(AT + 8_010, "wallet", {"credits": 493, "version": 2})
        writer.journal.paid_minor.append(18_800)
        writer.journal.gifts["key"] = GiftTry("rose", 7, ["g1", "g1"])
    return writer.stay_to_the_end()


def _dropper() -> Journal:
    """Away from 5.5 s to 8.2 s; the second danmaku, the retraction and the gift come with the welcome."""
    writer = Writer("dropper")
    writer.welcome(AT, Tier.MAIN, 1, Phase.DOORS, credits_=100)
    writer.go_live(Tier.MAIN, 1)
    writer.see(AT, AT + 5_500)
    writer.end(AT + 5_500, End.DROPPED)
    missed = [{"event": event, "data": data} for event, at_ms, data in SHOWN if AT + 5_500 <= at_ms < AT + 8_200]
    writer.welcome(AT + 8_200, Tier.MAIN, 1, Phase.LIVE, missed=copy.deepcopy(missed), resumed=True, credits_=100)
    writer.see(AT + 8_200)
    writer.journal.paid_minor.append(6_800)
    return writer.stay_to_the_end()


def _late() -> Journal:
    """In the foyer until the ticket counts; muted at the end."""
    writer = Writer("late")
    writer.welcome(AT, Tier.NONE, 0, Phase.DOORS)
    writer.go_live(Tier.NONE, 0)
    writer.hear(LATE_MS + 90, "tier", tier(Tier.MAIN, 1, Phase.LIVE, "purchase"))
    writer.hear(LATE_MS + 90, "wallet", {"credits": 100, "version": 1})
    writer.see(LATE_MS)
    writer.hear(AT + 16_000, "inbox", {"id": "i", "kind": "muted", "at_ms": AT + 16_000, "until_ms": None})
    writer.journal.promoted_ms.append(90)
    writer.journal.paid_minor.append(13_600)
    writer.journal.refusals += [Refusal(Place.EVENT, "danmaku", code) for code in ("TICKET_REQUIRED", "MUTED")]
    return writer.stay_to_the_end()


def _refunded() -> Journal:
    writer = Writer("refunded")
    writer.welcome(AT, Tier.MAIN, 1, Phase.DOORS, credits_=100)
    writer.go_live(Tier.MAIN, 1)
    writer.see(AT, REFUND_MS)
    writer.hear(REFUND_MS + 30, "tier", tier(Tier.NONE, 2, Phase.LIVE, "refund"))
    writer.hear(REFUND_MS + 30, "wallet", {"credits": 0, "version": 2})
    writer.journal.paid_minor.append(6_800)
    writer.journal.returned_minor.append(6_800)
    writer.journal.demoted_ms.append(30)
    writer.journal.playbacks.append(Playback("main", owed=False, status=403))
    return writer.stay_to_the_end()


def _stranger() -> Journal:
    writer = Writer("stranger")
    writer.welcome(AT - 5_000, Tier.NONE, 0, Phase.DOORS)
    writer.go_live(Tier.NONE, 0)
    writer.journal.unpaid = 1
    writer.journal.refusals.append(Refusal(Place.HTTP, "POST orders", "SOLD_OUT"))
    return writer.stay_to_the_end()


def _truth() -> ShowAudit:
    bought = {"witness-main": Tier.MAIN, "witness-vip": Tier.VIP, "dropper": Tier.MAIN, "refunded": Tier.MAIN}
    rights = [
        RightAudit(user=user, tier=held, version=1, at_ms=AT - 60_000, reason="purchase")
        for user, held in bought.items()
    ]
    rights.append(RightAudit(user="late", tier=Tier.MAIN, version=1, at_ms=LATE_MS, reason="purchase"))
    rights.append(RightAudit(user="refunded", tier=Tier.NONE, version=2, at_ms=REFUND_MS, reason="refund"))
    wallets = {"witness-main": (100, 0), "witness-vip": (493, 7), "dropper": (100, 0), "late": (100, 0)}
    return ShowAudit(
        show="show",
        phase=Phase.LIVE,
        server_ms=END_MS,
        currency="CNY",
        products=[
            ProductAudit(id=MAIN, tier=Tier.MAIN, capacity=10, sold=3, held=1, paid=3),
            ProductAudit(id=VIP, tier=Tier.VIP, capacity=2, sold=1, held=0, paid=1),
        ],
        orders={"pending": 1, "paid": 4, "closed": 0, "refunding": 0, "refunded": 1},
        received_minor=52_800,
        returned_minor=6_800,
        wallets=[
            *(WalletAudit(user=user, credits=left, spent=spent) for user, (left, spent) in wallets.items()),
            WalletAudit(user="refunded", credits=0, spent=0),
        ],
        rights=rights,
        room=RoomAudit(danmaku=5, retractions=1, gifts=1, gift_credits=7),
        findings=[],
    )


def of(evening: Evening, user: str) -> Journal:
    return next(journal for journal in evening.fans if journal.user == user)


def with_truth(evening: Evening, **changes: Any) -> Evening:
    return replace(evening, truth=evening.truth.model_copy(update=changes))


FINDING = AuditFinding(check="seats.sold", subject="product", detail="sold 2, orders say 3")
