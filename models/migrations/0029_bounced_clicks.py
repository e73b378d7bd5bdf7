"""A click on a product counts as long as its mail does: a bounce takes it back from the days and the products too (R23).

`metric_fact` counted the clicks on products of mails that came back later, and so a product could have been clicked
more often than its plan.
"""

from importlib import import_module

from tortoise.migrations import Migration
from tortoise.migrations.operations import RunSQL

tracking = import_module("models.migrations.0009_tracking")
leaving = import_module("models.migrations.0024_leaving_once")

CLICKS = f"{tracking.CLICKS} AND d.state = 'SENT'"
_KEY = "shop_id, day, plan_id, channel, language, product_id"

# The view of 0024 but for these clicks.
VIEW = leaving.VIEW.replace(tracking.CLICKS.format(touch="touch"), CLICKS.format(touch="touch"))


def _noted(name: str, rows: str, amount: str) -> str:
    """What a statement did to touches, as in 0009, but for clicks of messages that do not count."""
    return f"""
CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO metric_delta ({_KEY}, fact, amount)
    SELECT {_KEY}, fact, {amount} FROM ({CLICKS.format(touch=rows)}) c GROUP BY {_KEY}, fact;
    RETURN NULL;
END $$
"""


CLICKED = _noted("metric_link_clicked", "new_rows", "sum(amount)")
RETRACTED = _noted("metric_click_retracted", "old_rows", "-sum(amount)")

# By the row, since nearly no message that is settled has been clicked: the condition is all that the others cost.
# Who notes a click holds the message before, so that none is overlooked here.
BOUNCED = f"""
CREATE FUNCTION metric_clicks_bounced() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO metric_delta ({_KEY}, fact, amount)
    SELECT {_KEY}, fact, CASE WHEN NEW.state = 'SENT' THEN amount ELSE -amount END
    FROM ({tracking.CLICKS.format(touch="touch").replace("delivery d", "(SELECT NEW.*) d")}) c;
    RETURN NULL;
END $$
"""
ON_BOUNCE = """
CREATE TRIGGER metric_clicks_bounced AFTER UPDATE ON delivery FOR EACH ROW
    WHEN (NEW.clicked_at IS NOT NULL AND (OLD.state = 'SENT') <> (NEW.state = 'SENT'))
    EXECUTE FUNCTION metric_clicks_bounced()
"""

# Nobody counts by the old words once the rebuilding begins: who did has ended, and who comes waits for the new ones.
REBUILD = """
INSERT INTO metric_rebuild SELECT DISTINCT shop_id, pg_current_xact_id() FROM delivery d
WHERE state <> 'SENT' AND clicked_at IS NOT NULL AND EXISTS (
    SELECT FROM touch t WHERE t.plan_id = d.plan_id AND t.customer_id = d.customer_id AND t.reference = d.reference)
ON CONFLICT (shop_id) DO UPDATE SET since = excluded.since
"""


class Migration(Migration):  # type: ignore[no-redef]
    """Clicks of mails that came back."""

    dependencies = [("models", "0028_zone_seen")]
    # The view first, as in 0024; then touches before messages, as who notes a touch writes them.
    operations = [
        RunSQL(sql)
        for sql in (
            VIEW,
            "LOCK TABLE touch IN SHARE ROW EXCLUSIVE MODE",
            CLICKED,
            RETRACTED,
            BOUNCED,
            ON_BOUNCE,
            REBUILD,
        )
    ]
