"""The benchmark of audiences runs, agrees with SQL by hand, and says what it is asked for."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PRESETS = ["POTENTIAL_NEW", "RECENT", "REPEAT", "FREQUENT", "LAPSED", "NEW_FOLLOWERS", "ACTIVE_FOLLOWERS"]


@pytest.mark.timeout(300)
def test_the_small_benchmark_holds_every_segment_against_both_yardsticks():
    command = [sys.executable, "-m", "bench", "audience", "--json", "--size", "small"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)

    assert report["bench"] == "audience"
    assert report["size"] == {"customers": 5_000, "events": 50_000, "orders": 10_000, "messages": 5_000}
    assert [(case["case"], case["yardstick"], case["unit"]) for case in report["cases"]] == [
        (name, yardstick, "s") for name in [*PRESETS, "a", "b", "c", "d", "e"] for yardstick in ("events", "scan")
    ]
    assert all(case["ratio"] > 0 for case in report["cases"])
    assert report["machine"]["fsync"] == report["machine"]["synchronous_commit"] == "on"
    assert 0 < report["rss_mb"]["bench"] < 200
