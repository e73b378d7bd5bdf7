"""Coupons of a shop: created, changed as far as nobody was promised otherwise, and ended (R15)."""

import secrets
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.contrib.postgres.fields import ArrayField
from tortoise.expressions import F, Q
from tortoise.models import Model
from tortoise.queryset import QuerySet

from models import database, product
from models.advisory_lock import AdvisoryLock
from models.clock import now, readable
from models.content_rule import violation
from models.coupon import terms as coupon_terms
from models.coupon.terms import CouponStatus, CouponTerms, CouponVisibility
from models.errors import MOST_NAMED, ErrorCode, Problem, Refused, named, refuse
from models.page import Ordering
from models.segment import Segment
from models.shop import Shop

MAX_OPEN = 200
"""Coupons of a shop that have not ended."""

NEWEST_FIRST = Ordering("coupon", (("id", "integer"),), descending=True)

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CODE_LENGTH = 16


class Coupon(Model):
    """One coupon of one shop. `claimed` never passes `total_limit`: the database sees to it."""

    id = fields.IntField(primary_key=True)
    shop: fields.ForeignKeyRelation[Shop] = fields.ForeignKeyField("models.Shop", related_name=False)
    shop_id: int
    name = fields.TextField()
    code = fields.TextField()
    visibility = fields.CharEnumField(CouponVisibility)
    segment: fields.ForeignKeyNullableRelation[Segment] = fields.ForeignKeyField(
        "models.Segment", related_name=False, null=True
    )
    segment_id: int | None
    percentage = fields.SmallIntField(null=True)
    amount = fields.BigIntField(null=True)
    minimum_spend = fields.BigIntField(default=0)
    product_ids: list[UUID] = ArrayField(element_type="uuid")
    starts_at = fields.DatetimeField()
    ends_at = fields.DatetimeField()
    total_limit = fields.IntField()
    customer_limit = fields.IntField()
    claimed = fields.IntField(default=0)
    ended_at = fields.DatetimeField(null=True)
    created_by = fields.TextField()
    created_at = fields.DatetimeField()
    updated_at = fields.DatetimeField()

    class Meta:
        table = "coupon"

    @property
    def terms(self) -> CouponTerms:
        """What it gives, as a value."""
        return CouponTerms(
            name=self.name, visibility=self.visibility, starts_at=self.starts_at, ends_at=self.ends_at,
            total_limit=self.total_limit, customer_limit=self.customer_limit, percentage=self.percentage,
            amount=self.amount, minimum_spend=self.minimum_spend, segment_id=self.segment_id,
            product_ids=tuple(self.product_ids), code=self.code,
        )  # fmt: skip

    def status(self, at: datetime) -> CouponStatus:
        """Where it stands at `at`."""
        return coupon_terms.status(self.terms, claimed=self.claimed, ended_at=self.ended_at, at=at)

    def not_running(self, at: datetime) -> list[Problem]:
        """What keeps a plan that starts at `at` from carrying it; nothing when it runs then."""
        status = self.status(at)
        if status is CouponStatus.RUNNING:
            return []
        code = ErrorCode.COUPON_SOLD_OUT if status is CouponStatus.SOLD_OUT else ErrorCode.COUPON_NOT_RUNNING
        message = (
            f"The coupon is {status} when the plan starts ({readable(at)}); it is valid from"
            f" {readable(self.starts_at)} to {readable(self.ended_at or self.ends_at)}."
        )
        return [Problem(("couponId",), message, code, "R15")]

    @classmethod
    async def open(cls, shop: Shop, terms: CouponTerms, *, actor: str) -> "Coupon":
        """Create a coupon of `shop`; `actor` is who asked. Refused when anything in it cannot be."""
        at = now()
        async with database.transaction():
            await _lock_coupons(shop.id)
            await _check(shop, terms, at)
            if await cls.filter(shop_id=shop.id, ended_at=None, ends_at__gt=at).count() >= MAX_OPEN:
                raise refuse("", f"A shop has at most {MAX_OPEN} coupons that have not ended.", ErrorCode.TOO_MANY)
            return await cls.create(
                shop_id=shop.id, created_by=actor, created_at=at, updated_at=at, **_columns(terms, draw_code())
            )

    async def edit(self, shop: Shop, change: Callable[[CouponTerms], CouponTerms]) -> "Coupon":
        """Let its terms be what `change` makes of those that hold, which nobody else changes meanwhile.

        Once it is claimed or promised in a submitted plan they only change for the better.
        """
        at = now()
        async with database.transaction():
            await _lock_coupons(shop.id)
            known = await Coupon.filter(id=self.id).select_for_update(no_key=True).get()
            terms = change(known.terms)
            if known.status(at) is CouponStatus.ENDED:
                raise refuse("id", "An ended coupon no longer changes.", ErrorCode.COUPON_NOT_RUNNING, rule="R15")
            if known.claimed or await _is_promised(self.id):
                problems = coupon_terms.fixed(known.terms, terms, claimed=known.claimed)
                if problems:
                    raise Refused(problems)
            keeps_code = terms.visibility is known.visibility or terms.visibility is not CouponVisibility.PRIVATE
            if terms.code == known.code:
                terms = replace(terms, code=None)
            await _check(shop, terms, at, kept=known.terms)
            code = known.code if keeps_code else draw_code()
            await Coupon.filter(id=self.id).update(updated_at=at, **_columns(terms, code))
        return await Coupon.get(id=self.id)

    async def end(self, *, even_if_promised: bool = False) -> "Coupon":
        """Let nobody claim it any more; what is claimed stays good until its end. Refused when it has ended.

        Refused as well, saying which, while plans are to go that promise it, unless `even_if_promised`: their messages
        are what they were at the submit, so their readers could not claim it.
        """
        at = now()
        async with database.transaction():
            # A plan that carries it may be submitted just now.
            known = await Coupon.filter(id=self.id).select_for_update(no_key=True).get()
            if known.status(at) is CouponStatus.ENDED:
                raise refuse("id", "This coupon has ended already.", ErrorCode.COUPON_NOT_RUNNING, rule="R15")
            if not even_if_promised and (promising := await _going_plans(self.id)):
                message = f"Plans that still go out promise it: {named(promising)}."
                remedy = "Cancel them first, or end it with evenIfPromised."
                raise refuse("id", f"{message} {remedy}", ErrorCode.CONFLICT, rule="R15")
            await Coupon.filter(id=self.id).update(ended_at=at, updated_at=at)
        return await Coupon.get(id=self.id)


def draw_code() -> str:
    """A code of 80 random bits in Crockford's base32: nobody guesses it."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_CODE_LENGTH))


async def of_shop(shop_id: int, coupon_id: int) -> Coupon | None:
    """The shop's coupon with this id."""
    return await Coupon.get_or_none(id=coupon_id, shop_id=shop_id)


async def hold_terms(coupon_id: int) -> None:
    """Let the coupon's terms not change until the transaction ends; others may claim it meanwhile."""
    shop_id = await database.fetch_value("SELECT shop_id FROM coupon WHERE id = $1", coupon_id)
    if shop_id is not None:
        await database.hold(AdvisoryLock.COUPON, shop_id, shared=True)


async def hold(coupon_id: int) -> None:
    """Let the coupon neither change nor be claimed until the transaction ends, so that a plan may promise them."""
    await database.execute("SELECT FROM coupon WHERE id = $1 FOR SHARE", coupon_id)


def listed(
    shop_id: int, at: datetime, *, statuses: Collection[CouponStatus] = (), visibility: CouponVisibility | None = None
) -> QuerySet[Coupon]:
    """The shop's coupons; with `statuses` those that stand so at `at`, with `visibility` those of that kind."""
    query = Coupon.filter(shop_id=shop_id)
    if visibility is not None:
        query = query.filter(visibility=visibility)
    return query.filter(Q(*(_stands(status, at) for status in statuses), join_type=Q.OR)) if statuses else query


def _stands(status: CouponStatus, at: datetime) -> Q:
    """The rule of `coupon_terms.status`, as a condition."""
    over = Q(ended_at__isnull=False) | Q(ends_at__lte=at)
    sold_out = Q(claimed__gte=F("total_limit"))
    match status:
        case CouponStatus.ENDED:
            return over
        case CouponStatus.UPCOMING:
            return ~over & Q(starts_at__gt=at)
        case CouponStatus.SOLD_OUT:
            return ~over & Q(starts_at__lte=at) & sold_out
        case CouponStatus.RUNNING:
            return ~over & Q(starts_at__lte=at) & ~sold_out


async def _check(shop: Shop, terms: CouponTerms, at: datetime, *, kept: CouponTerms | None = None) -> None:
    """Refuse terms that cannot be, or a name that leads its reader out of the shop (R13).

    `kept` are those it has already: its segment may have been archived since.
    """
    name = terms.name.strip()[: coupon_terms.MAX_NAME_LENGTH]
    found = [*coupon_terms.problems(terms, at), *violation.problems_of(("name",), name)]
    is_new = terms.segment_id is not None and (kept is None or terms.segment_id != kept.segment_id)
    if is_new and not await Segment.exists(id=terms.segment_id, shop_id=shop.id, archived_at=None):
        found.append(Problem(("segmentId",), "There is no such segment.", ErrorCode.NOT_FOUND))
    found += await _unknown_products(shop.id, terms.product_ids[: coupon_terms.MAX_PRODUCTS])
    if terms.code and await Coupon.exists(shop_id=shop.id, code=terms.code):
        message = "Another coupon of the shop has this code; take another or none."
        found.append(Problem(("code",), message, ErrorCode.CONFLICT))
    if found:
        raise Refused(found)


async def _unknown_products(shop_id: int, product_ids: Sequence[UUID]) -> list[Problem]:
    known = await product.of_shop(shop_id, product_ids)
    return [
        Problem(("productIds", str(position)), "There is no such product.", ErrorCode.NOT_FOUND)
        for position, product_id in enumerate(product_ids)
        if product_id not in known
    ]


async def _lock_coupons(shop_id: int) -> None:
    """Let one change of the shop's coupons happen at a time, so that codes and their number can be checked."""
    await database.hold(AdvisoryLock.COUPON, shop_id)


async def _is_promised(coupon_id: int) -> bool:
    """Whether a plan that has been submitted carries the coupon, or a message that chose it for its reader (R16).

    Who claims waits meanwhile, so no ledger is read: the index of coupons that messages chose is entered at this one.
    """
    found: bool = await database.fetch_value(
        "SELECT EXISTS (SELECT FROM coupon c JOIN plan_coupon o ON o.shop_id = c.shop_id AND o.coupon_id = c.id"
        " JOIN plan p ON p.id = o.plan_id WHERE c.id = $1 AND p.submitted_at IS NOT NULL) OR coalesce($1 = ("
        "SELECT min((frozen ->> 'couponId')::int) FROM delivery WHERE (frozen ->> 'couponId')::int >= $1), false)",
        coupon_id,
    )
    return found


async def _going_plans(coupon_id: int) -> list[str]:
    """Names of some submitted plans that carry the coupon, or a variant of which does, and that are not over."""
    rows = await database.fetch(
        "SELECT p.name FROM plan p WHERE p.status IN ('SCHEDULED', 'ONGOING', 'PAUSED') AND p.id IN ("
        " SELECT o.plan_id FROM coupon c JOIN plan_coupon o ON o.shop_id = c.shop_id AND o.coupon_id = c.id"
        " WHERE c.id = $1) ORDER BY p.id LIMIT $2",
        coupon_id,
        MOST_NAMED + 1,
    )
    return [row["name"] for row in rows]


def _columns(terms: CouponTerms, code: str) -> dict[str, Any]:
    return {
        **asdict(terms),
        "name": terms.name.strip(),
        "product_ids": list(terms.product_ids),
        "code": terms.code or code,
    }
