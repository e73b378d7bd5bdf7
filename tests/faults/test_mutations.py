"""Each guard of delivery, taken away in a copy of the project: the test that a patch names must notice."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from settings import Settings
from tests.faults import figures
from tests.faults.rig import FULL
from tests.processes import ROOT

MUTATIONS = sorted((Path(__file__).parent / "mutations").glob("*.patch"))

CAUGHT = re.compile(r"^FAILED \S+ - (AssertionError|assert|Failed: DID NOT RAISE)", re.MULTILINE)
"""A test that noticed: what it expects was not so. One that could not even run proves nothing."""

ALWAYS = ["settings.py", "server.py", "pyproject.toml"]
COPIED = ["models", "jobs", "local", "operations", "resolvers", "schema", "tests"]


@pytest.mark.parametrize("patch", MUTATIONS, ids=lambda patch: patch.stem)
def test_a_patch_takes_a_guard_away_that_is_there(patch: Path):
    command = ["patch", "-p1", "--dry-run", "--fuzz=0", "-i", str(patch)]
    applied = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)

    assert applied.returncode == 0, applied.stdout


@pytest.mark.timeout(200)
@pytest.mark.parametrize("patch", MUTATIONS if FULL else MUTATIONS[:1], ids=lambda patch: patch.stem)
def test_a_removed_guard_is_noticed(patch: Path, tmp_path: Path, record_property: Callable[[str, object], None]):
    copy = _copy(tmp_path / "copy")
    applied = subprocess.run(["patch", "-p1", "-i", str(patch)], cwd=copy, capture_output=True, text=True)
    assert applied.returncode == 0, applied.stdout

    run = _run(copy, [_named(patch)])

    assert run.returncode == 1 and CAUGHT.search(run.stdout), f"nobody noticed:\n{run.stdout[-3000:]}"
    record_property(figures.NOTICED, _named(patch).removeprefix("tests/"))


@pytest.mark.timeout(200)
@pytest.mark.skipif(not FULL, reason="the same tests run anyway, beside this one")
def test_the_whole_project_passes_what_its_mutations_fail(tmp_path: Path):
    run = _run(_copy(tmp_path / "copy"), sorted({_named(patch) for patch in MUTATIONS}))

    assert run.returncode == 0, run.stdout[-3000:]


def _named(patch: Path) -> str:
    """The test that is to notice what a patch takes away: its first line says so."""
    return patch.read_text("utf-8").splitlines()[0].removeprefix("Noticed by: ")


def _copy(target: Path) -> Path:
    """The project's source, as it stands."""
    target.mkdir()
    for name in COPIED:
        shutil.copytree(ROOT / name, target / name, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
    for name in ALWAYS:
        shutil.copy(ROOT / name, target / name)
    return target


def _run(copy: Path, tests: list[str]) -> subprocess.CompletedProcess[str]:
    """Run tests of the copy until one fails."""
    names = {name.upper() for name in Settings.model_fields} | {"FAULTS"}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-p", "no:randomly", *tests],
        cwd=copy,
        env={**{name: value for name, value in os.environ.items() if name not in names}, "COLUMNS": "1000"},
        capture_output=True,
        text=True,
        timeout=190,
    )
