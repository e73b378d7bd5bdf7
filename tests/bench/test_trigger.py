"""The benchmark of automated plans runs and says what it is asked for; in its play no message differs."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.timeout(300)
def test_the_small_benchmark_answers_carts_and_plays_shop_life():
    command = [sys.executable, "-m", "bench", "trigger", "--json", "--size", "small"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["bench"] == "trigger"
    assert [(case["case"], case["yardstick"], case["unit"]) for case in report["cases"]] == [
        ("p99, 500 open carts", "sweep", "s"),
        ("p99, 2000 open carts", "sweep", "s"),
        ("look, 500 open carts", "smallest", "s"),
        ("look, 2000 open carts", "smallest", "s"),
        ("shop life", "clock", "s/s"),
    ]
    assert all(case["ratio"] > 0 for case in report["cases"])
    assert report["machine"]["fsync"] == report["machine"]["synchronous_commit"] == "on"
    assert report["rss_mb"]["worker"] > 0
