"""Exporting and erasing a customer from the command line."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from models import customer_export, database, erasure, migration
from models.errors import Refused
from operations.trouble import CannotRun
from settings import Settings

ACTOR = "command line"


async def export_to(settings: Settings, external_id: str, path: Path) -> None:
    """Write what is stored of a customer to a new file that only its owner can read."""
    async with _database(settings):
        found = await customer_export.export(external_id)
    _write(path, found.document)
    print(f"written to {path}")


def _write(path: Path, document: str) -> None:
    try:
        path.touch(mode=0o600, exist_ok=False)
        try:
            path.write_text(document, encoding="utf-8")
        except OSError:  # half of it would be taken for all, and stand in the way of another try
            path.unlink()
            raise
    except OSError as error:
        raise CannotRun(f"{path} cannot be written: {error.strerror}") from None


async def erase_now(settings: Settings, external_id: str) -> None:
    """Erase a customer, and say whether it is done."""
    async with _database(settings):
        found = await erasure.erase(external_id, secret=settings.secret, actor=ACTOR)
    print("erased" if found.done_at else "a message is in flight: a worker finishes it within seconds")


@asynccontextmanager
async def _database(settings: Settings) -> AsyncIterator[None]:
    """The database, and refusals as errors of the user's."""
    assert settings.database_url is not None
    await migration.migrate(settings.database_url)
    async with database.connected(settings, application="rekindle privacy"):
        try:
            yield
        except Refused as refused:
            raise CannotRun("; ".join(problem.message for problem in refused.problems)) from None
