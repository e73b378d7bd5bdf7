"""Units and the example of settings: valid as far as systemd's tools tell here, true to the settings, told no more than needed."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from jobs import stopping
from settings import Settings
from tests.deploy.machine import read_unit
from tests.deploy.needs import BY_COMMAND

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
UNITS = sorted((DEPLOY / "systemd").iterdir())
NAMES = {name.upper() for name in Settings.model_fields}
OTHERS = {"PYTHONUNBUFFERED", "PATH"}
"""What Python takes."""


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here")
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_is_valid_and_may_do_little(unit: Path, tmp_path: Path):
    text = unit.read_text("utf-8").replace("/opt/rekindle/.venv/bin/python", "/usr/bin/env")
    text = text.replace("WorkingDirectory=/opt/rekindle", "WorkingDirectory=/tmp")
    copy = tmp_path / unit.name.replace("@", "@1")
    copy.write_text(text)

    verified = subprocess.run(["systemd-analyze", "verify", str(copy)], capture_output=True, text=True)
    exposed = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--threshold=20", str(copy)], capture_output=True, text=True
    )

    assert [line for line in verified.stderr.splitlines() if unit.name.partition(".")[0].rstrip("@") in line] == []
    assert exposed.returncode == 0, exposed.stdout


@pytest.mark.parametrize("path", UNITS, ids=lambda unit: unit.name)
def test_a_unit_is_handed_the_secrets_that_it_needs_and_no_other(path: Path):
    unit = read_unit(path.stem, path.read_text("utf-8"))
    command = unit.one("ExecStart").split()[-1]
    told = dict(word.split("=", 1) for line in unit.lines["Environment"] for word in line.split())

    assert set(unit.credentials) == BY_COMMAND[command]
    assert told == {f"{name.upper()}_FILE": f"%d/{name}" for name in unit.credentials}
    assert {str(file) for file in unit.credentials.values()} == {
        f"/etc/rekindle/secrets/{name}" for name in unit.credentials
    }


@pytest.mark.parametrize(
    "path", [*UNITS, DEPLOY / "settings.example", DEPLOY / "Containerfile"], ids=lambda path: path.name
)
def test_only_settings_that_exist_are_named(path: Path):
    named = set(re.findall(r"\b([A-Z][A-Z_]{3,})(?=[=:])", path.read_text("utf-8")))

    assert {name.removesuffix("_FILE") for name in named - OTHERS} - NAMES == set()


def test_the_example_sets_nothing_twice_and_reads_as_settings():
    lines = [
        line for line in (DEPLOY / "settings.example").read_text("utf-8").splitlines() if "=" in line and line[0] != "#"
    ]
    names = [line.partition("=")[0] for line in lines]

    assert len(set(names)) == len(names)
    assert Settings(_env_file=DEPLOY / "settings.example").production is True


def test_secrets_are_drawn_once_and_nobody_else_can_reach_them(tmp_path: Path):
    folder = tmp_path / "secrets"
    script = [str(DEPLOY / "secrets.sh"), str(folder)]
    subprocess.run(script, check=True)
    before = {path.name: path.read_text() for path in folder.iterdir()}
    subprocess.run(script, check=True)

    assert {path.name: path.read_text() for path in folder.iterdir()} == before
    assert folder.stat().st_mode & 0o777 == 0o700
    assert re.match("-----BEGIN (RSA )?PRIVATE KEY-----", before.pop("dkim_key"))
    drawn = [text for name, text in before.items() if not name.endswith("_url")]
    assert [len(text.strip()) for text in drawn] == [64] * 6
    assert len(set(drawn)) == 6
    for url, password in (("owner_url", "owner_password"), ("database_url", "database_password")):
        assert f":{before[password].strip()}@postgres/rekindle" in before[url]


def test_the_image_has_every_part_that_runs():
    text = (DEPLOY / "Containerfile").read_text("utf-8")
    copied = set(re.findall(r"^COPY (\w+) \w+$", text, re.MULTILINE))

    assert copied == {"schema", "resolvers", "models", "jobs", "operations", "local"}


def test_a_worker_s_unit_lets_it_use_all_of_its_time_to_stop():
    path = DEPLOY / "systemd" / "rekindle-worker@.service"
    unit = read_unit(path.stem, path.read_text("utf-8"))

    assert stopping.STOP_WITHIN.total_seconds() < int(unit.one("TimeoutStopSec"))


@pytest.mark.parametrize("path", UNITS, ids=lambda unit: unit.name)
def test_a_unit_has_room_for_thousands_of_connections(path: Path):
    """Without a word a process has 1,024 files, connections included, and each subscriber of the API has one."""
    unit = read_unit(path.stem, path.read_text("utf-8"))

    assert int(unit.one("LimitNOFILE")) >= 65_536


def test_a_worker_ends_before_what_it_speaks_to_does():
    """Units stop in the reverse order of their start: a relay on this machine answers what is on the wire."""
    path = DEPLOY / "systemd" / "rekindle-worker@.service"
    after = read_unit(path.stem, path.read_text("utf-8")).one("After").split()

    assert {"postgresql.service", "redis-server.service", "postfix.service"} <= set(after)


def test_the_api_s_unit_lets_it_end_though_postgresql_answers_no_more():
    """Its server lets what has begun end, and the pool its statements."""
    path = DEPLOY / "systemd" / "rekindle-api.service"
    answers = re.search(r"timeout_graceful_shutdown=(\d+)", (DEPLOY.parent / "server.py").read_text("utf-8"))
    assert answers is not None

    assert int(answers[1]) + stopping.DISCONNECT_WITHIN.total_seconds() < int(
        read_unit(path.stem, path.read_text("utf-8")).one("TimeoutStopSec")
    )
