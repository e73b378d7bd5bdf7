"""The indexes by which a plan's progress is told without counting what was sent."""

from tortoise.migrations import Migration
from tortoise.migrations.operations import RunSQL

# Built beside those who write, each in a statement of its own; one that was left half-built by a failure is made anew.
INDEXES = {
    "metric_day_sent": "metric_day (plan_id) INCLUDE (channel, language, sent) WHERE sent <> 0",
    "delivery_ended": (
        "delivery (plan_id, state, reason, channel, language) WHERE state NOT IN ('SENT', 'PENDING', 'COMMITTING')"
    ),
    "delivery_may_repeat": "delivery (plan_id) WHERE may_repeat",
}


class Migration(Migration):  # type: ignore[no-redef]
    """Progress from the roll-up."""

    atomic = False
    dependencies = [("models", "0015_retention")]
    operations = [
        RunSQL(statement, atomic=False)
        for name, columns in INDEXES.items()
        for statement in (f"DROP INDEX CONCURRENTLY IF EXISTS {name}", f"CREATE INDEX CONCURRENTLY {name} ON {columns}")
    ]
