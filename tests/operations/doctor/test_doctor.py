"""The doctor: finds what is wrong, says how to mend it, and has nothing to say of what is right."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest
from pydantic import SecretStr
from redis.asyncio import Redis

from models import clock_gap, lock_wait
from models import database as db
from models.database import connected
from operations.bounces import listen
from operations.doctor import (
    Unwell,
    bounces,
    clock,
    configuration,
    examine,
    judge,
    origin,
    postgresql,
    redis_server,
    relay,
)
from operations.doctor.diagnosis import Diagnosis, Grade, ok, warn
from settings import Settings
from tests import databases
from tests.factories import make_customers, make_shop
from tests.processes import command, free_port
from tests.smtp_sink import Sink
from tests.waiting import until_a_lock_is_waited_for

TOKEN = "k3J9-fPq7_zLmW2xVbN8sT5yRcD1gHeA4uQoXiKj"
SECRET = "Zt6wYp0B-mK4nQ8rXvL2cJ9hGfD5sA7eUoIi1TqW"


@pytest.fixture
def sound(settings: Settings) -> Settings:
    """Settings as a careful operator has them."""
    return settings.model_copy(
        update={
            "production": True, "public_url": "https://outreach.example.com", "mail_domain": "mail.example.com",
            "token_secret": SecretStr(TOKEN), "secret_key": SecretStr(SECRET), "metrics_token": SecretStr(TOKEN[:20]),
            "dkim_selector": "rekindle",
        }
    )  # fmt: skip


def found(settings: Settings) -> dict[str, Diagnosis]:
    """What the settings alone tell, by its subject."""
    return {diagnosis.subject: diagnosis for diagnosis in configuration.check(settings)}


def test_sound_settings_need_no_mending(sound: Settings):
    assert [diagnosis for diagnosis in found(sound).values() if diagnosis.grade is not Grade.OK] == []


@pytest.mark.parametrize(
    ("changes", "subject", "grade"),
    [
        ({"production": False}, "PRODUCTION", Grade.WARN),
        ({"public_url": None}, "PUBLIC_URL", Grade.FAIL),
        ({"public_url": "http://outreach.example.com"}, "PUBLIC_URL", Grade.FAIL),
        ({"mail_domain": "rekindle.localhost"}, "MAIL_DOMAIN", Grade.FAIL),
        ({"secret_key": None}, "SECRET_KEY", Grade.FAIL),
        ({"token_secret": None}, "TOKEN_SECRET", Grade.FAIL),
        ({"secret_key": SecretStr("a" * 40)}, "SECRET_KEY", Grade.FAIL),
        ({"secret_key": SecretStr(TOKEN)}, "keys", Grade.WARN),
        ({"metrics_token": None}, "METRICS_TOKEN", Grade.WARN),
        ({"clock": "PT1H"}, "CLOCK", Grade.WARN),
        ({"smtp_url": "smtp://relay.example.com", "smtp_tls": "none"}, "SMTP_TLS", Grade.FAIL),
        ({"dkim_selector": None}, "DKIM_SELECTOR", Grade.FAIL),
    ],
)
def test_what_would_not_do_in_earnest_is_named_with_its_mending(sound: Settings, changes, subject, grade):
    diagnosis = found(sound.model_copy(update=changes))[subject]

    assert diagnosis.grade is grade
    assert diagnosis.mend
    assert not any(secret in str(diagnosis) for secret in (TOKEN, SECRET, "a" * 40))


@pytest.mark.parametrize(
    ("relays", "grades"),
    [
        ("smtp://127.0.0.1", []),
        ("smtp://relay:587 smtp://10.0.0.7", [Grade.WARN]),
        ("smtp://relay.example.com smtp://192.0.46.8", [Grade.FAIL]),
        ("smtp://relay smtp://relay.example.com", [Grade.FAIL, Grade.WARN]),
    ],
)
def test_mail_in_the_clear_fails_on_the_way_to_the_world_and_is_a_warning_on_a_network_of_one_s_own(
    sound: Settings, relays: str, grades: list[Grade]
):
    told = configuration.check(sound.model_copy(update={"smtp_url": relays, "smtp_tls": "none"}))

    assert [diagnosis.grade for diagnosis in told if diagnosis.subject == "SMTP_TLS"] == grades


def test_a_secret_that_others_may_read_is_named(sound: Settings, monkeypatch, tmp_path: Path):
    (tmp_path / "key").write_text(SECRET)
    (tmp_path / "key").chmod(0o644)
    tmp_path.chmod(0o711)
    monkeypatch.setenv("SECRET_KEY_FILE", str(tmp_path / "key"))

    assert found(sound)[f"{tmp_path}/key"].mend == f"chmod 600 {tmp_path}/key"
    tmp_path.chmod(0o700)
    assert f"{tmp_path}/key" not in found(sound)
    tmp_path.chmod(0o711)
    (tmp_path / "key").chmod(0o600)
    assert f"{tmp_path}/key" not in found(sound)


def test_what_is_misspelt_or_no_line_in_dotenv_is_named_and_no_value_shown(
    sound: Settings, monkeypatch, tmp_path: Path
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text(
        "# ours\n\nDATABSE_URL=hidden\nREKINDLE_PORT=hidden\nREKINDLE_COLOUR=hidden\nthis hidden line is none\n\n"
        "PRODUCTION\nSECRET_KEY_FILE=hidden\nTOKEN_SECRET='hidden\nport=8001\n"
    )

    told = [str(diagnosis) for diagnosis in configuration.check(sound) if diagnosis.grade is not Grade.OK]

    assert told == [
        "warn  .env: DATABSE_URL is no setting\n      → did you mean DATABASE_URL?",
        "warn  .env: REKINDLE_PORT is no setting\n      → did you mean PORT?",
        "warn  .env: REKINDLE_COLOUR is no setting\n      → see docs/settings.md",
        "warn  .env: line 6 cannot be read, and sets nothing\n      → write NAME=value, with both quotes or none",
        "warn  .env: PRODUCTION has no value\n      → write PRODUCTION=value",
        "warn  .env: SECRET_KEY_FILE is read from the environment only\n      → set it there, or the value itself here",
        "warn  .env: line 10 cannot be read, and sets nothing\n      → write NAME=value, with both quotes or none",
    ]


def test_nothing_is_said_of_other_programs_variables_in_dotenv_nor_of_any_in_the_environment(
    sound: Settings, monkeypatch, tmp_path: Path
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABSE_URL", "another program's")
    others = "COMPOSE_PROJECT_NAME=shop\nPOSTGRES_PASSWORD=p\nOTEL_SERVICE_NAME=api\nDEBUG\n"
    (tmp_path / ".env").write_text(f"export HOST=127.0.0.1\nMAIL_DOMAIN='a.example' # ours\n{others}")

    assert [diagnosis for diagnosis in configuration.check(sound) if diagnosis.grade is not Grade.OK] == []


async def grades(checks: Sequence[Diagnosis]) -> dict[str, Grade]:
    return {diagnosis.subject: diagnosis.grade for diagnosis in checks}


async def test_a_sound_database_is_found_so_but_for_the_superuser_of_the_tests(sound: Settings, database: None):
    checks = [each async for each in postgresql.check(sound)]

    assert {diagnosis.subject: diagnosis.grade for diagnosis in checks if diagnosis.grade is not Grade.OK} == {
        "PostgreSQL role": Grade.WARN
    }
    assert {"PostgreSQL", "PostgreSQL durability", "PostgreSQL connections", "PostgreSQL clock", "schema"} <= {
        diagnosis.subject for diagnosis in checks
    }


async def test_a_database_that_loses_commits_is_found(sound: Settings, database: None):
    await db.execute("ALTER DATABASE postgres SET synchronous_commit = off")
    try:
        await db.disconnect()
        await db.connect(sound.database_url or "")
        checks = {diagnosis.subject: diagnosis async for diagnosis in postgresql.check(sound)}
    finally:
        await db.execute("ALTER DATABASE postgres RESET synchronous_commit")

    assert checks["PostgreSQL durability"].grade is Grade.FAIL
    assert "synchronous_commit off" in checks["PostgreSQL durability"].seen


async def test_a_pool_that_does_not_fit_is_found(sound: Settings, database: None):
    wide = sound.model_copy(update={"database_pool": 200})

    checks = {diagnosis.subject: diagnosis async for diagnosis in postgresql.check(wide)}

    assert checks["PostgreSQL connections"].grade is Grade.WARN


@pytest.mark.parametrize(("apart", "grade"), [(0.0, Grade.OK), (1.9, Grade.OK), (3.0, Grade.FAIL), (-3.0, Grade.FAIL)])
def test_clocks_are_held_against_each_other(apart: float, grade: Grade):
    theirs = clock_gap.machine_time().timestamp() + apart

    assert clock.check("Redis", theirs).grade is grade


async def test_a_redis_that_drops_keys_is_found(sound: Settings, redis: Redis):
    await redis.config_set("maxmemory-policy", "allkeys-lru")
    try:
        checks = {diagnosis.subject: diagnosis async for diagnosis in redis_server.check(redis)}
    finally:
        await redis.config_set("maxmemory-policy", "noeviction")

    assert checks["Redis maxmemory-policy"].grade is Grade.FAIL
    assert checks["Valkey"].grade is Grade.OK
    assert [each.grade async for each in redis_server.check(redis)] == [Grade.OK] * 3


async def test_a_database_that_takes_no_writes_or_no_more_connections_is_found(
    sound: Settings, database: None, migrated: str
):
    async with databases.role(migrated, "reader") as url:
        await db.execute('ALTER ROLE "reader" SET default_transaction_read_only = on')
        async with connected(sound.model_copy(update={"database_url": url}), application="test"):
            reading = [diagnosis async for diagnosis in postgresql.check(sound)]
        await db.connect(migrated)
        await db.execute('ALTER ROLE "reader" NOSUPERUSER CONNECTION LIMIT 0')
        async with connected(sound.model_copy(update={"database_url": url}), application="test"):
            crowded = [diagnosis async for diagnosis in postgresql.check(sound)]
        await db.connect(migrated)

    assert [each.subject for each in reading if each.grade is Grade.FAIL] == ["PostgreSQL writes"]
    [only] = crowded
    assert only.grade is Grade.FAIL and "max_connections" in only.mend


async def test_who_keeps_statements_waiting_is_named_with_what_ends_it(
    sound: Settings, database: None, migrated: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(lock_wait, "LONG", timedelta())
    person = await asyncpg.connect(migrated, server_settings={"application_name": "psql"})
    worker = await asyncpg.connect(migrated, server_settings={"application_name": "rekindle worker"})
    try:
        await person.execute("BEGIN; LOCK TABLE delivery")
        waiting = asyncio.create_task(worker.fetchval("SELECT count(*) FROM delivery"))
        await until_a_lock_is_waited_for()
        [found] = [each async for each in postgresql.check(sound) if each.subject == "PostgreSQL locks"]
        await person.execute("ROLLBACK")
        await waiting
    finally:
        await worker.close()
        await person.close()

    assert found.grade is Grade.FAIL
    assert found.seen.startswith(f"process {person.get_server_pid()} (psql) has kept statements waiting")
    assert f"pg_terminate_backend({person.get_server_pid()})" in found.mend
    assert [each async for each in postgresql.check(sound) if each.subject == "PostgreSQL locks"] == []


@pytest.mark.parametrize(
    ("damage", "seen"),
    [
        ("ALTER TABLE contact DROP CONSTRAINT contact_pkey", "no primary key: contact"),
        (
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'claim_by_order'::regclass",
            "an index that does not hold: claim_by_order",
        ),
    ],
    ids=["key-dropped", "index-broken-off"],
)
async def test_a_key_that_somebody_dropped_and_an_index_that_was_not_built_to_its_end_are_found(
    sound: Settings, migrated: str, damage: str, seen: str
):
    async with (
        databases.made(migrated, "damaged", template="postgres") as url,
        connected(sound.model_copy(update={"database_url": url}), pool=2, application="doctor"),
    ):
        await db.execute(damage)
        [found] = [each async for each in postgresql.check(sound) if each.subject == "PostgreSQL keys"]

    assert (found.grade, found.seen) == (Grade.FAIL, seen)


async def test_of_a_database_without_tables_it_is_told_that_the_schema_is_missing(sound: Settings, migrated: str):
    async with (
        databases.made(migrated, "empty") as url,
        connected(sound.model_copy(update={"database_url": url}), pool=2, application="doctor"),
    ):
        checks = [each async for each in postgresql.check(sound)]

    assert [each.subject for each in checks if each.grade is Grade.FAIL] == ["schema"]


async def test_a_time_zone_that_postgresql_does_not_know_any_more_is_found(sound: Settings, database: None):
    shop = await make_shop()
    await make_customers(shop, 1, time_zone="Mars/Phobos")
    await make_customers(shop, 1, prefix="known", time_zone="Asia/Jakarta")

    [found] = [each async for each in postgresql.check(sound) if each.subject == "PostgreSQL time zones"]

    assert found.grade is Grade.FAIL
    assert found.seen.startswith("Mars/Phobos not known to it")


async def test_a_database_that_was_restored_is_found(sound: Settings, database: None, redis: Redis):
    assert (await origin.check(redis)).grade is Grade.OK
    await db.execute("UPDATE origin SET timeline = timeline + 1")

    diagnosis = await origin.check(redis)

    assert diagnosis.grade is Grade.FAIL
    assert "server.py restored" in diagnosis.mend


async def test_relays_are_tried_and_get_no_mail(sound: Settings, tmp_path: Path):
    sink = Sink(tmp_path / "journal")
    reachable = sound.model_copy(update={"smtp_url": f"{sink.start()} smtp://127.0.0.1:1"})

    try:
        checks = [each async for each in relay.check(reachable)]
        encrypted = [each async for each in relay.check(reachable.model_copy(update={"smtp_tls": "required"}))]
    finally:
        sink.stop()

    assert [diagnosis.grade for diagnosis in checks] == [Grade.OK, Grade.FAIL]
    assert [diagnosis.grade for diagnosis in encrypted] == [Grade.FAIL, Grade.FAIL]
    assert "certificate" in encrypted[0].mend
    assert sink.accepted() == []


async def test_whether_anybody_takes_bounces_is_told(settings: Settings):
    place = {"bounces_url": f"lmtp://127.0.0.1:{free_port()}"}
    alone = settings.model_copy(update=place)
    server = await listen(alone)
    try:
        taken = await bounces.check(alone)
    finally:
        server.close()
    missing = await bounces.check(alone)
    posted = await bounces.check(alone.model_copy(update={"bounce_secret": SecretStr("s" * 40)}))

    assert [each.grade for each in (taken, missing, posted)] == [Grade.OK, Grade.WARN, Grade.OK]
    assert "/bounces" in posted.seen and "server.py bounces" in missing.mend


async def test_with_every_engine_gone_each_is_named(sound: Settings):
    gone = sound.model_copy(
        update={
            "database_url": "postgres://x:hidden@127.0.0.1:1/x",
            "redis_url": "redis://127.0.0.1:1",
            "smtp_url": "smtp://127.0.0.1:1",
        }
    )

    diagnoses = await examine(gone)

    failed = [diagnosis.subject for diagnosis in diagnoses if diagnosis.grade is Grade.FAIL]
    assert failed == ["PostgreSQL", "Redis", "origin", "relay 127.0.0.1:1"]
    mends = {diagnosis.subject: diagnosis.mend for diagnosis in diagnoses}
    assert mends["origin"] == "mend what is said of PostgreSQL first"
    assert not any("hidden" in str(diagnosis) for diagnosis in diagnoses)


def test_only_what_fails_makes_the_command_fail():
    judge([ok("a", "fine"), warn("b", "odd", "mend it")])
    with pytest.raises(Unwell, match="1 of 2 checks failed"):
        judge([ok("a", "fine"), Diagnosis(Grade.FAIL, "b", "broken", "mend it")])


async def test_the_command_tells_all_and_its_code_says_whether_anything_failed(database: None, sound: Settings):
    told = {
        "PUBLIC_URL": "https://outreach.example.com", "MAIL_DOMAIN": "mail.example.com", "PRODUCTION": "1",
        "DKIM_SELECTOR": "rekindle",
    }  # fmt: skip

    well = await asyncio.to_thread(command, sound, "doctor", **told)
    unwell = await asyncio.to_thread(command, sound, "doctor", **{**told, "PUBLIC_URL": "http://outreach.example.com"})

    assert well.returncode == 0, well.stdout
    assert "ok    schema: up to date" in well.stdout
    assert unwell.returncode == 2
    assert unwell.stderr.splitlines()[-1].startswith("error: 1 of ")
    assert "FAIL  PUBLIC_URL: not https\n      → set PUBLIC_URL=https://…" in unwell.stdout
