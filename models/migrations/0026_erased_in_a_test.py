"""Whether a message belongs to an experiment's test, for customers who are erased and no longer have the bucket that told (B7).

Null for everybody else. What was erased before keeps the bucket of its random id: whom it was tried on nobody knows.
"""

from tortoise.migrations import Migration
from tortoise.migrations.operations import RunSQL


class Migration(Migration):  # type: ignore[no-redef]
    """Tests that erasing changes nothing in."""

    dependencies = [("models", "0025_local_hours")]
    operations = [RunSQL("ALTER TABLE delivery ADD COLUMN was_tried boolean")]
