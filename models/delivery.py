"""The ledger: one row per (plan, customer, reference), its states, and its sums (docs/reliability.md).

    PENDING ──intent──▶ COMMITTING ──reply──▶ SENT
       ▲                    │  │
       └──4xx, not before───┘  ├──5xx, bounce──▶ FAILED
                               └──crash, lost reply──▶ UNKNOWN ──late reply──▶ SENT or FAILED

and, without ever having left: SUPPRESSED (consent), EXPIRED (deadline), CANCELLED (plan), HELD_OUT
(comparison group), REASON_GONE (trigger). Every row is in exactly one state, so the sums of one
query always add up to the recipients.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from models import contact, database, sending
from models.clock import now
from models.webhook import fact

ENDED_AT_ONCE = 25
"""Slices that are cancelled, or expire, in one transaction: about twenty-five thousand messages, in less than a second."""


class MessageChannel(StrEnum):
    """The way that one message takes."""

    CHAT = "CHAT"
    EMAIL = "EMAIL"


class DeliveryState(StrEnum):
    """Where a recipient's message stands."""

    PENDING = "PENDING"
    COMMITTING = "COMMITTING"
    SENT = "SENT"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"
    SUPPRESSED = "SUPPRESSED"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"
    HELD_OUT = "HELD_OUT"
    REASON_GONE = "REASON_GONE"


class Reason(StrEnum):
    """Why a message waits, was held back, or failed; SMTP failures carry their enhanced status code instead."""

    CONTACT_LIMIT = "CONTACT_LIMIT"
    LOCAL_HOUR = "LOCAL_HOUR"
    QUIET_HOURS = "QUIET_HOURS"
    AWAITING_WINNER = "AWAITING_WINNER"
    """The plan's variants are being tried on others (B7)."""
    HOLDOUT = "HOLDOUT"
    """Of the plan's own holdout (B4)."""
    CONTROL_GROUP = "CONTROL_GROUP"
    """Of the shop's control group (B4)."""
    BLOCKED = "BLOCKED"
    NO_CONSENT = "NO_CONSENT"
    NO_ADDRESS = "NO_ADDRESS"
    ADDRESS_SUPPRESSED = "ADDRESS_SUPPRESSED"
    UNREACHABLE = "UNREACHABLE"
    DEADLINE = "DEADLINE"
    OCCASION_OVER = "OCCASION_OVER"
    """What it was sent for holds no longer (R9)."""
    NO_PRODUCT = "NO_PRODUCT"
    """Its text speaks of a product, and its occasion has none that the shop has told of."""
    WORKER_LOST = "WORKER_LOST"
    CONNECTION_LOST = "CONNECTION_LOST"
    ERASED = "ERASED"
    """The customer was erased."""
    NOT_SENT = "NOT_SENT"
    """The worker was lost, and it is known all the same that the message never left."""


@dataclass(frozen=True, slots=True)
class DeliveryCount:
    """How many recipients of a plan share a state, a reason, a channel and a language."""

    state: DeliveryState
    reason: str | None
    channel: MessageChannel | None
    language: str | None
    count: int


async def cancel_some(plan_id: int, at: datetime) -> int:
    """Withdraw up to `ENDED_AT_ONCE` slices, those that workers hold first, and cancel what is pending in them.

    How many slices these were; 0 when none is left. Call inside a transaction.
    """
    numbers = [row["number"] for row in await database.fetch(_WITHDRAW, plan_id, at, ENDED_AT_ONCE)]
    if numbers:
        await _end_pending(
            "SET state = 'CANCELLED', reason = NULL", "d.plan_id = $1 AND d.slice = ANY($2::int[])", plan_id, numbers
        )
    return len(numbers)


async def cancel_pending(plan_id: int, at: datetime) -> None:
    """Withdraw every slice, and cancel what is pending. Call inside a transaction."""
    while await cancel_some(plan_id, at):
        pass


async def withdraw_slices(plan_id: int) -> int:
    """Take every slice's token away, so that no further intent of this plan can be committed; how many had one."""
    return await database.execute(_TAKE_TOKENS, plan_id)


async def expire(plan_id: int, at: datetime) -> int:
    """End what still waits after the plan's deadline; how many. Put off by its last try → FAILED, the rest → EXPIRED (R18).

    Nothing expires while all sending is stopped, and of a plan that is paused, whose deadline moves when it is resumed. A
    stop waits for `ENDED_AT_ONCE` slices, never for a whole plan.
    """
    expired = 0
    while (ended := await _expire_some(plan_id, at)) is not None:
        expired += ended
    return expired


async def _expire_some(plan_id: int, at: datetime) -> int | None:
    """End what waits in some slices that nobody holds; how many messages, None when there is no such slice."""
    async with database.transaction():
        await sending.hold()
        if await sending.is_stopped():
            return None
        numbers = [row["number"] for row in await database.fetch(_CLOSE_EXPIRED, plan_id, at, ENDED_AT_ONCE)]
        if not numbers:
            return None
        return await _end_pending(
            f"SET state = CASE WHEN {IS_PUT_OFF} THEN 'FAILED' ELSE 'EXPIRED' END::delivery_state,"
            f" reason = CASE WHEN {IS_PUT_OFF} THEN d.reason ELSE 'DEADLINE' END",
            "d.plan_id = $1 AND d.slice = ANY($2::int[])",
            plan_id,
            numbers,
        )


async def suppress_customer(shop_id: int, customer_id: UUID, channel: str, reason: Reason) -> int:
    """Turn a customer's waiting messages of this shop and channel into SUPPRESSED; how many.

    Call in the transaction that blocks or unsubscribes: the row locks order it against intents.
    """
    return await _suppress(
        reason,
        "d.customer_id = $2 AND d.slice IS NOT NULL AND d.shop_id = $1 AND d.channel = $3",
        shop_id,
        customer_id,
        channel,
    )


async def suppress_customers(shop_id: int, customers: Sequence[UUID], channel: str, reason: Reason) -> int:
    """The same for many customers, whose rows are found through the shop's plans that still run; how many rows."""
    return await _suppress(
        reason,
        "(d.plan_id, d.customer_id, d.reference) IN ("
        "SELECT w.plan_id, w.customer_id, w.reference FROM plan p JOIN delivery w ON w.plan_id = p.id"
        " WHERE p.shop_id = $1 AND p.status IN ('ONGOING', 'PAUSED', 'CANCELLING')"
        " AND w.customer_id = ANY($2::uuid[]) AND w.channel = $3 AND w.state = 'PENDING')",
        shop_id,
        customers,
        channel,
    )


async def suppress_addresses(customers: Sequence[UUID]) -> int:
    """Turn what waits to be mailed to these customers, by whatever shop, into SUPPRESSED; how many.

    Not of those whose present address is another than the one that was refused.
    """
    return await _suppress(
        Reason.ADDRESS_SUPPRESSED,
        "d.customer_id = ANY($1::uuid[]) AND d.slice IS NOT NULL AND d.channel = 'EMAIL' AND EXISTS ("
        "SELECT FROM customer c JOIN suppression u USING (email_key) WHERE c.id = d.customer_id)",
        customers,
    )


async def withdraw_customer(customer_id: UUID, reason: Reason) -> int:
    """Turn everything that waits for a customer, of whatever shop and channel, into SUPPRESSED; how many."""
    return await _suppress(reason, "d.customer_id = $1 AND d.slice IS NOT NULL", customer_id)


async def is_mail_in_flight(shop_id: int, customer_id: UUID) -> bool:
    """Whether a relay's answer to a mail of this shop to this customer is still awaited."""
    found: bool = await database.fetch_value(
        "SELECT EXISTS (SELECT FROM delivery WHERE customer_id = $2 AND slice IS NOT NULL AND shop_id = $1"
        " AND channel = 'EMAIL' AND state = 'COMMITTING')",
        shop_id,
        customer_id,
    )
    return found


async def lose_worker(plan_id: int, number: int) -> int:
    """Turn what a lost worker had in flight in a slice into UNKNOWN: never sent again on its own; how many."""
    return await database.execute(
        "UPDATE delivery SET state = 'UNKNOWN', reason = 'WORKER_LOST'"
        " WHERE plan_id = $1 AND slice = $2 AND state = 'COMMITTING'",
        plan_id,
        number,
    )


async def give_contacts_back(plan_id: int, number: int) -> int:
    """Free the contacts of what waits in a slice and never left, for whatever goes to these customers first; how many."""
    return await database.execute(_GIVE_CONTACTS_BACK, plan_id, number)


async def _suppress(reason: Reason, condition: str, *arguments: Any) -> int:
    """Turn pending messages that meet `condition` into SUPPRESSED; how many.

    They are locked first, by a statement of its own: of messages that were just being loaded only the next statement
    sees the contacts. In the order of the key, so that two who suppress the same never wait for each other in a circle.
    """
    async with database.transaction():
        await database.execute(_HOLD_PENDING.format(condition), *arguments)
        assignment = f"SET state = 'SUPPRESSED', reason = ${len(arguments) + 1}"
        return await _end_pending(assignment, condition, *arguments, reason)


async def _end_pending(assignment: str, condition: str, *arguments: Any) -> int:
    """Let pending messages that meet `condition` never go, and free the contacts reserved for them; how many.

    What may have arrived at an earlier try keeps its contact.
    """
    sql = _END_PENDING.format(assignment, condition, fact.telling("ended", f"${len(arguments) + 1}::timestamptz"))
    ended: int = await database.fetch_value(sql, *arguments, now())
    return ended


# Those that workers hold come first, in the order in which intents, which lock several of them at once, lock them.
_WITHDRAW = """
UPDATE slice s SET token = NULL, done_at = $2
FROM (SELECT number FROM slice WHERE plan_id = $1 AND done_at IS NULL
      ORDER BY worker_id IS NULL, number LIMIT $3 FOR NO KEY UPDATE) AS next
WHERE s.plan_id = $1 AND s.number = next.number
RETURNING s.number
"""

# In the order in which intents lock several: a plan that pauses while one commits waits for it, and no two for each other.
_TAKE_TOKENS = """
UPDATE slice s SET token = NULL
FROM (SELECT number FROM slice WHERE plan_id = $1 AND token IS NOT NULL ORDER BY number FOR NO KEY UPDATE) AS held
WHERE s.plan_id = $1 AND s.number = held.number
"""

_CLOSE_EXPIRED = """
UPDATE slice s SET done_at = $2
FROM (SELECT s.number FROM plan p JOIN slice s ON s.plan_id = p.id
      WHERE p.id = $1 AND p.status = 'ONGOING' AND p.deadline <= $2 AND p.resolved_at IS NOT NULL
        AND s.done_at IS NULL AND s.worker_id IS NULL
      ORDER BY s.number LIMIT $3 FOR NO KEY UPDATE OF s) AS next
WHERE s.plan_id = $1 AND s.number = next.number
RETURNING s.number
"""

IS_PUT_OFF = "(d.reason ~ '^[45]' OR d.reason = 'CONNECTION_LOST')"
"""Condition: a message `d` that waits was tried, and was refused for now or had its connection lost, by its reason."""

MAY_HAVE_ARRIVED = "(state = 'UNKNOWN' OR state = 'PENDING' AND may_repeat)"
"""Condition: of a message nobody knows whether it arrived, be it that it is to be tried again all the same."""

IN_FLIGHT = """EXISTS (
    SELECT FROM slice s JOIN delivery d ON d.plan_id = s.plan_id AND d.slice = s.number
    WHERE s.plan_id = $1 AND s.worker_id IS NOT NULL AND d.state = 'COMMITTING')"""
"""Condition: the answer to a message of plan $1 is still awaited, which is so only in a slice that has a worker."""

_HOLD_PENDING = """
SELECT FROM delivery d WHERE {} AND d.state = 'PENDING'
ORDER BY d.plan_id, d.customer_id, d.reference FOR NO KEY UPDATE
"""

# RETURNING shows what an update wrote, so the reserved day stays in the row: it is history from then on.
_END_PENDING = (
    """
WITH ended AS (
    UPDATE delivery d {} WHERE {} AND d.state = 'PENDING'
    RETURNING d.plan_id, d.customer_id, d.reference, d.contact_day, d.may_repeat,
        d.shop_id, d.state, d.channel, d.language, d.reason
),
"""
    + contact.unused("ended")
    + """,
{}
SELECT count(*) FROM ended
"""
)

# In the order in which whoever withdraws many messages takes them. What may have arrived at an earlier try keeps the
# contact of its day. The update finds them by key, not among their slice.
_GIVE_CONTACTS_BACK = (
    """
WITH waiting AS MATERIALIZED (
    SELECT plan_id, customer_id, reference, contact_day, may_repeat FROM delivery
    WHERE plan_id = $1 AND slice = $2 AND state = 'PENDING' AND contact_day IS NOT NULL AND NOT may_repeat
    ORDER BY customer_id, reference
    FOR NO KEY UPDATE
),
"""
    + contact.unused("waiting")
    + """
UPDATE delivery d SET contact_day = NULL FROM waiting w
WHERE d.plan_id = w.plan_id AND d.customer_id = w.customer_id AND d.reference = w.reference
"""
)
