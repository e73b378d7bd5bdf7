"""What a coupon may give, and what of it may still change: rules over values alone (R15)."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.coupon.terms import (
    MAX_AMOUNT,
    MAX_NAME_LENGTH,
    MAX_PER_CUSTOMER,
    MAX_PRODUCTS,
    MAX_TOTAL,
    MAX_VALIDITY,
    CouponStatus,
    CouponTerms,
    CouponVisibility,
    fixed,
    problems,
    status,
)
from models.errors import ErrorCode
from tests.conftest import NOON

TERMS = CouponTerms(
    name="Spring", visibility=CouponVisibility.REGULAR, starts_at=NOON, ends_at=NOON + timedelta(days=7), total_limit=100,
    percentage=10,
)  # fmt: skip


def _fields(terms: CouponTerms) -> list[str]:
    return [".".join(problem.field) for problem in problems(terms, NOON)]


def test_ordinary_terms_are_fine():
    assert _fields(TERMS) == []
    assert _fields(replace(TERMS, percentage=None, amount=500, minimum_spend=2_000, code="SPRING-10")) == []


@pytest.mark.parametrize(
    "change",
    [
        {"percentage": 1}, {"percentage": 100}, {"percentage": None, "amount": 1},
        {"percentage": None, "amount": MAX_AMOUNT}, {"minimum_spend": MAX_AMOUNT},
        {"starts_at": NOON - timedelta(days=1), "ends_at": NOON + timedelta(microseconds=1)},
        {"ends_at": NOON + MAX_VALIDITY}, {"starts_at": NOON + MAX_VALIDITY, "ends_at": NOON + 2 * MAX_VALIDITY},
        {"total_limit": 1}, {"total_limit": MAX_TOTAL}, {"customer_limit": MAX_PER_CUSTOMER},
        {"name": "x"}, {"name": "x" * MAX_NAME_LENGTH}, {"product_ids": [uuid4() for _ in range(MAX_PRODUCTS)]},
        {"code": "AB-1"}, {"code": "A" * 20},
    ],
)  # fmt: skip
def test_every_limit_may_be_reached(change):
    assert _fields(replace(TERMS, **change)) == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"percentage": 0}, "discount.percentage"),
        ({"percentage": 101}, "discount.percentage"),
        ({"percentage": None}, "discount"),
        ({"amount": 5}, "discount"),
        ({"percentage": None, "amount": 0}, "discount.amount"),
        ({"percentage": None, "amount": MAX_AMOUNT + 1}, "discount.amount"),
        ({"minimum_spend": -1}, "minimumSpend"),
        ({"minimum_spend": MAX_AMOUNT + 1}, "minimumSpend"),
        ({"ends_at": NOON}, "endsAt"),
        ({"starts_at": NOON - timedelta(days=9), "ends_at": NOON}, "endsAt"),
        ({"starts_at": NOON + timedelta(days=9), "ends_at": NOON + timedelta(days=9)}, "endsAt"),
        ({"starts_at": NOON + timedelta(days=9), "ends_at": NOON + timedelta(days=8)}, "endsAt"),
        ({"starts_at": NOON + timedelta(days=367), "ends_at": NOON + timedelta(days=368)}, "endsAt"),
        ({"starts_at": NOON - timedelta(days=9), "ends_at": NOON - timedelta(days=1)}, "endsAt"),
        ({"ends_at": NOON + timedelta(days=367)}, "endsAt"),
        ({"total_limit": 0}, "totalLimit"),
        ({"total_limit": MAX_TOTAL + 1}, "totalLimit"),
        ({"customer_limit": 0}, "customerLimit"),
        ({"customer_limit": 101}, "customerLimit"),
        ({"name": " "}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"visibility": CouponVisibility.TARGETED}, "segmentId"),
        ({"segment_id": 1}, "segmentId"),
        ({"product_ids": [uuid4() for _ in range(101)]}, "productIds"),
        ({"code": "spring"}, "code"),
        ({"code": "ABC"}, "code"),
        ({"code": "A" * 21}, "code"),
        ({"visibility": CouponVisibility.PRIVATE, "code": "SPRING-10"}, "code"),
    ],
)
def test_what_cannot_be_is_told_with_its_field_and_rule(change, field):
    found = problems(replace(TERMS, **change), NOON)
    assert [(".".join(problem.field), problem.rule) for problem in found] == [(field, "R15")]


def test_a_name_is_said_to_be_missing_or_too_long():
    assert [[problem.code for problem in problems(replace(TERMS, name=name), NOON)] for name in (" ", "x" * 201)] == [
        [ErrorCode.INVALID], [ErrorCode.TOO_LONG],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("percentage", "amount", "spend", "saving"),
    [
        (10, None, 20_000, 2_000), (10, None, 1_999, 200), (10, None, 1_990, 199), (1, None, 1, 1),
        (100, None, 1_999, 1_999), (33, None, 0, 0),
        (None, 500, 2_000, 500), (None, 500, 500, 500), (None, 500, 499, 499), (None, 500, 0, 0),
    ],
)  # fmt: skip
def test_it_saves_its_percentage_rounded_for_the_buyer_or_its_amount_up_to_the_price(percentage, amount, spend, saving):
    assert replace(TERMS, percentage=percentage, amount=amount).saving(spend) == saving


def test_below_its_minimum_spend_it_saves_nothing():
    terms = replace(TERMS, minimum_spend=2_000)
    assert [terms.saving(spend) for spend in (1_999, 2_000)] == [0, 200]


@given(st.integers(0, 10**12), st.integers(1, 100) | st.none(), st.integers(1, 10**12), st.integers(0, 10**12))
def test_a_coupon_saves_something_from_its_minimum_on_and_never_more_than_the_price(spend, percentage, amount, minimum):
    terms = replace(
        TERMS, percentage=percentage, amount=None if percentage else amount, minimum_spend=minimum
    )  # fmt: skip
    saving = terms.saving(spend)

    assert 0 <= saving <= spend
    assert (saving > 0) == (spend >= minimum and spend > 0)


@pytest.mark.parametrize(
    ("percentage", "amount", "language", "text"),
    [
        (10, None, "en", "10%"), (10, None, "de", "10 %"), (10, None, "tr", "%10"),
        (None, 500, "en", "$5"), (None, 550, "de", "5,50 $"), (None, 500, "ja", "$5"),
    ],
)  # fmt: skip
def test_what_it_gives_is_written_as_the_language_writes_it(percentage, amount, language, text):
    terms = replace(TERMS, percentage=percentage, amount=amount)
    assert terms.gives("USD", language).replace("\xa0", " ") == text


def test_it_runs_from_its_start_until_before_its_end():
    def at(moment, claimed=0, ended_at=None):
        return status(TERMS, claimed=claimed, ended_at=ended_at, at=moment)

    assert at(NOON - timedelta(seconds=1)) is CouponStatus.UPCOMING
    assert at(NOON) is CouponStatus.RUNNING
    assert at(NOON, claimed=100) is CouponStatus.SOLD_OUT
    assert at(TERMS.ends_at) is CouponStatus.ENDED
    assert at(NOON, ended_at=NOON) is CouponStatus.ENDED


def test_what_was_promised_only_changes_for_the_better():
    better = replace(TERMS, name="Autumn", ends_at=TERMS.ends_at + timedelta(days=1), total_limit=50, customer_limit=2)
    assert fixed(TERMS, better, claimed=50) == []

    worse = replace(
        TERMS, percentage=9, minimum_spend=1, ends_at=TERMS.ends_at - timedelta(days=1), total_limit=49,
        visibility=CouponVisibility.PRIVATE, starts_at=NOON + timedelta(days=1), product_ids=(uuid4(),),
    )  # fmt: skip
    found = fixed(TERMS, worse, claimed=50)

    assert {problem.code for problem in found} == {ErrorCode.TERMS_FIXED}
    assert sorted(".".join(problem.field) for problem in found) == [
        "discount.percentage", "endsAt", "minimumSpend", "productIds", "startsAt", "totalLimit", "visibility",
    ]  # fmt: skip


def test_how_often_a_customer_may_claim_it_never_falls_once_it_is_promised():
    old = replace(TERMS, customer_limit=3)

    (found,) = fixed(old, replace(old, customer_limit=2), claimed=0)

    assert (found.field, found.code) == (("customerLimit",), ErrorCode.TERMS_FIXED)


def test_the_same_terms_are_no_change_in_whatever_order_the_products_are_named():
    soap, towel = uuid4(), uuid4()
    old = replace(TERMS, product_ids=(soap, towel))

    assert fixed(old, replace(old, product_ids=[towel, soap]), claimed=TERMS.total_limit) == []
