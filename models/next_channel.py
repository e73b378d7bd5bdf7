"""CHAT_THEN_EMAIL while it waits: whoever blocks the chat gets the message by email, if that may reach them (R8).

A message that waits moves into a slice of its own by the other channel, with its reason, its hour, its variant, its
contact and its number of tries. Intents and settlements name the slice they were made in (models/intent.py), so
whatever a worker still does about the slice it was in finds nothing there.
"""

from datetime import datetime
from uuid import UUID

from models import database, reach


async def by_email(shop_id: int, customer_id: UUID, at: datetime) -> int:
    """Let a customer's waiting chat messages of plans that may also go by email go by email; how many.

    Call in the transaction that blocks the chat, while it holds off the choosing of recipients: so nobody else
    numbers slices of the shop's plans. What is in flight stays what it is; a plan that ends meanwhile keeps its own.
    """
    return await database.execute(_BY_EMAIL, shop_id, customer_id, at)


# The plan is locked before its messages, as by a cancellation. Who waits for a winner waits until it is due, in
# `not_before`.
_BY_EMAIL = (
    """
WITH reachable AS (
    SELECT FROM relationship r JOIN customer c ON c.id = r.customer_id
    LEFT JOIN suppression u ON u.email_key = c.email_key
    WHERE r.shop_id = $1 AND r.customer_id = $2 AND """
    f"{reach.EMAIL_REFUSAL} IS NULL"
    """
),
numbered AS (
    UPDATE plan p SET slices_numbered = 1 + greatest(
        slices_numbered, (SELECT coalesce(max(number), 0) FROM slice WHERE plan_id = p.id))
    WHERE p.id IN (
        SELECT plan_id FROM delivery
        WHERE customer_id = $2 AND slice IS NOT NULL AND shop_id = $1 AND channel = 'CHAT' AND state = 'PENDING')
      AND p.channel = 'CHAT_THEN_EMAIL' AND p.status IN ('ONGOING', 'PAUSED') AND EXISTS (SELECT FROM reachable)
    RETURNING p.id, p.slices_numbered AS number
),
moved AS (
    UPDATE delivery d SET channel = 'EMAIL', slice = n.number FROM numbered n
    WHERE d.plan_id = n.id AND d.customer_id = $2 AND d.reference = '' AND d.channel = 'CHAT' AND d.state = 'PENDING'
    RETURNING d.plan_id, d.slice, d.not_before
)
INSERT INTO slice (plan_id, number, channel, due_at)
SELECT plan_id, slice, 'EMAIL', coalesce(not_before, $3::timestamptz) FROM moved
"""
)
