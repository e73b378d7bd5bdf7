"""A plan's image (R13): its address, null for plans without one and for all that were there before."""

from tortoise.migrations import Migration
from tortoise.migrations.operations import RunSQL


class Migration(Migration):  # type: ignore[no-redef]
    """One image a plan."""

    dependencies = [("models", "0020_progress")]
    operations = [RunSQL("ALTER TABLE plan ADD COLUMN image_url text")]
