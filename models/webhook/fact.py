"""Facts: what shops' webhooks are told of, written down in the transaction that makes it true.

A fact becomes a row for each webhook that wants it and no row at all where none does, so shops without
webhooks pay nothing for them. Facts about many messages that become true together share a row, a hundred
at most. Rows hold ids only; what is posted is written from them at every try, always the same.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import orjson

from models import customer, database
from models.identifier import global_id


class WebhookFact(StrEnum):
    """What a webhook can be told; the value is the `type` of its requests."""

    PLAN_STATUS_CHANGED = "plan.status_changed"
    MESSAGES_SENT = "messages.sent"
    MESSAGES_FAILED = "messages.failed"
    MESSAGE_READ = "message.read"
    MESSAGE_CLICKED = "message.clicked"
    CUSTOMER_UNSUBSCRIBED = "customer.unsubscribed"
    COUPON_CLAIMED = "coupon.claimed"
    COUPON_REDEEMED = "coupon.redeemed"
    TEST = "test"


WANTED = tuple(fact for fact in WebhookFact if fact is not WebhookFact.TEST)
"""What a webhook may ask for; a test comes when it is asked for."""

MOST_MESSAGES = 100
"""Messages in one row."""


async def tell(shop_id: int, fact: WebhookFact, data: Mapping[str, Any], at: datetime) -> None:
    """Write a fact down for those of the shop's webhooks that want it. Call in the transaction that makes it true.

    `data` holds raw ids under `customer`, `plan`, `coupon` and `message` (a ledger key); see `said`.
    """
    await database.execute(_TELL, shop_id, fact.value, orjson.dumps(data, default=str).decode(), at)


async def tell_range(shop_id: int, plan_id: int, after: UUID, through: UUID, at: datetime) -> None:
    """Tell of the messages that a range of an audience just put into inboxes. Call in the range's transaction."""
    await database.execute(_TELL_RANGE, shop_id, plan_id, after, through, at)


def telling(source: str, at: str) -> str:
    """SQL of a CTE `told`: tells of those of the messages in the CTE `source` that are SENT or FAILED now.

    `source` has shop_id, plan_id, customer_id, reference, state, channel, language and reason; `at` is SQL of the time.
    """
    return _TELLING.format(source=source, at=at)


async def said(rows: Sequence[tuple[WebhookFact, Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """What requests say of these facts under `data`, in order: global ids, and customers by the platform's own ids."""
    customers = await customer.external_ids({UUID(each) for _, data in rows for each in _customers_in(data)})
    return [_said(data, customers) for _, data in rows]


def _customers_in(data: Mapping[str, Any]) -> list[str]:
    named = [message[1] for message in data.get("messages", ())]
    return [*named, data["customer"]] if "customer" in data else named


def _said(data: Mapping[str, Any], customers: Mapping[UUID, str]) -> dict[str, Any]:
    told = {
        name: value for name, value in data.items() if name not in ("messages", "plan", "coupon", "message", "customer")
    }
    if "messages" in data:
        told["messages"] = [_message(message, customers) for message in data["messages"]]
    if data.get("plan") is not None:
        told["plan"] = global_id("Plan", data["plan"])
    if data.get("coupon") is not None:
        told["coupon"] = global_id("Coupon", data["coupon"])
    if data.get("message") is not None:
        told["message"] = global_id("Message", data["message"][0], data["customer"], data["message"][1])
    if "customer" in data:
        told["customer"] = customers.get(UUID(data["customer"]))
    return told


def _message(message: Sequence[Any], customers: Mapping[UUID, str]) -> dict[str, Any]:
    plan_id, customer_id, reference, channel, language, reason = message
    told = {
        "id": global_id("Message", plan_id, customer_id, reference),
        "plan": global_id("Plan", plan_id),
        "customer": customers.get(UUID(customer_id)),
        "channel": channel,
        "language": language,
    }
    return told if reason is None else {**told, "reason": reason}


IS_HEARD = """EXISTS (
    SELECT FROM webhook h WHERE h.shop_id = {shop} AND h.disabled_at IS NULL AND 'messages.sent' = ANY(h.facts))"""
"""Condition: some webhook of a shop wants to be told of sent messages."""

# Webhooks are locked as the key of what is told refers to them: one that is being forgotten is waited for, and told nothing.
_TELL = """
INSERT INTO posting (webhook_id, fact, data, happened_at, not_before)
SELECT id, $2, $3::jsonb, $4, $4 FROM webhook WHERE shop_id = $1 AND disabled_at IS NULL AND $2 = ANY(facts)
ORDER BY id FOR KEY SHARE
"""

_TELLING = (
    """hearing AS (
    SELECT id, shop_id, facts FROM webhook
    WHERE disabled_at IS NULL AND facts && ARRAY['messages.sent', 'messages.failed']
      AND shop_id IN (SELECT shop_id FROM {source})
    FOR KEY SHARE OF webhook
),
told AS (
    INSERT INTO posting (webhook_id, fact, data, happened_at, not_before)
    SELECT webhook_id, fact, jsonb_build_object('messages', jsonb_agg(message ORDER BY place)), {at}, {at}
    FROM (
        SELECT w.id AS webhook_id, f.fact,
            jsonb_build_array(t.plan_id, t.customer_id, t.reference, t.channel, t.language, t.reason) AS message,
            row_number() OVER (PARTITION BY w.id, f.fact ORDER BY t.plan_id, t.customer_id, t.reference) - 1 AS place
        FROM (VALUES ('SENT'::delivery_state, 'messages.sent'), ('FAILED', 'messages.failed')) AS f(state, fact)
        JOIN hearing w ON f.fact = ANY(w.facts)
        JOIN {source} t ON t.shop_id = w.shop_id AND t.state = f.state
    ) AS wanted
    GROUP BY webhook_id, fact, place / """
    + str(MOST_MESSAGES)
    + """
)"""
)

_TELL_RANGE = (
    """
WITH sent AS (
    SELECT * FROM delivery
    WHERE plan_id = $2 AND customer_id > $3 AND customer_id <= $4 AND shop_id = $1 AND state = 'SENT' AND sent_at = $5
),
"""
    + _TELLING.format(source="sent", at="$5::timestamptz")
    + " SELECT 1"
)
