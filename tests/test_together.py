"""What the tests' own scheduler keeps together: if it did not, nothing else would say so."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import ROOT
from tests.together import TOGETHER

WHERE = """
import os, pytest

@pytest.mark.parametrize("number", range(8))
def test_where_it_runs(number):
    with open("places", "a") as places:
        places.write(os.environ["PYTEST_XDIST_WORKER"] + "\\n")
"""


@pytest.mark.parametrize("beginning", TOGETHER)
def test_what_belongs_together_is_there(beginning: str):
    path, _, group = beginning.removesuffix("::").partition("::")
    classes = [node.name for node in ast.parse((ROOT / path).read_text("utf-8")).body if isinstance(node, ast.ClassDef)]

    assert not group or group in classes


@pytest.mark.parametrize(
    ("path", "processes"), [("tests/local/demo/test_past_plans.py", 1), ("tests/local/demo/test_else.py", 2)]
)
def test_what_belongs_together_runs_in_one_process(tmp_path: Path, path: str, processes: int):
    (tmp_path / path).parent.mkdir(parents=True)
    (tmp_path / path).write_text(WHERE, "utf-8")
    options = ["-p", "tests.together", "-p", "no:randomly", "-n2", "--dist=loadgroup", "--rootdir=.", path]

    run = subprocess.run(
        [sys.executable, "-m", "pytest", *options],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )

    assert run.returncode == 0, run.stdout + run.stderr
    assert len(set((tmp_path / "places").read_text("utf-8").split())) == processes
