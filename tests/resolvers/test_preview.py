"""Previews over the API."""

from models.plan import PlanChannel
from models.scenario import Destination
from models.segment import Segment
from resolvers import global_id
from tests.api import Api, seller
from tests.factories import make_coupon, make_customers, make_draft, make_shop

PREVIEW = (
    "query ($plan: ID!, $channel: MessageChannel, $language: String, $customer: ID) {"
    " planPreview(planId: $plan, channel: $channel, language: $language, customerId: $customer) {"
    " preview { channel language subject text imageUrl button links coupon { gives } } advice { code }"
    " userErrors { field code rule } } }"
)
IMAGE = "https://img.example/spring.png"


async def test_a_preview_is_what_the_customer_would_get_with_advice(api: Api):
    shop = await make_shop(store_url="https://m.example/bloom")
    [ana] = await make_customers(shop, 1, language="es")
    coupon = await make_coupon(shop)
    own = await (await Segment.get(shop_id=shop.id, preset="REPEAT")).duplicate(shop, name="Loyal", actor="anna")
    plan = await make_draft(
        shop, channel=PlanChannel.EMAIL, button=Destination.STORE, coupon_id=coupon.id, image_url=IMAGE,
        segment_id=own.id,
    )  # fmt: skip
    asked = {"plan": global_id.encode("Plan", plan.id), "customer": global_id.encode("Customer", ana)}

    data = (await api.data(PREVIEW, seller(shop), **asked))["planPreview"]

    assert data["preview"].pop("text").startswith("Hola c0, saludos de Bloom")
    assert data == {
        "preview": {
            "channel": "EMAIL", "language": "es", "subject": "Hola c0", "imageUrl": IMAGE, "button": "Visitar la tienda",
            "links": ["https://m.example/bloom"], "coupon": {"gives": "10\xa0%"},
        },
        "advice": [{"code": "FEW_CONDITIONS"}],
        "userErrors": [],
    }  # fmt: skip


async def test_what_cannot_be_previewed_says_what_to_mend(api: Api):
    shop, other = await make_shop(), await make_shop("other")
    plan, foreign = await make_draft(shop), await make_draft(other)
    [stranger] = await make_customers(other, 1, prefix="x")
    own = global_id.encode("Plan", plan.id)
    for asked, error in (
        ({"plan": own, "channel": "EMAIL"}, {"field": ["channel"], "code": "INVALID", "rule": "R11"}),
        (
            {"plan": own, "customer": global_id.encode("Customer", stranger)},
            {"field": ["customerId"], "code": "NOT_FOUND", "rule": None},
        ),
        ({"plan": own, "customer": "x"}, {"field": ["customerId"], "code": "NOT_FOUND", "rule": None}),
        ({"plan": own, "customer": ""}, {"field": ["customerId"], "code": "NOT_FOUND", "rule": None}),
        (
            {"plan": global_id.encode("Plan", foreign.id)},
            {"field": ["planId"], "code": "NOT_FOUND", "rule": None},
        ),
        ({"plan": "nonsense"}, {"field": ["planId"], "code": "NOT_FOUND", "rule": None}),
    ):
        data = (await api.data(PREVIEW, seller(shop), **asked))["planPreview"]
        assert (data["preview"], data["advice"], data["userErrors"]) == (None, [], [error])
