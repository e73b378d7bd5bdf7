"""Answers to shoppers about coupons: which they can see, what they have claimed; and redeeming by the platform."""

from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias
from uuid import UUID

import strawberry

from models import database, erasure, language
from models.caller import Action
from models.clock import now
from models.coupon import Coupon, redemption, visibility
from models.coupon import claim as claims_of_customer
from models.coupon.claim import Claim
from models.coupon.terms import CouponStatus
from models.errors import Refused
from models.identifier import customer_id as customer_of
from models.message import MessageKey
from models.page import page_of
from models.shop import Shop
from resolvers import global_id
from resolvers.connection import After, Before, Connection, First, Last, connect
from resolvers.context import Info
from resolvers.message import key_of
from resolvers.money import MoneyInput, minor_units
from resolvers.mutation import IDEMPOTENCY_KEY, Kept, Payload, answer


@dataclass(frozen=True, slots=True)
class Offer:
    """A coupon as one shopper sees it."""

    coupon: Coupon
    shop: Shop
    customer_id: UUID


Root: TypeAlias = strawberry.Parent[Offer]


@strawberry.input(description="A coupon that the shopper wants.")
class CouponClaimInput:
    """What `couponClaim` takes."""

    id: strawberry.ID = strawberry.field(description="Id of an offer.")
    message_id: strawberry.ID | None = strawberry.field(
        default=None, description="Global id of the message that led to it; the latest that carried it, when left out."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.input(description="A claim used with an order.")
class CouponRedeemInput:
    """What `couponRedeem` takes."""

    shop: str = strawberry.field(description="External id of the shop.")
    customer: str = strawberry.field(description="External id of the customer.")
    code: str = strawberry.field(description="The claim's code.")
    order: str = strawberry.field(description="External id of the order, which has been written before.")
    discount: MoneyInput = strawberry.field(description="What the coupon took off the order.")
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


async def offers(
    info: Info,
    *,
    shop_id: Annotated[
        strawberry.ID, strawberry.argument(description="Global id of a shop, as its messages' sender has it.")
    ],
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> Connection[Offer]:
    """What a shop offers the shopper now, newest first; an unknown shop offers nothing."""
    customer_id = info.context.customer(Action.USE_COUPONS)
    page = page_of(visibility.BY_COUPON, first=first, after=after, last=last, before=before)
    loaders, number = info.context.loaders, global_id.integer(shop_id, "Shop")
    shop = await loaders.shop_by_id.load(number) if number else None
    known = shop.id if shop else global_id.NO_ROW
    found = await loaders.coupon.load_many(await visibility.visible(known, customer_id, page))
    rows = [Offer(coupon, shop, customer_id) for coupon in found if coupon is not None and shop is not None]
    return connect(
        page,
        rows,
        lambda offer: (offer.coupon.id,),
        lambda: visibility.visible_count(known, customer_id),
    )


async def claims(
    info: Info, *, first: First = None, after: After = None, last: Last = None, before: Before = None
) -> Connection[Claim]:
    """The shopper's claims, newest first."""
    customer_id = info.context.customer(Action.USE_COUPONS)
    page = page_of(claims_of_customer.NEWEST_FIRST, first=first, after=after, last=last, before=before)
    return connect(
        page,
        await claims_of_customer.claims(customer_id, page),
        lambda claim: (claim.claimed_at, claim.coupon_id, claim.number),
        lambda: claims_of_customer.count(customer_id),
    )


def identify(root: Root) -> strawberry.ID:
    """An offer's id."""
    return global_id.encode("Offer", root.coupon.id)


def gives(info: Info, root: Root) -> str:
    """What an offer takes off, in the shopper's language."""
    wanted = language.accepted(info.context.accept_language)
    return root.coupon.terms.gives(root.shop.currency, wanted[0] if wanted else root.shop.default_language)


def status(root: Root) -> CouponStatus:
    """Where an offer stands now."""
    return root.coupon.status(now())


async def claims_left(info: Info, root: Root) -> int:
    """How often the shopper can still claim an offer: one that has ended no more."""
    if root.coupon.status(now()) is CouponStatus.ENDED:
        return 0
    had = await info.context.loaders.own_claims.load((root.customer_id, root.coupon.id))
    coupon = root.coupon
    return max(0, min(coupon.customer_limit - had, coupon.total_limit - coupon.claimed))


async def offer_of(info: Info, root: strawberry.Parent[Claim]) -> Offer | None:
    """What was claimed."""
    coupon = await info.context.loaders.coupon.load(root.coupon_id)
    shop = await info.context.loaders.shop_by_id.load(coupon.shop_id) if coupon else None
    return Offer(coupon, shop, root.customer_id) if coupon and shop else None


async def claim(info: Info, input: CouponClaimInput) -> Payload:
    """Claim a coupon for the shopper."""
    customer_id = info.context.customer(Action.USE_COUPONS)

    async def work() -> Claim:
        coupon_id = global_id.integer(input.id, "Offer")
        if coupon_id is None:
            raise global_id.missing("id", "coupon")
        message = _message(input.message_id, customer_id)
        return await claims_of_customer.claim(customer_id, coupon_id, message=message)

    return await answer(info, input, CLAIM, work)


def _message(identifier: strawberry.ID | None, customer_id: UUID) -> MessageKey | None:
    if identifier is None:
        return None
    key = key_of(identifier, customer_id)
    if key is None:
        raise global_id.missing("messageId", "message")
    return key


async def redeem(info: Info, input: CouponRedeemInput) -> Payload:
    """Use a claim with an order."""
    info.context.platform(Action.REDEEM_COUPONS)

    async def work() -> Claim:
        shop = await info.context.named_shop(input.shop)
        discount = minor_units(shop, input.discount, "discount")
        customer = customer_of(input.customer)
        async with database.transaction():
            if await erasure.among(lambda: [customer], secret=info.context.settings.secret):
                raise Refused([erasure.problem("customer")])
            return await redemption.redeem(shop, customer, input.code, order=input.order, discount=discount)

    return await answer(info, input, CLAIM, work)


def _keep(claimed: Claim) -> Any:
    return [str(claimed.customer_id), claimed.coupon_id, claimed.number]


async def _load(kept: Any) -> Claim:
    customer_id, coupon_id, number = kept
    found = await claims_of_customer.find(UUID(customer_id), coupon_id, number)
    assert found is not None  # claims are never deleted
    return found


CLAIM: Kept[Claim] = Kept("claim", _keep, _load)
