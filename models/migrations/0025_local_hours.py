"""From when on a plan's local hours count again after it was held over them (B3); null for plans that never were."""

from tortoise.migrations import Migration
from tortoise.migrations.operations import RunSQL


class Migration(Migration):  # type: ignore[no-redef]
    """The end of a hold, noted once a plan."""

    dependencies = [("models", "0024_leaving_once")]
    operations = [RunSQL("ALTER TABLE plan ADD COLUMN local_hours_from timestamptz")]
