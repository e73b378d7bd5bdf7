"""What `server.py run` starts, met from outside: answered to, killed part by part, and told to end."""

import contextlib
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.local.processes import ROOT, eventually, naming
from tests.processes import SERVER

WRITE = """mutation { shopsUpsert(input: {rows: [
  {externalId: "one", name: "One", currency: "EUR", timeZone: "Europe/Berlin", defaultLanguage: "de"}
]}) { results { errors { message } } userErrors { message } } }"""

WRITTEN: dict[str, Any] = {"shopsUpsert": {"results": [{"errors": []}], "userErrors": []}}


def command_line(process: psutil.Process) -> list[str]:
    """What it was started with; nothing when it has ended."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.cmdline()
    return []


def is_postgres(process: psutil.Process) -> bool:
    """Whether it runs PostgreSQL; what has ended meanwhile does not."""
    return Path(next(iter(command_line(process)), "")).name == "postgres"


class Running:
    """`server.py run` in a process of its own, over a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {**os.environ, "DATA_DIRECTORY": str(folder), "PORT": "0"}
        self.url = ""
        self.processes: list[psutil.Process] = []
        self.start()

    def start(self) -> None:
        """Start, and wait until it is ready."""
        self.parent = subprocess.Popen(
            [*SERVER, "run", "--no-demo"], env=self.environment, cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert self.parent.stdout is not None
        for line in self.parent.stdout:
            if ready := re.fullmatch(r"ready: (http://127\.0\.0\.1:\d+)/graphql", line.strip()):
                self.url = ready[1]
                break
        me = psutil.Process(self.parent.pid)
        self.processes = [me, *me.children(recursive=True)]

    def end(self, how: signal.Signals) -> int:
        """Send a signal to the parent alone; its exit code."""
        self.parent.send_signal(how)
        self.parent.communicate(timeout=60)
        return self.parent.returncode

    def serving(self) -> psutil.Process:
        """The API's process; what the engines left behind a moment ago has no command line any more."""
        [found] = [process for process in self.processes if "serve" in command_line(process)]
        return found

    def is_gone(self) -> bool:
        """Whether neither it nor anything it started is left."""
        return not any(process.is_running() for process in self.processes) and naming(self.folder) == []

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Another command of the same installation."""
        return subprocess.run([*SERVER, *words], env=self.environment, cwd=ROOT, capture_output=True, text=True)

    def ask(self, token: str | None = None, question: str = "{ __typename }") -> httpx.Response:
        """A query; by default one that needs nothing."""
        headers = {"authorization": f"Bearer {token}"} if token else {}
        query = {"query": question}
        return httpx.post(f"{self.url}/graphql", json=query, headers=headers, trust_env=False, timeout=60)


@pytest.fixture(scope="module")
def one_installation(engine_folder: Path) -> Iterator[Running]:
    running = Running(engine_folder / "installation")
    yield running
    if running.parent.poll() is None:
        running.end(signal.SIGTERM)


@pytest.fixture
def installation(one_installation: Running) -> Running:
    """The module's installation, running."""
    if one_installation.parent.poll() is not None:
        one_installation.start()
    return one_installation


def test_it_answers_once_it_says_that_it_is_ready(installation: Running):
    assert installation.ask().json()["data"] == {"__typename": "Query"}
    assert httpx.get(f"{installation.url}/health", trust_env=False).json() == {"status": "up"}
    ready = httpx.get(f"{installation.url}/ready", trust_env=False)
    parts = ready.json()["parts"]
    assert (ready.status_code, parts["database"], parts["redis"]) == (200, "up", "up")
    assert httpx.get(f"{installation.url}/mailbox", trust_env=False).status_code == 200


def test_a_token_it_mints_is_believed_and_another_is_not(installation: Running):
    minted = installation.command("token", "--role", "PLATFORM").stdout.strip()

    assert installation.ask(minted).status_code == 200
    assert installation.ask(minted[:-3] + "abc").status_code == 401


def test_a_killed_api_is_started_again_on_the_same_port(installation: Running):
    serving = installation.serving()

    serving.kill()

    assert eventually(lambda: psutil.pid_exists(serving.pid) is False)
    assert installation.ask().status_code == 200


def test_a_killed_database_is_started_again_and_the_api_finds_it(installation: Running):
    platform = installation.command("token", "--role", "PLATFORM").stdout.strip()
    postmaster = next(filter(is_postgres, naming(installation.folder)))

    postmaster.kill()

    def is_another() -> bool:
        return any(p.pid != postmaster.pid and is_postgres(p) for p in naming(installation.folder))

    def finds_it() -> bool:
        said: dict[str, Any] = installation.ask(platform, WRITE).json()["data"]
        return said == WRITTEN

    def is_ready() -> bool:
        return httpx.get(f"{installation.url}/ready", trust_env=False, timeout=60).status_code == 200

    assert eventually(is_another, within=60)
    assert eventually(finds_it, within=60)  # by asking it: what /ready says may be a second old
    assert eventually(is_ready, within=60)


def test_a_second_one_on_the_same_folder_is_refused(installation: Running):
    second = installation.command("run", "--no-demo")

    assert second.returncode == 2
    assert "another Rekindle already runs on" in second.stderr


def test_other_commands_share_its_engines(installation: Running):
    assert installation.command("migrate").returncode == 0
    refused = installation.command("import", "nothing.ndjson", "--shop", "nobody")
    assert refused.returncode == 2
    assert refused.stderr == "error: there is no shop 'nobody'; the mutation shopsUpsert makes it\n"


def test_killed_with_sigkill_it_leaves_nothing_and_starts_again(installation: Running):
    keys = (installation.folder / "keys.json").read_bytes()
    installation.end(signal.SIGKILL)

    installation.start()

    assert installation.ask().status_code == 200
    assert (installation.folder / "keys.json").read_bytes() == keys


def test_everything_killed_at_once_it_starts_again(installation: Running):
    for process in {*installation.processes, *naming(installation.folder)}:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    installation.parent.communicate()

    installation.start()

    assert installation.ask().status_code == 200


def test_told_to_end_it_ends_in_order_and_leaves_nothing(installation: Running):
    assert installation.end(signal.SIGTERM) == 0
    assert eventually(installation.is_gone)
