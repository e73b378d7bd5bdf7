"""Order confirmations hold nobody out, and nothing else writes to the control group (B4)."""

from tortoise.migrations import Migration
from tortoise.migrations.operations import RunSQL

# What was said of a confirmation was kept, and a plan that was made of one kept that it has no share. A draft gets what a
# new one would; what is under way goes on without a holdout, since part of its audience has been written to.
SHARE = """
UPDATE plan p SET holdout_percent = CASE
    WHEN p.trigger = 'ORDER_CONFIRMATION' THEN NULL
    WHEN p.status = 'DRAFT' THEN coalesce((SELECT h.plan_percent FROM holdout h WHERE h.shop_id = p.shop_id), 0)
    ELSE 0 END
WHERE p.finished_at IS NULL AND (p.holdout_percent IS NULL) <> (p.trigger IS NOT DISTINCT FROM 'ORDER_CONFIRMATION');
"""


class Migration(Migration):  # type: ignore[no-redef]
    """The share of what was stored otherwise."""

    dependencies = [("models", "0008_automation"), ("models", "0010_experiment"), ("models", "0015_retention")]
    operations = [RunSQL(SHARE)]
