"""Claims of coupons: taking one within its limits, and what a customer has taken (R15).

A claim is a row numbered per customer and coupon, so the customer's limit is its primary key; the total is
a counter on the coupon that moves in the same transaction and never past its limit.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from models import coupon, database
from models.clock import now
from models.coupon import Coupon
from models.coupon.terms import CouponStatus
from models.coupon.visibility import can_see
from models.errors import ErrorCode, Refused, refuse
from models.message import MessageKey
from models.page import Ordering, Page
from models.webhook import fact
from models.webhook.fact import WebhookFact

NEWEST_FIRST = Ordering(
    "claims", (("claimed_at", "timestamptz"), ("coupon_id", "integer"), ("number", "integer")), descending=True
)


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim of one customer: its secret `code`, the message that led to it, and what became of it.

    `discount` is what it took off the order, in minor units of the shop's currency.
    """

    customer_id: UUID
    coupon_id: int
    number: int
    code: str
    claimed_at: datetime
    plan_id: int | None
    reference: str | None
    order_id: UUID | None
    redeemed_at: datetime | None
    discount: int | None

    def told(self) -> dict[str, Any]:
        """What webhooks are told of it; its code is the customer's secret."""
        led_by = (self.plan_id, self.reference) if self.plan_id is not None else None
        return {"customer": self.customer_id, "coupon": self.coupon_id, "number": self.number, "message": led_by}


async def claim(customer_id: UUID, coupon_id: int, *, message: MessageKey | None = None) -> Claim:
    """Claim a coupon for a customer, who must be able to see it, within its limits.

    The claim remembers `message`, or else the latest message that brought the coupon, if any did.
    """
    at = now()
    async with database.transaction():
        await coupon.hold_terms(coupon_id)
        own = await Coupon.get_or_none(id=coupon_id)
        if own is None or not await can_see(own, customer_id):
            raise refuse("id", "There is no such coupon.", ErrorCode.NOT_FOUND)
        _check_running(own.status(at))
        led_by = await _message(customer_id, coupon_id, message)
        taken = await _insert(own, customer_id, led_by, at)
        await fact.tell(own.shop_id, WebhookFact.COUPON_CLAIMED, taken.told(), at)
        if not await database.execute(_COUNT, coupon_id, at):
            await own.refresh_from_db()
            _check_running(own.status(at))
            raise _sold_out()
        return taken


async def claims(customer_id: UUID, page: Page) -> list[Claim]:
    """A page of a customer's claims, in `NEWEST_FIRST`; one more than its size when there are more."""
    where, tail, arguments = page.clause(2)
    rows = await database.fetch(f"{CLAIMS} WHERE customer_id = $1 AND {where} {tail}", customer_id, *arguments)
    return [Claim(*row) for row in rows]


async def count(customer_id: UUID) -> int:
    """How many claims a customer has."""
    total: int = await database.fetch_value("SELECT count(*) FROM claim WHERE customer_id = $1", customer_id)
    return total


async def own_counts(asked: Sequence[tuple[UUID, int]]) -> list[int]:
    """How many claims each of these (customer, coupon) has."""
    rows = await database.fetch(
        "SELECT customer_id, coupon_id, count(*) AS count FROM unnest($1::uuid[], $2::int[]) AS a(customer_id, coupon_id)"
        " JOIN claim USING (customer_id, coupon_id) GROUP BY customer_id, coupon_id",
        [customer_id for customer_id, _ in asked],
        [coupon_id for _, coupon_id in asked],
    )
    found = {(row["customer_id"], row["coupon_id"]): row["count"] for row in rows}
    return [found.get(key, 0) for key in asked]


async def find(customer_id: UUID, coupon_id: int, number: int) -> Claim | None:
    """The customer's claim of a coupon with this number."""
    row = await database.fetch_one(
        f"{CLAIMS} WHERE customer_id = $1 AND coupon_id = $2 AND number = $3", customer_id, coupon_id, number
    )
    return Claim(*row) if row else None


def _check_running(status: CouponStatus) -> None:
    if status is CouponStatus.SOLD_OUT:
        raise _sold_out()
    if status is not CouponStatus.RUNNING:
        message = f"This coupon is {status}; only a RUNNING one can be claimed."
        raise refuse("id", message, ErrorCode.COUPON_NOT_RUNNING, rule="R15")


def _sold_out() -> Refused:
    return refuse("id", "All of this coupon's claims are taken.", ErrorCode.COUPON_SOLD_OUT, rule="R15")


async def _message(customer_id: UUID, coupon_id: int, asked: MessageKey | None) -> MessageKey | None:
    """The message that led to the claim: the one asked for, or the latest that carried the coupon."""
    plan_id, reference = (asked.plan_id, asked.reference) if asked else (None, None)
    row = await database.fetch_one(_MESSAGE, customer_id, coupon_id, plan_id, reference)
    if row is None and asked is not None:
        raise refuse("messageId", "There is no such message with this coupon.", ErrorCode.NOT_FOUND)
    return MessageKey(row["plan_id"], customer_id, row["reference"]) if row else None


async def _insert(own: Coupon, customer_id: UUID, led_by: MessageKey | None, at: datetime) -> Claim:
    """The customer's next claim. Two at once want the same number: the second waits, then takes the next one."""
    for _ in range(own.customer_limit + 1):
        row = await database.fetch_one(
            _INSERT,
            customer_id,
            own.id,
            own.shop_id,
            coupon.draw_code(),
            at,
            led_by.plan_id if led_by else None,
            led_by.reference if led_by else None,
            own.customer_limit,
        )
        if row is not None:
            return Claim(*row)
        if (await own_counts([(customer_id, own.id)]))[0] >= own.customer_limit:
            break
    message = f"A customer can claim this coupon {own.customer_limit} times, and this one has."
    raise refuse("id", message, ErrorCode.CLAIM_LIMIT_REACHED, rule="R15")


COLUMNS = ", ".join(field.name for field in fields(Claim))
"""SQL of the columns that Claim is made of, in its order."""

CLAIMS = f"SELECT {COLUMNS} FROM claim"
"""The same of all claims, to be narrowed by a WHERE."""

_MESSAGE = """
SELECT d.plan_id, d.reference FROM (
    SELECT d.plan_id, d.reference, d.sent_at FROM coupon c
    JOIN plan_coupon p ON p.shop_id = c.shop_id AND p.coupon_id = c.id
    JOIN delivery d ON d.plan_id = p.plan_id AND d.variant = p.variant AND d.customer_id = $1 AND d.state = 'SENT'
    WHERE c.id = $2
    UNION ALL
    SELECT plan_id, reference, sent_at FROM delivery
    WHERE customer_id = $1 AND channel = 'CHAT' AND state = 'SENT' AND (frozen ->> 'couponId')::int = $2) AS d
WHERE $3::integer IS NULL OR (d.plan_id = $3 AND d.reference = $4::text)
ORDER BY d.sent_at DESC, d.plan_id DESC LIMIT 1
"""

_INSERT = f"""
INSERT INTO claim (customer_id, coupon_id, number, shop_id, code, claimed_at, plan_id, reference)
SELECT $1, $2, had + 1, $3, $4, $5, $6, $7
FROM (SELECT count(*)::smallint AS had FROM claim WHERE customer_id = $1 AND coupon_id = $2) h WHERE had < $8::integer
ON CONFLICT (customer_id, coupon_id, number) DO NOTHING
RETURNING {COLUMNS}
"""

# The last statement of the transaction: everybody who claims this coupon waits for this row.
_COUNT = """
UPDATE coupon SET claimed = claimed + 1
WHERE id = $1 AND claimed < total_limit AND ended_at IS NULL AND starts_at <= $2 AND ends_at > $2
"""
