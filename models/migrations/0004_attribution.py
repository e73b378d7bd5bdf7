"""Which message an order is credited to, and the index that finds a customer's touches."""

from tortoise.migrations import Migration
from tortoise.migrations.operations import RunSQL

# What an order is worth, and whether it still stands, is the order's own affair: figures join it.
ATTRIBUTION = """
CREATE TABLE attribution (
    customer_id  uuid NOT NULL,
    order_id     uuid NOT NULL,
    shop_id      integer NOT NULL,
    plan_id      integer NOT NULL,
    reference    text NOT NULL,
    touch        text NOT NULL CHECK (touch IN ('READ', 'CLICK')),
    touched_at   timestamptz NOT NULL,
    within       interval NOT NULL,
    decided_at   timestamptz NOT NULL,
    PRIMARY KEY (customer_id, order_id)
);
CREATE INDEX attribution_by_plan ON attribution (plan_id);
CREATE INDEX delivery_touched ON delivery (customer_id, shop_id) WHERE read_at IS NOT NULL;
"""


class Migration(Migration):  # type: ignore[no-redef]
    """Orders credited to messages."""

    dependencies = [("models", "0002_seller")]
    operations = [RunSQL(ATTRIBUTION)]
