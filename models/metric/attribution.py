"""Attribution: which message an order is credited to (R24), and which plan a block of the shop's chat (R23).

An order belongs to the last message of its shop that the customer clicked or read within the window
before it. That is decided once, in the transaction that stores the order for the first time, and kept
with the window it was decided by: a later setting, a later read or a later order changes nothing. What
the order is worth, and whether it was cancelled, stays with the order, so a cancellation takes its
money back by itself.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from models import database

WINDOW = timedelta(days=5)
"""So long after a message was read or clicked an order belongs to it, and a block answers it."""


async def attribute(shop_id: int, orders: Collection[UUID], *, at: datetime) -> int:
    """Credit those of the orders that were stored first at `at`; how many found a message.

    Call in the transaction that stores them, with the same `at`.
    """
    return await database.execute(_ATTRIBUTE, shop_id, list(orders), at, WINDOW)


async def blocked_plan(shop_id: int, customer_id: UUID, *, at: datetime) -> int | None:
    """The plan whose message a customer answers who blocks the shop's chat at `at` (R23); None when there is none.

    A block names no message, unlike an unsubscription by link: it is credited to the chat message they read or
    clicked last within (at − WINDOW, at], or else to the last one sent to them within it.
    """
    found: int | None = await database.fetch_value(_BLOCKED, shop_id, customer_id, at, WINDOW)
    return found


_ATTRIBUTE = """
INSERT INTO attribution (
    customer_id, order_id, shop_id, plan_id, reference, touch, touched_at, within, decided_at)
SELECT o.customer_id, o.id, o.shop_id, t.plan_id, t.reference, t.kind, t.at, $4, $3
FROM orders o CROSS JOIN LATERAL (
    SELECT d.plan_id, d.reference, touch.kind, touch.at
    FROM delivery d CROSS JOIN LATERAL (
        VALUES (d.clicked_at, 'CLICK'), (d.read_at, 'READ')) AS touch (at, kind)
    WHERE d.customer_id = o.customer_id AND d.shop_id = o.shop_id AND d.read_at IS NOT NULL
      AND touch.at <= o.ordered_at AND touch.at > o.ordered_at - $4::interval
    ORDER BY touch.at DESC, touch.kind, d.plan_id DESC, d.reference DESC
    LIMIT 1
) t
WHERE o.shop_id = $1 AND o.id = ANY($2::uuid[]) AND o.arrived_at = $3
  AND $3::timestamptz - o.ordered_at <= $4::interval
ON CONFLICT DO NOTHING
"""

_BLOCKED = """
SELECT m.plan_id FROM (
    SELECT plan_id, reference, sent_at, greatest(read_at, clicked_at) AS touched_at FROM delivery
    WHERE customer_id = $2 AND channel = 'CHAT' AND state = 'SENT' AND shop_id = $1 AND sent_at <= $3) AS m
WHERE greatest(m.sent_at, m.touched_at) > $3 - $4::interval
ORDER BY CASE WHEN m.touched_at > $3 - $4::interval THEN m.touched_at END DESC NULLS LAST,
    m.sent_at DESC, m.plan_id DESC, m.reference DESC
LIMIT 1
"""
