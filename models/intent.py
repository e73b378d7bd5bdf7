"""Intents and settlements: the one commit that stands before a message's final dot (docs/reliability.md).

An *intent* moves PENDING → COMMITTING, only while the slice is still held (its token, its worker's heartbeat), its
plan runs, and no try was made since the message was loaded. Only a message whose intent was returned may be finished
on the wire. A *settlement* records what became of a try, by its number, so that a late answer still finds its row and
one that is stored twice changes nothing. Both kinds share one statement, and so one commit.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from models import contact, customer, database, delivery
from models.clock import now
from models.delivery import DeliveryState
from models.slice import Waiting
from models.webhook import fact

MARGIN = timedelta(seconds=5)
"""An intent needs this much of the worker's lease left: so long it may be acted upon after it was asked for."""


class Settlement(NamedTuple):
    """What became of a try: SENT, FAILED, UNKNOWN, or PENDING again until `not_before`.

    `attempt` is the try's number. Without an intent (`intended` false) the message never was in flight.
    """

    message: Waiting
    attempt: int
    state: DeliveryState
    reason: str | None = None
    not_before: datetime | None = None
    intended: bool = True
    suppresses: bool = False
    """Whether the address itself is bad, so that nothing is ever sent to it again."""


async def commit(settlements: Sequence[Settlement], intents: Sequence[Waiting]) -> list[int | None]:
    """Settle and take the intents, in one commit; for each intent the number of its try, None where it is not granted.

    No message may stand in both. A refused address is withdrawn from everything that waits for it in the same commit.
    """
    bad = [each.message for each in settlements if each.suppresses]
    if not bad:
        return await _commit(settlements, intents)
    async with database.transaction():
        granted = await _commit(settlements, intents)
        await customer.suppress([m.email_key for m in bad if m.email_key], reason="BOUNCED", at=now())
        await delivery.suppress_addresses([m.customer_id for m in bad])
    return granted


async def may_go_on(message: Waiting) -> bool:
    """Whether intents of the message's slice can be granted at all: it is held, its worker lives, its plan runs."""
    found: bool = await database.fetch_value(_MAY_GO_ON, message.plan_id, message.slice, message.token, now(), MARGIN)
    return found


async def _commit(settlements: Sequence[Settlement], intents: Sequence[Waiting]) -> list[int | None]:
    granted: list[int | None] = [None] * len(intents)
    for row in await database.fetch(_COMMIT, *_settled(settlements), *_wanted(intents), now(), MARGIN):
        granted[row["place"] - 1] = row["attempt"]
    return granted


def _settled(settlements: Sequence[Settlement]) -> Sequence[Sequence[Any]]:
    """The columns of `settling`."""
    rows = [
        (
            s.message.plan_id, s.message.customer_id, s.message.reference, s.message.slice, s.message.contact_day,
            s.attempt, s.state, s.reason, s.not_before, s.intended,
        )
        for s in settlements
    ]  # fmt: skip
    return _columns(rows, 10)


def _wanted(intents: Sequence[Waiting]) -> Sequence[Sequence[Any]]:
    """The columns of `wanted`, but for the place."""
    return _columns([(m.plan_id, m.customer_id, m.reference, m.slice, m.token, m.attempt) for m in intents], 6)


def _columns(rows: Sequence[tuple[Any, ...]], count: int) -> Sequence[Sequence[Any]]:
    """Rows of `count` values, column by column, as PostgreSQL unnests them."""
    return tuple(zip(*rows, strict=True)) or ((),) * count


_MAY_GO_ON = """
SELECT EXISTS (
    SELECT FROM slice s
    JOIN plan p ON p.id = s.plan_id AND p.status = 'ONGOING' AND (p.deadline IS NULL OR p.deadline > $4)
    JOIN worker k ON k.id = s.worker_id AND k.lease_until > clock_timestamp() + $5::interval
    WHERE s.plan_id = $1 AND s.number = $2 AND s.token = $3
)
"""

# Slices are locked first, all of them and in order (the count sees to that), as by everything that changes both
# slices and deliveries. The lock makes a cancellation wait for the intents it did not prevent, and shows to whoever
# waited for it that it has happened (`done_at`). A message that is UNKNOWN belongs to nobody any more, so a late
# refusal ends it. What moved to another slice since is nothing to who held the one before. A mail that came back once has
# left, whatever becomes of its next try.
# `IS TRUE` keeps the index of slices out: by that each message would be looked for among all of its slice.
_COMMIT = (
    """
WITH settling AS (
    SELECT * FROM unnest($1::int[], $2::uuid[], $3::text[], $4::int[], $5::date[],
                         $6::int[], $7::text[], $8::text[], $9::timestamptz[], $10::bool[])
        AS s(plan_id, customer_id, reference, slice, day, attempt, state, reason, not_before, intended)
),
wanted AS (
    SELECT * FROM unnest($11::int[], $12::uuid[], $13::text[], $14::int[], $15::uuid[], $16::int[])
        WITH ORDINALITY AS w(plan_id, customer_id, reference, slice, token, attempt, place)
),
locked AS MATERIALIZED (
    SELECT s.plan_id, s.number, s.token, s.worker_id, s.done_at FROM slice s
    WHERE (s.plan_id, s.number) IN (SELECT plan_id, slice FROM settling UNION SELECT plan_id, slice FROM wanted)
    ORDER BY s.plan_id, s.number
    FOR SHARE
),
settled AS (
    UPDATE delivery d SET
        state = CASE WHEN s.state <> 'PENDING' THEN s.state
                     WHEN d.state = 'UNKNOWN' THEN 'FAILED'
                     WHEN h.done_at IS NOT NULL THEN 'CANCELLED'
                     ELSE 'PENDING' END::delivery_state,
        reason = CASE WHEN s.state = 'PENDING' AND d.state = 'UNKNOWN' THEN coalesce(s.reason, 'NOT_SENT')
                      ELSE s.reason END,
        not_before = s.not_before,
        sent_at = CASE WHEN s.state = 'SENT' THEN $17::timestamptz ELSE d.sent_at END,
        contact_day = CASE WHEN s.state IN ('FAILED', 'PENDING') AND NOT d.may_repeat THEN NULL ELSE d.contact_day END,
        attempt = s.attempt
    FROM settling s LEFT JOIN locked h ON h.plan_id = s.plan_id AND h.number = s.slice
    WHERE d.plan_id = s.plan_id AND d.customer_id = s.customer_id AND d.reference = s.reference
      AND CASE WHEN s.intended THEN d.state IN ('COMMITTING', 'UNKNOWN') AND d.attempt = s.attempt
               ELSE d.state = 'PENDING' AND d.attempt = s.attempt - 1 END
      AND (d.slice = s.slice) IS TRUE
    RETURNING d.plan_id, d.customer_id, d.reference, d.state, d.shop_id, d.channel, d.language, d.reason,
        d.may_repeat, s.day AS contact_day
),
"""
    + fact.telling("settled", "$17::timestamptz")
    + ","
    + contact.unused("settled", "m.state IN ('FAILED', 'PENDING', 'CANCELLED')")
    + """
UPDATE delivery d SET state = 'COMMITTING', attempt = d.attempt + 1
FROM wanted w
JOIN locked h ON h.plan_id = w.plan_id AND h.number = w.slice AND h.token = w.token
JOIN plan p ON p.id = h.plan_id AND p.status = 'ONGOING' AND (p.deadline IS NULL OR p.deadline > $17)
JOIN worker k ON k.id = h.worker_id AND k.lease_until > clock_timestamp() + $18::interval
WHERE d.plan_id = w.plan_id AND d.customer_id = w.customer_id AND d.reference = w.reference
  AND (d.slice = w.slice) IS TRUE AND d.state = 'PENDING' AND d.attempt = w.attempt AND (SELECT count(*) FROM locked) >= 0
RETURNING w.place, d.attempt
"""
)
