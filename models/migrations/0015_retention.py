"""Of which plans the values filled into messages have been forgotten."""

from tortoise.migrations import Migration
from tortoise.migrations.operations import RunSQL

PLAN = """
ALTER TABLE plan ADD COLUMN values_forgotten_at timestamptz;
"""


class Migration(Migration):  # type: ignore[no-redef]
    """What is kept how long."""

    dependencies = [("models", "0014_privacy")]
    operations = [RunSQL(PLAN)]
