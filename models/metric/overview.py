"""A shop's outreach over a period: day by day in its own time zone, and by its parts (R23).

A message counts on the day it was sent, again on the day it was first read, first clicked, first replied to; who left
after a plan on the day they first did; a coupon on the day it was claimed and on the day it was redeemed; an order on
the day it was placed, as long as it stands. One statement reads it all from the roll-up by day (models/metric/day.py),
which is of this moment.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from models import database
from models.errors import ErrorCode, refuse
from models.metric.activity import ANY, MOST_FIRST, SUMS, Activity, activity_of, total
from models.metric.day import WHOLE
from models.metric.part import Part, parts_of
from models.shop import Shop

MAX_DAYS = 366
"""So many days an overview may span."""

EARLIEST = date(2000, 1, 1)
"""The first day that may be asked for."""


MOST_PARTS = 20
"""So many plans, and so many products, an overview names: those that count most."""


@dataclass(frozen=True, slots=True)
class Day:
    """What happened on one day."""

    day: date
    activity: Activity


@dataclass(frozen=True, slots=True)
class Overview:
    """A period of days, first and last included; `before` is the sum of as many days right before it.

    `plans` and `products` (ids) are at most `MOST_PARTS` each. With a product count clicks on it, and the whole of
    each order that it is in.
    """

    shop_id: int
    first: date
    last: date
    currency: str
    days: Sequence[Day]
    before: Activity
    channels: Sequence[Part[str]]
    languages: Sequence[Part[str]]
    plans: Sequence[Part[int]]
    products: Sequence[Part[UUID]]

    @property
    def total(self) -> Activity:
        """The sum of the period."""
        return total(day.activity for day in self.days)


async def overview(shop: Shop, first: date, last: date) -> Overview:
    """The shop's overview of these days. Raises Refused when the period is too long, turned round or too early."""
    check_period(first, last)
    span = last - first + timedelta(days=1)
    rows = await database.fetch(_OVERVIEW, shop.id, first - span, first, last, WHOLE, MOST_PARTS)
    by_day = {row["day"]: activity_of(row) for row in rows if row["day"] is not None}
    period = [first + timedelta(days=number) for number in range(span.days)]
    return Overview(
        shop_id=shop.id,
        first=first,
        last=last,
        currency=shop.currency,
        days=[Day(day, by_day.get(day, Activity())) for day in period],
        before=total(activity for day, activity in by_day.items() if day < first),
        channels=parts_of(rows, "channel"),
        languages=parts_of(rows, "language"),
        plans=parts_of(rows, "plan_id")[:MOST_PARTS],
        products=parts_of(rows, "product_id"),
    )


def check_period(first: date, last: date) -> None:
    """Refuse a period of days that is too long, turned round or too early."""
    if first < EARLIEST:
        raise refuse("from", f"must be {EARLIEST} or later")
    if last < first:
        raise refuse("to", "must not be before `from`")
    if last - first >= timedelta(days=MAX_DAYS):
        raise refuse("to", f"must be at most {MAX_DAYS} days from `from` on, both included", ErrorCode.TOO_MANY)


# A row of the whole message belongs to its day, channel, language and plan; one of a product to that product alone. Of
# products only those that are named are read: a large shop has had tens of thousands of them clicked or ordered.
_OVERVIEW = f"""
SELECT day, channel, language, plan_id, NULL::uuid AS product_id, {SUMS}
FROM (
    SELECT m.*, day >= $3 AS is_current FROM metric m WHERE shop_id = $1 AND day BETWEEN $2 AND $4 AND product_id = $5
) AS m
GROUP BY GROUPING SETS ((day), (is_current, channel), (is_current, language), (is_current, plan_id))
HAVING grouping(day) = 0 OR is_current
UNION ALL
(SELECT NULL, NULL, NULL, NULL, product_id, {SUMS}
 FROM metric WHERE shop_id = $1 AND day BETWEEN $3 AND $4 AND product_id <> $5
 GROUP BY product_id HAVING {ANY} ORDER BY {MOST_FIRST}, product_id LIMIT $6)
"""
