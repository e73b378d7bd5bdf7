"""A plan by channel, by language and by product: what its messages did there, as of now (R23)."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from models import database
from models.metric.activity import SUMS, Part, parts_of
from models.metric.day import WHOLE


@dataclass(frozen=True, slots=True)
class PlanParts:
    """A plan taken apart. With a product count clicks on it, and the whole of each credited order that it is in."""

    channels: Sequence[Part[str]]
    languages: Sequence[Part[str]]
    products: Sequence[Part[UUID]]


MOST_PRODUCTS = 20
"""So many products are named: those that earned most."""


async def of_plans(plan_ids: Sequence[int]) -> list[PlanParts]:
    """The parts of each of these plans, all from one statement."""
    by_plan: dict[int, list[database.Record]] = {}
    for row in await database.fetch(_PARTS, list(plan_ids), WHOLE):
        by_plan.setdefault(row["plan_id"], []).append(row)
    return [_parts(by_plan.get(plan_id, [])) for plan_id in plan_ids]


def _parts(rows: Sequence[database.Record]) -> PlanParts:
    return PlanParts(
        channels=parts_of(rows, "channel"),
        languages=parts_of(rows, "language"),
        products=parts_of(rows, "product_id")[:MOST_PRODUCTS],
    )


_PARTS = f"""
SELECT plan_id, channel, language, product_id, {SUMS}
FROM (SELECT *, product_id = $2 AS is_whole FROM metric WHERE plan_id = ANY($1::int[])) AS m
GROUP BY GROUPING SETS (
    (is_whole, plan_id, channel), (is_whole, plan_id, language), (is_whole, plan_id, product_id))
HAVING is_whole = (grouping(product_id) = 1)
"""
