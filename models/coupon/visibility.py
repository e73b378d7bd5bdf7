"""Which coupons a customer can see: REGULAR ones all, TARGETED ones their segment, PRIVATE ones who got them (R15)."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from models import database
from models.clock import now
from models.condition import compile_condition
from models.coupon import Coupon
from models.page import Ordering, Page

BY_COUPON = Ordering("coupons", (("c.id", "integer"),), descending=True)


async def visible(shop_id: int, customer_id: UUID, page: Page) -> list[int]:
    """Ids of a shop's coupons that run and that this customer can see, in `BY_COUPON` (one more than the page's size).

    Everybody sees a REGULAR one; a TARGETED one who is in its segment at this moment; any of them, PRIVATE
    ones too, who got a message that carries it. All of it is decided by one statement.
    """
    where, tail, paging = page.clause(4)
    return await _seen(shop_id, customer_id, f"({_CLAIMABLE}) AND {where}", tail, paging)


async def visible_count(shop_id: int, customer_id: UUID) -> int:
    """How many of a shop's coupons run and can be seen by this customer."""
    return len(await _seen(shop_id, customer_id, _CLAIMABLE, "", []))


async def can_see(own: Coupon, customer_id: UUID) -> bool:
    """Whether this customer can see the coupon, running or not."""
    return bool(await _seen(own.shop_id, customer_id, "c.id = $4", "", [own.id]))


async def _seen(shop_id: int, customer_id: UUID, only: str, tail: str, more: Sequence[Any]) -> list[int]:
    """Ids of the shop's coupons that the customer can see and that meet `only`, SQL with $3 the time and $4… `more`."""
    at = now()
    arguments = [shop_id, customer_id, at, *more]
    memberships = ["SELECT NULL::integer"]
    for row in await database.fetch(_TARGETED.format(only=only), *arguments):
        members = compile_condition(
            database.decode(row["definition"]), shop_id=shop_id, now=at, first_parameter=len(arguments) + 1
        )
        arguments += members.arguments
        memberships.append(f"SELECT {row['id']:d} FROM ({members.sql}) m WHERE m.customer_id = $2")
    seen = _SEEN.format(only=only, memberships=" UNION ALL ".join(memberships))
    return [row["id"] for row in await database.fetch(f"{seen} {tail}", *arguments)]


_CLAIMABLE = """c.ended_at IS NULL AND c.starts_at <= $3 AND c.ends_at > $3 AND (
    c.claimed < c.total_limit OR EXISTS (SELECT FROM claim x WHERE x.customer_id = $2 AND x.coupon_id = c.id))"""

_TARGETED = """
SELECT DISTINCT s.id, s.definition::text AS definition FROM coupon c JOIN segment s ON s.id = c.segment_id
WHERE c.shop_id = $1 AND $2::uuid IS NOT NULL AND $3::timestamptz IS NOT NULL AND {only}
"""

_SEEN = """
SELECT c.id FROM coupon c
WHERE c.shop_id = $1 AND $3::timestamptz IS NOT NULL AND {only} AND (
    c.visibility = 'REGULAR'
    OR c.segment_id IN ({memberships})
    OR EXISTS (
        SELECT FROM plan_coupon p
        JOIN delivery d ON d.plan_id = p.plan_id AND d.variant = p.variant AND d.customer_id = $2::uuid
        WHERE p.shop_id = c.shop_id AND p.coupon_id = c.id AND d.state = 'SENT')
    OR EXISTS (
        SELECT FROM delivery d WHERE d.customer_id = $2::uuid AND d.channel = 'CHAT' AND d.state = 'SENT'
          AND d.shop_id = c.shop_id AND (d.frozen ->> 'couponId')::int = c.id))
"""
