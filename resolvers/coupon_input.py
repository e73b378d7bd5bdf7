"""What sellers say about coupons: the inputs of their mutations."""

from datetime import datetime
from uuid import UUID

import strawberry
from strawberry import UNSET

from models.coupon.terms import CouponTerms, CouponVisibility
from models.shop import Shop
from resolvers import global_id
from resolvers.change import or_kept, read_or_kept, refuse_nulls
from resolvers.money import MoneyInput, minor_units
from resolvers.mutation import IDEMPOTENCY_KEY


@strawberry.input(one_of=True, description="What a coupon takes off: a percentage or a fixed amount.")
class CouponDiscountInput:
    """Exactly one of the two."""

    percentage: int | None = strawberry.field(default=UNSET, description="Percent of the price, 1–100.")
    amount: MoneyInput | None = strawberry.field(default=UNSET, description="A fixed amount, in the shop's currency.")


@strawberry.input(description="A new coupon.")
class CouponCreateInput:
    """What `couponCreate` takes."""

    name: str = strawberry.field(description="What sellers and shoppers call it, 1–200 characters.")
    visibility: CouponVisibility = strawberry.field(description="Who can see it.")
    discount: CouponDiscountInput = strawberry.field(description="What it takes off.")
    starts_at: datetime = strawberry.field(description="From when it can be claimed and used.")
    ends_at: datetime = strawberry.field(description="When it can no longer be; at most 366 days after its start.")
    total_limit: int = strawberry.field(description="How often it can be claimed in all, 1–10,000,000.")
    customer_limit: int = strawberry.field(default=1, description="How often one customer can claim it, 1–100.")
    minimum_spend: MoneyInput | None = strawberry.field(
        default=None, description="Orders below this cannot use it; any can when left out."
    )
    segment_id: strawberry.ID | None = strawberry.field(
        default=None, description="Global id of the segment that sees a TARGETED coupon."
    )
    product_ids: list[strawberry.ID] = strawberry.field(
        default_factory=list, description="Global ids of the products it is for, up to 100; all when empty."
    )
    code: str | None = strawberry.field(
        default=None,
        description=(
            "4–20 capital letters, digits and, within, hyphens; drawn by the server when left out, as a PRIVATE coupon's "
            "always is."
        ),
    )
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.input(description="Changes to a coupon. What is left out stays; once promised, only for the better.")
class CouponUpdateInput:
    """What `couponUpdate` takes."""

    id: strawberry.ID = strawberry.field(description="Global id of a coupon that has not ended.")
    name: str | None = strawberry.field(default=UNSET, description="A new name, 1–200 characters.")
    visibility: CouponVisibility | None = strawberry.field(default=UNSET, description="Who can see it.")
    discount: CouponDiscountInput | None = strawberry.field(default=UNSET, description="What it takes off.")
    starts_at: datetime | None = strawberry.field(default=UNSET, description="Another start.")
    ends_at: datetime | None = strawberry.field(default=UNSET, description="Another end.")
    total_limit: int | None = strawberry.field(default=UNSET, description="How often it can be claimed in all.")
    customer_limit: int | None = strawberry.field(default=UNSET, description="How often one customer can claim it.")
    minimum_spend: MoneyInput | None = strawberry.field(default=UNSET, description="Another minimum; null for none.")
    segment_id: strawberry.ID | None = strawberry.field(default=UNSET, description="Another segment; null for none.")
    product_ids: list[strawberry.ID] | None = strawberry.field(
        default=UNSET, description="Global ids of all the products it is for; null or empty for all."
    )
    code: str | None = strawberry.field(default=UNSET, description="Another code.")
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.input(description="A coupon that nobody shall claim any more.")
class CouponEndInput:
    """What `couponEnd` takes."""

    id: strawberry.ID = strawberry.field(description="Global id of a coupon that has not ended.")
    even_if_promised: bool = strawberry.field(
        default=False,
        description=(
            "End it although plans promise it that still go out. Their messages name it all the same, and who reads"
            " them cannot claim it. Without this word that is refused with CONFLICT, saying which plans."
        ),
    )
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.input(description="A running coupon to be made known.")
class PlanCreateFromCouponInput:
    """What `planCreateFromCoupon` takes."""

    coupon_id: strawberry.ID = strawberry.field(description="Global id of a running coupon.")
    segment_id: strawberry.ID | None = strawberry.field(
        default=None, description="Global id of the audience; the coupon's own, or the shop's largest preset, without."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


def terms_of(shop: Shop, given: CouponCreateInput) -> CouponTerms:
    """The terms that an input describes."""
    percentage, amount = _discount(shop, given.discount)
    return CouponTerms(
        name=given.name,
        visibility=given.visibility,
        starts_at=given.starts_at,
        ends_at=given.ends_at,
        total_limit=given.total_limit,
        customer_limit=given.customer_limit,
        percentage=percentage,
        amount=amount,
        minimum_spend=_minimum_spend(shop, given.minimum_spend),
        segment_id=global_id.optional(given.segment_id, "Segment"),
        product_ids=_product_ids(given.product_ids),
        code=given.code,
    )


def changed(shop: Shop, known: CouponTerms, change: CouponUpdateInput) -> CouponTerms:
    """The terms with what the input names changed."""
    refuse_nulls(
        change, "name", "visibility", "discount", "starts_at", "ends_at", "total_limit", "customer_limit", "code"
    )
    percentage, amount = _discount(shop, change.discount) if change.discount else (known.percentage, known.amount)
    return CouponTerms(
        name=or_kept(change.name, known.name),
        visibility=or_kept(change.visibility, known.visibility),
        starts_at=or_kept(change.starts_at, known.starts_at),
        ends_at=or_kept(change.ends_at, known.ends_at),
        total_limit=or_kept(change.total_limit, known.total_limit),
        customer_limit=or_kept(change.customer_limit, known.customer_limit),
        percentage=percentage,
        amount=amount,
        minimum_spend=read_or_kept(
            change.minimum_spend, known.minimum_spend, lambda given: _minimum_spend(shop, given)
        ),
        segment_id=read_or_kept(
            change.segment_id, known.segment_id, lambda given: global_id.optional(given, "Segment")
        ),
        product_ids=read_or_kept(change.product_ids, tuple(known.product_ids), _product_ids),
        code=or_kept(change.code, known.code),
    )


def _discount(shop: Shop, given: CouponDiscountInput) -> tuple[int | None, int | None]:
    """(percentage, amount), one of which is None."""
    if isinstance(given.amount, MoneyInput):
        return None, minor_units(shop, given.amount, "discount", "amount")
    return given.percentage, None


def _minimum_spend(shop: Shop, given: MoneyInput | None) -> int:
    return minor_units(shop, given, "minimumSpend") if given else 0


def _product_ids(given: list[strawberry.ID] | None) -> tuple[UUID, ...]:
    return tuple(global_id.uuids(given or (), "Product"))
