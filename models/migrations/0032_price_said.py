"""Until when a price was said to be in force, so that a change before it that arrives late does not outlive it (R9)."""

from tortoise.migrations import Migration
from tortoise.migrations.operations import RunSQL


class Migration(Migration):  # type: ignore[no-redef]
    """The last instant at which a product's row told the price that a change had brought."""

    dependencies = [("models", "0031_promised_coupon")]
    operations = [RunSQL("ALTER TABLE price_change ADD COLUMN IF NOT EXISTS said_until timestamptz")]
