import re
from io import StringIO

import pytest
from msgspec.structs import replace
from rich.console import Console

from gateway.rehearsal import report
from gateway.rehearsal.evening import Check
from gateway.rehearsal.report import Report
from tests.gateway.rehearsal.evenings import good_evening

EXAMPLES = ("mei shows 19, SQL says 18", "li shows 20, SQL says 18")


def rehearsed(*, fails: str = "") -> Report:
    evening = good_evening()
    checks = [spoilt(check) if check.name == fails else check for check in report.examine(evening)]
    return Report(
        url="http://127.0.0.1:8000",
        show="show-1",
        fans=7,
        live_seconds=6.0,
        seed=5,
        passed=not fails,
        checks=checks,
        figures=report.figures(evening, 9.8, 120),
    )


def spoilt(check: Check) -> Check:
    return replace(check, holds=False, observed="2 wrong of 31", expected="0 wrong of 31", examples=EXAMPLES)


def printed(rehearsal: Report, width: int, *, colour: bool = False) -> str:
    """As a terminal of that width shows it."""
    screen = StringIO()
    Console(file=screen, width=width, force_terminal=colour, color_system="standard" if colour else None).print(
        report.told(rehearsal), highlight=False
    )
    return screen.getvalue()


@pytest.mark.parametrize("width", [80, 160])
def test_every_check_is_told_whole_on_a_line_that_begins_with_how_it_stood(width: int) -> None:
    rehearsal = rehearsed()
    said = printed(rehearsal, width)
    assert all(len(line) <= width for line in said.splitlines())
    words = " ".join(said.split())
    for check in rehearsal.checks:
        assert re.search(rf"^ok +{re.escape(check.name)} ", said, re.MULTILINE), check.name
        assert f"{check.name} {check.says}: {check.observed}" in words
        assert check.observed == check.expected or f"({check.expected})" in words
    assert said.rstrip().splitlines()[-1] == f"Passed: {len(rehearsal.checks)} checks in 10 s (seed 5)."


def test_a_wide_terminal_takes_nearly_every_check_on_one_line() -> None:
    rehearsal = rehearsed()
    lines = printed(rehearsal, 160).splitlines()
    told = [line for line in lines if line.startswith("ok ")]
    assert len(told) == len(rehearsal.checks)
    assert sum(line.startswith("   ") for line in lines[: lines.index(told[-1])]) <= 2


def test_what_was_seen_is_not_torn_over_two_lines() -> None:
    rehearsal = rehearsed()
    lines = printed(rehearsal, 80).splitlines()
    for check in rehearsal.checks:
        assert len(check.observed) > 40 or any(check.observed in line for line in lines), check.name


@pytest.mark.parametrize("width", [80, 160])
def test_a_failed_check_says_what_was_expected_what_was_seen_and_examples(width: int) -> None:
    lines = [line.rstrip() for line in printed(rehearsed(fails="sales.screens"), width).splitlines()]
    at = next(number for number, line in enumerate(lines) if line.startswith("FAILED  sales.screens "))
    below = [line.strip() for line in lines[at + 1 : at + 5]]
    assert below == ["expected 0 wrong of 31", "observed 2 wrong of 31", *(f"- {one}" for one in EXAMPLES)]
    assert lines[-1].startswith("Failed: 1 of 33 checks: sales.screens (seed 5, show show-1)")
    assert sum(line.startswith("FAILED") for line in lines) == 1


def test_only_what_failed_is_red() -> None:
    assert "\x1b[31m" not in printed(rehearsed(), 80, colour=True)
    red = [
        line for line in printed(rehearsed(fails="sales.screens"), 80, colour=True).splitlines() if "\x1b[31m" in line
    ]
    assert len(red) == 5


def test_a_text_that_looks_like_markup_is_told_as_it_is() -> None:
    rehearsal = rehearsed(fails="sales.screens")
    checks = [replace(one, examples=("[bold]mei[/]",)) if not one.holds else one for one in rehearsal.checks]
    assert "- [bold]mei[/]" in printed(replace(rehearsal, checks=checks), 80)
