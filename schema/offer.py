"""Coupons, as shoppers see them: what a shop offers them, and what they have claimed."""

from datetime import datetime
from typing import TypeAlias

import strawberry

from models.coupon import claim as models
from models.coupon.terms import CouponStatus
from resolvers import global_id
from resolvers import offer as resolvers
from resolvers.context import Info
from resolvers.long import Long
from schema.coupon import money
from schema.money import Money
from schema.user_error import UserError

Root: TypeAlias = strawberry.Parent[resolvers.Offer]
ClaimRoot: TypeAlias = strawberry.Parent[models.Claim]


def _name(root: Root) -> str:
    name: str = root.coupon.name
    return name


def _percentage(root: Root) -> int | None:
    percentage: int | None = root.coupon.percentage
    return percentage


def _amount(root: Root) -> Money | None:
    amount = root.coupon.amount
    return None if amount is None else Money(amount=Long(amount), currency=root.shop.currency)


def _minimum_spend(root: Root) -> Money | None:
    minimum = root.coupon.minimum_spend
    return Money(amount=Long(minimum), currency=root.shop.currency) if minimum else None


def _starts_at(root: Root) -> datetime:
    at: datetime = root.coupon.starts_at
    return at


def _ends_at(root: Root) -> datetime:
    at: datetime = root.coupon.ends_at
    return at


@strawberry.type(description="A coupon, as the shopper sees it.")
class Offer:
    """What a shop offers a shopper."""

    id: strawberry.ID = strawberry.field(resolver=resolvers.identify, description="Opaque id, for couponClaim.")
    name: str = strawberry.field(resolver=_name, description="What it is called.")
    gives: str = strawberry.field(
        resolver=resolvers.gives, description="What it takes off, as the shopper's language writes it: 10%, $5."
    )
    percentage: int | None = strawberry.field(
        resolver=_percentage, description="Percent off; null when it gives a fixed amount."
    )
    amount: Money | None = strawberry.field(
        resolver=_amount, description="Fixed amount off; null when it gives a percentage."
    )
    minimum_spend: Money | None = strawberry.field(
        resolver=_minimum_spend, description="Orders below this cannot use it; null when any can."
    )
    starts_at: datetime = strawberry.field(resolver=_starts_at, description="From when it can be used.")
    ends_at: datetime = strawberry.field(resolver=_ends_at, description="When it can no longer be used.")
    status: CouponStatus = strawberry.field(resolver=resolvers.status, description="Where it stands now.")
    claims_left: int = strawberry.field(
        resolver=resolvers.claims_left, description="How often the shopper can still claim it."
    )


def _identify(root: ClaimRoot) -> strawberry.ID:
    return global_id.encode("Claim", root.customer_id, root.coupon_id, root.number)


async def _discount(info: Info, root: ClaimRoot) -> Money | None:
    coupon = await info.context.loaders.coupon.load(root.coupon_id)
    return await money(info, coupon.shop_id, root.discount) if coupon else None


@strawberry.type(description="A coupon that the shopper has claimed.")
class Claim:
    """One claim."""

    id: strawberry.ID = strawberry.field(resolver=_identify, description="Opaque id.")
    code: str = strawberry.field(description="What the checkout asks for; it is this claim's alone.")
    offer = strawberry.field(
        resolver=resolvers.offer_of,
        graphql_type=Offer | None,
        description="What was claimed; null only beside an error.",
    )
    claimed_at: datetime = strawberry.field(description="When it was claimed.")
    redeemed_at: datetime | None = strawberry.field(description="When it was used with an order; null while unused.")
    discount: Money | None = strawberry.field(
        resolver=_discount, description="What it took off that order; null while unused."
    )


@strawberry.type(description="What became of couponClaim.")
class CouponClaimPayload:
    """The new claim, or why there is none."""

    claim: Claim | None = strawberry.field(description="The claim; null when it was refused.")
    user_errors: list[UserError] = strawberry.field(description="What to mend; empty when it was claimed.")


@strawberry.type(description="What became of couponRedeem.")
class CouponRedeemPayload:
    """The redeemed claim, or why it is not."""

    claim: Claim | None = strawberry.field(description="The claim; null when it was refused.")
    user_errors: list[UserError] = strawberry.field(description="What to mend; empty when it was redeemed.")
