"""What is said when no connection can be made for what stands in DATABASE_URL."""

from pathlib import Path

import pytest

from models import availability, database, migration
from models.database_url import open_connection

SECURE = "postgres://rekindle:hidden@127.0.0.1:1/rekindle?sslmode=verify-full&sslrootcert="
NOWHERE = "postgres://rekindle:hidden@nowhere.invalid:5432/rekindle"


async def words_of(url: str) -> str:
    with pytest.raises(availability.UNREACHABLE) as refused:
        await open_connection(url)
    assert "hidden" not in str(refused.value)
    return str(refused.value)


async def test_a_certificate_that_is_not_there_is_named(tmp_path: Path):
    missing = tmp_path / "missing"

    assert await words_of(f"{SECURE}{missing}") == (
        f"sslrootcert in DATABASE_URL, {missing}, cannot be read: No such file or directory"
    )


async def test_a_file_without_a_certificate_is_laid_to_the_url(tmp_path: Path):
    (tmp_path / "empty").touch()

    assert "certificates and sslmode in DATABASE_URL" in await words_of(f"{SECURE}{tmp_path / 'empty'}")


async def test_a_socket_that_is_not_there_is_told_from_a_file(tmp_path: Path):
    assert await words_of(f"postgres://rekindle:hidden@/rekindle?host={tmp_path}") == (
        "the socket in DATABASE_URL cannot be opened: No such file or directory"
    )


async def test_a_host_that_has_no_address_is_laid_to_the_url():
    assert (await words_of(NOWHERE)).startswith("the host in DATABASE_URL cannot be found: ")


async def test_statements_and_migrations_say_it_in_the_same_words():
    await database.connect(NOWHERE)
    with pytest.raises(ConnectionError, match="the host in DATABASE_URL cannot be found"):
        await database.fetch_value("SELECT 1")
    await database.disconnect()

    with pytest.raises(ConnectionError, match="the host in DATABASE_URL cannot be found"):
        await migration.migrate(NOWHERE)
