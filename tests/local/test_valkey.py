"""The embedded Valkey starts empty, refuses rather than forgets, and does not outlive its parent."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from arq.connections import RedisSettings
from redis import Redis

from local.valkey import Valkey
from tests.local.processes import beside, eventually, naming

START_AND_WAIT = """
import sys, time
from pathlib import Path
from local.valkey import Valkey
Valkey(Path(sys.argv[1])).start()
print("up", flush=True)
time.sleep(600)
"""


@pytest.fixture
def server(folder: Path) -> Iterator[Valkey]:
    server = Valkey(folder / "valkey")
    server.start()
    yield server
    server.stop()


def test_it_never_drops_a_key_to_make_room(server: Valkey):
    with Redis.from_url(server.url) as client:
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_its_url_leads_redis_and_arq_to_the_same_database(server: Valkey):
    with Redis.from_url(server.url) as client:
        path = client.get_connection_kwargs()["path"]

    settings = RedisSettings.from_dsn(server.url)

    assert settings.unix_socket_path == path
    assert settings.database == 0


def test_it_starts_empty_again(server: Valkey):
    with Redis.from_url(server.url) as client:
        client.set("key", "value")
    server.stop()

    server.start()

    with Redis.from_url(server.url) as client:
        assert client.dbsize() == 0


def test_no_server_outlives_a_killed_parent(folder: Path):
    data = folder / "valkey"
    parent = beside(START_AND_WAIT, str(data))
    assert parent.stdout is not None
    assert parent.stdout.readline() == "up\n"

    parent.kill()
    parent.communicate()

    assert eventually(lambda: naming(data) == [])


def test_a_server_left_on_the_socket_is_replaced(server: Valkey):
    successor = Valkey(server.folder)
    with Redis.from_url(server.url) as client:
        client.set("key", "value")

    successor.start()

    try:
        with Redis.from_url(successor.url) as client:
            assert client.dbsize() == 0
    finally:
        successor.stop()


@pytest.mark.parametrize("name", ["a folder with spaces", "d" * 120, "quo'te, comma %20 #?&=é"])
def test_it_runs_in_a_folder_of_any_name(folder: Path, name: str):
    server = Valkey(folder / name)

    server.start()

    try:
        with Redis.from_url(server.url) as client:
            assert client.ping()
    finally:
        server.stop()
