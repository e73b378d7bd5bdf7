"""How long what is known of customers is kept, kind by kind, beside events (models/partition.py); looked at once a day.

Figures lose nothing by it: they are counted from the ledger, which keeps no names, and from orders.
"""

from datetime import datetime, timedelta

from models import database
from settings import Settings

CONTACT_DAYS = 35
"""Days for which it is kept on which day a customer was written to; the limit asks for today and tomorrow."""

SLICE_DAYS = 1
"""Days for which slices of automated plans are kept once nothing in them waits."""

DROPPED_AT_ONCE = 10_000
"""Slices that are dropped in one transaction."""

MESSAGES_AT_ONCE = 50_000
"""Messages whose values are forgotten in one transaction."""


async def forget(settings: Settings, at: datetime) -> None:
    """Forget what is older than it is kept. Repeating it changes nothing."""
    await database.execute("DELETE FROM contact WHERE day < $1", at.date() - timedelta(days=CONTACT_DAYS))
    while await database.execute(_SLICES, at - timedelta(days=SLICE_DAYS), DROPPED_AT_ONCE) == DROPPED_AT_ONCE:
        pass
    await database.execute(_TRIALS, at - timedelta(days=settings.trial_days))
    if settings.conversation_months is not None:
        await database.execute(_CONVERSATIONS, at, settings.conversation_months)
    if settings.message_months is not None:
        for plan in await database.fetch(_PLANS, at, settings.message_months):
            await _forget_values(plan["id"], at)


async def _forget_values(plan_id: int, at: datetime) -> None:
    """Forget what was filled into a plan's messages: names above all."""
    while await database.execute(_VALUES, plan_id, MESSAGES_AT_ONCE) == MESSAGES_AT_ONCE:
        pass
    await database.execute("UPDATE plan SET values_forgotten_at = $2 WHERE id = $1", plan_id, at)


# An automated plan makes slices for as long as it runs, and what is done in one is told by its messages. Slices of
# one-time plans are few, and a retry reads them. The newest stays: the next one's number follows it.
_SLICES = """
DELETE FROM slice WHERE (plan_id, number) IN (
    SELECT s.plan_id, s.number FROM plan p JOIN slice s ON s.plan_id = p.id
    WHERE p.trigger IS NOT NULL AND s.done_at < $1 AND s.worker_id IS NULL
      AND s.number < (SELECT max(m.number) FROM slice m WHERE m.plan_id = p.id)
    ORDER BY s.plan_id, s.number LIMIT $2 FOR UPDATE OF s SKIP LOCKED)
"""

_TRIALS = "DELETE FROM trial WHERE created_at < $1 AND state NOT IN ('PENDING', 'COMMITTING')"

# Whoever goes on with one holds its row: it is theirs, with all that was said in it.
_CONVERSATIONS = """
WITH quiet AS (
    SELECT customer_id, shop_id FROM conversation WHERE last_at < $1::timestamptz - make_interval(months => $2)
    FOR UPDATE SKIP LOCKED
),
said AS (DELETE FROM remark r USING quiet q WHERE r.customer_id = q.customer_id AND r.shop_id = q.shop_id)
DELETE FROM conversation c USING quiet q WHERE c.customer_id = q.customer_id AND c.shop_id = q.shop_id
"""

# A plan of which something was tried again ends a second time, with values anew.
_PLANS = """
SELECT id FROM plan
WHERE finished_at < $1::timestamptz - make_interval(months => $2)
  AND (values_forgotten_at IS NULL OR values_forgotten_at <= finished_at) ORDER BY id
"""

_VALUES = """
UPDATE delivery d SET frozen = NULL FROM (
    SELECT plan_id, customer_id, reference FROM delivery WHERE plan_id = $1 AND frozen IS NOT NULL LIMIT $2
) old WHERE d.plan_id = old.plan_id AND d.customer_id = old.customer_id AND d.reference = old.reference
"""
