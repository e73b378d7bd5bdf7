"""Answers about a shop's coupons, and what sellers do with them."""

from typing import Annotated, Any, TypeAlias

import strawberry

from models import coupon as coupons_of_shop
from models.caller import Action
from models.clock import now
from models.coupon import Coupon
from models.coupon.terms import CouponStatus, CouponVisibility
from models.page import page_of, rows_by_id
from models.plan import Plan
from models.product import Product
from models.segment import Segment
from models.shop import Shop
from resolvers import global_id
from resolvers.connection import After, Before, Connection, First, Last, connect
from resolvers.context import Info
from resolvers.coupon_input import (
    CouponCreateInput,
    CouponEndInput,
    CouponUpdateInput,
    PlanCreateFromCouponInput,
    changed,
    terms_of,
)
from resolvers.mutation import Kept, Payload, answer
from resolvers.plan import PLAN
from resolvers.shop import own_row

CouponId: TypeAlias = Annotated[strawberry.ID, strawberry.argument(description="Global id of a coupon.")]


async def _load(coupon_id: Any) -> Coupon:
    return await Coupon.get(id=coupon_id)


COUPON: Kept[Coupon] = Kept("coupon", lambda coupon: coupon.id, _load)


async def coupons(
    info: Info,
    *,
    status: Annotated[
        list[CouponStatus] | None,
        strawberry.argument(description="Only coupons that stand so now; all when left out or empty."),
    ] = None,
    visibility: Annotated[
        CouponVisibility | None, strawberry.argument(description="Only coupons of this kind.")
    ] = None,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> Connection[Coupon]:
    """The shop's coupons, newest first."""
    shop = await info.context.shop(Action.READ_SHOP)
    page = page_of(coupons_of_shop.NEWEST_FIRST, first=first, after=after, last=last, before=before)
    query = coupons_of_shop.listed(shop.id, now(), statuses=status or (), visibility=visibility)
    return connect(page, await rows_by_id(query, page), lambda coupon: (coupon.id,), query.count)


async def coupon(info: Info, id: CouponId) -> Coupon | None:
    """One of the shop's coupons."""
    shop = await info.context.shop(Action.READ_SHOP)
    return await own_row(info.context.loaders.coupon, shop, global_id.integer(id, "Coupon"))


async def find(info: Info, key: str) -> Coupon | None:
    """The shop's coupon with this key."""
    shop = await info.context.shop(Action.READ_SHOP)
    return await own_row(info.context.loaders.coupon, shop, global_id.integer_of(key))


async def _own_or_refuse(shop: Shop, coupon_id: strawberry.ID, field: str = "id") -> Coupon:
    number = global_id.integer(coupon_id, "Coupon")
    own = await coupons_of_shop.of_shop(shop.id, number) if number else None
    if own is None:
        raise global_id.missing(field, "coupon")
    return own


def identify(root: strawberry.Parent[Coupon]) -> strawberry.ID:
    """A coupon's global id."""
    return global_id.encode("Coupon", root.id)


def status_of(root: strawberry.Parent[Coupon]) -> CouponStatus:
    """Where a coupon stands now."""
    return root.status(now())


async def segment(info: Info, root: strawberry.Parent[Coupon]) -> Segment | None:
    """The segment that sees a coupon."""
    return await info.context.loaders.segment.load(root.segment_id) if root.segment_id else None


async def products(info: Info, root: strawberry.Parent[Coupon]) -> list[Product]:
    """The products a coupon is for."""
    found = await info.context.loaders.product.load_many([(root.shop_id, each) for each in root.product_ids])
    return [product for product in found if product is not None]


async def of_plan(info: Info, root: strawberry.Parent[Plan]) -> Coupon | None:
    """The coupon that a plan carries."""
    return await info.context.loaders.coupon.load(root.coupon_id) if root.coupon_id else None


async def create(info: Info, input: CouponCreateInput) -> Payload:
    """Create a coupon."""
    shop = await info.context.shop(Action.CHANGE_SHOP)
    actor = info.context.actor

    async def work() -> Coupon:
        return await Coupon.open(shop, terms_of(shop, input), actor=actor)

    return await answer(info, input, COUPON, work)


async def update(info: Info, input: CouponUpdateInput) -> Payload:
    """Change a coupon."""
    shop = await info.context.shop(Action.CHANGE_SHOP)

    async def work() -> Coupon:
        own = await _own_or_refuse(shop, input.id)
        return await own.edit(shop, lambda terms: changed(shop, terms, input))

    return await answer(info, input, COUPON, work)


async def end(info: Info, input: CouponEndInput) -> Payload:
    """End a coupon."""
    shop = await info.context.shop(Action.CHANGE_SHOP)

    async def work() -> Coupon:
        return await (await _own_or_refuse(shop, input.id)).end(even_if_promised=input.even_if_promised)

    return await answer(info, input, COUPON, work)


async def make_known(info: Info, input: PlanCreateFromCouponInput) -> Payload:
    """Draft a plan from a running coupon."""
    shop = await info.context.shop(Action.CHANGE_SHOP)
    actor = info.context.actor
    segment_id = global_id.optional(input.segment_id, "Segment")

    async def work() -> Plan:
        own = await _own_or_refuse(shop, input.coupon_id, "couponId")
        return await Plan.draft_from(shop, own, segment_id=segment_id, actor=actor)

    return await answer(info, input, PLAN, work)
