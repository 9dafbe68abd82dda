"""`make soak` for a minute: everything that it has the crowd do is done, and what it would find is found."""

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from msgspec import structs

from benchmarks.soak.page import Soak, write
from benchmarks.soak.samples import Held, Sample, growth, judge, value

ROOT = Path(__file__).parents[1]
LONGEST_SECONDS = 240
DEEDS = (
    "came by websocket",
    "came by msgpack",
    "came by polling",
    "came by upgrade",
    "came and fell silent",
    "danmaku",
    "gifts",
    "purchases",
    "refunds",
    "phase changes",
    "recovered",
    "dropped",
    "left",
)


def test_a_minute_of_it_does_everything_and_leaves_nothing_behind(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.soak", "--minutes", "0.9", "--places", "50", "--folder", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LONGEST_SECONDS, check=False)
    page = (tmp_path / "soak.md").read_text("utf-8") if not done.stderr else done.stderr
    assert [deed for deed in DEEDS if f"| {deed}" not in page] == [], page
    assert done.returncode == 0, done.stdout
    assert "memory grows by at most 2% over the second half" in page
    assert page.count("| not judged |") == 2
    lines = (tmp_path / "soak.csv").read_text("utf-8").splitlines()
    assert len(lines) > 10
    assert {len(line.split(",")) for line in lines} == {len(lines[0].split(","))}


# ---- what it would find -----------------------------------------------------------------------------------

EMPTY = Held(rss_kib=100_000, descriptors=25, tasks=30, sockets=0, rooms=3, outbox=0, lag_ms=1)
HOUR_S = 3600


def evening(rise: float = 0.0) -> list[Sample]:
    """Memory that rises by so much of itself within the hour."""
    return [
        Sample(at, [structs.replace(EMPTY, rss_kib=round(100_000 * (1 + rise * at / HOUR_S)), sockets=90)], 2_000)
        for at in range(0, HOUR_S, 10)
    ]


def rest(at_s: float = 0, **changes: int) -> Sample:
    return Sample(at_s, [structs.replace(EMPTY, **changes)], 2_000)


def broken(samples: list[Sample], after: Sample) -> list[str]:
    return [one.promise for one in judge(samples, rest(), after) if one.is_met is False]


def test_a_flat_evening_holds() -> None:
    assert broken(evening(0.03), rest()) == []  # 1.5 % within its second half


@pytest.mark.parametrize(
    ("rise", "left", "word"),
    [
        (0.06, {}, "memory"),
        (0, {"descriptors": 31}, "descriptors"),
        (0, {"tasks": 36}, "tasks"),
        (0, {"sockets": 1}, "socket"),
        (0, {"outbox": 1}, "outbox"),
    ],
)
def test_what_grows_or_is_left_is_found(rise: float, left: dict[str, int], word: str) -> None:
    (promise,) = broken(evening(rise), rest(**left))
    assert word in promise


def test_memory_is_not_judged_by_a_few_minutes() -> None:
    few = [sample for sample in evening(9) if sample.at_s < 300]
    assert broken(few, rest()) == []
    assert None in {one.is_met for one in judge(few, rest(), rest())}


def test_growth_is_what_a_line_through_all_of_it_rises() -> None:
    assert growth([(0, 100), (10, 110), (20, 120)]) == pytest.approx(20 / 110)
    assert growth([(0, 100), (10, 300), (20, 100)]) == 0
    assert growth([(5, 7)]) == 0


def test_a_metric_is_summed_over_its_labels_and_not_mistaken_for_another() -> None:
    text = '# HELP a b\nliveroom_sockets{c="x"} 2.0\nliveroom_sockets{c="y"} 3.0\nliveroom_sockets_more 9\n'
    assert value(text, "liveroom_sockets") == 5
    assert value("liveroom_tasks 1.2e+01\n", "liveroom_tasks") == 12


def test_a_soak_is_kept_as_a_page_a_picture_and_every_sample(tmp_path: Path) -> None:
    verdicts = judge(evening(0.2), rest(), rest())
    soak = Soak("2000-01-01", 60, 9, 1, "", "a machine", evening(0.2), rest(), rest(), {"gifts": 7}, ["a"], verdicts)
    assert not soak.holds
    assert {file.name for file in write(soak, tmp_path, tmp_path)} == {"soak.md", "soak.svg", "soak.csv"}
    assert "NOT MET" in (tmp_path / "soak.md").read_text("utf-8")
    drawn = ET.fromstring((tmp_path / "soak.svg").read_text("utf-8"))  # noqa: S314 - our own
    assert len(list(drawn.iter("{http://www.w3.org/2000/svg}polyline"))) == 4
