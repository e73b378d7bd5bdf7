"""Coupons, as their sellers see them."""

from datetime import datetime
from typing import Any, TypeAlias

import strawberry

from models import coupon as models
from models.coupon.terms import CouponStatus, CouponVisibility
from resolvers import coupon as resolvers
from resolvers.context import Info
from resolvers.long import Long
from schema.enums import describe
from schema.money import Money
from schema.node import Node
from schema.product import Product
from schema.segment import Segment
from schema.user_error import UserError

describe(
    CouponVisibility,
    "Who can see a coupon. Whoever got a message that carries it can, whatever its kind.",
    {
        "REGULAR": "Everybody.",
        "TARGETED": "Who is in its segment.",
        "PRIVATE": "Only who got a message that carries it.",
    },
)
describe(
    CouponStatus,
    "Where a coupon stands.",
    {
        "UPCOMING": "It has not begun.",
        "RUNNING": "It can be claimed.",
        "SOLD_OUT": "All its claims are taken.",
        "ENDED": "Its time is over, or its seller ended it. What was claimed can be used until its end.",
    },
)

Root: TypeAlias = strawberry.Parent[models.Coupon]


async def money(info: Info, shop_id: int, amount: int | None) -> Money | None:
    """An amount of a shop, in its currency."""
    shop = await info.context.loaders.shop_by_id.load(shop_id)
    return None if amount is None or shop is None else Money(amount=Long(amount), currency=shop.currency)


async def _amount(info: Info, root: Root) -> Money | None:
    return await money(info, root.shop_id, root.amount)


async def _minimum_spend(info: Info, root: Root) -> Money | None:
    return await money(info, root.shop_id, root.minimum_spend or None)


@strawberry.type(description="A coupon of the caller's shop.")
class Coupon(Node):
    """One coupon, with everything that only its seller knows."""

    id: strawberry.ID = strawberry.field(resolver=resolvers.identify, description="Opaque id, unique across all types.")
    name: str = strawberry.field(description="What sellers and shoppers call it.")
    code: str = strawberry.field(description="The coupon's own code; each claim has another.")
    visibility: CouponVisibility = strawberry.field(description="Who can see it.")
    status: CouponStatus = strawberry.field(resolver=resolvers.status_of, description="Where it stands now.")
    segment = strawberry.field(
        resolver=resolvers.segment,
        graphql_type=Segment | None,
        description="Who sees it, when it is TARGETED; null otherwise.",
    )
    percentage: int | None = strawberry.field(description="Percent off; null when it gives a fixed amount.")
    amount: Money | None = strawberry.field(
        resolver=_amount, description="Fixed amount off; null when it gives a percentage."
    )
    minimum_spend: Money | None = strawberry.field(
        resolver=_minimum_spend, description="Orders below this cannot use it; null when any can."
    )
    products = strawberry.field(
        resolver=resolvers.products,
        graphql_type=list[Product],
        description="The products it is for; all when empty.",
    )
    starts_at: datetime = strawberry.field(description="From when it can be claimed and used.")
    ends_at: datetime = strawberry.field(description="When it can no longer be.")
    total_limit: int = strawberry.field(description="How often it can be claimed in all.")
    customer_limit: int = strawberry.field(description="How often one customer can claim it.")
    claimed: int = strawberry.field(description="How often it has been claimed.")
    ended_at: datetime | None = strawberry.field(description="When its seller ended it; null when they have not.")
    created_at: datetime = strawberry.field(description="When it was created.")
    updated_at: datetime = strawberry.field(description="When it was last changed.")

    @classmethod
    def is_type_of(cls, value: Any, _info: Any) -> bool:
        """Whether a row is of this type."""
        return isinstance(value, models.Coupon)


@strawberry.type(description="What became of couponCreate.")
class CouponCreatePayload:
    """The new coupon, or why there is none."""

    coupon: Coupon | None = strawberry.field(description="The new coupon; null when it was refused.")
    user_errors: list[UserError] = strawberry.field(description="What to mend; empty when it was created.")


@strawberry.type(description="What became of couponUpdate.")
class CouponUpdatePayload:
    """The changed coupon, or why it is not."""

    coupon: Coupon | None = strawberry.field(description="The changed coupon; null when it was refused.")
    user_errors: list[UserError] = strawberry.field(description="What to mend; empty when it was changed.")


@strawberry.type(description="What became of couponEnd.")
class CouponEndPayload:
    """The ended coupon, or why it is not."""

    coupon: Coupon | None = strawberry.field(description="The ended coupon; null when it was refused.")
    user_errors: list[UserError] = strawberry.field(description="What to mend; empty when it was ended.")
