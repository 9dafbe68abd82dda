"""What `make night` makes of parts that hold, break and do not end."""

import os
import time
from pathlib import Path

import pytest

from tests.night import __main__ as command
from tests.night import parts
from tests.night.parts import PARTS, Part, play, report

HOLDS = Part("holds", ("platform",), 1)
BREAKS = Part("breaks", ("no_such_module",), 1)
ENDLESS = Part("endless", ("http.server", "--bind", "127.0.0.1", "0"), 0.02)


def test_each_part_is_judged_by_its_exit_status_and_the_report_tells_all(tmp_path: Path) -> None:
    assert command.night([BREAKS, HOLDS], 60, tmp_path) == 1
    page = (tmp_path / "night.md").read_text("utf-8")
    assert "1 of 2 parts held" in page
    assert "**not held (exit status 1)** | " in page
    assert "No module named no_such_module" in page
    assert (tmp_path / "night-holds.log").read_text("utf-8")


def test_a_night_without_a_fault_ends_with_status_zero(tmp_path: Path) -> None:
    assert command.night([HOLDS], 60, tmp_path) == 0


def test_a_part_that_does_not_end_is_ended_with_its_whole_group_at_its_bound(tmp_path: Path) -> None:
    began = time.monotonic()
    played = play(ENDLESS, 60, tmp_path / "log")
    assert played.outcome == "out of time"
    assert ENDLESS.seconds <= time.monotonic() - began < ENDLESS.seconds + parts.FAREWELL_SECONDS


def test_what_comes_after_the_end_of_the_night_is_not_run_and_is_reported(tmp_path: Path) -> None:
    assert command.night([HOLDS], 0, tmp_path) == 1
    page = (tmp_path / "night.md").read_text("utf-8")
    assert "not run" in page
    assert "not reached" in report("here", [HOLDS, BREAKS], [play(HOLDS, 60, tmp_path / "log")])


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_every_part_names_a_program_that_there_is(part: Part) -> None:
    place = parts.ROOT.joinpath(*part.arguments[0].split("."))
    assert place.with_suffix(".py").is_file() or (place / "__main__.py").is_file()
    assert part.minutes > 0


def test_the_parts_end_within_the_bound_of_a_night() -> None:
    assert sum(part.minutes for part in PARTS) <= command.HOURS * 60
    assert os.fspath(command.FOLDER).endswith("var/measured")
