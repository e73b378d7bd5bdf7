"""Trying again what failed: back to PENDING in slices of its own, with the number of tries kept (B2).

What is UNKNOWN may have arrived, so it comes along on an explicit word only and is marked: whoever looks at the
message sees that it may have been repeated. Its Message-ID stays the same, so a mailbox may notice.
"""

from collections.abc import Sequence
from datetime import datetime

from models import database
from models import slice as slices
from models.errors import ErrorCode, Refused, refuse

MOST = 100_000
"""Messages that one retry takes along: a few seconds of one transaction, whatever a plan's size."""


async def retry(plan_id: int, *, include_unknown: bool, at: datetime) -> int:
    """Let a plan's failed messages, and with `include_unknown` those, wait once more; how many. Call in a transaction.

    At most `MOST`, those with the fewest tries first, so that whoever retries again and again comes to all of them.
    """
    retried: int = await database.fetch_value(_RETRY, plan_id, include_unknown, at, slices.SLICE_SIZE, MOST)
    return retried


async def is_there(plan_ids: Sequence[int]) -> list[bool]:
    """Of each of these plans: whether anything of it failed or is unknown, so that a retry may find something to do."""
    rows = await database.fetch(_IS_THERE, list(plan_ids))
    return [row["is_there"] for row in rows]


def nothing(*, include_unknown: bool) -> Refused:
    """The refusal of a plan of which nothing can be tried again."""
    what = "failed or is unknown" if include_unknown else "failed"
    return refuse("id", f"Nothing of this plan {what}.", ErrorCode.NOTHING_TO_RETRY, rule="B2")


# Each is one look into an index, whatever the plan's size (`delivery_ended`, `delivery_unknown`).
_IS_THERE = """
SELECT EXISTS (SELECT FROM delivery WHERE plan_id = p.id AND state = 'FAILED')
    OR EXISTS (SELECT FROM delivery WHERE plan_id = p.id AND state = 'UNKNOWN') AS is_there
FROM unnest($1::int[]) WITH ORDINALITY AS p(id, place) ORDER BY place
"""

# An unknown message keeps the contact of its day, since it may have gone; loading a slice on another day frees it.
_RETRY = """
WITH failed AS (
    SELECT d.customer_id, d.reference, s.channel
    FROM delivery d JOIN slice s ON s.plan_id = d.plan_id AND s.number = d.slice
    WHERE d.plan_id = $1 AND (d.state = 'FAILED' OR ($2 AND d.state = 'UNKNOWN'))
    ORDER BY d.attempt, d.customer_id, d.reference
    LIMIT $5
),
placed AS (
    SELECT *, (row_number() OVER (PARTITION BY channel ORDER BY customer_id, reference) - 1) / $4::int AS place
    FROM failed
),
sliced AS (
    SELECT *, (SELECT max(number) FROM slice WHERE plan_id = $1)
        + dense_rank() OVER (ORDER BY channel, place) AS number
    FROM placed
),
retried AS (
    UPDATE delivery d SET state = 'PENDING', reason = NULL, not_before = NULL, slice = s.number,
        may_repeat = d.may_repeat OR d.state = 'UNKNOWN'
    FROM sliced s
    WHERE d.plan_id = $1 AND d.customer_id = s.customer_id AND d.reference = s.reference
      AND d.state IN ('FAILED', 'UNKNOWN')
    RETURNING d.slice, s.channel
),
slices AS (
    INSERT INTO slice (plan_id, number, channel, due_at)
    SELECT $1, slice, min(channel), $3 FROM retried GROUP BY slice
)
SELECT count(*) FROM retried
"""
