"""Slices of which some messages wait for the end of quiet hours that the shop has changed since."""

from tortoise.migrations import Migration
from tortoise.migrations.operations import RunSQL


class Migration(Migration):  # type: ignore[no-redef]
    """A mark for whoever takes such a slice."""

    dependencies = [("models", "0026_erased_in_a_test")]
    operations = [RunSQL("ALTER TABLE slice ADD COLUMN quiet_hours_changed boolean NOT NULL DEFAULT false")]
