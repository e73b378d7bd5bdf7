"""Which Python the environment is made with: what `make` would do, asked by its dry run."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A clone whose environment is ready, and is of Python 3.11."""
    (tmp_path / "requirements-dev.txt").touch()
    shutil.copy(ROOT / "Makefile", tmp_path)
    program(tmp_path / ".venv/bin/python", "Python 3.11.2")
    (tmp_path / ".venv/.installed").touch()
    return tmp_path


def program(path: Path, version: str) -> Path:
    """A Python that says which version it is, whatever it is asked."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho {version}\n", "utf-8")
    path.chmod(0o755)
    return path


def would(folder: Path, *words: str, **environment: str) -> str:
    """What `make types` would run."""
    done = subprocess.run(
        ["make", "--dry-run", "types", *words], cwd=folder, env={"PATH": "/usr/bin:/bin", **environment},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout


def test_an_environment_that_is_ready_is_used_as_it_is(folder: Path):
    assert "venv" not in would(folder).replace(".venv/bin/mypy", "")


def test_a_python_that_is_named_and_is_another_takes_its_place(folder: Path):
    other = str(program(folder / "other", "Python 3.13.0"))

    assert f"{other} -m venv --clear .venv" in would(folder, f"PYTHON={other}")
    assert f"{other} -m venv --clear .venv" in would(folder, PYTHON=other)


def test_a_python_that_is_named_and_is_the_same_changes_nothing(folder: Path):
    same = str(program(folder / "same", "Python 3.11.2"))

    assert "--clear" not in would(folder, f"PYTHON={same}")
