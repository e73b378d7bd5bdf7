"""The benchmark of erasing runs, and its yardstick holds: what is done for one customer does not grow with the others."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.timeout(300)
def test_the_small_benchmark_holds_a_larger_installation_against_a_smaller():
    command = [sys.executable, "-m", "bench", "erase", "--json", "--size", "small"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["bench"] == "erase"
    assert report["size"] == {"customers": 1_000, "erased": 100, "shops": 20, "plans": 20}
    assert [(case["case"], case["yardstick"], case["unit"]) for case in report["cases"]] == [
        ("pages a customer", "smaller", "pages"),
        ("s a customer", "smaller", "s"),
    ]
    assert 0 < report["cases"][0]["ratio"] < 3
