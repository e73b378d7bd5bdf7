"""The funnel of a plan: of those who met its message, how many came how far towards buying (R23)."""

from collections.abc import Sequence
from dataclasses import dataclass

from models import database
from models.metric import attribution


@dataclass(frozen=True, slots=True)
class Funnel:
    """Distinct customers who read a plan's message, and how far they came within the window after a touch.

    Each step holds those who took it or a later one, for who buys without a view on record came past it
    all the same: touched ≥ viewed ≥ carted ≥ ordered. `ordered` have a standing order credited to the plan.
    """

    touched: int
    viewed: int
    carted: int
    ordered: int


NOBODY = Funnel(0, 0, 0, 0)


async def of_plans(plan_ids: Sequence[int]) -> list[Funnel]:
    """The funnel of each of these plans, all from one statement. It looks at the events of all who were touched."""
    rows = await database.fetch(_FUNNEL, list(plan_ids), attribution.WINDOW)
    found = {row["plan_id"]: Funnel(row["touched"], row["viewed"], row["carted"], row["ordered"]) for row in rows}
    return [found.get(plan_id, NOBODY) for plan_id in plan_ids]


# The window after a touch is that of attribution: an event counts where an order of that instant would.
_FUNNEL = """
WITH touch AS (
    SELECT d.plan_id, d.customer_id, d.shop_id, moment.at
    FROM delivery d CROSS JOIN LATERAL (VALUES (d.read_at), (d.clicked_at)) AS moment (at)
    WHERE d.plan_id = ANY($1::int[]) AND d.state = 'SENT' AND moment.at IS NOT NULL
),
buyer AS (
    SELECT DISTINCT a.plan_id, a.customer_id
    FROM attribution a JOIN orders o ON o.customer_id = a.customer_id AND o.id = a.order_id
    WHERE a.plan_id = ANY($1::int[]) AND o.status = 'PLACED'
),
reach AS (
    SELECT t.plan_id, t.customer_id, max(CASE
        WHEN b.customer_id IS NOT NULL THEN 3
        WHEN EXISTS (
            SELECT FROM event e WHERE e.shop_id = t.shop_id AND e.customer_id = t.customer_id
              AND e.kind = 'CART_ADDED' AND e.occurred_at >= t.at AND e.occurred_at < t.at + $2::interval) THEN 2
        WHEN EXISTS (
            SELECT FROM event e WHERE e.shop_id = t.shop_id AND e.customer_id = t.customer_id
              AND e.kind = 'PRODUCT_VIEWED' AND e.occurred_at >= t.at AND e.occurred_at < t.at + $2::interval) THEN 1
        ELSE 0 END) AS step
    FROM touch t LEFT JOIN buyer b ON b.plan_id = t.plan_id AND b.customer_id = t.customer_id
    GROUP BY t.plan_id, t.customer_id
)
SELECT plan_id, count(*) AS touched, count(*) FILTER (WHERE step >= 1) AS viewed,
       count(*) FILTER (WHERE step >= 2) AS carted, count(*) FILTER (WHERE step = 3) AS ordered
FROM reach GROUP BY plan_id
"""
