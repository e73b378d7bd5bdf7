"""The benchmark of chat runs and says what it is asked for."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.timeout(300)
def test_the_small_benchmark_holds_a_plan_against_a_bare_insert():
    command = [sys.executable, "-m", "bench", "chat", "--json", "--size", "small"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)

    assert report["bench"] == "chat"
    assert report["size"] == {"recipients": 1_000, "rounds": 1}
    assert [(case["case"], case["yardstick"], case["unit"]) for case in report["cases"]] == [
        ("200", "insert", "rows/s"),
        ("1000", "insert", "rows/s"),
    ]
    assert all(case["ratio"] > 0 for case in report["cases"])
    assert report["machine"]["fsync"] == report["machine"]["synchronous_commit"] == "on"
    assert all(0 < megabytes < 250 for megabytes in report["rss_mb"].values())
