"""Lift: what outreach brought beyond what would have been bought anyway, against those held out (B4).

All standing orders of both groups count, credited to a message or not, within the same time after the decision to
write or to hold out. docs/experiments.md has an example to follow with a calculator.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from models import database
from models.clock import now
from models.errors import refuse
from models.experiment import holdout
from models.experiment.comparison import Comparison, Group
from models.metric.overview import check_period
from models.shop import Shop

DAYS = 14
MOST_DAYS = 90
"""Days after the decision in which orders count: unless told otherwise, and at most."""

AT_ONCE = 20
"""Plans of one statement: a shop of a million customers has an answer of each within the time that statements may take."""


@dataclass(frozen=True, slots=True)
class Lift:
    """A comparison of those decided upon from `since` to `until`, by what they bought in the `days` after it.

    It is `is_complete` when that time is over for all of them.
    """

    currency: str
    days: int
    since: datetime | None
    until: datetime | None
    is_complete: bool
    comparison: Comparison


@dataclass(frozen=True, slots=True)
class ControlLift:
    """A shop's control group held against its other customers, from the first decision on, until the period's end."""

    begins_at: datetime
    ends_at: datetime
    currency: str
    is_complete: bool
    comparison: Comparison


@dataclass(frozen=True, slots=True)
class ShopLift:
    """What a shop's plans with a holdout that began within a period brought together, and its control groups.

    `plans` are those that have two customers or more in each group; it is `is_complete` when these are.
    """

    first: date
    last: date
    currency: str
    days: int
    plans: int
    is_complete: bool
    comparison: Comparison
    control_groups: Sequence[ControlLift] = field(default=())


def check_days(days: int) -> None:
    """Refuse a window that is no 1–90 days."""
    if not 1 <= days <= MOST_DAYS:
        raise refuse("days", f"must be 1–{MOST_DAYS}")


async def of_plans(asked: Sequence[tuple[int, int]]) -> list[Lift | None]:
    """The lift of each (plan, days); None for a plan without a holdout. A page of the same days is one statement."""
    found: dict[tuple[int, int], Lift] = {}
    for days in sorted({days for _, days in asked}):
        plans = [plan_id for plan_id, wanted in asked if wanted == days]
        for plan_id, rows in _by_plan(await _rows(plans, days)).items():
            found[plan_id, days] = _lift(rows, days)
    return [found.get(key) for key in asked]


async def of_shop(shop: Shop, first: date, last: date, *, days: int = DAYS) -> ShopLift:
    """What the plans that began on these days, in the shop's time zone, brought; and its control groups of that time."""
    check_period(first, last)
    plans = [row["id"] for row in await database.fetch(_HOLDING, shop.id, shop.time_zone, first, last)]
    lifts = [_lift(rows, days) for rows in _by_plan(await _rows(plans, days)).values()]
    # A plan that reached nobody compares nothing, and has no time that could ever be over.
    lifts = [each for each in lifts if min(each.comparison.treated.heads, each.comparison.held_out.heads) > 1]
    pairs = [pair for each in lifts for pair in each.comparison.pairs]
    return ShopLift(
        first=first, last=last, currency=shop.currency, days=days, plans=len(pairs),
        is_complete=all(each.is_complete for each in lifts), comparison=Comparison(pairs),
        control_groups=await _control_groups(shop, first, last),
    )  # fmt: skip


async def _rows(plans: Sequence[int], days: int) -> list[database.Record]:
    """One statement for a page's plans; a shop's of a year are several, that none of them takes too long."""
    rows = []
    for some in (plans[at : at + AT_ONCE] for at in range(0, len(plans), AT_ONCE)):
        rows += await database.fetch_planned(_LIFT, list(some), timedelta(days=days), in_passes=True)
    return rows


def _lift(rows: Sequence[database.Record], days: int) -> Lift:
    instants = [row["since"] for row in rows if row["since"]], [row["until"] for row in rows if row["until"]]
    since, until = min(instants[0], default=None), max(instants[1], default=None)
    is_complete = until is not None and until + timedelta(days=days) <= now()
    return Lift(rows[0]["currency"], days, since, until, is_complete, Comparison([_pair(rows)]))


async def _control_groups(shop: Shop, first: date, last: date) -> list[ControlLift]:
    """The control groups of the quarters that these days touch, as far as the present share goes back."""
    known, at = await holdout.of_shop(shop.id), now()
    if known.control_since is None:
        return []
    found = []
    begins = holdout.quarter_of(_midnight(first))
    while begins <= min(_midnight(last), at):
        ends = holdout.quarter_of(begins + timedelta(days=100))
        start = holdout.period_of(begins, known.control_since) if known.control_since < ends else ends
        rows = await database.fetch_planned(_CONTROL, shop.id, start, ends, in_passes=True) if start < ends else []
        if any(row["is_held_out"] for row in rows):
            found.append(ControlLift(start, ends, shop.currency, ends <= at, Comparison([_pair(rows)])))
        begins = ends
    return found


def _midnight(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time(), UTC)


def _pair(rows: Sequence[database.Record]) -> tuple[Group, Group]:
    groups: Mapping[bool, Group] = {row["is_held_out"]: _group(row) for row in rows if row["is_held_out"] is not None}
    return groups.get(False, Group()), groups.get(True, Group())


def _group(row: database.Record) -> Group:
    first, second, third, fourth = (int(row[name]) for name in ("gmv", "squares", "cubes", "fourths"))
    return Group(row["heads"], row["buyers"], row["orders"], (first, second, third, fourth))


def _by_plan(rows: Iterable[database.Record]) -> dict[int, list[database.Record]]:
    found: dict[int, list[database.Record]] = {}
    for row in rows:
        found.setdefault(row["plan_id"], []).append(row)
    return found


# A row that was refused before it had a slice got nothing whatever its bucket, so it belongs to neither group.
_DECIDED = "NOT (d.state = 'SUPPRESSED' AND d.slice IS NULL)"


def _sums(what: str) -> str:
    return f"coalesce(sum(b.{what}), 0)"


# Orders are few beside those who were written to: those of the time are read once and held against them, for a look into
# the index for each customer takes long for a year of a large shop's plans.
_COMPARED = f"""
WITH assigned AS MATERIALIZED ({{assigned}}),
bought AS (
    SELECT a.customer_id, count(*) AS orders, sum(o.amount) AS amount
    FROM orders o JOIN assigned a ON a.customer_id = o.customer_id
    WHERE o.shop_id = {{shop}} AND o.cancelled_at IS NULL
      AND o.ordered_at >= (SELECT min(at) FROM assigned) AND o.ordered_at < (SELECT max({{until}}) FROM assigned a)
      AND o.ordered_at >= a.at AND o.ordered_at < {{until}}
    GROUP BY a.customer_id
)
SELECT a.is_held_out, min(a.at) AS since, max(a.at) AS until, count(*) AS heads, count(b.orders) AS buyers,
    {_sums("orders")}::bigint AS orders, {_sums("amount")} AS gmv, {_sums("amount ^ 2")} AS squares,
    {_sums("amount ^ 3")} AS cubes, {_sums("amount ^ 4")} AS fourths
FROM assigned a LEFT JOIN bought b USING (customer_id) GROUP BY a.is_held_out"""

_ASSIGNED = f"""
SELECT d.customer_id, bool_or(d.state = 'HELD_OUT') AS is_held_out, min(d.created_at) AS at
FROM delivery d
WHERE d.plan_id = p.id AND {_DECIDED} AND d.reason IS DISTINCT FROM 'CONTROL_GROUP'
GROUP BY d.customer_id"""

_LIFT = f"""
SELECT p.id AS plan_id, s.currency, m.*
FROM plan p JOIN shop s ON s.id = p.shop_id
LEFT JOIN LATERAL ({_COMPARED.format(assigned=_ASSIGNED, shop="p.shop_id", until="a.at + $2::interval")}) AS m ON true
WHERE p.id = ANY($1::int[]) AND p.holdout_percent > 0 ORDER BY p.id
"""

_HOLDING = """
SELECT id FROM plan WHERE shop_id = $1 AND holdout_percent > 0
  AND (started_at AT TIME ZONE $2)::date BETWEEN $3::date AND $4::date ORDER BY id
"""

# Whoever was decided upon first stays in that group, whatever other plans decided later in the period.
_ASSIGNED_OF_SHOP = f"""
SELECT DISTINCT ON (d.customer_id) d.customer_id, d.created_at AS at,
    d.reason IS NOT DISTINCT FROM 'CONTROL_GROUP' AS is_held_out
FROM delivery d
WHERE d.plan_id = ANY(ARRAY(
        SELECT id FROM plan WHERE shop_id = $1 AND holdout_percent IS NOT NULL AND started_at < $3
          AND (finished_at IS NULL OR finished_at >= $2)))
  AND d.created_at >= $2 AND d.created_at < $3 AND {_DECIDED}
ORDER BY d.customer_id, d.created_at, d.plan_id"""

_CONTROL = _COMPARED.format(assigned=_ASSIGNED_OF_SHOP, shop="$1", until="$3::timestamptz")
