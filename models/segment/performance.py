"""How the plans sent to a segment did, as of the end of the shop's yesterday (R7)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from models import database
from models.clock import now
from models.metric.day import WHOLE
from models.metric.rate import Rates


@dataclass(frozen=True, slots=True)
class Performance(Rates):
    """The plans of a segment that had begun before `until`, and what of theirs had happened by then.

    What has bounced since then, or was cancelled, is left out: it never was what it seemed. `gmv` in minor units.
    """

    until: datetime
    currency: str
    plans: int
    delivered: int
    read: int
    clicked: int
    orders: int
    gmv: int


async def of_segments(segment_ids: Sequence[int]) -> list[Performance | None]:
    """The performance of each of these segments, None for one that does not exist; all from one statement."""
    rows = await database.fetch(_PERFORMANCE, list(segment_ids), now(), WHOLE)
    found = {row["segment_id"]: Performance(*list(row)[1:]) for row in rows}
    return [found.get(segment_id) for segment_id in segment_ids]


_PERFORMANCE = """
WITH wanted AS (
    SELECT g.id AS segment_id, s.currency, date_trunc('day', $2::timestamptz, s.time_zone) AS until,
           ($2::timestamptz AT TIME ZONE s.time_zone)::date AS today
    FROM segment g JOIN shop s ON s.id = g.shop_id WHERE g.id = ANY($1::int[])
),
done AS (
    SELECT w.segment_id, count(*) AS plans, sum(m.delivered)::bigint AS delivered, sum(m.read)::bigint AS read,
           sum(m.clicked)::bigint AS clicked, sum(m.orders)::bigint AS orders, sum(m.gmv)::bigint AS gmv
    FROM wanted w JOIN plan p ON p.segment_id = w.segment_id
    CROSS JOIN LATERAL (
        SELECT sum(sent) AS delivered, sum(read) AS read, sum(clicked) AS clicked, sum(orders) AS orders, sum(gmv) AS gmv
        FROM metric m WHERE m.shop_id = p.shop_id AND m.plan_id = p.id AND m.day < w.today AND m.product_id = $3) m
    WHERE p.started_at < w.until GROUP BY w.segment_id
)
SELECT w.segment_id, w.until, w.currency, coalesce(d.plans, 0), coalesce(d.delivered, 0), coalesce(d.read, 0),
       coalesce(d.clicked, 0), coalesce(d.orders, 0), coalesce(d.gmv, 0)
FROM wanted w LEFT JOIN done d USING (segment_id)
"""
