"""Scenarios over the API: every template with its language, named in the seller's own (R8, R9, R14)."""

import pytest

from models import template
from models.scenario import SCENARIOS
from tests.api import Api, seller
from tests.factories import make_shop

SCENARIOS_OF = """query ($kind: PlanKind) { scenarios(kind: $kind) { code name kind destination
    variables { name kind meaning sample }
    templates { language { tag name reviewedByNativeSpeaker } title text subject preheader button } } }"""


async def test_every_scenario_comes_with_its_texts_in_every_language(api: Api):
    shop = await make_shop()
    found = (await api.data(SCENARIOS_OF, seller(shop)))["scenarios"]

    assert [each["code"] for each in found] == list(SCENARIOS)
    for each in found:
        assert [one["language"]["tag"] for one in each["templates"]] == [one.tag for one in template.languages()]
    cart = next(each for each in found if each["code"] == "ABANDONED_CART")
    german = template.template("ABANDONED_CART", "de")
    assert cart["kind"] == "AUTOMATED"
    assert cart["destination"] == "CART"
    assert cart["templates"][1] == {
        "language": {"tag": "de", "name": "Deutsch", "reviewedByNativeSpeaker": False},
        "title": german.title, "text": german.text, "subject": None, "preheader": None, "button": german.button,
    }  # fmt: skip
    assert [one["name"] for one in cart["variables"]] == [
        "name", "hasName", "shop", "product", "productCount", "coupon", "hasCoupon",
    ]  # fmt: skip
    assert cart["variables"][4] == {
        "name": "productCount", "kind": "COUNT", "meaning": "how many products it is about", "sample": "3",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("header", "tag"),
    [(None, "en"), ("de", "de"), ("de-AT,en;q=0.5", "de"), ("zh-TW", "en"), ("zh-TW, ar;q=0.3", "ar"), ("??", "en")],
)
async def test_a_scenario_is_named_in_the_seller_s_language(api: Api, header: str | None, tag: str):
    shop = await make_shop()
    if header:
        api.client.headers["accept-language"] = header
    found = (await api.data(SCENARIOS_OF, seller(shop)))["scenarios"]

    assert [each["name"] for each in found] == [template.template(code, tag).title for code in SCENARIOS]


@pytest.mark.parametrize(("kind", "count"), [("ONE_TIME", 9), ("AUTOMATED", 8)])
async def test_those_of_one_kind_of_plan_are_told(api: Api, kind: str, count: int):
    found = (await api.data(SCENARIOS_OF, seller(await make_shop()), kind=kind))["scenarios"]

    assert {each["kind"] for each in found} == {kind}
    assert len(found) == count
