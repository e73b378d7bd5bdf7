"""The benchmark of email runs and says what it is asked for, also where Postfix's programs are not installed."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.email import PLACES

ROOT = Path(__file__).resolve().parents[2]
INSTALLED = bool(shutil.which("smtp-sink", path=PLACES))


@pytest.mark.timeout(300)
def test_the_small_benchmark_holds_a_plan_against_both_yardsticks_or_calls_them_absent():
    command = [sys.executable, "-m", "bench", "email", "--json", "--size", "small"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)

    assert report["bench"] == "email"
    assert report["size"] == {"recipients": 300, "naive": 50, "rounds": 1}
    assert [(case["case"], case["yardstick"], case["unit"]) for case in report["cases"]] == [
        ("4", "naive", "/s"),
        ("4", "smtp-source", "/s"),
    ]
    if INSTALLED:
        assert all(case["ratio"] > 0 for case in report["cases"])
        assert all(0 < megabytes < 250 for megabytes in report["rss_mb"].values())
    else:
        assert all(case["ours"] == case["theirs"] == "absent" for case in report["cases"])
