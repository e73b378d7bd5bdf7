"""Refused texts: kept whatever became of the mutation, counted, and shown to the platform alone (R13)."""

from datetime import timedelta
from typing import Any

import pytest

from models import database as databases
from models import violation
from models.clock import Clock
from models.coupon import Coupon
from models.plan import Plan
from models.shop import Shop
from resolvers import global_id
from tests.api import PLATFORM, Api, seller
from tests.factories import TEXTS, make_coupon, make_draft, make_shop
from tests.models.test_enclosure import make_product
from tests.resolvers.plan.calls import CREATE, SUBMIT, UPDATE, new_plan

VIOLATIONS = """query ($shop: ID, $least: Int! = 1) { violations(shopId: $shop, least: $least, first: 10) {
    nodes { shopExternalId planId way words field text actor count firstAt lastAt } totalCount } }"""
VIOLATION_PAGE = """query ($after: String) { violations(first: 2, after: $after) {
    nodes { words } pageInfo { hasNextPage endCursor } } }"""
COUPON_UPDATE = """mutation ($input: CouponUpdateInput!) { couponUpdate(input: $input) {
    userErrors { field code rule } } }"""
LEADING_OUT = [{"language": "en", "text": "Go to bit.ly/x, or WA: tokobloom"}]


async def refused(api: Api, shop: Shop, document: str, root: str, /, **given: Any) -> list[str]:
    """The codes with which a seller's plan is refused."""
    answer = (await api.data(document, seller(shop), input=given))[root]
    assert answer["plan"] is None
    return [error["code"] for error in answer["userErrors"]]


async def test_refused_words_are_kept_with_their_text_and_counted(api: Api, clock: Clock):
    shop = await make_shop()
    wrong = await new_plan(shop, texts=LEADING_OUT)
    assert await refused(api, shop, CREATE, "planCreate", **wrong) == ["FORBIDDEN_CONTENT"] * 2
    assert await refused(api, shop, CREATE, "planCreate", **wrong, idempotencyKey="k") == ["FORBIDDEN_CONTENT"] * 2
    clock.move(timedelta(hours=1))
    own = await make_draft(shop)
    identifier = global_id.encode("Plan", own.id)
    assert await refused(api, shop, UPDATE, "planUpdate", id=identifier, texts=LEADING_OUT) == ["FORBIDDEN_CONTENT"] * 2

    found = (await api.data(VIOLATIONS, PLATFORM, shop=global_id.encode("Shop", shop.id)))["violations"]
    assert [(each["planId"], each["way"], each["words"], each["count"]) for each in found["nodes"]] == [
        (identifier, "MESSENGER", "WA: tokobloom", 1),
        (identifier, "LINK", "bit.ly/x", 1),
        (None, "MESSENGER", "WA: tokobloom", 2),
        (None, "LINK", "bit.ly/x", 2),
    ]
    assert found["nodes"][0] | {"planId": None} == {
        "shopExternalId": "bloom", "planId": None, "way": "MESSENGER", "words": "WA: tokobloom", "count": 1,
        "field": "texts.en.text", "text": LEADING_OUT[0]["text"], "actor": "OWNER:bloom:u1",
        "firstAt": "2026-01-15T13:00:00Z", "lastAt": "2026-01-15T13:00:00Z",
    }  # fmt: skip
    assert found["totalCount"] == 4


async def test_the_platform_sees_those_refused_often_and_those_of_one_shop(api: Api):
    shop, other = await make_shop(), await make_shop("other")
    wrong = await new_plan(shop, texts=LEADING_OUT)
    for _ in range(3):
        await refused(api, shop, CREATE, "planCreate", **wrong)
    await refused(api, other, CREATE, "planCreate", **await new_plan(other, texts=LEADING_OUT))

    async def seen(**asked: Any) -> list[tuple[str, int]]:
        nodes = (await api.data(VIOLATIONS, PLATFORM, **asked))["violations"]["nodes"]
        return [(node["shopExternalId"], node["count"]) for node in nodes]

    assert await seen() == [("other", 1), ("other", 1), ("bloom", 3), ("bloom", 3)]
    assert await seen(least=2) == [("bloom", 3), ("bloom", 3)]
    assert await seen(shop=global_id.encode("Shop", other.id)) == [("other", 1), ("other", 1)]
    assert await seen(shop=global_id.encode("Plan", other.id)) == []
    assert await seen(shop="") == []


async def test_refused_texts_come_page_after_page_those_met_last_first(api: Api, clock: Clock):
    shop = await make_shop()
    for place in range(3):
        clock.move(timedelta(minutes=1))
        text = [{"language": "en", "text": f"Go to bit.ly/x{place}"}]
        await refused(api, shop, CREATE, "planCreate", **await new_plan(shop, texts=text))

    pages, after = [], None
    for _ in range(2):
        page = (await api.data(VIOLATION_PAGE, PLATFORM, after=after))["violations"]
        pages.append([node["words"] for node in page["nodes"]])
        after = page["pageInfo"]["endCursor"]

    assert pages == [["bit.ly/x2", "bit.ly/x1"], ["bit.ly/x0"]]
    assert page["pageInfo"]["hasNextPage"] is False


async def test_a_product_whose_title_leads_out_is_refused_from_the_draft_on(api: Api):
    shop = await make_shop()
    product = await make_product(shop, "p1", "Visit bit.ly/x")
    ids = [global_id.encode("Product", product)]
    assert await refused(api, shop, CREATE, "planCreate", **await new_plan(shop, productIds=ids)) == [
        "FORBIDDEN_CONTENT"
    ]
    await databases.execute("UPDATE product SET title = 'Soap'")
    plan = await make_draft(shop, product_ids=[product])
    await databases.execute("UPDATE product SET title = 'Soap, call 0812-3456-7890'")

    codes = await refused(api, shop, SUBMIT, "planSubmit", id=global_id.encode("Plan", plan.id))

    assert codes == ["FORBIDDEN_CONTENT"]
    assert (await Plan.get(id=plan.id)).status == "DRAFT"
    kept = (await api.data(VIOLATIONS, PLATFORM))["violations"]["nodes"]
    assert [(each["field"], each["words"], each["text"]) for each in kept] == [
        ("productIds.0", "0812-3456-7890", "Soap, call 0812-3456-7890"),
        ("productIds.0", "bit.ly/x", "Visit bit.ly/x"),
    ]


async def test_a_coupon_is_not_given_a_name_that_leads_out(api: Api):
    shop = await make_shop()
    coupon = await make_coupon(shop)
    given = {"id": global_id.encode("Coupon", coupon.id), "name": "Ten percent, WA: tokobloom"}

    answer = (await api.data(COUPON_UPDATE, seller(shop), input=given))["couponUpdate"]

    assert [(each["field"], each["code"], each["rule"]) for each in answer["userErrors"]] == [
        (["name"], "FORBIDDEN_CONTENT", "R13")
    ]
    assert (await Coupon.get(id=coupon.id)).name == "Ten percent"
    [kept] = (await api.data(VIOLATIONS, PLATFORM))["violations"]["nodes"]
    told = {"planId": None, "field": "name", "words": "WA: tokobloom", "text": "Ten percent, WA: tokobloom"}
    assert kept | told == kept


async def test_what_is_right_leaves_nothing_behind(api: Api):
    shop = await make_shop()
    await api.data(CREATE, seller(shop), input=await new_plan(shop))

    assert (await api.data(VIOLATIONS, PLATFORM))["violations"] == {"nodes": [], "totalCount": 0}


async def test_no_more_is_kept_of_a_shop_than_is_told(api: Api, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(violation, "MOST_OF_SHOP", 3)
    shop = await make_shop()
    for number in range(5):
        texts = [{"language": "en", "text": f"{TEXTS['en']['text']} shop{number}.com"}]
        await refused(api, shop, CREATE, "planCreate", **await new_plan(shop, texts=texts))

    kept = (await api.data(VIOLATIONS, PLATFORM))["violations"]["nodes"]
    assert [each["words"] for each in kept] == ["shop4.com", "shop3.com", "shop2.com"]
