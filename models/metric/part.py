"""What happened, taken apart by channel, by language, by product; and so taken apart a plan, as of now (R23)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from models import database
from models.metric.activity import ANY, MOST_FIRST, SUMS, Activity, activity_of
from models.metric.day import FACTS, WHOLE

Key = TypeVar("Key", str, int, UUID)


@dataclass(frozen=True, slots=True)
class Part(Generic[Key]):
    """What happened through one channel, in one language, by one plan, or with one product."""

    key: Key
    activity: Activity

    @property
    def read_rate(self) -> float | None:
        """Read of sent."""
        return self.activity.read_rate

    @property
    def click_rate(self) -> float | None:
        """Clicked of sent."""
        return self.activity.click_rate

    @property
    def order_rate(self) -> float | None:
        """Standing orders of sent."""
        return self.activity.order_rate


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
    for row in await database.fetch(_PARTS, list(plan_ids), WHOLE, MOST_PRODUCTS):
        by_plan.setdefault(row["plan_id"], []).append(row)
    return [_parts(by_plan.get(plan_id, [])) for plan_id in plan_ids]


def parts_of(rows: Sequence[database.Record], column: str) -> list[Part[Any]]:
    """The parts that a column tells apart, what was sent most first, then what earned and was clicked most."""
    found = [Part(row[column], activity_of(row)) for row in rows if row[column]]
    return sorted((part for part in found if part.activity != Activity()), key=_most_first)


def _most_first(part: Part[Any]) -> tuple[Any, ...]:
    return (-part.activity.sent, -part.activity.gmv, -part.activity.clicked, part.key)


def _parts(rows: Sequence[database.Record]) -> PlanParts:
    return PlanParts(
        channels=parts_of(rows, "channel"),
        languages=parts_of(rows, "language"),
        products=parts_of(rows, "product_id"),
    )


# What belongs to a product is apart from what belongs to the message as a whole. A plan's orders may have any product of
# the shop in them, so those that are named are chosen here: tens of thousands of others are not even read. Changes that are
# not folded yet have an index by shop alone: what happens in others is not read either.
_OF_PLANS = """plan_id = ANY($1::int[])
    AND shop_id = ANY((SELECT array_agg(shop_id) FROM plan WHERE id = ANY($1::int[]))::int[])"""

_PARTS = f"""
SELECT plan_id, channel, language, NULL::uuid AS product_id, {SUMS}
FROM metric WHERE {_OF_PLANS} AND product_id = $2
GROUP BY GROUPING SETS ((plan_id, channel), (plan_id, language))
UNION ALL
(SELECT plan_id, NULL, NULL, product_id, {", ".join(FACTS)} FROM (
    SELECT plan_id, product_id, {SUMS}, row_number() OVER (PARTITION BY plan_id ORDER BY {MOST_FIRST}, product_id) AS place
    FROM metric WHERE {_OF_PLANS} AND product_id <> $2
    GROUP BY plan_id, product_id HAVING {ANY}
) AS ranked WHERE place <= $3)
"""
