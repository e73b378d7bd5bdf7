"""Who was erased, by keyed digest, and the way to a customer's rows that begin with a plan or a shop."""

from tortoise.migrations import Migration
from tortoise.migrations.operations import RunSQL

# `customer_id` is there only until the erasing is done.
ERASURE = """
CREATE TABLE erasure (
    customer_key  bytea PRIMARY KEY,
    customer_id   uuid,
    actor         text NOT NULL,
    asked_at      timestamptz NOT NULL,
    done_at       timestamptz,
    CHECK ((customer_id IS NULL) = (done_at IS NOT NULL))
);
CREATE INDEX erasure_waiting ON erasure (asked_at) WHERE done_at IS NULL;
"""


class Migration(Migration):  # type: ignore[no-redef]
    """Erased customers."""

    dependencies = [("models", "0005_metric"), ("models", "0003_delivery")]
    operations = [RunSQL(ERASURE)]
