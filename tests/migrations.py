"""Databases as older versions left them: the migrations, applied up to one of them."""

from pathlib import Path

from tortoise import Tortoise
from tortoise.migrations.api import migrate

from models import database

FOLDER = Path(__file__).resolve().parents[1] / "models" / "migrations"

MIGRATIONS = sorted(path.stem for path in FOLDER.glob("[0-9]*.py"))
"""The names of all migrations, oldest first."""


async def migrate_to(url: str, name: str) -> None:
    """Apply the migrations up to this one."""
    await migrate(config=database.configuration(url, pool=2), target=f"models.{name}", direction="forward")
    await Tortoise.close_connections()
