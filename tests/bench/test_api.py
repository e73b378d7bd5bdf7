"""The benchmarks of the API run and say what they are asked for."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


def report_of(name: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench", name, "--json", "--size", "small"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    assert report["bench"] == name
    assert 0 < report["rss_mb"]["api"] < 300
    return report


@pytest.mark.timeout(300)
def test_the_small_benchmark_holds_each_page_against_a_bare_app():
    report = report_of("api")

    assert [(case["case"], case["yardstick"], case["unit"]) for case in report["cases"]] == [
        (case, "bare", unit)
        for page in ("overview", "dashboard")
        for case, unit in ((page, "/s"), (f"{page}, p50", "s"), (f"{page}, p99", "s"))
    ]
    assert all(case["ratio"] > 0 for case in report["cases"])


@pytest.mark.timeout(300)
def test_the_small_benchmark_reaches_every_subscriber():
    report = report_of("subscribers")

    assert [(case["case"], case["yardstick"], case["unit"]) for case in report["cases"]] == [
        ("memory", "promise", "MB"),
        ("event", "promise", "s"),
    ]
