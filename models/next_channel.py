"""CHAT_THEN_EMAIL while it waits: it goes by the first channel that may reach its customer by then (R8).

Who blocks the chat gets the message by email, if that may reach them; who unblocks it gets the message by chat.

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


async def by_chat(shop_id: int, customer_id: UUID, at: datetime) -> int:
    """Let a customer's waiting mails of plans that may also go by chat go by chat; how many.

    Call in the transaction that unblocks the chat, as `by_email` in the one that blocks it. What may have arrived by
    email stays there, where it can be known again.
    """
    return await database.execute(_BY_CHAT, shop_id, customer_id, at)


# The plan is locked before its messages, as by a cancellation. Who waits for a winner waits until it is due, in
# `not_before`.
_MOVED = """
WITH reachable AS (
    SELECT FROM relationship r JOIN customer c ON c.id = r.customer_id
    LEFT JOIN suppression u ON u.email_key = c.email_key
    WHERE r.shop_id = $1 AND r.customer_id = $2 AND {may_reach}
),
numbered AS (
    UPDATE plan p SET slices_numbered = 1 + greatest(
        slices_numbered, (SELECT coalesce(max(number), 0) FROM slice WHERE plan_id = p.id))
    WHERE p.id IN (
        SELECT plan_id FROM delivery d
        WHERE customer_id = $2 AND slice IS NOT NULL AND shop_id = $1 AND {moves})
      AND p.channel = 'CHAT_THEN_EMAIL' AND p.status IN ('ONGOING', 'PAUSED') AND EXISTS (SELECT FROM reachable)
    RETURNING p.id, p.slices_numbered AS number
),
moved AS (
    UPDATE delivery d SET channel = '{channel}', slice = n.number FROM numbered n
    WHERE d.plan_id = n.id AND d.customer_id = $2 AND d.reference = '' AND {moves}
    RETURNING d.plan_id, d.slice, d.not_before
)
INSERT INTO slice (plan_id, number, channel, due_at)
SELECT plan_id, slice, {slices}, coalesce(not_before, $3::timestamptz) FROM moved
"""

_BY_EMAIL = _MOVED.format(
    channel="EMAIL",
    slices="'EMAIL'",
    may_reach=f"{reach.EMAIL_REFUSAL} IS NULL",
    moves="d.channel = 'CHAT' AND d.state = 'PENDING'",
)

_BY_CHAT = _MOVED.format(
    channel="CHAT",
    slices="CASE WHEN EXISTS (SELECT FROM chat_platform WHERE shop_id = $1) THEN 'PLATFORM' ELSE 'CHAT' END",
    may_reach=f"NOT {reach.IS_BLOCKED}",
    moves="d.channel = 'EMAIL' AND d.state = 'PENDING' AND NOT d.may_repeat",
)
