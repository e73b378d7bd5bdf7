"""The benchmark of the import runs and says what it is asked for."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.timeout(300)
def test_the_small_benchmark_holds_the_import_against_copy():
    command = [sys.executable, "-m", "bench", "ingest", "--json", "--size", "small"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["bench"] == "ingest"
    assert report["size"] == {"events": 20_000, "customers": 2_000, "rounds": 1}
    assert [(case["case"], case["yardstick"], case["unit"]) for case in report["cases"]] == [
        ("sessions", "copy", "rows/s"),
        ("shuffled", "copy", "rows/s"),
    ]
    assert all(case["ratio"] > 0 for case in report["cases"])
    assert report["machine"]["fsync"] == report["machine"]["synchronous_commit"] == "on"
    assert 0 < report["rss_mb"]["import"] < 200
