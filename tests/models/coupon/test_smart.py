"""The rule of smart coupons: the best that the customer could use, and why not the others."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.coupon.smart import Basket, Candidate, Verdict, best, consider, kept, stored
from models.coupon.terms import CouponTerms, CouponVisibility

START = datetime(2026, 1, 1, tzinfo=UTC)
SOAP, TOWEL = (uuid5(UUID(int=0), name) for name in ("soap", "towel"))


def candidate(number: int = 1, **given: object) -> Candidate:
    """A coupon of ten percent that the customer sees, unless told otherwise."""
    own = {name: given.pop(name) for name in ("is_seen", "is_sold_out", "claims", "has_unused") if name in given}
    terms = {
        "name": "c", "visibility": CouponVisibility.REGULAR, "starts_at": START, "ends_at": START + timedelta(days=7),
        "total_limit": 10, "percentage": None if "amount" in given else 10, **given,
    }  # fmt: skip
    return Candidate(number, CouponTerms(**terms), **{"is_sold_out": False, "is_seen": True, **own})  # type: ignore[arg-type]


def verdicts(candidates: list[Candidate], basket: Basket) -> dict[int, Verdict]:
    return {each.coupon_id: each.verdict for each in consider(candidates, basket)}


def test_what_saves_most_on_these_products_is_the_best():
    candidates = [candidate(1), candidate(2, amount=500), candidate(3, amount=500, minimum_spend=9_000)]
    assert verdicts(candidates, Basket({SOAP: 4_000})) == {2: "BEST", 1: "SAVES_LESS", 3: "BELOW_MINIMUM"}
    assert verdicts(candidates, Basket({SOAP: 8_000})) == {1: "BEST", 2: "SAVES_LESS", 3: "BELOW_MINIMUM"}


def test_a_coupon_of_some_products_saves_on_these_alone_and_its_minimum_is_that_of_all():
    basket = Basket({SOAP: 1_000, TOWEL: 9_000})
    on_soap = {"product_ids": (SOAP, SOAP), "minimum_spend": 10_000}
    considered = consider(
        [candidate(1, percentage=50, **on_soap), candidate(2), candidate(3, amount=2_000, **on_soap)], basket
    )

    assert [(each.coupon_id, each.verdict, each.saving) for each in considered] == [
        (2, "BEST", 1_000), (3, "SAVES_LESS", 1_000), (1, "SAVES_LESS", 500),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "verdict"),
    [
        ({"is_seen": False}, "NOT_VISIBLE"),
        ({"is_sold_out": True}, "SOLD_OUT"),
        ({"claims": 1}, "CLAIM_LIMIT_REACHED"),
        ({"product_ids": (TOWEL,)}, "OTHER_PRODUCTS"),
        ({"minimum_spend": 5_000}, "BELOW_MINIMUM"),
    ],
)
def test_a_coupon_that_cannot_be_used_says_why_and_none_is_chosen(given, verdict):
    considered = consider([candidate(1, **given)], Basket({SOAP: 4_000}))
    assert [each.verdict for each in considered] == [verdict]
    assert best(considered) is None


def test_a_claim_that_is_not_used_yet_can_be_used_though_all_are_taken():
    assert verdicts([candidate(1, claims=1, has_unused=True, is_sold_out=True)], Basket({SOAP: 4_000})) == {1: "BEST"}


def test_equal_savings_go_to_the_one_that_ends_first_then_to_the_older():
    sooner = START + timedelta(days=1)
    assert (
        best(consider([candidate(1), candidate(2, ends_at=sooner), candidate(3, ends_at=sooner)], Basket({SOAP: 100})))
        == 2
    )


def test_without_products_the_customer_s_usual_order_decides_or_the_highest_minimum():
    candidates = [candidate(1), candidate(2, amount=700, minimum_spend=6_000)]
    assert best(consider(candidates, Basket(usual=5_000))) == 1
    assert best(consider(candidates, Basket(usual=6_500))) == 2
    assert best(consider(candidates, Basket())) == 2


def test_products_without_a_known_price_count_like_none_but_are_the_coupon_s_own_all_the_same():
    """What they cost nobody knows, which is not that they are given away."""
    candidates = [candidate(1), candidate(2, amount=700, minimum_spend=6_000), candidate(3, product_ids=(TOWEL,))]
    unpriced = Basket({SOAP: None}, usual=8_000)

    assert verdicts(candidates, unpriced) == {1: "BEST", 2: "SAVES_LESS", 3: "OTHER_PRODUCTS"}
    assert verdicts(candidates, Basket({TOWEL: None})) == {2: "BEST", 1: "SAVES_LESS", 3: "SAVES_LESS"}


def test_of_products_of_which_some_have_a_known_price_at_least_these_are_spent():
    candidates = [candidate(1), candidate(2, amount=700, product_ids=(TOWEL,)), candidate(3, minimum_spend=4_001)]
    considered = consider(candidates, Basket({SOAP: 4_000, TOWEL: None}, usual=9_000))

    assert [(each.coupon_id, each.verdict, each.saving) for each in considered] == [
        (1, "BEST", 400), (2, "SAVES_LESS", 0), (3, "BELOW_MINIMUM", 0),
    ]  # fmt: skip


def test_a_minimum_spend_that_the_customer_cannot_profit_from_decides_nothing():
    candidates = [candidate(1), candidate(2, amount=110), candidate(3, minimum_spend=9_000, is_seen=False)]
    assert best(consider(candidates, Basket())) == 2


def test_a_coupon_of_some_products_can_be_used_where_the_message_names_none():
    assert verdicts([candidate(1, product_ids=(TOWEL,))], Basket(usual=5_000)) == {1: "BEST"}


def test_the_best_comes_first_then_what_saves_more_then_the_older_and_what_cannot_be_used_saves_nothing():
    later = START + timedelta(days=8)
    candidates = [
        candidate(1, amount=900, is_seen=False), candidate(2, amount=100), candidate(3, amount=200), candidate(4, amount=100),
        candidate(5, amount=500, ends_at=later), candidate(6, amount=500),
    ]  # fmt: skip

    considered = consider(candidates, Basket({SOAP: 4_000}))

    assert [(each.coupon_id, each.saving) for each in considered] == [
        (6, 500), (5, 500), (3, 200), (2, 100), (4, 100), (1, 0),
    ]  # fmt: skip


def test_what_is_kept_of_the_explanation_is_its_first_ten_as_they_were():
    considered = consider([candidate(number, amount=100 * number) for number in range(1, 13)], Basket({SOAP: 4_000}))

    assert kept(stored(considered)) == considered[:10]


def test_no_coupon_at_all_is_a_valid_outcome():
    assert consider([], Basket({SOAP: 100})) == []
    assert best([]) is None


prices = st.integers(0, 20_000)


@st.composite
def some_candidates(draw: st.DrawFn) -> list[Candidate]:
    """Up to six coupons in all sorts of states."""
    found = []
    for number in range(1, draw(st.integers(1, 7))):
        gives = draw(st.sampled_from([{"percentage": 10}, {"percentage": 50}, {"amount": 700}, {"amount": 2_000}]))
        found.append(
            candidate(
                number, **gives, minimum_spend=draw(st.sampled_from([0, 3_000, 9_000])),
                product_ids=draw(st.sampled_from([(), (SOAP,), (TOWEL,)])), is_seen=draw(st.booleans()),
                is_sold_out=draw(st.booleans()), claims=draw(st.integers(0, 2)), has_unused=draw(st.booleans()),
                customer_limit=draw(st.integers(1, 2)), ends_at=START + timedelta(days=draw(st.integers(1, 3))),
            )
        )  # fmt: skip
    return found


def saving(terms: CouponTerms, basket: dict[UUID, int]) -> int:
    """What a coupon takes off these products, whose minimum they reach."""
    price = sum(basket[product] for product in terms.product_ids or basket if product in basket)
    return min(terms.amount, price) if terms.amount else -(-price * terms.percentage // 100)  # type: ignore[operator]


@given(some_candidates(), st.dictionaries(st.sampled_from([SOAP, TOWEL]), prices, min_size=1))
def test_the_best_is_what_plain_python_finds_by_trying_all(candidates, basket):
    usable = [
        each for each in candidates
        if each.is_seen
        and (each.has_unused or (each.claims < each.terms.customer_limit and not each.is_sold_out))
        and (not each.terms.product_ids or set(each.terms.product_ids) & set(basket))
        and sum(basket.values()) >= each.terms.minimum_spend
    ]  # fmt: skip
    expected = None
    for each in usable:
        if expected is None or (-saving(each.terms, basket), each.terms.ends_at, each.coupon_id) < (
            -saving(expected.terms, basket), expected.terms.ends_at, expected.coupon_id,
        ):  # fmt: skip
            expected = each
    assert best(consider(candidates, Basket(basket))) == (expected.coupon_id if expected else None)
