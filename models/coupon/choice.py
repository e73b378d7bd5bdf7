"""Choosing smart coupons for the customers of a slice: what is known of them, read at once, then the rule (R16)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import orjson

from models import database
from models.condition import compile_condition
from models.coupon import Coupon
from models.coupon.smart import Basket, Candidate, Considered, best, consider, stored
from models.coupon.terms import CouponStatus, CouponVisibility
from models.placeholder import Json
from models.trigger import TRIGGERS, TriggerCode
from models.trigger.statement import standing


class ChosenCoupons(NamedTuple):
    """The coupons chosen for messages that wait, column by column, as the statement that loads their slice takes them.

    A message is named by its customer and reference; `gives` is in its language.
    """

    customers: Sequence[UUID]
    references: Sequence[str]
    coupons: Sequence[int | None]
    gives: Sequence[str | None]
    explanations: Sequence[Json]
    """All that were considered (models/coupon/smart.py)."""


NONE_CHOSEN = ChosenCoupons((), (), (), (), ())


@dataclass(frozen=True, slots=True)
class Recipient:
    """A customer whom a message goes to: in which language, with what in it."""

    customer_id: UUID
    reference: str
    language: str
    basket: Basket


async def chosen_for(plan_id: int, number: int, code: TriggerCode, at: datetime) -> ChosenCoupons:
    """The coupons chosen for what waits in a slice; none for plans without a smart coupon."""
    plan = await database.fetch_one(
        "SELECT p.shop_id, s.currency FROM plan p JOIN shop s ON s.id = p.shop_id WHERE p.id = $1 AND p.smart_coupon",
        plan_id,
    )
    if plan is None:
        return NONE_CHOSEN
    recipients = await _recipients(plan_id, number, code, at)
    running = await running_coupons(plan["shop_id"], at)
    choices = await choose(plan["shop_id"], running, recipients, at)
    terms = {coupon.id: coupon.terms for coupon in running}
    chosen = [best(considered) for considered in choices]
    return ChosenCoupons(
        customers=[recipient.customer_id for recipient in recipients],
        references=[recipient.reference for recipient in recipients],
        coupons=chosen,
        gives=[
            terms[each].gives(plan["currency"], recipient.language) if each is not None else None
            for recipient, each in zip(recipients, chosen, strict=True)
        ],
        explanations=[Json(orjson.dumps(stored(considered)).decode()) for considered in choices],
    )


async def running_coupons(shop_id: int, at: datetime) -> list[Coupon]:
    """The shop's coupons that run at `at`, sold out or not."""
    found = await Coupon.filter(shop_id=shop_id, ended_at=None, starts_at__lte=at, ends_at__gt=at).order_by("id")
    return [coupon for coupon in found if coupon.status(at) in (CouponStatus.RUNNING, CouponStatus.SOLD_OUT)]


async def choose(
    shop_id: int, running: Sequence[Coupon], recipients: Sequence[Recipient], at: datetime
) -> list[list[Considered]]:
    """For each recipient every running coupon with its verdict."""
    customers = sorted({recipient.customer_id for recipient in recipients})
    seen = await _seen(shop_id, running, customers, at)
    claims = await _claims(running, customers)
    return [
        consider([_candidate(coupon, recipient.customer_id, seen, claims, at) for coupon in running], recipient.basket)
        for recipient in recipients
    ]


Key = tuple[UUID, int]
"""(customer, coupon)."""


def _candidate(
    coupon: Coupon, customer_id: UUID, seen: set[Key], claims: Mapping[Key, tuple[int, bool]], at: datetime
) -> Candidate:
    key = (customer_id, coupon.id)
    count, has_unused = claims.get(key, (0, False))
    is_seen = coupon.visibility is CouponVisibility.REGULAR or key in seen
    return Candidate(coupon.id, coupon.terms, coupon.status(at) is CouponStatus.SOLD_OUT, is_seen, count, has_unused)


async def usual_of(shop_id: int, customer_id: UUID) -> int | None:
    """What the customer's orders come to on average; None without any."""
    usual: int | None = await database.fetch_value(
        f"SELECT {_USUAL} FROM relationship r WHERE r.shop_id = $1 AND r.customer_id = $2", shop_id, customer_id
    )
    return usual


async def _seen(shop_id: int, running: Sequence[Coupon], customers: Sequence[UUID], at: datetime) -> set[Key]:
    """Who can see which coupon that not everybody sees: members of its segment, and who got it in a message."""
    hidden = [coupon for coupon in running if coupon.visibility is not CouponVisibility.REGULAR]
    if not hidden:
        return set()
    rows = await database.fetch(_CARRIED, list(customers), [coupon.id for coupon in hidden], shop_id)
    carried = {(row["customer_id"], row["coupon_id"]) for row in rows}
    segments = sorted({coupon.segment_id for coupon in hidden if coupon.segment_id is not None})
    members: dict[int | None, list[UUID]] = {each: await _members(shop_id, each, customers, at) for each in segments}
    return carried | {(each, coupon.id) for coupon in hidden for each in members.get(coupon.segment_id, ())}


async def _members(shop_id: int, segment_id: int, customers: Sequence[UUID], at: datetime) -> list[UUID]:
    definition = await database.fetch_value("SELECT definition FROM segment WHERE id = $1", segment_id)
    members = compile_condition(database.decode(definition), shop_id=shop_id, now=at, first_parameter=2)
    rows = await database.fetch(
        f"SELECT customer_id FROM ({members.sql}) AS m WHERE m.customer_id = ANY($1::uuid[])",
        list(customers),
        *members.arguments,
    )
    return [row["customer_id"] for row in rows]


async def _claims(running: Sequence[Coupon], customers: Sequence[UUID]) -> dict[Key, tuple[int, bool]]:
    rows = await database.fetch(
        "SELECT customer_id, coupon_id, count(*) AS count, bool_or(order_id IS NULL) AS has_unused FROM claim"
        " WHERE customer_id = ANY($1::uuid[]) AND coupon_id = ANY($2::int[]) GROUP BY customer_id, coupon_id",
        list(customers),
        [coupon.id for coupon in running],
    )
    return {(row["customer_id"], row["coupon_id"]): (row["count"], row["has_unused"]) for row in rows}


async def _recipients(plan_id: int, number: int, code: TriggerCode, at: datetime) -> list[Recipient]:
    facts = standing(
        TRIGGERS[code].occasions, shop="p.shop_id", customer="d.customer_id", about="(d.frozen -> 'about')",
        at="$3::timestamptz", parameters="p.parameters",
    )  # fmt: skip
    rows = await database.fetch(_RECIPIENTS.format(facts=facts, usual=_USUAL), plan_id, number, at)
    return [
        Recipient(
            row["customer_id"], row["reference"], row["language"],
            Basket(dict(zip(row["product_ids"] or (), row["prices"] or (), strict=True)), row["usual"]),
        )
        for row in rows
    ]  # fmt: skip


_USUAL = "CASE WHEN r.order_count > 0 THEN r.order_amount / r.order_count END"

_CARRIED = """
SELECT DISTINCT d.customer_id, p.coupon_id
FROM plan_coupon p JOIN delivery d ON d.plan_id = p.plan_id AND d.variant = p.variant
WHERE p.shop_id = $3 AND p.coupon_id = ANY($2::int[]) AND d.customer_id = ANY($1::uuid[]) AND d.state = 'SENT'
UNION
SELECT d.customer_id, (d.frozen ->> 'couponId')::int FROM delivery d
WHERE d.customer_id = ANY($1::uuid[]) AND d.channel = 'CHAT' AND d.state = 'SENT'
  AND (d.frozen ->> 'couponId')::int = ANY($2::int[])
"""

_RECIPIENTS = """
SELECT d.customer_id, d.reference, d.language, shown.product_ids, shown.prices,
    {usual} AS usual
FROM plan p JOIN delivery d ON d.plan_id = p.id AND d.slice = $2
CROSS JOIN LATERAL ({facts}) AS occasion
LEFT JOIN LATERAL (
    SELECT array_agg(o.id) AS product_ids, array_agg(o.price) AS prices
    FROM product o WHERE o.shop_id = p.shop_id AND o.id = ANY(coalesce(occasion.product_ids, p.product_ids))) AS shown ON true
LEFT JOIN relationship r ON r.shop_id = p.shop_id AND r.customer_id = d.customer_id
WHERE p.id = $1 AND d.state = 'PENDING' AND (d.not_before IS NULL OR d.not_before <= $3)
ORDER BY d.customer_id, d.reference
"""
