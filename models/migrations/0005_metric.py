"""The indexes by which figures find what came of a plan, and the plans of a segment."""

from tortoise.migrations import Migration
from tortoise.migrations.operations import RunSQL

METRIC = """
CREATE INDEX unsubscription_by_plan ON unsubscription (plan_id) WHERE plan_id IS NOT NULL;
CREATE INDEX claim_by_plan ON claim (plan_id) WHERE plan_id IS NOT NULL;
CREATE INDEX plan_by_segment ON plan (segment_id) WHERE segment_id IS NOT NULL;
"""


class Migration(Migration):  # type: ignore[no-redef]
    """Figures of plans."""

    dependencies = [("models", "0004_attribution")]
    operations = [RunSQL(METRIC)]
