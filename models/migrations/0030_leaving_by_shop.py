"""Who left a shop lately is found by the shop, not among those who left any shop of the installation (R17, R25)."""

from tortoise.migrations import Migration
from tortoise.migrations.operations import RunSQL

# The table's key begins with the customer. Few rows are written to it, and each carries all that is asked.
NAME = "unsubscription_by_shop"
INDEX = f"CREATE INDEX CONCURRENTLY {NAME} ON unsubscription (shop_id, happened_at) INCLUDE (customer_id)"


class Migration(Migration):  # type: ignore[no-redef]
    """Leaving, by shop and time."""

    # The index is built beside those who write; one that was left half-built by a failure is made anew.
    atomic = False
    dependencies = [("models", "0029_bounced_clicks")]
    operations = [RunSQL(statement, atomic=False) for statement in (f"DROP INDEX CONCURRENTLY IF EXISTS {NAME}", INDEX)]
