"""The example scripts, run as their users run them, against an API and a worker in processes of their own."""

import csv
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from client.rekindle import Rekindle
from models.caller import Role
from models.clock import now
from settings import Settings
from tests.api import token_of
from tests.factories import make_shop
from tests.processes import ROOT, api, process

CUSTOMERS = [{"externalId": f"c{number}", "name": f"Ana {number}", "language": "en"} for number in range(6)]
ORDERS = [
    {"externalId": f"o{number}-{day}", "customer": f"c{number}", "orderedAt": f"2026-01-{day}T10:00:00Z",
     "amount": 1200, "currency": "USD"}
    for number in range(6) for day in ("02", "12")
]  # fmt: skip


@pytest.fixture
async def server(database: None, settings: Settings, redis: object) -> tuple[Settings, dict[str, str]]:
    """A shop, and what its processes are told of the time."""
    await make_shop()
    return settings, {"CLOCK": now().isoformat(), "SWEEP_INTERVAL": "PT0.5S"}


@pytest.fixture
def url(server: tuple[Settings, dict[str, str]]) -> Iterator[str]:
    settings, more = server
    with api(settings, **more) as url, process(settings, "work", **more):
        yield url


def run(url: str, role: Role, name: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run an example as this role."""
    token = token_of(role, shop="bloom" if role is Role.OWNER else None)
    told = {**os.environ, "REKINDLE_URL": url, "REKINDLE_TOKEN": token, "NO_PROXY": "127.0.0.1"}
    return subprocess.run(
        [sys.executable, "-m", f"examples.{name}", *words],
        cwd=ROOT,
        env=told,
        capture_output=True,
        text=True,
        timeout=90,
    )


def put(path: Path, rows: Sequence[Mapping[str, object]]) -> str:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return str(path)


@pytest.mark.timeout(200)
def test_a_night_s_import_a_plan_and_its_results(url: str, tmp_path: Path):
    customers, orders = put(tmp_path / "customers.ndjson", CUSTOMERS), put(tmp_path / "orders.ndjson", ORDERS)
    for _ in range(2):
        imported = run(url, Role.PLATFORM, "nightly_import", "bloom", customers, orders)
        assert imported.returncode == 0, imported.stderr

    words = ["REPEAT", "Spring news", "Hi {name}, {shop} has news.", "--key", "spring", "--glance", "0.2"]
    first, again = (run(url, Role.OWNER, "plan_from_a_script", *words) for _ in range(2))
    assert first.returncode == 0, first.stderr
    assert again.stdout == first.stdout
    found = re.fullmatch(r"(\S+): SENT, 6 of 6 sent\n", first.stdout)
    assert found, first.stdout

    saved = run(url, Role.OWNER, "export_results", found[1], str(tmp_path / "results.csv"))
    assert saved.returncode == 0, saved.stderr
    with (tmp_path / "results.csv").open(encoding="utf-8-sig") as file:
        assert len(list(csv.DictReader(file))) == 6


@pytest.mark.timeout(200)
def test_what_is_refused_is_told_where_it_stands(url: str, tmp_path: Path):
    wrong = [CUSTOMERS[0], {**CUSTOMERS[1], "language": "elvish"}]
    imported = run(
        url, Role.PLATFORM, "nightly_import", "bloom",
        put(tmp_path / "customers.ndjson", wrong), put(tmp_path / "orders.ndjson", ORDERS[:1]),
    )  # fmt: skip
    planned = run(url, Role.OWNER, "plan_from_a_script", "REPEAT", "x", "Hi {nobody}", "--key", "k")
    nothing = run(url, Role.OWNER, "export_results", "UGxhbjo5OTk=", str(tmp_path / "none.csv"))

    assert imported.returncode == 1
    assert imported.stderr.startswith(f"{tmp_path}/customers.ndjson:2: language ")
    assert planned.returncode == 1
    assert planned.stderr.startswith("texts.en.text: ")
    assert nothing.returncode == 1
    assert list(tmp_path.glob("none*")) == []


@pytest.mark.timeout(200)
def test_a_broken_line_of_a_night_s_file_is_told_and_holds_no_other_up(url: str, tmp_path: Path):
    customers = tmp_path / "customers.ndjson"
    lines = [json.dumps(each).encode() for each in CUSTOMERS]
    lines[1:1] = [b'{"externalId": "c9", "nmae": "Ana"}', b"not json", b'{"externalId": "\xff"}', b"", b"[1]"]
    customers.write_bytes(b"\n".join(lines))
    later = {**ORDERS[1], "orderedAt": "2026-01-12"}
    orders = put(tmp_path / "orders.ndjson", [ORDERS[0], later, *ORDERS[2:]])

    imported = run(url, Role.PLATFORM, "nightly_import", "bloom", str(customers), orders)

    told = [line.split(": ")[0] for line in imported.stderr.splitlines()]
    assert told == [f"{customers}:{number}" for number in (3, 4, 2, 6)] + [f"{orders}:2"]
    assert imported.returncode == 1
    with Rekindle(url, token_of(Role.OWNER, shop="bloom")) as asked:
        sizes = {each["preset"]: each["size"] for each in asked.segments(first=7)["segments"]["nodes"]}
    assert (sizes["RECENT"], sizes["REPEAT"]) == (6, 5)


def test_without_an_account_a_script_says_what_it_needs():
    told = {name: value for name, value in os.environ.items() if not name.startswith("REKINDLE")}
    done = subprocess.run(
        [sys.executable, "-m", "examples.export_results", "x", "y"], cwd=ROOT, env=told, capture_output=True, text=True
    )

    assert (done.returncode, done.stderr) == (
        1, "set REKINDLE_URL, such as https://outreach.example.com, and REKINDLE_TOKEN, a bearer token\n",
    )  # fmt: skip
