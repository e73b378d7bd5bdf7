"""Coupons over the API: the seller's side, and a plan made from one."""

from datetime import timedelta
from typing import Any

import pytest

from models.clock import now
from models.coupon import Coupon
from models.coupon.terms import CouponVisibility
from models.plan import Plan
from models.segment import Segment
from models.shop import Shop
from resolvers import global_id
from tests.api import Api, seller
from tests.factories import make_coupon, make_customers, make_draft, make_shop
from tests.models.test_enclosure import make_product

COUPON = (
    "coupon { id name code visibility status segment { preset } percentage amount { amount currency }"
    " minimumSpend { amount } products { title } startsAt endsAt totalLimit customerLimit claimed }"
)
ERRORS = "userErrors { field code rule }"


def call(name: str, entity: str = COUPON) -> str:
    """The mutation of this name."""
    capital = name[0].upper() + name[1:]
    return f"mutation ($input: {capital}Input!) {{ {name}(input: $input) {{ {entity} {ERRORS} }} }}"


def new_coupon(**changes: Any) -> dict[str, Any]:
    return {
        "name": "Ten", "visibility": "REGULAR", "discount": {"percentage": 10}, "startsAt": "2026-01-15T12:00:00Z",
        "endsAt": "2026-01-22T12:00:00Z", "totalLimit": 100, **changes,
    }  # fmt: skip


async def _errors(api: Api, shop: Shop, name: str, given: dict[str, Any]) -> list[tuple[str, str]]:
    data = (await api.data(call(name), seller(shop), input=given))[name]
    assert data["coupon"] is None
    return [(".".join(error["field"]), error["code"]) for error in data["userErrors"]]


async def test_a_coupon_is_created_as_it_was_given(api: Api):
    shop = await make_shop()
    segment = await Segment.get(shop_id=shop.id, preset="REPEAT")
    given = new_coupon(
        discount={"amount": {"amount": 500, "currency": "USD"}}, code="FIVE-OFF", customerLimit=2,
        minimumSpend={"amount": 2000, "currency": "USD"}, visibility="TARGETED",
        segmentId=global_id.encode("Segment", segment.id),
    )  # fmt: skip

    coupon = (await api.data(call("couponCreate"), seller(shop), input=given))["couponCreate"]["coupon"]

    assert coupon == {
        "id": global_id.encode("Coupon", (await Coupon.get()).id), "name": "Ten", "code": "FIVE-OFF",
        "visibility": "TARGETED", "status": "RUNNING", "segment": {"preset": "REPEAT"}, "percentage": None,
        "amount": {"amount": 500, "currency": "USD"}, "minimumSpend": {"amount": 2000}, "products": [],
        "startsAt": "2026-01-15T12:00:00Z", "endsAt": "2026-01-22T12:00:00Z", "totalLimit": 100, "customerLimit": 2,
        "claimed": 0,
    }  # fmt: skip
    assert (await Coupon.get()).created_by == "OWNER:bloom:u1"


@pytest.mark.parametrize(
    ("changes", "errors"),
    [
        ({"discount": {"percentage": 0}}, [("discount.percentage", "INVALID")]),
        ({"discount": {"amount": {"amount": 5, "currency": "EUR"}}}, [("discount.amount.currency", "WRONG_CURRENCY")]),
        ({"minimumSpend": {"amount": 5, "currency": "EUR"}}, [("minimumSpend.currency", "WRONG_CURRENCY")]),
        ({"segmentId": global_id.encode("Segment", 99), "visibility": "TARGETED"}, [("segmentId", "NOT_FOUND")]),
        ({"segmentId": "nonsense", "visibility": "TARGETED"}, [("segmentId", "NOT_FOUND")]),
        ({"segmentId": "", "visibility": "TARGETED"}, [("segmentId", "NOT_FOUND")]),
        ({"productIds": ["nonsense"]}, [("productIds.0", "NOT_FOUND")]),
        ({"endsAt": "2026-01-15T11:00:00Z"}, [("endsAt", "INVALID")]),
        ({"totalLimit": -1}, [("totalLimit", "INVALID")]),
        ({"code": "lower case"}, [("code", "INVALID")]),
        ({"name": " "}, [("name", "INVALID")]),
        ({"name": "x" * 201}, [("name", "TOO_LONG")]),
        ({"name": "x" * 201 + " at bit.ly/x"}, [("name", "TOO_LONG")]),
        ({"name": "10 % at bit.ly/x"}, [("name", "FORBIDDEN_CONTENT")]),
    ],
)
async def test_a_coupon_that_cannot_be_is_refused_with_its_place(api: Api, changes: dict[str, Any], errors: Any):
    shop = await make_shop()
    assert await _errors(api, shop, "couponCreate", new_coupon(**changes)) == errors
    assert await Coupon.all().count() == 0


async def test_a_discount_is_one_of_two(api: Api):
    shop = await make_shop()
    both = {"percentage": 5, "amount": {"amount": 5, "currency": "USD"}}
    answer = await api.answer(call("couponCreate"), seller(shop), input=new_coupon(discount=both))
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert await Coupon.all().count() == 0


async def test_an_update_changes_what_it_names_and_a_promise_is_kept(api: Api):
    shop = await make_shop()
    own = await make_coupon(shop, minimum_spend=100, code="SPRING-10")
    given = {"id": global_id.encode("Coupon", own.id), "minimumSpend": None, "totalLimit": 7}
    changed = (await api.data(call("couponUpdate"), seller(shop), input=given))["couponUpdate"]["coupon"]
    assert (changed["minimumSpend"], changed["totalLimit"], changed["code"]) == (None, 7, "SPRING-10")

    await Coupon.filter(id=own.id).update(claimed=5)
    worse = {"id": given["id"], "discount": {"percentage": 5}, "totalLimit": 4}
    assert await _errors(api, shop, "couponUpdate", worse) == [
        ("discount.percentage", "TERMS_FIXED"), ("totalLimit", "TERMS_FIXED"),
    ]  # fmt: skip
    assert (await Coupon.get(id=own.id)).percentage == 10


async def test_a_coupon_ends_once_and_the_list_is_filtered(api: Api):
    shop, other = await make_shop(), await make_shop("other")
    own = await make_coupon(shop)
    await make_coupon(shop, visibility=CouponVisibility.PRIVATE, starts_at=now() + timedelta(days=1))
    await make_coupon(other)
    given = {"id": global_id.encode("Coupon", own.id)}

    ended = (await api.data(call("couponEnd"), seller(shop), input=given))["couponEnd"]["coupon"]
    assert ended["status"] == "ENDED"
    assert await _errors(api, shop, "couponEnd", given) == [("id", "COUPON_NOT_RUNNING")]

    query = "query ($s: [CouponStatus!], $v: CouponVisibility) { coupons(status: $s, visibility: $v) { totalCount } }"
    for asked, count in (({}, 2), ({"s": ["ENDED"]}, 1), ({"v": "PRIVATE"}, 1), ({"s": ["RUNNING", "SOLD_OUT"]}, 0)):
        assert (await api.data(query, seller(shop), **asked))["coupons"]["totalCount"] == count


async def test_a_promised_coupon_ends_on_an_explicit_word_alone(api: Api):
    shop = await make_shop()
    own = await make_coupon(shop)
    plan = await make_draft(shop, coupon_id=own.id)
    await plan.submit(shop, send_at=None, deadline_after=timedelta(hours=72))
    given = {"id": global_id.encode("Coupon", own.id)}

    assert await _errors(api, shop, "couponEnd", given) == [("id", "CONFLICT")]
    assert (await Coupon.get(id=own.id)).ended_at is None
    ended = await api.data(call("couponEnd"), seller(shop), input={**given, "evenIfPromised": True})
    assert ended["couponEnd"]["coupon"]["status"] == "ENDED"


async def test_a_repeated_key_makes_one_coupon(api: Api):
    shop = await make_shop()
    given = new_coupon(idempotencyKey="k1")
    first = await api.data(call("couponCreate"), seller(shop), input=given)
    assert await api.data(call("couponCreate"), seller(shop), input=given) == first
    assert await Coupon.all().count() == 1


PLAN = (
    "plan { name status channel template coupon { name } button segment { preset } texts { language }"
    " products { title } }"
)


async def test_a_running_coupon_becomes_a_draft_with_audience_and_message(api: Api):
    shop = await make_shop()
    await make_customers(shop, 2)
    soap = await make_product(shop, "p1", "Soap")
    own = await make_coupon(shop, name="Ten percent off", product_ids=[soap, soap])
    given = {"couponId": global_id.encode("Coupon", own.id)}

    plan = (await api.data(call("planCreateFromCoupon", PLAN), seller(shop), input=given))["planCreateFromCoupon"][
        "plan"
    ]

    assert {tag: plan[tag] for tag in ("name", "status", "channel", "template", "coupon", "button")} == {
        "name": "Ten percent off", "status": "DRAFT", "channel": "CHAT", "template": "LIMITED_TIME",
        "coupon": {"name": "Ten percent off"}, "button": "PRODUCTS",
    }  # fmt: skip
    assert plan["segment"] == {"preset": "RECENT"}  # the first of the largest
    assert plan["products"] == [{"title": "Soap"}]  # once, though the coupon names it twice
    assert {"en", "id", "ar", "ja"} <= {text["language"] for text in plan["texts"]}


@pytest.mark.parametrize("segment", ["", "nonsense"])
async def test_a_coupon_is_not_made_known_to_a_segment_that_there_is_not(api: Api, segment: str):
    shop = await make_shop()
    given = {"couponId": global_id.encode("Coupon", (await make_coupon(shop)).id), "segmentId": segment}

    answer = await api.data(call("planCreateFromCoupon", PLAN), seller(shop), input=given)

    problem = {"field": ["segmentId"], "code": "NOT_FOUND", "rule": None}
    assert answer["planCreateFromCoupon"] == {"plan": None, "userErrors": [problem]}
    assert await Plan.all().count() == 0


async def test_a_targeted_coupon_goes_to_its_own_segment_and_an_ended_one_nowhere(api: Api):
    shop = await make_shop()
    lapsed = await Segment.get(shop_id=shop.id, preset="LAPSED")
    own = await make_coupon(shop, visibility=CouponVisibility.TARGETED, segment_id=lapsed.id)
    given = {"couponId": global_id.encode("Coupon", own.id)}
    document = call("planCreateFromCoupon", PLAN)

    made = (await api.data(document, seller(shop), input=given))["planCreateFromCoupon"]
    assert made["plan"]["segment"] == {"preset": "LAPSED"}

    await own.end()
    refused = (await api.data(document, seller(shop), input=given))["planCreateFromCoupon"]
    assert refused == {
        "plan": None,
        "userErrors": [{"field": ["couponId"], "code": "COUPON_NOT_RUNNING", "rule": "R15"}],
    }
    assert await Plan.all().count() == 1


async def test_a_coupon_whose_segment_was_archived_is_made_known_to_the_largest_preset(api: Api):
    shop = await make_shop()
    await make_customers(shop, 1)
    repeat = await Segment.get(shop_id=shop.id, preset="REPEAT")
    regulars = await repeat.duplicate(shop, name="Regulars", actor="anna")
    own = await make_coupon(shop, visibility=CouponVisibility.TARGETED, segment_id=regulars.id)
    await regulars.archive()
    given = {"couponId": global_id.encode("Coupon", own.id)}

    made = (await api.data(call("planCreateFromCoupon", PLAN), seller(shop), input=given))["planCreateFromCoupon"]

    assert made["userErrors"] == []
    assert made["plan"]["segment"] == {"preset": "RECENT"}
    refused = await api.data(
        call("planCreateFromCoupon", PLAN), seller(shop),
        input={**given, "segmentId": global_id.encode("Segment", regulars.id)},
    )  # fmt: skip
    assert refused["planCreateFromCoupon"]["userErrors"] == [
        {"field": ["segmentId"], "code": "NOT_FOUND", "rule": None}
    ]
    assert await Plan.all().count() == 1


async def test_a_plan_carries_a_coupon_and_lets_go_of_it(api: Api):
    shop = await make_shop()
    own, plan = await make_coupon(shop), await make_draft(shop)
    update = "mutation ($input: PlanUpdateInput!) { planUpdate(input: $input) { plan { coupon { name } } userErrors { field code } } }"
    plan_id = global_id.encode("Plan", plan.id)
    for given, expected in (
        (global_id.encode("Coupon", own.id), {"plan": {"coupon": {"name": "Ten percent"}}, "userErrors": []}),
        ("nonsense", {"plan": None, "userErrors": [{"field": ["couponId"], "code": "NOT_FOUND"}]}),
        (None, {"plan": {"coupon": None}, "userErrors": []}),
    ):
        data = await api.data(update, seller(shop), input={"id": plan_id, "couponId": given})
        assert data["planUpdate"] == expected


async def test_a_currency_of_any_length_is_refused_in_few_words_and_nothing_is_kept(api: Api):
    shop = await make_shop()
    query = call("couponCreate").replace("code rule", "code message")
    given = new_coupon(minimumSpend={"amount": 500, "currency": "x" * 3_000})

    (error,) = (await api.data(query, seller(shop), input=given))["couponCreate"]["userErrors"]

    assert (error["field"], error["code"]) == (["minimumSpend", "currency"], "WRONG_CURRENCY")
    assert len(error["message"]) < 100
    assert await Coupon.all().count() == 0
