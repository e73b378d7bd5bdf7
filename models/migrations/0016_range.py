"""What of a plan's audience is still to be resolved, so that several workers resolve it at once."""

from tortoise.migrations import Migration
from tortoise.migrations.operations import RunSQL

# The range without an end is what is not cut yet; a plan that no worker of this version has come to has none. An older
# version goes on from `plan.resolve_cursor`, up to which everybody is in the ledger, and so loses nobody.
RANGE = """
CREATE TABLE plan_range (
    plan_id  integer NOT NULL REFERENCES plan ON DELETE CASCADE,
    after    uuid NOT NULL,
    through  uuid CHECK (through > after),
    PRIMARY KEY (plan_id, after)
);
ALTER TABLE plan ADD COLUMN slices_numbered integer NOT NULL DEFAULT 0;
"""


class Migration(Migration):  # type: ignore[no-redef]
    """Ranges of audiences."""

    dependencies = [("models", "0015_retention")]
    operations = [RunSQL(RANGE)]
