"""The embedded PostgreSQL keeps what was committed, whatever was killed, and starts wherever it is put."""

import os
import pwd
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import asyncpg
import pytest

from local.place import SYSTEM_USER
from local.postgres import Postgres, _system_user
from tests.local.processes import beside, eventually, naming

SMALL = {"shared_buffers": "16MB", "max_wal_size": "64MB", "min_wal_size": "32MB"}

START_AND_WAIT = """
import sys, time
from pathlib import Path
from local.postgres import Postgres
Postgres(Path(sys.argv[1]), shared_buffers="16MB").start()
print("up", flush=True)
time.sleep(600)
"""


@pytest.fixture
def server(folder: Path) -> Iterator[Postgres]:
    server = Postgres(folder / "postgres", **SMALL)
    server.start()
    yield server
    server.kill()


async def execute(url: str, sql: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(sql)
    await connection.close()


async def ask(url: str, sql: str) -> object:
    connection = await asyncpg.connect(url)
    answer = await connection.fetchval(sql)
    await connection.close()
    return answer


async def test_a_commit_is_on_disk_before_it_is_acknowledged(server: Postgres):
    assert await ask(server.url, "SHOW fsync") == "on"
    assert await ask(server.url, "SHOW synchronous_commit") == "on"
    assert await ask(server.url, "SHOW full_page_writes") == "on"


async def test_a_crash_loses_nothing_that_was_committed(server: Postgres):
    await execute(server.url, "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")

    server.kill()
    server.start()

    assert await ask(server.url, "SELECT count(*) FROM kept") == 1000


async def test_a_server_killed_while_its_children_live_starts_again(server: Postgres):
    await execute(server.url, "CREATE TABLE kept AS SELECT 1 AS n")
    assert server._child is not None

    os.kill(server._child.pid, signal.SIGKILL)
    server.start()

    assert await ask(server.url, "SELECT count(*) FROM kept") == 1


def test_processes_that_need_the_server_s_user_at_once_have_it_made_once(folder: Path, monkeypatch: pytest.MonkeyPatch):
    """Neither a user nor a root is needed here: a file stands for what `useradd` makes."""
    made, useradd = folder / "made", folder / "useradd"
    useradd.write_text(f'#!/bin/sh\nsleep 0.2\necho "$@" >> {made}\n', "utf-8")
    useradd.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    look = pwd.getpwnam

    def look_for_the_file(name: str) -> pwd.struct_passwd:
        if name == SYSTEM_USER and not made.exists():
            raise KeyError(name)
        return look("root")

    monkeypatch.setattr(pwd, "getpwnam", look_for_the_file)

    with ThreadPoolExecutor(3) as starting:
        users = list(starting.map(lambda _: _system_user(), range(3)))

    assert users == [SYSTEM_USER] * 3
    assert made.read_text("utf-8").splitlines() == [f"--system --no-create-home {SYSTEM_USER}"]


async def test_no_server_outlives_a_killed_parent_and_the_next_start_has_its_data(folder: Path):
    data = folder / "postgres"
    parent = beside(START_AND_WAIT, str(data))
    assert parent.stdout is not None
    assert parent.stdout.readline() == "up\n"
    server = Postgres(data, **SMALL)
    await execute(server.url, "CREATE TABLE kept AS SELECT 1 AS n")

    parent.kill()
    parent.communicate()
    server.start()  # at once, while the old one may still be ending

    try:
        assert await ask(server.url, "SELECT count(*) FROM kept") == 1
    finally:
        server.stop()
    assert eventually(lambda: naming(data) == [])


async def test_a_data_folder_that_was_half_made_is_made_anew(folder: Path):
    draft = folder / "postgres" / "draft"
    draft.mkdir(parents=True)
    (draft / "PG_VERSION").write_text("18\n")
    server = Postgres(folder / "postgres", **SMALL)

    server.start()

    try:
        assert await ask(server.url, "SELECT 1") == 1
        assert not draft.exists()
    finally:
        server.stop()


async def test_a_claim_that_names_some_other_process_is_forgotten(server: Postgres):
    server.stop()
    (server.data / "postmaster.pid").write_text(f"{os.getpid()}\n{server.data}\n0\n5432\n\n\n\nready\n")

    server.start()

    assert await ask(server.url, "SELECT 1") == 1


@pytest.mark.parametrize("name", ["a folder with spaces", "d" * 120, "quo'te, comma %20 #?&=é"])
async def test_it_runs_in_a_folder_of_any_name(folder: Path, name: str):
    server = Postgres(folder / name / "postgres", **SMALL)

    server.start()

    try:
        assert await ask(server.url, "SELECT 1") == 1
    finally:
        server.stop()
