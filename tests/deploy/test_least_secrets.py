"""Each process starts in production with the secrets that it needs and no other, and not without one of them."""

import signal
import socket
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from local.engines import engines
from models import database
from settings import Settings
from tests.deploy.needs import BY_COMMAND
from tests.processes import STOP_WITHIN, command, environment, free_port, process
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("database")


def without(settings: Settings, *names: str) -> Settings:
    """The settings of a process that is not told these."""
    return settings.model_copy(update=dict.fromkeys(names))


def told(settings: Settings, name: str) -> Settings:
    """The settings of a process that is told its own secrets alone."""
    secrets = {secret for needed in BY_COMMAND.values() for secret in needed}
    return without(settings, *(secrets - BY_COMMAND[name]))


async def until_it_works(name: str, child: subprocess.Popen[bytes], port: int) -> None:
    """Wait until a process does what it is for: it takes connections, or works under a name of its own."""

    async def works() -> bool:
        assert child.poll() is None, "it has ended"
        if name == "work":
            return bool(await database.fetch_value("SELECT EXISTS (SELECT FROM worker)"))
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.settimeout(10)
            connection.sendall(b"GET /health HTTP/1.0\r\n\r\n" if name == "serve" else b"NOOP\r\n")
            return bool(connection.recv(1))
        return False

    await until(works)


@pytest.mark.parametrize("name", BY_COMMAND)
async def test_a_process_starts_with_its_own_secrets_alone_and_starts_no_engine(
    settings: Settings, name: str, tmp_path: Path
):
    own, port = told(settings, name), free_port()
    more = {"PRODUCTION": "1", "PORT": str(port), "BOUNCES_URL": f"lmtp://127.0.0.1:{port}"}
    assert not {"SMTP_URL"} & set(environment(own)) or name == "work"

    with process(own, name, **more) as child:
        await until_it_works(name, child, port)
        child.send_signal(signal.SIGTERM)
        code = child.wait(STOP_WITHIN)

    assert code == (-signal.SIGTERM if name == "serve" else 0)  # uvicorn ends by the signal it got
    assert list(tmp_path.glob("engines.json")) == []  # noqa: ASYNC240 (nothing else runs here)


@pytest.mark.parametrize(
    ("name", "missing"),
    [("serve", "token_secret"), ("serve", "secret_key"), ("work", "secret_key"), ("bounces", "secret_key")],
)
def test_a_process_does_not_start_without_one(settings: Settings, name: str, missing: str):
    refused = command(without(told(settings, name), missing), name, PRODUCTION="1", PORT=str(free_port()))

    assert refused.returncode == 2
    assert refused.stderr.startswith(f"error: {missing.upper()} must be set in production")


async def test_bounces_do_with_the_keys_of_links_alone(settings: Settings):
    own, port = without(told(settings, "bounces"), "secret_key"), free_port()
    keys = {"LINK_KEYS": "k" * 40, "PRODUCTION": "1", "BOUNCES_URL": f"lmtp://127.0.0.1:{port}"}

    with process(own, "bounces", **keys) as child:
        await until_it_works("bounces", child, port)
        child.send_signal(signal.SIGTERM)
        assert child.wait(STOP_WITHIN) == 0


def test_what_is_not_needed_is_not_started(tmp_path: Path):
    given = Settings.model_validate({"database_url": "postgres://db/x", "data_directory": tmp_path / "data"})

    with engines(given, needs=("database_url",)) as found:
        assert found == given

    assert not (tmp_path / "data").exists()
