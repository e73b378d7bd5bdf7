"""Each process starts in production with the secrets that it needs and no other, and not without one of them."""

import signal
from pathlib import Path

import pytest

from local.engines import engines
from settings import Settings
from tests.deploy.needs import BY_COMMAND
from tests.local.processes import eventually
from tests.processes import command, environment, free_port, process

pytestmark = pytest.mark.usefixtures("database")


def without(settings: Settings, *names: str) -> Settings:
    """The settings of a process that is not told these."""
    return settings.model_copy(update=dict.fromkeys(names))


def told(settings: Settings, name: str) -> Settings:
    """The settings of a process that is told its own secrets alone."""
    secrets = {secret for needed in BY_COMMAND.values() for secret in needed}
    return without(settings, *(secrets - BY_COMMAND[name]))


@pytest.mark.parametrize("name", BY_COMMAND)
def test_a_process_starts_with_its_own_secrets_alone_and_starts_no_engine(settings: Settings, name: str, tmp_path: Path):
    own = told(settings, name)
    more = {"PRODUCTION": "1", "PORT": str(free_port()), "BOUNCES_URL": f"lmtp://127.0.0.1:{free_port()}"}
    assert not {"SMTP_URL"} & set(environment(own)) or name == "work"

    with process(own, name, **more) as child:
        lives = not eventually(lambda: child.poll() is not None, within=4)
        child.send_signal(signal.SIGTERM)
        code = child.wait(30)

    assert lives
    assert code == (-signal.SIGTERM if name == "serve" else 0)  # uvicorn ends by the signal it got
    assert list(tmp_path.glob("engines.json")) == []


@pytest.mark.parametrize(("name", "missing"), [("serve", "token_secret"), ("serve", "secret_key"), ("work", "secret_key"), ("bounces", "secret_key")])
def test_a_process_does_not_start_without_one(settings: Settings, name: str, missing: str):
    refused = command(without(told(settings, name), missing), name, PRODUCTION="1", PORT=str(free_port()))

    assert refused.returncode == 2
    assert refused.stderr.startswith(f"error: {missing.upper()} must be set in production")


def test_bounces_do_with_the_keys_of_links_alone(settings: Settings):
    own = without(told(settings, "bounces"), "secret_key")
    keys = {"LINK_KEYS": "k" * 40, "PRODUCTION": "1", "BOUNCES_URL": f"lmtp://127.0.0.1:{free_port()}"}

    with process(own, "bounces", **keys) as child:
        assert not eventually(lambda: child.poll() is not None, within=3)
        child.send_signal(signal.SIGTERM)
        assert child.wait(20) == 0


def test_what_is_not_needed_is_not_started(tmp_path: Path):
    given = Settings.model_validate({"database_url": "postgres://db/x", "data_directory": tmp_path / "data"})

    with engines(given, needs=("database_url",)) as found:
        assert found == given

    assert not (tmp_path / "data").exists()
