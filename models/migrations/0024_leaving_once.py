"""Who leaves more than once after the same plan counts once by day too, on the day they first did (R23).

`metric_fact` counted each act: a customer who unsubscribed from a plan's mail and blocked the chat, or came back and left
again, was two in a shop's overview and one in the plan's own figures.
"""

from importlib import import_module

from tortoise.migrations import Migration
from tortoise.migrations.operations import RunSQL

tracking = import_module("models.migrations.0009_tracking")

_PLACE = "shop_id, plan_id, customer_id"


def _first(acts: str) -> str:
    """Of these acts of leaving, each customer's first after each plan."""
    return (
        f"(SELECT DISTINCT ON ({_PLACE}) * FROM {acts} a WHERE plan_id IS NOT NULL"
        f" ORDER BY {_PLACE}, happened_at, channel)"
    )


def _facts(acts: str) -> str:
    facts: str = tracking.UNSUBSCRIPTIONS.format(unsubscription=_first(acts))
    return facts


_OTHERS = " UNION ALL ".join(source for source in tracking.SOURCES if source is not tracking.UNSUBSCRIPTIONS).format(
    delivery="delivery", attribution="attribution", orders="orders", claim="claim", touch="touch"
)

VIEW = f"""
CREATE OR REPLACE VIEW metric_fact AS
{_OTHERS} UNION ALL {_facts("unsubscription")}
"""

# An act may become known after a later one: then it takes that one's place.
_CONCERNED = f"""
SELECT u.* FROM (SELECT DISTINCT {_PLACE} FROM new_rows) n
JOIN unsubscription u ON u.customer_id = n.customer_id AND u.shop_id = n.shop_id AND u.plan_id = n.plan_id
"""
_BEFORE = f"""
{_CONCERNED} WHERE NOT EXISTS (
    SELECT FROM new_rows x WHERE x.customer_id = u.customer_id AND x.shop_id = u.shop_id
    AND x.channel = u.channel AND x.happened_at = u.happened_at)
"""
_KEY = "shop_id, day, plan_id, channel, language, product_id"

NOTED = f"""
CREATE OR REPLACE FUNCTION metric_customer_left() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO metric_delta ({_KEY}, fact, amount)
    SELECT {_KEY}, fact, sum(amount) FROM (
        SELECT {_KEY}, fact, amount FROM ({_facts(f"({_CONCERNED})")}) n
        UNION ALL SELECT {_KEY}, fact, -amount FROM ({_facts(f"({_BEFORE})")}) o
    ) c GROUP BY {_KEY}, fact HAVING sum(amount) <> 0;
    RETURN NULL;
END $$
"""

# Nobody counts by the old words once the rebuilding begins: who did has ended, and who comes waits for the new ones.
REBUILD = f"""
INSERT INTO metric_rebuild SELECT DISTINCT shop_id, pg_current_xact_id() FROM (
    SELECT shop_id FROM unsubscription WHERE plan_id IS NOT NULL GROUP BY {_PLACE} HAVING count(*) > 1) AS twice
ON CONFLICT (shop_id) DO UPDATE SET since = excluded.since
"""


class Migration(Migration):  # type: ignore[no-redef]
    """People who leave, not acts of leaving."""

    # 0009 is not named, as in 0020: ends are applied in the order of their names, and it would be one no more.
    dependencies = [("models", "0023_plan_image")]
    # The view first: it waits for who makes days anew, and nobody who unsubscribes may wait for that.
    operations = [
        RunSQL(sql) for sql in (VIEW, "LOCK TABLE unsubscription IN SHARE ROW EXCLUSIVE MODE", NOTED, REBUILD)
    ]
