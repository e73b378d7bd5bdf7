"""Smart coupons: for each customer the best coupon that they could use now on these products; none is valid (R16).

The rule is a pure function, and so is its explanation: every coupon of the shop that runs is considered, and
each says why it is the best or is not. What it is given is read set-based for a slice's customers at once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from models.coupon.terms import CouponTerms

LEAST_SPEND = 1_000
"""Where neither products nor past orders say what will be spent, it is at least this (minor units)."""

MOST_KEPT = 10
"""Coupons that the explanation of a choice is kept of."""


class Verdict(StrEnum):
    """What became of a coupon that was considered."""

    BEST = "BEST"
    SAVES_LESS = "SAVES_LESS"
    OTHER_PRODUCTS = "OTHER_PRODUCTS"
    BELOW_MINIMUM = "BELOW_MINIMUM"
    SOLD_OUT = "SOLD_OUT"
    CLAIM_LIMIT_REACHED = "CLAIM_LIMIT_REACHED"
    NOT_VISIBLE = "NOT_VISIBLE"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A running coupon as it stands for one customer.

    `is_seen`: they can see it (R15); `claims`: how many of theirs there are; `has_unused`: one is not redeemed yet.
    """

    coupon_id: int
    terms: CouponTerms
    is_sold_out: bool
    is_seen: bool
    claims: int = 0
    has_unused: bool = False


@dataclass(frozen=True, slots=True)
class Considered:
    """One coupon with its verdict, and what it would save on the spend that was reckoned with (minor units)."""

    coupon_id: int
    verdict: Verdict
    saving: int


@dataclass(frozen=True, slots=True)
class Basket:
    """What a message is about: all its products with what each costs, and what the customer usually spends."""

    prices: Mapping[UUID, int | None] = field(default_factory=dict)
    usual: int | None = None

    @property
    def known(self) -> Mapping[UUID, int]:
        """The prices that are known."""
        return {product: price for product, price in self.prices.items() if price is not None}


def consider(candidates: Sequence[Candidate], basket: Basket) -> list[Considered]:
    """Every coupon with its verdict, the best first; without a BEST the customer gets none.

    The best saves most; of equals, the one that ends first, then the older one. On products the spend is what
    they cost, as far as that is known, and a coupon of some products saves on these alone. Where a message has
    none of a known price, it is what the customer's orders come to on average, or else the highest minimum spend
    of the coupons that they could use.
    """
    spend = _spend(candidates, basket)
    judged = [
        (candidate, _obstacle(candidate, basket, spend), _saving(candidate, basket, spend)) for candidate in candidates
    ]
    usable = [
        (-saving, candidate.terms.ends_at, candidate.coupon_id)
        for candidate, obstacle, saving in judged
        if not obstacle
    ]
    best = min(usable)[2] if usable else None
    considered = [
        Considered(
            candidate.coupon_id,
            obstacle or (Verdict.BEST if candidate.coupon_id == best else Verdict.SAVES_LESS),
            0 if obstacle else saving,
        )
        for candidate, obstacle, saving in judged
    ]
    return sorted(considered, key=lambda each: (each.verdict is not Verdict.BEST, -each.saving, each.coupon_id))


def best(considered: Sequence[Considered]) -> int | None:
    """The coupon that was chosen."""
    return next((each.coupon_id for each in considered if each.verdict is Verdict.BEST), None)


def _spend(candidates: Sequence[Candidate], basket: Basket) -> int:
    """What the coupons are compared on, in minor units."""
    if known := basket.known:
        return sum(known.values())
    if basket.usual:
        return basket.usual
    minimums = [candidate.terms.minimum_spend for candidate in candidates if not _out_of_reach(candidate)]
    return max([LEAST_SPEND, *minimums])


def _saving(candidate: Candidate, basket: Basket, spend: int) -> int:
    """What the coupon takes off the spend, of which it concerns its own products."""
    known, own = basket.known, basket.prices.keys() & set(candidate.terms.product_ids)
    return candidate.terms.saving(spend, on=sum(known.get(product, 0) for product in own) if known and own else None)


def _out_of_reach(candidate: Candidate) -> Verdict | None:
    """Why the customer could not use the coupon, whatever they buy."""
    if not candidate.is_seen:
        return Verdict.NOT_VISIBLE
    if candidate.has_unused:
        return None
    if candidate.claims >= candidate.terms.customer_limit:
        return Verdict.CLAIM_LIMIT_REACHED
    return Verdict.SOLD_OUT if candidate.is_sold_out else None


def _obstacle(candidate: Candidate, basket: Basket, spend: int) -> Verdict | None:
    """Why the customer could not use the coupon on these products; None when they could."""
    out_of_reach = _out_of_reach(candidate)
    if out_of_reach:
        return out_of_reach
    scope = set(candidate.terms.product_ids)
    if basket.prices and scope and not scope & basket.prices.keys():
        return Verdict.OTHER_PRODUCTS
    return Verdict.BELOW_MINIMUM if spend < candidate.terms.minimum_spend else None


def stored(considered: Sequence[Considered]) -> list[Mapping[str, object]]:
    """The explanation as it is kept with a message: the first `MOST_KEPT` coupons."""
    return [{"coupon": c.coupon_id, "verdict": c.verdict.value, "saving": c.saving} for c in considered[:MOST_KEPT]]


def kept(explanation: Sequence[Mapping[str, object]]) -> list[Considered]:
    """The explanation that `stored` made."""
    return [
        Considered(int(str(each["coupon"])), Verdict(str(each["verdict"])), int(str(each["saving"])))
        for each in explanation
    ]
