"""The hour of each customer's own day at which a plan goes (B3), kept also where sending was held over that hour.

Who is written to at 19:00 is not written to at night because the plan was paused at seven and resumed at three.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from models import database

LATENESS = timedelta(minutes=30)
"""A local hour that passed longer ago than this is tomorrow's."""

FIRST = """(
        SELECT CASE WHEN today >= {earliest} THEN today ELSE local_instant(first_day + 1 + {hour}, {zone}) END
        FROM (SELECT first_day, local_instant(first_day + {hour}, {zone}) AS today
              FROM (SELECT ({earliest} AT TIME ZONE {zone})::date AS first_day) AS f) AS t)"""
"""The first such hour from an instant on: of that day, or of the next where it is past. An SQL value."""


async def keep(plan_ids: Collection[int], since: datetime, at: datetime) -> None:
    """Let what waits in plans that were held from `since` until now, `at`, go at its customers' next such hour.

    Held for no longer than `LATENESS`, they go on where they were. Of plans without a local hour nothing changes. Call in
    the transaction that lets them go on, once their experiments' new hours are written.
    """
    if at - since > LATENESS:
        plans = list(plan_ids)
        await database.execute(_PUT_OFF, plans, at - LATENESS)
        await database.execute(_WAIT, plans, at)


# Slices first, as by everything that changes both slices and deliveries. Who waits for a winner gets it at the first such
# hour after the decision, which the hold has moved. What was refused for now keeps saying so.
_PUT_OFF = f"""
WITH held AS MATERIALIZED (
    SELECT s.plan_id, s.number, p.local_time, h.time_zone, CASE WHEN p.winner IS NULL THEN p.decides_at END AS decides_at
    FROM plan p JOIN shop h ON h.id = p.shop_id JOIN slice s ON s.plan_id = p.id
    WHERE p.id = ANY($1::int[]) AND p.local_time IS NOT NULL AND s.done_at IS NULL
    ORDER BY s.plan_id, s.number FOR NO KEY UPDATE OF s
),
late AS MATERIALIZED (
    SELECT d.plan_id, d.customer_id, d.reference, held.local_time, coalesce(c.time_zone, held.time_zone) AS time_zone,
        e.earliest
    FROM held JOIN delivery d ON d.plan_id = held.plan_id AND d.slice = held.number
    LEFT JOIN customer c ON c.id = d.customer_id
    CROSS JOIN LATERAL (
        SELECT greatest($2::timestamptz, CASE WHEN d.variant IS NULL THEN held.decides_at END) AS earliest) AS e
    WHERE d.state = 'PENDING' AND coalesce(d.not_before, '-infinity') < e.earliest
    ORDER BY d.plan_id, d.customer_id, d.reference FOR NO KEY UPDATE OF d
)
UPDATE delivery d SET
    not_before = {FIRST.format(hour="x.local_time", earliest="x.earliest", zone="x.time_zone")},
    reason = CASE WHEN d.reason ~ '^[45]' OR d.reason = 'AWAITING_WINNER' THEN d.reason ELSE 'LOCAL_HOUR' END
FROM late x
WHERE d.plan_id = x.plan_id AND d.customer_id = x.customer_id AND d.reference = x.reference
"""

# A slice that a worker still holds is due at its earliest message once it is given back; one that waits for a winner, when
# that is declared.
_WAIT = """
UPDATE slice s SET due_at = w.due_at
FROM (SELECT d.plan_id, d.slice, min(coalesce(d.not_before, $2::timestamptz)) AS due_at
      FROM plan p JOIN slice s ON s.plan_id = p.id JOIN delivery d ON d.plan_id = s.plan_id AND d.slice = s.number
      WHERE p.id = ANY($1::int[]) AND p.local_time IS NOT NULL AND s.done_at IS NULL AND d.state = 'PENDING'
      GROUP BY d.plan_id, d.slice) w
WHERE s.plan_id = w.plan_id AND s.number = w.slice AND s.worker_id IS NULL AND s.due_at <> 'infinity'
"""
