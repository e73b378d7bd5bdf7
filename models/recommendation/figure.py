"""What recommendations are made from: a shop's figures of the last weeks, gathered in a few statements."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from models import database, language, quota
from models.experiment import holdout
from models.metric.day import WHOLE
from models.shop import Shop

WEEKS = 4
"""So many weeks of quota are looked back at, the present one not counted."""

HOURS = 24


@dataclass(frozen=True, slots=True)
class Conversion:
    """What messages of one coupon, or to one segment, brought; `orders` are credited ones that stand."""

    id: int
    name: str
    sent: int
    orders: int
    is_usable: bool = True
    """Whether a new plan may have it."""


@dataclass(frozen=True, slots=True)
class Hours:
    """Messages sent, and first read, in each hour of the day, 0–23, on their customers' clocks."""

    sent: Sequence[int]
    read: Sequence[int]


@dataclass(frozen=True, slots=True)
class Readership:
    """How many messages went to customers whose app speaks `tag`, and how many of them in another language."""

    tag: str
    sent: int
    foreign: int


@dataclass(frozen=True, slots=True)
class Breadth:
    """A segment that one-time plans went to, and how large it was when it was last measured."""

    id: int
    name: str
    size: int


@dataclass(frozen=True, slots=True)
class ShopFigures:
    """A shop's figures. Everything is of the window, but quota, sizes and customers.

    `unsubscribed` are customers, however often one of them left and came back (R19).
    """

    sent: int = 0
    unsubscribed: int = 0
    emails: int = 0
    bounced: int = 0
    plans: int = 0
    holds_out: bool = False
    coupons: Sequence[Conversion] = ()
    segments: Sequence[Conversion] = ()
    hours: Mapping[str, Hours] = field(default_factory=dict)
    readers: Sequence[Readership] = ()
    breadths: Sequence[Breadth] = ()
    customers: int = 0
    quota: int | None = None
    """Of the last four weeks together, by the present week's total; None while the shop is younger than that."""
    quota_used: int = 0
    quota_left: int = 0


async def gather(shop: Shop, at: datetime, window: timedelta) -> ShopFigures:
    """The shop's figures of the `window` up to `at`."""
    since = at - window
    own = (await holdout.of_shop(shop.id)).control_percent > 0
    totals = await database.fetch_one(_TOTALS, shop.id, since, at)
    assert totals is not None
    plans = await database.fetch(_PLANS, shop.id, shop.time_zone, since, at, WHOLE)
    week = await quota.quota(shop.id, at)
    used = await database.fetch_value(_USED, shop.id, week.week - timedelta(weeks=WEEKS), week.week)
    ledger = await database.fetch(_LEDGER, shop.id, since, at)
    return ShopFigures(
        sent=totals["sent"],
        unsubscribed=totals["unsubscribed"],
        emails=totals["emails"],
        bounced=totals["bounced"],
        plans=sum(row["sent"] > 0 for row in plans),
        holds_out=own or any(row["holds_out"] for row in plans),
        coupons=_conversions(plans, "coupon"),
        segments=_conversions(plans, "segment"),
        hours=_hours(ledger),
        readers=_readers(ledger),
        breadths=[Breadth(*row) for row in await database.fetch(_BREADTHS, shop.id, since, at)],
        customers=totals["customers"],
        quota=week.total * WEEKS if shop.created_at <= at - timedelta(weeks=WEEKS + 1) else None,
        quota_used=used,
        quota_left=week.left,
    )


def _conversions(plans: Sequence[database.Record], what: str) -> list[Conversion]:
    """Plans summed by their coupon or segment; those that try variants belong to no single coupon."""
    found: dict[int, Conversion] = {}
    for row in plans:
        key = row[f"{what}_id"]
        if key is None or (what == "coupon" and row["is_trying"]):
            continue
        known = found.get(key, Conversion(key, row[f"{what}_name"], 0, 0, row[f"{what}_is_usable"]))
        found[key] = Conversion(
            key, known.name, known.sent + row["sent"], known.orders + row["orders"], known.is_usable
        )
    return list(found.values())


def _hours(ledger: Sequence[database.Record]) -> dict[str, Hours]:
    counts: dict[str, tuple[list[int], list[int]]] = {}
    for row in ledger:
        if row["time_zone"] is not None and row["hour"] is not None:
            both = counts.setdefault(row["time_zone"], ([0] * HOURS, [0] * HOURS))
            both[row["is_read"]][row["hour"]] += row["count"]
    return {zone: Hours(sent, read) for zone, (sent, read) in counts.items()}


def _readers(ledger: Sequence[database.Record]) -> list[Readership]:
    found: dict[str, Readership] = {}
    for row in ledger:
        if row["tag"] is None or row["said"] is None:
            continue
        known = found.get(row["tag"], Readership(row["tag"], 0, 0))
        is_foreign = not language.choose(row["tag"], [row["said"]], "")
        found[row["tag"]] = Readership(
            known.tag, known.sent + row["count"], known.foreign + (row["count"] if is_foreign else 0)
        )
    return list(found.values())


# A plan's ledger is looked at when the plan was under way within the window.
_UNDER_WAY = "p.started_at <= $3 AND (p.finished_at IS NULL OR p.finished_at > $2)"

_TOTALS = f"""
SELECT l.sent, l.emails, l.bounced,
    (SELECT count(DISTINCT customer_id) FROM unsubscription
     WHERE shop_id = $1 AND happened_at > $2 AND happened_at <= $3) AS unsubscribed,
    (SELECT count(*) FROM relationship WHERE shop_id = $1 AND first_interaction_at IS NOT NULL) AS customers
FROM (
    SELECT count(*) FILTER (WHERE d.state = 'SENT') AS sent,
        count(*) FILTER (WHERE d.channel = 'EMAIL' AND d.state IN ('SENT', 'FAILED')) AS emails,
        count(*) FILTER (WHERE d.channel = 'EMAIL' AND d.state = 'FAILED' AND d.reason LIKE '5%') AS bounced
    FROM plan p JOIN delivery d ON d.plan_id = p.id
    WHERE p.shop_id = $1 AND {_UNDER_WAY} AND coalesce(d.sent_at, d.created_at) > $2
) l
"""

_PLANS = """
SELECT p.id, p.holdout_percent > 0 AS holds_out, p.experiment IS NOT NULL AS is_trying,
    p.segment_id, g.name AS segment_name, g.archived_at IS NULL AS segment_is_usable,
    p.coupon_id, c.name AS coupon_name,
    c.ended_at IS NULL AND c.ends_at > $4 AND c.claimed < c.total_limit AS coupon_is_usable,
    coalesce(m.sent, 0) AS sent, coalesce(m.orders, 0) AS orders
FROM (
    SELECT plan_id, sum(sent)::bigint AS sent, sum(orders)::bigint AS orders FROM metric
    WHERE shop_id = $1 AND product_id = $5 AND day > ($3::timestamptz AT TIME ZONE $2)::date
      AND day <= ($4::timestamptz AT TIME ZONE $2)::date
    GROUP BY plan_id
) m JOIN plan p ON p.id = m.plan_id
LEFT JOIN segment g ON g.id = p.segment_id LEFT JOIN coupon c ON c.id = p.coupon_id
WHERE p.shop_id = $1 ORDER BY p.id
"""

# One look at the ledger, taken apart three ways: sent by hour, read by hour, and by the languages of reader and text.
_LEDGER = f"""
WITH message AS (
    SELECT coalesce(c.time_zone, s.time_zone) AS time_zone, c.language AS tag, d.language AS said, d.sent_at, d.read_at
    FROM shop s JOIN plan p ON p.shop_id = s.id JOIN delivery d ON d.plan_id = p.id
    LEFT JOIN customer c ON c.id = d.customer_id
    WHERE s.id = $1 AND {_UNDER_WAY} AND d.state = 'SENT' AND d.sent_at > $2
),
moment AS (
    SELECT time_zone, tag, said, false AS is_read, extract(hour FROM sent_at AT TIME ZONE time_zone)::int AS hour
    FROM message
    UNION ALL
    SELECT time_zone, NULL, NULL, true, extract(hour FROM read_at AT TIME ZONE time_zone)::int
    FROM message WHERE read_at IS NOT NULL
)
SELECT time_zone, hour, is_read, tag, said, count(*) AS count FROM moment
GROUP BY GROUPING SETS ((time_zone, hour, is_read), (tag, said))
"""

_BREADTHS = f"""
SELECT g.id, g.name, z.size
FROM segment g CROSS JOIN LATERAL (
    SELECT size FROM segment_size WHERE segment_id = g.id AND version = g.version ORDER BY day DESC LIMIT 1) z
WHERE g.shop_id = $1 AND g.archived_at IS NULL
  AND EXISTS (SELECT FROM plan p WHERE p.segment_id = g.id AND p.kind = 'ONE_TIME' AND {_UNDER_WAY})
ORDER BY g.id
"""

_USED = "SELECT coalesce(sum(used), 0)::int FROM quota_week WHERE shop_id = $1 AND week >= $2 AND week < $3"
