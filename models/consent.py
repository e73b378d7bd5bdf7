"""What a customer allows a shop: chat and e-mail, from that moment, also for plans already running (R19).

Changing it and choosing recipients exclude each other per shop: a range of customers that is being
resolved holds a shared lock, and a change waits for it. So nothing that is committed after a change
can have overlooked it. What waits already is withdrawn in the same transaction as the change.
"""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID

from models import database, delivery, next_channel
from models.advisory_lock import AdvisoryLock
from models.clock import now
from models.delivery import Reason
from models.metric import attribution
from models.webhook import fact
from models.webhook.fact import WebhookFact

MAIL_WAIT = timedelta(seconds=5)
"""How long the answer to an unsubscription waits for a mail in flight: neither mail clients nor people wait for long."""

LOOK_AGAIN = 0.05
"""Seconds between two looks for a message in flight."""


async def hold(shop_id: int) -> None:
    """Let no consent of this shop's customers be withdrawn until this transaction ends."""
    await database.hold(AdvisoryLock.CONSENT, shop_id, shared=True)


async def hold_exclusively(shop_id: int) -> None:
    """Wait for the ranges that already read this shop's consents, and hold new ones off until this transaction ends."""
    await database.hold(AdvisoryLock.CONSENT, shop_id)


async def block(shop_id: int, customer_id: UUID) -> datetime:
    """Let nothing more of this shop's chat reach the customer; since when.

    Counted as unsubscribed for the plan whose chat message they read last, or else got last (R23).
    """
    return await database.despite_deadlocks(lambda: _block(shop_id, customer_id))


async def _block(shop_id: int, customer_id: UUID) -> datetime:
    at = now()
    async with database.transaction():
        await hold_exclusively(shop_id)
        since: datetime = await database.fetch_value(
            "INSERT INTO relationship (shop_id, customer_id, chat_blocked_at) VALUES ($1, $2, $3)"
            " ON CONFLICT (shop_id, customer_id) DO UPDATE"
            " SET chat_blocked_at = coalesce(relationship.chat_blocked_at, excluded.chat_blocked_at)"
            " RETURNING chat_blocked_at",
            shop_id,
            customer_id,
            at,
        )
        if since == at:
            plan_id = await attribution.blocked_plan(shop_id, customer_id, at=at)
            await _refused(shop_id, customer_id, "CHAT", at, plan_id)
        await next_channel.by_email(shop_id, customer_id, at)
        await delivery.suppress_customer(shop_id, customer_id, "CHAT", Reason.BLOCKED)
    return since


async def unblock(shop_id: int, customer_id: UUID) -> None:
    """Let this shop's chat reach the customer again: from the next plan on, and with what waits to go by email instead."""
    await database.despite_deadlocks(lambda: _unblock(shop_id, customer_id))


async def _unblock(shop_id: int, customer_id: UUID) -> None:
    async with database.transaction():
        await hold_exclusively(shop_id)
        await database.execute(
            "UPDATE relationship SET chat_blocked_at = NULL WHERE shop_id = $1 AND customer_id = $2",
            shop_id,
            customer_id,
        )
        await next_channel.by_chat(shop_id, customer_id, now())


async def blocked_shops(customer_id: UUID) -> set[int]:
    """Shops whose chat this customer has blocked."""
    rows = await database.fetch(
        "SELECT r.shop_id FROM shop s JOIN relationship r ON r.shop_id = s.id"
        " WHERE r.customer_id = $1 AND r.chat_blocked_at IS NOT NULL",
        customer_id,
    )
    return {row["shop_id"] for row in rows}


async def unsubscribe(shop_id: int, customer_id: UUID, *, source: str, plan_id: int | None = None) -> bool:
    """Let nothing more of this shop's e-mail reach the customer; False when they had unsubscribed before.

    `plan_id` is the plan whose message they answered so, when it is known. A message that is just on its way
    to the relay may still arrive: `until_no_mail_in_flight` waits for it.
    """
    return await database.despite_deadlocks(lambda: _unsubscribe(shop_id, customer_id, source, plan_id))


async def _unsubscribe(shop_id: int, customer_id: UUID, source: str, plan_id: int | None) -> bool:
    at = now()
    async with database.transaction():
        await hold_exclusively(shop_id)
        changed = await database.execute(
            "INSERT INTO relationship AS r (shop_id, customer_id, email_consent, email_consent_source, email_consent_at)"
            " VALUES ($1, $2, 'UNSUBSCRIBED', $3, $4) ON CONFLICT (shop_id, customer_id) DO UPDATE"
            " SET email_consent = 'UNSUBSCRIBED', email_consent_source = $3,"
            " email_consent_at = greatest(r.email_consent_at, $4) WHERE r.email_consent <> 'UNSUBSCRIBED'",
            shop_id,
            customer_id,
            source,
            at,
        )
        if changed:
            await _refused(shop_id, customer_id, "EMAIL", at, plan_id)
        else:
            await database.execute(_AGAIN, shop_id, customer_id, source, at)
        await delivery.suppress_customer(shop_id, customer_id, "EMAIL", Reason.NO_CONSENT)
    return bool(changed)


async def _refused(shop_id: int, customer_id: UUID, channel: str, at: datetime, plan_id: int | None) -> None:
    """Keep that the customer refused a channel: it stays true of that day when they come back."""
    await database.execute(
        "WITH kept AS (INSERT INTO unsubscription (customer_id, shop_id, channel, happened_at, plan_id)"
        " VALUES ($2, $1, $3, $4, $5) ON CONFLICT DO NOTHING)"
        " UPDATE relationship SET last_unsubscribed_at = greatest(last_unsubscribed_at, $4)"
        " WHERE shop_id = $1 AND customer_id = $2",
        shop_id,
        customer_id,
        channel,
        at,
        plan_id,
    )
    told = {"customer": customer_id, "channel": channel, "plan": plan_id}
    await fact.tell(shop_id, WebhookFact.CUSTOMER_UNSUBSCRIBED, told, at)


async def until_no_mail_in_flight(shop_id: int, customer_id: UUID, *, within: timedelta) -> bool:
    """Wait until no mail of this shop is on its way to the customer; False when it takes longer than `within`.

    Call after the commit of the change: what was in flight then is the last that can arrive.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + within.total_seconds()
    while await delivery.is_mail_in_flight(shop_id, customer_id):
        if loop.time() > end:
            return False
        await asyncio.sleep(LOOK_AGAIN)
    return True


# The latest word counts: that they had come back before it, and nobody had told us yet, subscribes them no more. Nor does
# one of a clock that is ahead of ours, told again.
_AGAIN = """
UPDATE relationship SET email_consent_source = $3, email_consent_at = $4
WHERE shop_id = $1 AND customer_id = $2 AND email_consent_at < $4
"""
