"""/health and /ready, as a balancer and an operator see them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import httpx
import psutil
import pytest
from redis.asyncio import Redis

from local.postgres import Postgres
from models import database as db
from models import migration, sending, worker
from operations import readiness
from operations.doctor import redis_server
from operations.doctor.diagnosis import Grade
from server import create_app
from settings import Settings
from tests import databases
from tests.waiting import WITHIN

ALL_UP = {
    "database": "up",
    "redis": "up",
    "migrations": "up",
    "worker": "up",
    "sweep": "up",
    "relay": "up",
    "sending": "up",
}
LEASE = timedelta(minutes=1)


@contextlib.asynccontextmanager
async def served(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the app, its engines connected."""
    app = create_app(settings)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test") as client,
    ):
        yield client


async def look(settings: Settings, path: str = "/ready") -> httpx.Response:
    """What the app answers to the first look."""
    async with served(settings) as client:
        return await client.get(path)


@pytest.fixture
async def beating(database: None) -> UUID:
    """A worker that beats and has just swept."""
    identifier = uuid4()
    await worker.register(identifier, "here:1", LEASE)
    await worker.swept(identifier)
    return identifier


async def test_an_installation_that_is_well_is_ready(settings: Settings, beating: UUID):
    response = await look(settings)

    assert response.status_code == 200
    assert response.json() == {"status": "ready", "parts": ALL_UP}


@pytest.mark.parametrize(("fresh", "word"), [(60.0, "up"), (-1.0, "no worker beats")])
async def test_one_look_serves_whoever_asks_within_a_second(
    settings: Settings, beating: UUID, monkeypatch: pytest.MonkeyPatch, fresh: float, word: str
):
    monkeypatch.setattr(readiness, "FRESH", fresh)
    async with served(settings) as client:
        first = await asyncio.gather(*(client.get("/ready") for _ in range(20)))
        await db.execute("DELETE FROM worker")
        later = await client.get("/ready")

    assert {each.json()["parts"]["worker"] for each in first} == {"up"}
    assert later.json()["parts"]["worker"] == word


@pytest.mark.usefixtures("beating")
@pytest.mark.parametrize(
    ("name", "url", "part"),
    [
        ("redis_url", "unix:///nowhere/valkey.sock", "redis"),
        ("database_url", "postgres://postgres@127.0.0.1:1/x", "database"),
    ],
)
async def test_without_an_engine_it_is_not_ready_but_alive(settings: Settings, name: str, url: str, part: str):
    settings = settings.model_copy(update={name: url})

    response = await look(settings)

    assert response.status_code == 503
    assert response.json()["status"] == "not ready"
    assert response.json()["parts"][part] == "down"
    assert (await look(settings, "/health")).json() == {"status": "up"}


async def test_of_a_postgresql_that_stands_still_it_says_so_and_does_not_wait(
    settings: Settings, folder: Path, redis: Redis, monkeypatch: pytest.MonkeyPatch
):
    server = Postgres(folder / "postgres", shared_buffers="64MB")
    settings = settings.model_copy(update={"database_url": server.start()})
    monkeypatch.setattr(readiness, "FRESH", 0.0)
    monkeypatch.setattr(readiness, "ANSWER_WITHIN", 1.0)
    await migration.migrate(server.url)
    async with served(settings) as client:
        await db.fetch_value("SELECT 1")
        looks = [asyncio.create_task(client.get("/ready")) for _ in range(2)]
        with standing_still(server):
            answered, _ = await asyncio.wait(looks, timeout=WITHIN)
        responses = await asyncio.gather(*looks)
        assert (await client.get("/ready")).json()["parts"]["database"] == "up"
    server.stop()

    assert answered == set(looks)
    assert [response.status_code for response in responses] == [503, 503]
    assert responses[0].json()["parts"]["database"] == "down"


@contextlib.contextmanager
def standing_still(server: Postgres) -> Iterator[None]:
    """All of its processes stopped, as on a machine that hangs: connections stay, and nothing answers."""
    assert server._child is not None
    own = psutil.Process(server._child.pid)
    stopped: list[psutil.Process] = []
    try:
        while running := [each for each in (own, *own.children(recursive=True)) if each not in stopped]:
            for each in running:  # one that runs may just have begun another
                stopped.append(each)
                with contextlib.suppress(psutil.NoSuchProcess):
                    each.suspend()
        yield
    finally:
        for each in stopped:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.resume()


async def test_of_what_a_lost_database_would_tell_nothing_is_claimed(settings: Settings):
    response = await look(settings.model_copy(update={"database_url": "postgres://postgres@127.0.0.1:1/x"}))

    assert response.json()["parts"] == {
        "database": "down", "redis": "up", "migrations": "cannot be seen", "worker": "cannot be seen",
        "sweep": "cannot be seen", "relay": "cannot be seen", "sending": "cannot be seen",
    }  # fmt: skip


async def test_of_what_cannot_be_looked_at_nothing_is_claimed_though_the_database_answers(
    settings: Settings, beating: UUID, migrated: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(readiness, "ANSWER_WITHIN", 1.0)
    person = await asyncpg.connect(migrated)
    try:
        await person.execute("BEGIN; LOCK TABLE worker")
        response = await look(settings)
    finally:
        await person.close()

    unseen = dict.fromkeys(("worker", "sweep", "relay"), "cannot be seen")
    assert response.status_code == 200
    assert response.json() == {"status": "degraded", "parts": {**ALL_UP, **unseen}}


async def no_worker(identifier: UUID) -> None:
    await worker.leave(identifier)


async def no_heartbeat(identifier: UUID) -> None:
    await db.execute("UPDATE worker SET lease_until = clock_timestamp() - interval '1 second'")


async def no_sweep(identifier: UUID) -> None:
    await db.execute("UPDATE worker SET swept_at = clock_timestamp() - interval '10 minutes'")


async def stopped(_: UUID) -> None:
    await sending.stop("a drill", actor="test")


async def no_relay(identifier: UUID) -> None:
    await worker.beat(identifier, LEASE, failing=["mail:587"])


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (no_worker, {"worker": "no worker beats", "sweep": "no sweep lately"}),
        (no_heartbeat, {"worker": "no worker beats"}),
        (no_sweep, {"sweep": "no sweep lately"}),
        (no_relay, {"relay": "mail:587 cannot be reached"}),
        (stopped, {"sending": "stopped"}),
    ],
)
async def test_what_the_api_can_answer_without_is_told_and_does_not_take_it_away(
    settings: Settings, beating: UUID, spoil: Callable[[UUID], Awaitable[None]], told: dict[str, str]
):
    await spoil(beating)

    response = await look(settings)

    assert response.status_code == 200
    assert response.json() == {"status": "degraded", "parts": {**ALL_UP, **told}}


async def test_a_database_that_takes_no_writes_is_told_and_what_reads_is_still_answered(
    settings: Settings, beating: UUID, migrated: str
):
    assert (await look(settings)).json()["parts"] == ALL_UP
    await db.connect(migrated)
    async with databases.role(migrated, "reader") as url:
        await db.execute('ALTER ROLE "reader" SET default_transaction_read_only = on')
        response = await look(settings.model_copy(update={"database_url": url}))
        await db.connect(migrated)

    assert response.status_code == 200
    assert response.json() == {"status": "degraded", "parts": {**ALL_UP, "database": "takes no writes"}}


@pytest.mark.parametrize("way", ["no memory left", "a replica"])
async def test_a_redis_that_takes_no_jobs_is_told(settings: Settings, beating: UUID, redis: Redis, way: str):
    if way == "a replica":
        await redis.execute_command("REPLICAOF", "127.0.0.1", "1")
    else:
        await redis.config_set("maxmemory", "1")
    try:
        response = await look(settings)
        diagnoses = [diagnosis async for diagnosis in redis_server.check(redis)]
    finally:
        await redis.execute_command("REPLICAOF", "NO", "ONE")
        await redis.config_set("maxmemory", "256mb")

    assert response.status_code == 200
    assert response.json() == {"status": "degraded", "parts": {**ALL_UP, "redis": "takes no writes"}}
    [refused] = [diagnosis for diagnosis in diagnoses if diagnosis.grade is Grade.FAIL]
    assert refused.subject == "Redis writes"
    assert (await look(settings)).json()["parts"]["redis"] == "up"


async def test_a_relay_that_can_be_reached_again_is_well(settings: Settings, beating: UUID):
    await no_relay(beating)
    await worker.beat(beating, LEASE)

    assert (await look(settings)).json()["parts"]["relay"] == "up"


async def test_a_schema_that_is_behind_is_not_ready(settings: Settings, beating: UUID):
    name = await db.fetch_value("SELECT name FROM tortoise_migrations WHERE app = 'models' ORDER BY name DESC LIMIT 1")
    await db.execute("UPDATE tortoise_migrations SET name = '-' || name WHERE name = $1", name)
    try:
        response = await look(settings)
    finally:
        assert settings.database_url
        await db.connect(settings.database_url)
        await db.execute("UPDATE tortoise_migrations SET name = $1 WHERE name = '-' || $1", name)

    assert response.status_code == 503
    assert response.json()["parts"]["migrations"] == "1 to apply"
