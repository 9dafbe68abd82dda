"""The counter of journeys runs on the tree as it is, so that its figures can be had whenever somebody moves things."""

import re
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "scripts" / "journeys.py"


def test_every_journey_is_counted() -> None:
    told = subprocess.run([sys.executable, str(SCRIPT)], check=True, capture_output=True, text=True, timeout=120).stdout
    rows = dict(re.findall(r"^\| (\w+) \| (\d+) \|", told, flags=re.MULTILINE))
    assert rows.keys() == {"order", "refund", "connect", "danmaku"}
    assert all(int(files) > 10 for files in rows.values())
