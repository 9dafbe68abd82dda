"""Every check sees the fault it is there for: a good evening passes, and each planted fault fails it."""

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from auth.identity import Tier
from gateway.features.audit.bodies import RightAudit, WalletAudit
from gateway.rehearsal import report
from gateway.rehearsal.evening import Evening
from gateway.rehearsal.history import presences
from gateway.rehearsal.journal import End, Entry, Journal, Place, Playback, Refusal, SocketLog
from gateway.rehearsal.manners import percentile
from gateway.rehearsal.rights import FOREVER_MS, Span, spans
from tests.gateway.rehearsal.evenings import AT, FINDING, REFUND_MS, SKEW_MS, danmaku, good_evening, of, with_truth

Spoil = Callable[[Evening], Evening | None]


def failed(evening: Evening) -> set[str]:
    return {check.name for check in report.examine(evening) if not check.holds}


def test_a_good_evening_passes_every_check() -> None:
    checks = report.examine(good_evening())
    assert [check for check in checks if not check.holds] == []
    assert len({check.name for check in checks}) == len(checks)


def entries(journal: Journal, event: str) -> list[Entry]:
    return [entry for entry in journal.entries if entry.event == event]


def without(journal: Journal, event: str, place: int = 0) -> None:
    journal.entries.remove(entries(journal, event)[place])


def set_in_last(journal: Journal, event: str, **values: Any) -> None:
    entries(journal, event)[-1].payload.update(values)


def hear_last(journal: Journal, at_ms: int, event: str, payload: dict[str, Any]) -> None:
    journal.hear(Entry(at_ms - SKEW_MS, len(journal.sockets) - 1, event, payload))


def sales_counter_off_by_one(evening: Evening) -> None:
    shown = copy.deepcopy(of(evening, "stranger").entries[0].payload["sales"])
    shown["products"][0]["sold"] += 1
    of(evening, "stranger").entries[0].payload["sales"] = shown


def counter_in_sql_off_by_one(evening: Evening) -> Evening:
    main, vip = evening.truth.products
    return with_truth(evening, products=[main.model_copy(update={"sold": 4}), vip])


def oversold(evening: Evening) -> Evening:
    main, vip = evening.truth.products
    return with_truth(evening, products=[main, vip.model_copy(update={"capacity": 0})])


def an_order_lost(evening: Evening) -> Evening:
    return with_truth(evening, orders={**evening.truth.orders, "paid": 3})


def an_unpaid_order_too_many(evening: Evening) -> Evening:
    return with_truth(evening, orders={**evening.truth.orders, "pending": 2})


def money_lost(evening: Evening) -> Evening:
    return with_truth(evening, received_minor=46_000)


def a_refund_kept(evening: Evening) -> Evening:
    return with_truth(evening, returned_minor=0)


def revenue_wrong(evening: Evening) -> None:
    set_in_last(evening.console, "revenue", gift_credits=14)


def gift_not_in_sql(evening: Evening) -> Evening:
    return with_truth(evening, room=evening.truth.room.model_copy(update={"gift_credits": 0, "gifts": 0}))


def gift_spent_twice(evening: Evening) -> Evening:
    paid_twice = [
        WalletAudit(user=wallet.user, credits=wallet.credits, spent=2 * wallet.spent)
        for wallet in evening.truth.wallets
    ]
    return with_truth(evening, wallets=paid_twice)


def gift_key_made_two(evening: Evening) -> None:
    of(evening, "witness-vip").gifts["key"].answers[1] = "g2"


def gift_delivered_twice(evening: Evening) -> None:
    for journal in evening.everybody():
        for entry in entries(journal, "gift"):
            journal.entries.insert(journal.entries.index(entry), copy.deepcopy(entry))


def leaderboard_wrong(evening: Evening) -> None:
    of(evening, "late").entries[0].payload["leaderboard"] = {"items": [], "version": 0}


def wallet_wrong(evening: Evening) -> None:
    set_in_last(of(evening, "late"), "wallet", credits=200)


def tier_sql_never_gave(evening: Evening) -> Evening:
    rights = [right for right in evening.truth.rights if right.user != "late"]
    rights.append(RightAudit(user="late", tier=Tier.VIP, version=1, at_ms=AT, reason="purchase"))
    return with_truth(evening, rights=rights)


def demotion_never_told(evening: Evening) -> None:
    refunded = of(evening, "refunded")
    refunded.entries.remove(entries(refunded, "tier")[-1])


def permission_too_many(evening: Evening) -> None:
    entries(of(evening, "stranger"), "welcome")[0].payload["you"]["permissions"] = ["danmaku"]


def permission_missing(evening: Evening) -> None:
    entries(of(evening, "late"), "tier")[-1].payload["permissions"].remove("gift")


def stream_not_covered(evening: Evening) -> None:
    entries(of(evening, "witness-main"), "tier")[-1].payload["streams"].append({"stream": "vip"})


def stream_missing(evening: Evening) -> None:
    entries(of(evening, "witness-vip"), "tier")[-1].payload["streams"].pop()


def old_grant_plays_on(evening: Evening) -> None:
    of(evening, "refunded").playbacks[-1] = Playback("main", owed=False, status=200)


def grant_refused(evening: Evening) -> None:
    of(evening, "witness-main").playbacks[-1] = Playback("main", owed=True, status=403)


def stranger_gets_danmaku(evening: Evening) -> None:
    hear_last(of(evening, "stranger"), AT + 5_005, "danmaku", danmaku(1, AT + 5_000))


def refunded_gets_danmaku(evening: Evening) -> None:
    hear_last(of(evening, "refunded"), AT + 12_005, "danmaku", danmaku(4, AT + 12_000))


def recovery_tells_of_a_time_without_ticket(evening: Evening) -> None:
    late = of(evening, "late")
    entries(late, "welcome")[0].payload["missed"].append({"event": "danmaku", "data": danmaku(1, AT + 5_000)})


def stage_overfull(evening: Evening) -> None:
    hear_last(evening.console, AT + 9_000, "stage", {"members": [{}] * 5, "capacity": 4})


def stage_without_ticket(evening: Evening) -> None:
    hear_last(of(evening, "stranger"), AT + 9_000, "cohost", {"state": "on_stage", "grant": {"right": "publish"}})


def muted_and_heard(evening: Evening) -> None:
    entries(of(evening, "late"), "inbox")[0].payload["at_ms"] = AT + 14_000
    for journal in evening.everybody():
        for entry in entries(journal, "danmaku"):
            if entry.payload["items"][0]["id"] == "d5":
                entry.payload["items"][0]["user"] = "late"


def mute_never_told(evening: Evening) -> None:
    without(of(evening, "late"), "inbox")


def danmaku_never_stored(evening: Evening) -> Evening:
    return with_truth(evening, room=evening.truth.room.model_copy(update={"danmaku": 4}))


def retraction_lost(evening: Evening) -> None:
    for journal in (evening.console, *(of(evening, user) for user in ("witness-main", "witness-vip", "refunded"))):
        without(journal, "retract")
    missed = entries(of(evening, "dropper"), "welcome")[-1].payload["missed"]
    del missed[1]


def retraction_lost_for_a_witness(evening: Evening) -> None:
    without(of(evening, "witness-vip"), "retract")


def witness_dropped(evening: Evening) -> None:
    of(evening, "witness-main").sockets.insert(0, SocketLog(AT, AT, resumed=False, recovered=False, truncated=False))


def accepted_and_never_shown(evening: Evening) -> None:
    of(evening, "witness-main").accepted_danmaku.append("d99")


def text_differs(evening: Evening) -> None:
    entries(of(evening, "dropper"), "danmaku")[0].payload["items"][0]["text"] = "something else"


def danmaku_twice_after_a_return(evening: Evening) -> None:
    missed = entries(of(evening, "dropper"), "welcome")[-1].payload["missed"]
    missed.insert(0, {"event": "danmaku", "data": danmaku(1, AT + 5_000)})


def order_differs(evening: Evening) -> None:
    dropper = of(evening, "dropper")
    later = [place for place, entry in enumerate(dropper.entries) if entry.event == "danmaku"][-2:]
    first, second = later
    dropper.entries[first], dropper.entries[second] = dropper.entries[second], dropper.entries[first]


def one_missed_in_an_absence(evening: Evening) -> None:
    del entries(of(evening, "dropper"), "welcome")[-1].payload["missed"][0]


def gift_missed_in_an_absence_that_told_of_danmaku(evening: Evening) -> None:
    dropper = of(evening, "dropper")
    dropper.sockets[-1].truncated = True
    del entries(dropper, "welcome")[-1].payload["missed"][2]


def everything_missed(evening: Evening) -> None:
    late = of(evening, "late")
    late.entries = [entry for entry in late.entries if entry.event not in ("danmaku", "gift", "retract")]


def not_recovered(evening: Evening) -> None:
    of(evening, "dropper").sockets[-1].recovered = False


def unknown_code(evening: Evening) -> None:
    of(evening, "late").refusals.append(Refusal(Place.HTTP, "POST orders", "status 500"))


def code_of_another_place(evening: Evening) -> None:
    of(evening, "late").refusals.append(Refusal(Place.EVENT, "like", "SOLD_OUT"))


def ack_missing(evening: Evening) -> None:
    of(evening, "late").answered -= 1


def silent_end(evening: Evening) -> None:
    of(evening, "dropper").sockets[0].end = End.SILENT


def unknown_bye(evening: Evening) -> None:
    of(evening, "dropper").sockets[0].end, of(evening, "dropper").sockets[0].bye = End.BYE, "BORED"


def wrong_last_word(evening: Evening) -> None:
    of(evening, "late").sockets[-1].bye = "KICKED"


def trouble(evening: Evening) -> None:
    of(evening, "late").troubles.append("no ack of like within 15 s")


def slow_promotion(evening: Evening) -> None:
    of(evening, "late").promoted_ms.append(1_001)


def slow_demotion(evening: Evening) -> None:
    of(evening, "refunded").demoted_ms.append(1_001)


def nobody_gave(evening: Evening) -> None:
    of(evening, "witness-vip").gifts.clear()


FAULTS: list[tuple[Spoil, str]] = [
    (lambda evening: with_truth(evening, findings=[FINDING]), "books.audit"),
    (counter_in_sql_off_by_one, "sales.counters"),
    (oversold, "sales.counters"),
    (sales_counter_off_by_one, "sales.screens"),
    (an_order_lost, "orders.crowd"),
    (an_unpaid_order_too_many, "orders.crowd"),
    (money_lost, "money.ledger"),
    (a_refund_kept, "money.ledger"),
    (revenue_wrong, "revenue.console"),
    (gift_not_in_sql, "gifts.total"),
    (gift_spent_twice, "gifts.total"),
    (gift_key_made_two, "gifts.once"),
    (gift_delivered_twice, "gifts.once"),
    (gift_delivered_twice, "history.twice"),
    (leaderboard_wrong, "gifts.leaderboard"),
    (wallet_wrong, "wallets.screens"),
    (tier_sql_never_gave, "rights.tiers"),
    (demotion_never_told, "rights.tiers"),
    (permission_too_many, "rights.permissions"),
    (permission_missing, "rights.permissions"),
    (stream_not_covered, "rights.streams"),
    (stream_missing, "rights.streams"),
    (old_grant_plays_on, "rights.playback"),
    (grant_refused, "rights.playback"),
    (stranger_gets_danmaku, "rights.history"),
    (refunded_gets_danmaku, "rights.history"),
    (recovery_tells_of_a_time_without_ticket, "rights.history"),
    (stage_overfull, "rights.stage"),
    (stage_without_ticket, "rights.stage"),
    (muted_and_heard, "rights.mutes"),
    (mute_never_told, "rights.mutes"),
    (danmaku_never_stored, "history.stored"),
    (retraction_lost, "history.stored"),
    (retraction_lost, "history.accepted"),
    (retraction_lost_for_a_witness, "history.witnesses"),
    (witness_dropped, "history.witnesses"),
    (accepted_and_never_shown, "history.accepted"),
    (text_differs, "history.same"),
    (danmaku_twice_after_a_return, "history.twice"),
    (order_differs, "history.order"),
    (one_missed_in_an_absence, "history.missed"),
    (gift_missed_in_an_absence_that_told_of_danmaku, "history.missed"),
    (everything_missed, "history.missed"),
    (not_recovered, "resume.recovered"),
    (unknown_code, "refusals.codes"),
    (code_of_another_place, "refusals.codes"),
    (ack_missing, "acks.all"),
    (silent_end, "sockets.farewell"),
    (unknown_bye, "sockets.farewell"),
    (wrong_last_word, "sockets.ended"),
    (trouble, "crowd.troubles"),
    (slow_promotion, "rights.promotion"),
    (slow_demotion, "rights.demotion"),
    (nobody_gave, "crowd.played"),
]


@pytest.mark.parametrize(("spoil", "check"), FAULTS, ids=lambda value: getattr(value, "__name__", value))
def test_a_planted_fault_fails_its_check(spoil: Spoil, check: str) -> None:
    evening = good_evening()
    assert check in failed(spoil(evening) or evening)


def test_every_check_has_a_fault_that_fails_it() -> None:
    assert {check.name for check in report.examine(good_evening())} == {check for _, check in FAULTS}


def test_danmaku_that_fell_out_of_the_history_are_excused_when_the_welcome_says_so() -> None:
    evening = good_evening()
    dropper = of(evening, "dropper")
    del entries(dropper, "welcome")[-1].payload["missed"][0]
    assert failed(evening) == {"history.missed"}
    dropper.sockets[-1].truncated = True
    assert failed(evening) == set()
    says = next(check.says for check in report.examine(evening) if check.name == "history.missed")
    assert "1 danmaku fell out" in says


def test_what_a_slow_demotion_let_through_is_held_against_the_bound_that_was_asked_for() -> None:
    evening = good_evening()
    refunded = of(evening, "refunded")
    told, wallet = refunded.entries[-2:]
    del refunded.entries[-2:]
    hear_last(refunded, AT + 12_005, "danmaku", danmaku(4, AT + 12_000 + 900))
    refunded.entries += [told, wallet]
    late_by_ms = AT + 12_900 - REFUND_MS
    assert "rights.history" in failed(evening)
    assert "rights.history" not in failed(replace(evening, rights_within_ms=late_by_ms))


def test_spans_join_tickets_that_follow_each_other() -> None:
    def right(at_ms: int, tier: Tier, version: int) -> RightAudit:
        return RightAudit(user="fan", tier=tier, version=version, at_ms=at_ms, reason="purchase")

    assert spans([]) == []
    upgraded = [right(10, Tier.MAIN, 1), right(20, Tier.VIP, 2)]
    assert spans(upgraded) == [Span(10, FOREVER_MS)]
    assert spans([*upgraded, right(30, Tier.NONE, 3), right(40, Tier.MAIN, 4)]) == [Span(10, 30), Span(40, FOREVER_MS)]


def test_a_fresh_snapshot_begins_a_presence_of_its_own() -> None:
    first = SocketLog(100, 140, resumed=False, recovered=False, truncated=False, ended_ms=200)
    again = SocketLog(300, 340, resumed=True, recovered=True, truncated=True, ended_ms=400)
    fresh = SocketLog(500, 540, resumed=True, recovered=False, truncated=False)
    one, two = presences([first, again, fresh], 1_000)
    assert (one.span, list(one.sockets), list(one.gaps)) == (Span(140, 440), [0, 1], [Span(240, 340)])
    assert (two.span, list(two.sockets)) == (Span(540, 1_000), [2])


@pytest.mark.parametrize(("values", "p50", "p99"), [([], 0, 0), ([7], 7, 7), (list(range(1, 101)), 50, 99)])
def test_a_percentile_is_a_value_that_was_met(values: list[int], p50: int, p99: int) -> None:
    assert (percentile(values, 50), percentile(values, 99)) == (p50, p99)
