"""A narrow index for those who have not ordered for long, and a roll-up that is vacuumed in time for its indexes."""

from tortoise.migrations import Migration
from tortoise.migrations.operations import RunSQL

# Most of a shop's customers lie in it, so what is counted there is paid by the byte. `relationship_by_last_order`
# carries two columns more, for those who ask about first or earlier orders of the few who ordered lately.
NAME = "relationship_last_order"
INDEX = f"""
CREATE INDEX CONCURRENTLY {NAME} ON relationship (shop_id, last_order_at)
    WHERE first_interaction_at IS NOT NULL AND last_order_at IS NOT NULL
"""

# Counting reads the index alone where a page's rows are known to be visible to all, which vacuum notes.
AUTOVACUUM = """
ALTER TABLE relationship SET (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02)
"""


class Migration(Migration):  # type: ignore[no-redef]
    """Last orders, narrowly."""

    # The index is built beside those who write; one that was left half-built by a failure is made anew.
    atomic = False
    dependencies = [("models", "0015_retention")]
    operations = [
        RunSQL(statement, atomic=False)
        for statement in (f"DROP INDEX CONCURRENTLY IF EXISTS {NAME}", INDEX, AUTOVACUUM)
    ]
