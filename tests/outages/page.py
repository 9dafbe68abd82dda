"""The page of outages: one section for each part of the run, written when its part was run. No loop, no network."""

import re
from pathlib import Path

from tests.outages.flood import COMES_PER_SECOND, LISTENERS, SAYS_PER_SECOND, Flooded, Shares
from tests.outages.refunds import Refunds
from tests.outages.scenario import Outcome

PAGE = Path(__file__).parents[2] / "docs" / "measured" / "outages.md"
HEADINGS = {
    "outages": "Redis is out",
    "refunds": "Tickets go back while their owners watch",
    "flood": "A flood of orders",
}
BACK_SECONDS = 3.0
RIGHT_SECONDS = 5.0
OUT_SECONDS = 1.0
OUT_WITHOUT_REDIS_SECONDS = 30.0
MOST_GROWTH = 0.2

HEAD = """# Outages, measured

Written by `make outages`, section by section (`ARGS="--part outages --seconds 3"`), each with the day and the
machine of its own run; two cores that other programs used too. Two gateways, presale, worker and the sandbox
provider are processes of their own on PostgreSQL; all fans are clients over WebSockets on loopback. `make test`
holds the same behaviour in short ([tests/outages](../tests/outages/test_outages.py)).
"""

OUTAGES = """
{where}. {fans} fans, half at each gateway. One at each says ten danmaku a second and another gives a rose every
half second; two lose their connections when it begins and come back at the other gateway once Redis answers. While
Redis is out a fan's ticket is refunded, another buys one, a third is banned and the host pauses the show. Every
fan's journal is held against what was acknowledged: **whole** missed nothing; **told** missed something, and had a
`welcome` afterwards with `recovered: false` or `danmaku_truncated` that says so; **untold** is what must not be.
Seconds are from Redis' answer on (for a failover and a lost node: from the promotion on), of the slowest fan:
*back* until everything said at one gateway is heard at the other and `degraded` has ended; *counters* until sales,
leaderboard and presence are as SQL and the room have them; *rights* until the refund, the purchase, the ban and the
pause are felt (0.0: while Redis was still out). *After its commit* is the slowest of those four. Bounds: nobody
untold, nothing twice, no socket lost; back within {back:.0f} s, counters and rights within {right:.0f} s.
"""

REFUNDS = """
{where}. So many fans watch at two gateways; then all their tickets go back over presale, {at_once} requests under
way at a time. Seconds from the 202 of each to the `tier` event without rights and streams; from the 202 on each old
grant is shown to `/media/auth` of the fan's gateway, and a gift is tried. Bounds: p99 within {bound:.0f} s, without
Redis (frozen) within {out:.0f} s.
"""

FLOOD = """
{where}. {listeners} fans hear {says:.0f} danmaku a second, {comes:.0f} others a second come and go; {rounds} rounds
of {seconds:.0f} s without and with the flood by turns, medians of the rounds. Pinned with `sched_setaffinity`:
gateway, Redis and the fans on one core; presale, worker, sandbox provider, PostgreSQL, an idle second gateway and
the flood on the other. Presale placed {capacity:.0f} orders a second in a closed loop; the flood began
{offered:.0f} a second, of which {answered:.0f} a second were placed (others: {others}). Bound: p99 grows by no more
than {most:.0%}. {failed} connects failed.
"""


OUTAGE_COLUMNS = (
    "outage",
    "out, s",
    "whole",
    "told",
    "untold",
    "back, s",
    "counters, s",
    "rights, s",
    "after its commit, s",
    "heard meanwhile: own gateway",
    "the other",
    "`degraded` told after, s",
    "promise",
)
REFUND_COLUMNS = (
    "Redis",
    "refunds",
    "p50, s",
    "p99, s",
    "most, s",
    "never told",
    "still played",
    "gifts still taken",
    "p99 of the 202, s",
    "all, s",
    "promise",
)
FLOOD_COLUMNS = (
    "p99, ms",
    "without",
    "with the flood",
    "grown by",
    "p50 without",
    "p50 with",
    "p99 of each round without",
    "with",
    "promise",
)


def write(part: str, section: str, *, keeps_rows: bool) -> None:
    """Put a section in the place of its predecessor; all others, and remarks below a section's table, stay.

    `keeps_rows`: so do the rows of its outages that were not in this run.
    """
    there = PAGE.read_text("utf-8") if PAGE.exists() else ""
    sections = dict(re.findall(r"^## (.+)\n((?:(?!^## ).*\n?)*)", there, re.MULTILINE))
    heading = HEADINGS[part]
    if keeps_rows:
        section = _with_rows_of(sections.get(heading, ""), section)
    remarks = re.findall(r"^(?:\* |  ).*$", sections.get(heading, ""), re.MULTILINE)
    sections[heading] = section + ("\n" + "\n".join(remarks) + "\n" if remarks else "")
    text = "\n".join(f"## {name}\n{sections[name].rstrip()}\n" for name in HEADINGS.values() if name in sections)
    PAGE.write_text(f"{HEAD}\n{text}", "utf-8")


def _with_rows_of(old: str, new: str) -> str:
    """The old section with the rows of the new one in their places."""
    rows = {_key(line): line for line in new.splitlines() if _key(line)}
    known = {_key(line) for line in old.splitlines()}
    if not rows.keys() <= known:
        return new
    return "\n".join(rows.get(_key(line), line) for line in old.splitlines())


def _key(line: str) -> tuple[str, float] | None:
    """Which outage a row is about; None for what is no row."""
    cells = [cell.strip() for cell in line.split("|")[1:3]]
    if len(cells) < 2 or not re.fullmatch(r"[0-9.]+", cells[1]):
        return None
    lasts = cells[0].startswith(("killed", "frozen", "blackholed"))
    return cells[0], min((3.0, 10.0, 60.0), key=lambda span: abs(span - float(cells[1]))) if lasts else 0.0


def is_held(one: Outcome) -> bool:
    """Whether this outage kept every promise."""
    rights = one.rights_seconds.values()
    return (
        one.is_whole_or_told
        and one.back_seconds <= BACK_SECONDS
        and one.counters_seconds is not None
        and one.counters_seconds <= RIGHT_SECONDS
        and all(seconds is not None and seconds <= RIGHT_SECONDS for seconds in rights)
    )


def outages(where: str, outcomes: list[Outcome]) -> str:
    """The section."""
    fans = max((one.fans for one in outcomes), default=0)
    head = OUTAGES.format(where=where, fans=fans, back=BACK_SECONDS, right=RIGHT_SECONDS)
    return head + _table(OUTAGE_COLUMNS, *(row(one) for one in outcomes))


def row(one: Outcome) -> str:
    """Of the table."""
    cells = [
        one.name,
        f"{one.out_seconds:.1f}",
        str(one.whole),
        str(one.missed_told),
        str(len(one.untold)),
        f"{one.back_seconds:.1f}",
        _seconds(one.counters_seconds),
        _slowest(one.rights_seconds),
        _slowest(one.rights_after_commit),
        f"{one.heard_own:.0%}",
        f"{one.heard_other:.0%}",
        "not told" if one.told_out_seconds is None else f"{one.told_out_seconds:.1f}",
        _promise(is_held(one)),
    ]
    return f"| {' | '.join(cells)} |"


def refunds(where: str, there: Refunds, out: Refunds, at_once: int) -> str:
    """The section."""
    head = REFUNDS.format(where=where, at_once=at_once, bound=OUT_SECONDS, out=OUT_WITHOUT_REDIS_SECONDS)
    return head + _table(REFUND_COLUMNS, refund_row("there", there), refund_row("frozen", out))


def refund_row(redis: str, came: Refunds) -> str:
    """Of the table."""
    answers = sorted(came.answer_seconds)
    cells = [
        redis,
        str(len(answers)),
        f"{came.percentile(0.5):.2f}",
        f"{came.percentile(0.99):.2f}",
        f"{came.percentile(1.0):.2f}",
        str(came.never_told),
        str(came.still_played),
        str(came.still_given),
        f"{answers[int(len(answers) * 0.99)]:.2f}",
        f"{came.seconds:.0f}",
        _promise(are_held(came, OUT_SECONDS if redis == "there" else OUT_WITHOUT_REDIS_SECONDS)),
    ]
    return f"| {' | '.join(cells)} |"


def are_held(came: Refunds, bound: float) -> bool:
    """Whether rights and streams ended in time, and nothing was to be had with them afterwards."""
    return came.percentile(0.99) <= bound and not (came.never_told or came.still_played or came.still_given)


def flood(where: str, came: Flooded, rounds: int, seconds: float) -> str:
    """The section."""
    others = ", ".join(f"{count} {answer}" for answer, count in sorted(came.other_answers.items())) or "none"
    head = FLOOD.format(
        where=where,
        listeners=LISTENERS,
        says=SAYS_PER_SECOND,
        comes=COMES_PER_SECOND,
        rounds=rounds,
        seconds=seconds,
        capacity=came.capacity,
        offered=came.offered,
        answered=came.answered,
        others=others,
        most=MOST_GROWTH,
        failed=came.failed,
    )
    return head + _table(FLOOD_COLUMNS, _growth("a danmaku", came.danmaku), _growth("a connect", came.connect))


def _growth(name: str, shares: Shares) -> str:
    quiet, loud = (" ".join(f"{ms:.0f}" for ms in rounds) for rounds in shares.p99_rounds)
    cells = [name, f"{shares.quiet[1]:.1f}", f"{shares.flooded[1]:.1f}", f"{shares.growth:+.0%}"]
    cells += [f"{shares.quiet[0]:.1f}", f"{shares.flooded[0]:.1f}", quiet, loud]
    return f"| {' | '.join(cells)} | {_promise(shares.growth <= MOST_GROWTH)} |"


def _table(columns: tuple[str, ...], *rows: str) -> str:
    head = [f"| {' | '.join(columns)} |", "|" + " --- |" * len(columns)]
    return "\n".join(("", *head, *rows, ""))


def _slowest(rights: dict[str, float | None]) -> str:
    late = [name for name, seconds in rights.items() if seconds is None]
    return f"never: {', '.join(late)}" if late else f"{max(seconds or 0.0 for seconds in rights.values()):.1f}"


def _seconds(seconds: float | None) -> str:
    return "never" if seconds is None else f"{seconds:.1f}"


def _promise(is_kept: bool) -> str:
    return "held" if is_kept else "not held"
