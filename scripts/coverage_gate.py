"""Holds branch coverage of the folders that decide: `coverage_gate.py FILE`, the JSON report of a run.

Statements and branches count alike. Exits with 1, and says which, where a folder is below its floor.
"""

import json
import sys
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

PURE, WHOLE = 95.0, 90.0
IO = ("*_sql.py", "*_http.py", "*_sqlite.py", "*_sandbox.py", "*_redis.py", "presale/sandbox/*", "presale/use_cases/*")
"""What talks to somebody: the suites of each technology show it."""


@dataclass(frozen=True, slots=True)
class Gate:
    """Files that have to be covered so far."""

    name: str
    files: tuple[str, ...]
    target: float
    without: tuple[str, ...] = ()
    stands_at: float | None = None
    """Where the target is not reached yet: below this is a fault already. It is only ever raised."""

    @property
    def floor(self) -> float:
        """Below this the run fails."""
        return self.target if self.stands_at is None else self.stands_at

    def covers(self, path: str) -> bool:
        """Whether a file counts here."""
        return _matches(path, self.files) and not _matches(path, self.without)


GATES = (
    Gate("auth, pure", ("auth/*",), PURE, IO),
    Gate("rooms, pure", ("rooms/*",), PURE, IO),
    Gate("presale, pure", ("presale/*",), PURE, IO),
    Gate("pubsub/sequence.py", ("pubsub/sequence.py",), PURE),
    Gate("gateway/engine", ("gateway/engine/*",), PURE, stands_at=93.0),
    Gate("gateway/replica", ("gateway/replica/*",), PURE, stands_at=91.0),
    Gate("auth, whole", ("auth/*",), WHOLE),
    Gate("rooms, whole", ("rooms/*",), WHOLE),
    Gate("presale, whole", ("presale/*",), WHOLE),
)


def covered(files: dict[str, Any], gate: Gate) -> float:
    """Percent of the statements and branches of a gate that a run took; 0 where it has no files."""
    counts = [one["summary"] for path, one in files.items() if gate.covers(path)]
    there = sum(one["num_statements"] + one["num_branches"] for one in counts)
    taken = sum(one["covered_lines"] + one["covered_branches"] for one in counts)
    return 100 * taken / there if there else 0.0


def verdict(percent: float, gate: Gate) -> str:
    """What is said of a gate; empty where it holds in full."""
    if percent < gate.floor:
        return f"BELOW {gate.floor:.1f}"
    return f"short of {gate.target:.1f}" if percent < gate.target else ""


def _matches(path: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch(path, pattern) for pattern in patterns)


def main(report: Path) -> int:
    """The status to end with; the table is written."""
    files = json.loads(report.read_text("utf-8"))["files"]
    figures = [(gate, covered(files, gate)) for gate in GATES]
    for gate, percent in figures:
        print(f"{gate.name:20} {percent:6.1f} %  target {gate.target:.0f}  {verdict(percent, gate)}".rstrip())
    return int(any(percent < gate.floor for gate, percent in figures))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
