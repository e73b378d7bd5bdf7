"""Coupons over the API: what shoppers see and claim, and what the platform redeems."""

import asyncio
from typing import Any

from models import database
from models.clock import now
from models.coupon import Coupon
from models.coupon.terms import CouponVisibility
from models.identifier import external_uuid
from models.shop import Shop
from resolvers import global_id
from tests.api import PLATFORM, Api, shopper
from tests.factories import make_coupon, make_customers, make_resolved, make_shop

OFFERS = (
    "query ($shop: ID!) { offers(shopId: $shop) { nodes { id name gives percentage amount { amount currency }"
    " minimumSpend { amount } status claimsLeft } totalCount } }"
)
CLAIM = (
    "mutation ($input: CouponClaimInput!) { couponClaim(input: $input) {"
    " claim { id code offer { name claimsLeft } claimedAt redeemedAt discount { amount } } userErrors { field code } } }"
)
REDEEM = (
    "mutation ($input: CouponRedeemInput!) { couponRedeem(input: $input) {"
    " claim { redeemedAt discount { amount currency } } userErrors { field code } } }"
)


async def _offers(api: Api, shop: Shop, customer: str) -> list[dict[str, Any]]:
    data = await api.data(OFFERS, shopper(customer), shop=global_id.encode("Shop", shop.id))
    assert data["offers"]["totalCount"] == len(data["offers"]["nodes"])
    nodes: list[dict[str, Any]] = data["offers"]["nodes"]
    return nodes


async def _claim(api: Api, offer: str, customer: str = "c0", **given: Any) -> dict[str, Any]:
    data = await api.data(CLAIM, shopper(customer), input={"id": offer, **given})
    claimed: dict[str, Any] = data["couponClaim"]
    return claimed


async def test_a_shopper_sees_what_is_for_them(api: Api):
    shop = await make_shop()
    await make_customers(shop, 1)
    await make_coupon(shop, name="For all", percentage=None, amount=500, minimum_spend=2_000)
    private = await make_coupon(shop, name="For recipients", visibility=CouponVisibility.PRIVATE)
    assert [offer["name"] for offer in await _offers(api, shop, "c0")] == ["For all"]

    await make_resolved(shop, coupon_id=private.id)

    secret, regular = await _offers(api, shop, "c0")
    assert secret["name"] == "For recipients"
    assert {**regular, "id": None} == {
        "id": None, "name": "For all", "gives": "$5", "percentage": None, "status": "RUNNING", "claimsLeft": 1,
        "amount": {"amount": 500, "currency": "USD"}, "minimumSpend": {"amount": 2000},
    }  # fmt: skip
    assert [offer["name"] for offer in await _offers(api, shop, "stranger")] == ["For all"]


async def test_what_an_offer_gives_is_written_in_the_shoppers_language(api: Api):
    shop = await make_shop()
    await make_coupon(shop)
    response = await api.client.post(
        "/graphql",
        json={"query": OFFERS, "variables": {"shop": global_id.encode("Shop", shop.id)}},
        headers={"authorization": f"Bearer {shopper('c0')}", "accept-language": "de-AT,de;q=0.9"},
    )
    assert response.json()["data"]["offers"]["nodes"][0]["gives"] == "10\xa0%"


async def test_an_unknown_shop_offers_nothing(api: Api):
    await make_shop()
    for unknown in (global_id.encode("Shop", 999), "nonsense"):
        data = await api.data(OFFERS, shopper("c0"), shop=unknown)
        assert data["offers"] == {"nodes": [], "totalCount": 0}


async def test_a_claim_is_kept_and_its_key_claims_once(api: Api):
    shop = await make_shop()
    own = await make_coupon(shop, customer_limit=2)
    offer = global_id.encode("Offer", own.id)

    first = await _claim(api, offer, idempotencyKey="k1")
    again = await _claim(api, offer, idempotencyKey="k1")

    assert again["claim"] == first["claim"] and first["claim"]["offer"] == {"name": "Ten percent", "claimsLeft": 1}
    assert (await Coupon.get(id=own.id)).claimed == 1
    listed = await api.data("{ claims { nodes { id code } totalCount } }", shopper("c0"))
    assert listed["claims"] == {
        "nodes": [{"id": first["claim"]["id"], "code": first["claim"]["code"]}], "totalCount": 1,
    }  # fmt: skip
    assert (await api.data("{ claims { totalCount } }", shopper("c1")))["claims"]["totalCount"] == 0


async def test_of_a_coupon_that_has_ended_a_shopper_has_no_claims_left(api: Api):
    shop = await make_shop()
    own = await make_coupon(shop, customer_limit=3)
    await _claim(api, global_id.encode("Offer", own.id))
    await own.end()

    listed = await api.data("{ claims { nodes { offer { status claimsLeft } } } }", shopper("c0"))

    assert listed["claims"]["nodes"] == [{"offer": {"status": "ENDED", "claimsLeft": 0}}]


async def test_what_cannot_be_claimed_says_why(api: Api):
    shop = await make_shop()
    private = await make_coupon(shop, visibility=CouponVisibility.PRIVATE)
    few = await make_coupon(shop, total_limit=1)
    few_id = global_id.encode("Offer", few.id)
    await _claim(api, few_id, "c9")

    async def errors(offer: str, **given: Any) -> list[tuple[str, str]]:
        found = (await _claim(api, offer, **given))["userErrors"]
        return [(".".join(error["field"]), error["code"]) for error in found]

    assert await errors(global_id.encode("Offer", private.id)) == [("id", "NOT_FOUND")]
    assert await errors(global_id.encode("Offer", 999)) == [("id", "NOT_FOUND")]
    assert await errors(few_id) == [("id", "COUPON_SOLD_OUT")]
    assert await errors(global_id.encode("Offer", (await make_coupon(shop)).id), messageId="nonsense") == [
        ("messageId", "NOT_FOUND")
    ]


async def test_of_100_claims_at_once_over_the_api_10_succeed(api: Api):
    shop = await make_shop()
    own = await make_coupon(shop, total_limit=10)
    offer = global_id.encode("Offer", own.id)

    answers = await asyncio.gather(*(_claim(api, offer, f"c{number}") for number in range(100)))

    assert sum(answer["claim"] is not None for answer in answers) == 10
    assert {error["code"] for answer in answers for error in answer["userErrors"]} == {"COUPON_SOLD_OUT"}


async def test_the_platform_redeems_a_claim_with_an_order(api: Api):
    shop = await make_shop()
    [customer] = await make_customers(shop, 1)
    own = await make_coupon(shop)
    code = (await _claim(api, global_id.encode("Offer", own.id)))["claim"]["code"]
    await database.execute(
        "INSERT INTO orders (customer_id, id, shop_id, external_id, ordered_at, amount, status, arrived_at)"
        " VALUES ($1, $2, $3, 'o1', $4, 900, 'PLACED', $4)",
        customer, external_uuid("order", shop.external_id, "o1"), shop.id, now(),
    )  # fmt: skip
    given = {"shop": "bloom", "customer": "c0", "code": code, "order": "o1"}

    wrong = [{"amount": 100, "currency": "EUR"}, {"amount": 102, "currency": "USD"}]
    for discount, error in zip(wrong, ["WRONG_CURRENCY", "ORDER_DOES_NOT_QUALIFY"], strict=True):
        refused = (await api.data(REDEEM, PLATFORM, input={**given, "discount": discount}))["couponRedeem"]
        assert (refused["claim"], [each["code"] for each in refused["userErrors"]]) == (None, [error])

    discount = {"amount": 100, "currency": "USD"}
    redeemed = await api.data(REDEEM, PLATFORM, input={**given, "discount": discount})
    assert redeemed["couponRedeem"] == {
        "claim": {"redeemedAt": "2026-01-15T12:00:00Z", "discount": discount}, "userErrors": [],
    }  # fmt: skip
    unknown = await api.data(REDEEM, PLATFORM, input={**given, "shop": "nowhere", "discount": discount})
    assert unknown["couponRedeem"]["userErrors"] == [{"field": ["shop"], "code": "NOT_FOUND"}]
