"""What a coupon gives, to whom and how often, and what of it may still change: pure rules (R15)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from models import money
from models.clock import readable
from models.errors import ErrorCode, Problem

MAX_NAME_LENGTH = 200
MAX_VALIDITY = timedelta(days=366)
MAX_PRODUCTS = 100
MAX_TOTAL = 10_000_000
MAX_PER_CUSTOMER = 100
MAX_AMOUNT = 10**15
"""The most that a coupon may have: characters of its name, time, products, claims in all and of a customer, minor units."""

_CODE = re.compile(r"[A-Z0-9][A-Z0-9-]{2,18}[A-Z0-9]")


class CouponVisibility(StrEnum):
    """Who can see a coupon: everybody, the members of its segment, or only who got a message that carries it."""

    REGULAR = "REGULAR"
    TARGETED = "TARGETED"
    PRIVATE = "PRIVATE"


class CouponStatus(StrEnum):
    """Where a coupon stands at some time."""

    UPCOMING = "UPCOMING"
    RUNNING = "RUNNING"
    SOLD_OUT = "SOLD_OUT"
    ENDED = "ENDED"


@dataclass(frozen=True, slots=True)
class CouponTerms:
    """What a seller decides about a coupon. Amounts are minor units of the shop's currency.

    It gives either `percentage` (1–100) or a fixed `amount`; no `product_ids` means every product of the
    shop; without a `code` the server draws one.
    """

    name: str
    visibility: CouponVisibility
    starts_at: datetime
    ends_at: datetime
    total_limit: int
    customer_limit: int = 1
    percentage: int | None = None
    amount: int | None = None
    minimum_spend: int = 0
    segment_id: int | None = None
    product_ids: Sequence[UUID] = field(default_factory=tuple)
    code: str | None = None

    def saving(self, spend: int, *, on: int | None = None) -> int:
        """What the coupon takes off an order of `spend`, in minor units; a percentage is rounded in favour of the buyer.

        `on`: what of it goes for the coupon's own products, where that is known; otherwise it may be all of it.
        """
        if spend < self.minimum_spend:
            return 0
        price = spend if on is None else on
        if self.percentage is not None:
            return -(-price * self.percentage // 100)
        return min(self.amount or 0, price)

    def gives(self, currency: str, language: str) -> str:
        """What it gives, as a text in `language` says it: "10%", "5 €"."""
        if self.percentage is not None:
            return money.percentage(self.percentage, language)
        return money.written(self.amount or 0, currency, language)


def problems(terms: CouponTerms, at: datetime) -> list[Problem]:
    """What is wrong with terms that are to hold from now (`at`) on, apart from ids that do not exist."""
    found = [*_discount(terms), *_validity(terms, at), *_limits(terms)]
    length = len(terms.name.strip())
    if not 1 <= length <= MAX_NAME_LENGTH:
        code = ErrorCode.TOO_LONG if length else ErrorCode.INVALID
        found.append(_problem("name", f"A name has 1–{MAX_NAME_LENGTH} characters, not {length}.", code))
    if (terms.visibility is CouponVisibility.TARGETED) != (terms.segment_id is not None):
        found.append(_problem("segmentId", "A TARGETED coupon needs a segment, another has none."))
    if len(terms.product_ids) > MAX_PRODUCTS:
        found.append(_problem("productIds", f"At most {MAX_PRODUCTS} products can be named.", ErrorCode.TOO_MANY))
    return found + _code(terms)


def _discount(terms: CouponTerms) -> list[Problem]:
    if (terms.percentage is None) == (terms.amount is None):
        return [_problem("discount", "A coupon gives either a percentage or a fixed amount.")]
    if terms.percentage is not None and not 1 <= terms.percentage <= 100:
        return [_problem("discount.percentage", "A percentage is a whole number from 1 to 100.")]
    if terms.amount is not None and not 1 <= terms.amount <= MAX_AMOUNT:
        return [_problem("discount.amount", f"An amount is 1–{MAX_AMOUNT} minor units.")]
    if not 0 <= terms.minimum_spend <= MAX_AMOUNT:
        return [_problem("minimumSpend", f"A minimum spend is 0–{MAX_AMOUNT} minor units.")]
    return []


def _validity(terms: CouponTerms, at: datetime) -> list[Problem]:
    if terms.ends_at <= terms.starts_at:
        return [_problem("endsAt", "A coupon ends after it starts.")]
    if terms.ends_at <= at:
        return [_problem("endsAt", f"A coupon ends in the future: later than {readable(at)}.")]
    if terms.ends_at - terms.starts_at > MAX_VALIDITY or terms.starts_at > at + MAX_VALIDITY:
        return [_problem("endsAt", f"A coupon starts within and runs for at most {MAX_VALIDITY.days} days.")]
    return []


def _limits(terms: CouponTerms) -> list[Problem]:
    found = []
    if not 1 <= terms.total_limit <= MAX_TOTAL:
        found.append(_problem("totalLimit", f"A coupon can be claimed 1–{MAX_TOTAL} times in all."))
    if not 1 <= terms.customer_limit <= MAX_PER_CUSTOMER:
        found.append(_problem("customerLimit", f"A customer can claim a coupon 1–{MAX_PER_CUSTOMER} times."))
    return found


def _code(terms: CouponTerms) -> list[Problem]:
    if terms.code is None:
        return []
    if terms.visibility is CouponVisibility.PRIVATE:
        return [_problem("code", "The code of a PRIVATE coupon is drawn by the server, so that nobody can guess it.")]
    if not _CODE.fullmatch(terms.code):
        return [_problem("code", "A code has 4–20 capital letters, digits and inner hyphens, such as SPRING-10.")]
    return []


STILL_FREE = frozenset({"name", "ends_at", "total_limit", "customer_limit"})
"""What of a coupon may change once somebody has claimed it or a message promises it; but only to the better."""


def fixed(old: CouponTerms, new: CouponTerms, *, claimed: int) -> list[Problem]:
    """What a change of a coupon that is claimed or promised may not touch: nobody gets less than they were told."""
    found = [
        _problem(_wire(each.name), "This no longer changes: the coupon is claimed or promised.", ErrorCode.TERMS_FIXED)
        for each in fields(CouponTerms)
        if each.name not in STILL_FREE and _plain(getattr(old, each.name)) != _plain(getattr(new, each.name))
    ]
    if new.ends_at < old.ends_at:
        message = f"It may only end later than {readable(old.ends_at)}; to stop it now, end it."
        found.append(_problem("endsAt", message, ErrorCode.TERMS_FIXED))
    if new.customer_limit < old.customer_limit:
        message = f"The limit per customer may only rise above {old.customer_limit}."
        found.append(_problem("customerLimit", message, ErrorCode.TERMS_FIXED))
    if new.total_limit < claimed:
        message = f"{claimed} are claimed already, so the total is {claimed} or more."
        found.append(_problem("totalLimit", message, ErrorCode.TERMS_FIXED))
    return found


def status(terms: CouponTerms, *, claimed: int, ended_at: datetime | None, at: datetime) -> CouponStatus:
    """Where a coupon stands at `at`: valid from `starts_at`, no longer at `ends_at`."""
    if ended_at is not None or at >= terms.ends_at:
        return CouponStatus.ENDED
    if at < terms.starts_at:
        return CouponStatus.UPCOMING
    return CouponStatus.SOLD_OUT if claimed >= terms.total_limit else CouponStatus.RUNNING


def _problem(path: str, message: str, code: ErrorCode = ErrorCode.INVALID) -> Problem:
    return Problem(tuple(path.split(".")), message, code, "R15")


def _wire(name: str) -> str:
    """The input field that a column comes from."""
    if name in ("percentage", "amount"):
        return f"discount.{name}"
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)


def _plain(value: object) -> object:
    return sorted(value) if isinstance(value, list | tuple) else value
