"""The pages of the mailbox, and what the command line says and refuses."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from local.postgres import Postgres
from models.caller import Role
from operations.listening import listen
from resolvers.token import Verifier
from server import create_app, greeting, main
from settings import Settings
from tests.local.processes import ROOT
from tests.processes import SERVER, free_port
from tests.processes import environment as environment_of


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


@pytest.mark.parametrize("path", ["/graphql/", "/health/", "/console", "/unsubscribe/token/"])
async def test_an_address_with_a_slash_too_many_or_too_few_leads_nowhere_else(settings: Settings, path: str):
    """A redirect of Starlette's is absolute, to the host that the request names and often without TLS."""
    answer = await get(create_app(settings), path)

    assert (answer.status_code, answer.headers.get("location")) == (404, None)


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
        assert refusal(capsys, "serve") == f"error: port {port} is in use; choose another, such as PORT={port + 1}\n"

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
        ("SWEEP_INTERVAL", "often", "SWEEP_INTERVAL: must be a number of seconds, or ISO 8601 such as PT15S"),
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


async def roles_of(settings: Settings, lines: list[str]) -> list[Role]:
    """The roles of the tokens that are told, each of which holds."""
    verifier = Verifier(settings)
    tokens = [line.removeprefix("  Bearer ") for line in lines if line.startswith("  Bearer ")]
    return [(await verifier.caller(token)).role for token in tokens]


async def test_who_starts_it_gets_a_token_of_each_kind_that_holds_and_the_way_to_more(settings: Settings):
    lines = greeting(settings, with_demo=True)

    assert await roles_of(settings, lines) == [Role.OWNER, Role.PLATFORM, Role.CUSTOMER]
    (more,) = [line for line in lines if "server.py token" in line]
    program = more.partition(": ")[2].partition(" ")[0]
    assert (Path.cwd() / program).exists(), "a plain python would lack the dependencies"


async def test_without_the_demo_nothing_is_told_of_its_shop_and_its_shoppers(settings: Settings):
    lines = greeting(settings, with_demo=False)

    assert await roles_of(settings, lines) == [Role.PLATFORM]
    assert [line for line in lines if re.search(r"Lumi|customer-\d|curl", line)] == []
    assert "--role OWNER --shop SHOP" in "\n".join(lines)


def pages_in(lines: list[str]) -> list[str]:
    """The pages for people that are told of, in their order."""
    return re.findall("GraphiQL|/mailbox", "\n".join(lines))


def test_in_production_no_page_is_told_of_that_is_not_there(settings: Settings, tmp_path: Path):
    base = settings.model_copy(update={"public_url": "https://shop.example", "mailbox_directory": tmp_path})
    production = base.model_copy(update={"production": True})

    assert pages_in(greeting(base, with_demo=True)) == ["GraphiQL", "/mailbox"]
    assert pages_in(greeting(production, with_demo=True)) == []


def test_where_tokens_come_from_another_issuer_it_starts_and_tells_none(settings: Settings):
    issued = settings.model_copy(update={"token_secret": None, "token_jwks_url": "https://issuer.example/jwks"})

    lines = greeting(issued, with_demo=True)

    assert lines[0].startswith("ready: ")
    assert [line for line in lines if re.search("Bearer|server.py token", line)] == []
    assert "  Tokens come from your own issuer." in lines


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
