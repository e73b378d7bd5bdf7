"""The HTTP surface and the command line, as their users meet them."""

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from starlette.applications import Starlette

from local.postgres import Postgres
from models.caller import Role
from operations.listening import listen
from resolvers.token import Verifier
from server import create_app, greeting, main
from settings import Settings
from tests.local.processes import ROOT, eventually, naming
from tests.processes import environment as environment_of
from tests.processes import free_port

SERVER = [sys.executable, str(ROOT / "server.py")]

WRITE = """mutation { shopsUpsert(input: {rows: [
  {externalId: "one", name: "One", currency: "EUR", timeZone: "Europe/Berlin", defaultLanguage: "de"}
]}) { results { errors { message } } userErrors { message } } }"""

WRITTEN: dict[str, Any] = {"shopsUpsert": {"results": [{"errors": []}], "userErrors": []}}


async def get(app: Starlette, path: str) -> httpx.Response:
    """What the app answers."""
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test") as client,
    ):
        return await client.get(path)


async def test_the_mailbox_is_shown_only_when_it_is_the_embedded_one(settings: Settings, tmp_path: Path):
    embedded = settings.model_copy(update={"mailbox_directory": tmp_path / "mailbox"})

    assert (await get(create_app(settings), "/mailbox")).status_code == 404
    assert (await get(create_app(embedded), "/mailbox")).status_code == 200


async def test_in_production_the_mailbox_has_no_pages(settings: Settings, tmp_path: Path):
    production = settings.model_copy(update={"mailbox_directory": tmp_path / "mailbox", "production": True})

    assert (await get(create_app(production), "/mailbox")).status_code == 404


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


class TestInstallation:
    """What `run` starts, seen from outside."""

    def test_it_answers_once_it_says_that_it_is_ready(self, installation: Running):
        assert installation.ask().json()["data"] == {"__typename": "Query"}
        assert httpx.get(f"{installation.url}/health", trust_env=False).json() == {"status": "up"}
        ready = httpx.get(f"{installation.url}/ready", trust_env=False)
        assert (ready.status_code, ready.json()["parts"]["database"], ready.json()["parts"]["redis"]) == (
            200,
            "up",
            "up",
        )
        assert httpx.get(f"{installation.url}/mailbox", trust_env=False).status_code == 200

    def test_a_token_it_mints_is_believed_and_another_is_not(self, installation: Running):
        minted = installation.command("token", "--role", "PLATFORM").stdout.strip()

        assert installation.ask(minted).status_code == 200
        assert installation.ask(minted[:-3] + "abc").status_code == 401

    def test_a_killed_api_is_started_again_on_the_same_port(self, installation: Running):
        serving = installation.serving()

        serving.kill()

        assert eventually(lambda: psutil.pid_exists(serving.pid) is False)
        assert installation.ask().status_code == 200

    def test_a_killed_database_is_started_again_and_the_api_finds_it(self, installation: Running):
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

    def test_a_second_one_on_the_same_folder_is_refused(self, installation: Running):
        second = installation.command("run", "--no-demo")

        assert second.returncode == 2
        assert "another Rekindle already runs on" in second.stderr

    def test_other_commands_share_its_engines(self, installation: Running):
        assert installation.command("migrate").returncode == 0
        refused = installation.command("import", "nothing.ndjson", "--shop", "nobody")
        assert refused.returncode == 2
        assert refused.stderr == "error: there is no shop 'nobody'; the mutation shopsUpsert makes it\n"

    def test_killed_with_sigkill_it_leaves_nothing_and_starts_again(self, installation: Running):
        keys = (installation.folder / "keys.json").read_bytes()
        installation.end(signal.SIGKILL)

        installation.start()

        assert installation.ask().status_code == 200
        assert (installation.folder / "keys.json").read_bytes() == keys

    def test_everything_killed_at_once_it_starts_again(self, installation: Running):
        for process in {*installation.processes, *naming(installation.folder)}:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        installation.parent.communicate()

        installation.start()

        assert installation.ask().status_code == 200

    def test_told_to_end_it_ends_in_order_and_leaves_nothing(self, installation: Running):
        assert installation.end(signal.SIGTERM) == 0
        assert eventually(installation.is_gone)


def refusal(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """What a command says that refuses with exit code 2."""
    assert main(list(words)) == 2
    return capsys.readouterr().err


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    monkeypatch.setenv("DATA_DIRECTORY", str(tmp_path / "data"))
    return monkeypatch


def test_a_port_in_use_is_said_before_anything_is_started(environment, capsys, tmp_path: Path):
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        environment.setenv("PORT", str(port))

        assert refusal(capsys, "run").startswith(f"error: port {port} is in use; choose another")
        assert refusal(capsys, "serve").startswith(f"error: port {port} is in use; choose another")

    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PORT", "many", "PORT: Input should be a valid integer"),
        ("DATABASE_URL", "mysql://secret@x/y", "DATABASE_URL: must begin with postgres://"),
        ("REDIS_URL", "localhost", "REDIS_URL: must begin with redis://"),
        ("SMTP_URL", "mail", "SMTP_URL: must begin with smtp://"),
        ("DATABASE_URL", "postgres://u:my/secret@x/y", "DATABASE_URL: cannot be read: a port is a number"),
        ("DATABASE_URL", "postgres://u:secret@x:99999/y", "DATABASE_URL: cannot be read: a port is a number"),
        ("DATABASE_URL", "postgres://u:secret@[::1/y", "DATABASE_URL: cannot be read: a port is a number"),
        ("REDIS_URL", "redis://:secret@x:port/0", "REDIS_URL: cannot be read: a port is a number"),
        ("REDIS_URL", "redis://:secret@x/first", "REDIS_URL: cannot be read: a port is a number"),
        ("SMTP_URL", "smtp://mail smtp://u:secret@mail:25x", "SMTP_URL: cannot be read: a port is a number"),
        ("BOUNCES_URL", "lmtp://127.0.0.1:8024x", "BOUNCES_URL: cannot be read: a port is a number"),
        ("TOKEN_SECRET", "secret", "TOKEN_SECRET: a key has at least 32 bytes"),
        ("CLOCK", "yesterday", "CLOCK: 'yesterday' is neither an ISO 8601 instant nor a duration"),
        ("SWEEP_INTERVAL", "often", "SWEEP_INTERVAL: Input should be a valid timedelta"),
    ],
)
def test_a_wrong_setting_is_named_without_its_value(environment, capsys, name: str, value: str, said: str):
    environment.setenv(name, value)

    words = refusal(capsys, "run")

    assert said in words
    assert "secret" not in words


AS_IN_A_TERMINAL = (
    "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"
)
"""Runs the rest of the command line where Ctrl-C has its effect: what a shell starts in the background ignores it."""


def test_ctrl_c_while_modules_load_ends_it_without_a_traceback(tmp_path: Path):
    (tmp_path / "starlette").mkdir()
    (tmp_path / "starlette" / "__init__.py").write_text("import time\nprint('loading', flush=True)\ntime.sleep(60)\n")
    command = [sys.executable, "-c", AS_IN_A_TERMINAL, *SERVER, "migrate"]
    with subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(tmp_path)}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as child:  # fmt: skip
        assert child.stdout is not None and child.stdout.readline() == "loading\n"
        child.send_signal(signal.SIGINT)
        _, said = child.communicate(timeout=60)

    assert (child.returncode, said) == (-signal.SIGINT, "")


def test_a_database_that_is_down_is_said_in_one_line(environment, capsys, tmp_path: Path):
    environment.setenv("DATABASE_URL", "postgres://rekindle:hidden@127.0.0.1:1/rekindle")
    environment.setenv("REDIS_URL", "redis://127.0.0.1:1")
    environment.setenv("SMTP_URL", "smtp://127.0.0.1:1")
    completed = subprocess.run([*SERVER, "migrate"], cwd=ROOT, capture_output=True, text=True)

    assert completed.returncode == 2
    assert completed.stderr.startswith("error: PostgreSQL cannot be reached: ")
    assert len(completed.stderr.splitlines()) == 1
    assert "hidden" not in completed.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--role", "OWNER"], "the role OWNER needs --shop"),
        (["--role", "CUSTOMER"], "the role CUSTOMER needs --subject"),
    ],
)
def test_a_token_without_what_its_role_needs_is_refused(environment, capsys, words: list[str], said: str):
    assert said in refusal(capsys, "token", *words)


@pytest.mark.parametrize("hours", ["0", "-1", "nan", "inf", "1e9", "soon"])
def test_a_token_holds_for_a_sensible_time(environment, capsys, hours: str):
    with pytest.raises(SystemExit, match="2"):
        main(["token", "--role", "PLATFORM", "--hours", hours])

    assert "argument --hours: must be a number" in capsys.readouterr().err


def test_without_a_secret_of_ours_no_token_is_minted(environment, capsys):
    environment.setenv("TOKEN_JWKS_URL", "https://issuer.example.com/jwks")

    assert "TOKEN_SECRET is not set" in refusal(capsys, "token", "--role", "PLATFORM")


def test_in_production_no_key_is_made_up(environment, capsys, tmp_path: Path):
    environment.setenv("PRODUCTION", "1")

    assert "must be set in production" in refusal(capsys, "token", "--role", "PLATFORM")
    assert not (tmp_path / "data" / "keys.json").exists()


async def test_who_starts_it_gets_a_token_of_each_kind_that_holds_and_the_way_to_more(settings: Settings):
    lines = greeting(settings)

    verifier = Verifier(settings)
    tokens = [line.removeprefix("  Bearer ") for line in lines if line.startswith("  Bearer ")]
    callers = [await verifier.caller(token) for token in tokens]
    assert [caller.role for caller in callers] == [Role.OWNER, Role.PLATFORM, Role.CUSTOMER]
    (more,) = [line for line in lines if "server.py token" in line]
    program = more.partition(": ")[2].partition(" ")[0]
    assert (Path.cwd() / program).exists(), "a plain python would lack the dependencies"


def test_a_public_key_that_is_none_is_named(environment, capsys):
    for name, url in (("DATABASE_URL", "postgres://x/y"), ("REDIS_URL", "redis://x"), ("PORT", "0")):
        environment.setenv(name, url)
    environment.setenv("SECRET_KEY", "k" * 40)
    environment.setenv("TOKEN_PUBLIC_KEY", "no key")

    assert refusal(capsys, "serve") == (
        "error: TOKEN_PUBLIC_KEY must be an RSA, Ed25519 or P-256/384/521 public key in PEM.\n"
    )


@pytest.mark.parametrize("words", [["token", "--role", "PLATFORM"], ["migrate"]])
def test_a_data_directory_that_is_none_is_named(environment, capsys, tmp_path: Path, words: list[str]):
    (tmp_path / "file").write_text("")
    environment.setenv("DATA_DIRECTORY", str(tmp_path / "file"))

    assert refusal(capsys, *words).startswith(f"error: {tmp_path / 'file'}")


@pytest.mark.parametrize("command", ["migrate", "resume-sending"])
def test_what_postgresql_does_not_take_is_said_in_one_line(environment, capsys, postgres: Postgres, command: str):
    environment.setenv("DATABASE_URL", postgres.url.replace("//postgres:", "//nobody:"))
    assert refusal(capsys, command) == 'error: PostgreSQL refuses: role "nobody" does not exist\n'

    environment.setenv("DATABASE_URL", postgres.url.replace("@/postgres", "@/nothing"))
    assert refusal(capsys, command) == 'error: PostgreSQL refuses: database "nothing" does not exist\n'


@pytest.mark.parametrize("command", ["migrate", "resume-sending"])
def test_what_the_driver_cannot_make_of_the_url_is_said_in_one_line(environment, capsys, tmp_path: Path, command: str):
    environment.setenv("HOME", str(tmp_path))
    environment.setenv("DATABASE_URL", "postgres://u:secret@127.0.0.1/x?sslmode=always")
    assert refusal(capsys, command).startswith("error: PostgreSQL refuses: `sslmode` parameter must be one of: disable")

    environment.setenv("DATABASE_URL", "postgres://u:secret@127.0.0.1/x?sslmode=verify-full")
    said = refusal(capsys, command)
    assert "root.crt" in said and "does not exist" in said and "secret" not in said


@pytest.mark.parametrize(
    ("command", "url", "said"),
    [
        *((command, "//nobody:", 'role "nobody" does not exist') for command in ("serve", "work", "bounces")),
        ("work", "?sslmode=always&", "`sslmode` parameter must be one of"),
    ],
)
def test_a_process_that_postgresql_does_not_take_says_why_and_waits_until_it_is_told_to_end(
    settings: Settings, command: str, url: str, said: str
):
    assert settings.database_url is not None
    told = settings.database_url.replace("?" if "?" in url else "//postgres:", url)
    more = {"BOUNCES_URL": f"lmtp://127.0.0.1:{free_port()}", "PORT": str(free_port())}
    with subprocess.Popen(
        [*SERVER, command], cwd=ROOT, env=environment_of(settings, DATABASE_URL=told, **more),
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        first = process.stderr.readline()
        process.terminate()
        rest = process.stderr.read()

    assert said in first and "WARNING" in first
    assert "Traceback" not in rest
    assert process.returncode in {0, -signal.SIGTERM}
