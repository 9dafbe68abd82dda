"""The floors of branch coverage."""

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[1] / "scripts" / "coverage_gate.py"
FILES = (
    "auth/door.py",
    "rooms/chat/chat.py",
    "presale/holding.py",
    "pubsub/sequence.py",
    "gateway/engine/socket.py",
    "gateway/replica/act.py",
)


def gate(folder: Path, **taken: int) -> tuple[int, str]:
    """Status and table of a report in which a hundred statements of each file were taken, or so many."""
    files = {}
    for path in FILES:
        count = taken.get(Path(path).stem, 100)
        counts = {"num_statements": 60, "num_branches": 40, "covered_lines": min(count, 60)}
        files[path] = {"summary": {**counts, "covered_branches": max(0, count - 60)}}
    report = folder / "coverage.json"
    report.write_text(json.dumps({"files": files}), "utf-8")
    done = subprocess.run([sys.executable, str(SCRIPT), str(report)], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def test_it_passes_where_every_folder_reaches_its_target(tmp_path: Path) -> None:
    status, table = gate(tmp_path)
    assert status == 0, table
    assert "BELOW" not in table
    assert "short" not in table


def test_branches_that_no_test_takes_fail_it(tmp_path: Path) -> None:
    status, table = gate(tmp_path, holding=94)
    assert (status, table.count("BELOW")) == (1, 1)
    assert "presale, pure          94.0 %  target 95  BELOW 95.0" in table
    assert "presale, whole         94.0 %  target 90\n" in table


def test_a_folder_that_is_short_of_its_target_is_named_and_passes_above_its_floor(tmp_path: Path) -> None:
    status, table = gate(tmp_path, socket=94)
    assert status == 0, table
    assert "gateway/engine         94.0 %  target 95  short of 95.0" in table
    assert gate(tmp_path, socket=80)[0] == 1


def test_a_folder_without_files_is_no_folder_that_is_covered(tmp_path: Path) -> None:
    report = tmp_path / "coverage.json"
    report.write_text('{"files": {}}', "utf-8")
    done = subprocess.run([sys.executable, str(SCRIPT), str(report)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
