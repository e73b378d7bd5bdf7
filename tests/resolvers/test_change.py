"""What an update says of a field: left out, it stays; null empties it, or is refused where nothing can be empty."""

from typing import Any

import pytest

from models import database
from models.experiment import holdout
from models.plan import Plan
from models.plan.automation import Automation
from models.segment import Segment
from models.segment.definition import define
from models.shop import Shop
from models.trigger import TRIGGERS, TriggerCode
from models.trigger.parameter import read
from resolvers import global_id
from tests.api import Api, seller
from tests.factories import make_coupon, make_draft, make_shop, make_webhook

PLAN = ["name", "channel", "segmentId", "texts"]
AUTOMATED = ["name", "trigger", "texts", "smartCoupon"]
COUPON = ["name", "visibility", "discount", "startsAt", "endsAt", "totalLimit", "customerLimit", "code"]

CASES = [
    ("planUpdate", PLAN),
    ("automatedPlanUpdate", AUTOMATED),
    ("couponUpdate", COUPON),
    ("segmentUpdate", ["name", "conditions", "text"]),
    ("holdoutUpdate", ["planPercent", "controlPercent"]),
    ("webhookUpdate", ["url", "facts", "isEnabled"]),
]


async def make(shop: Shop, mutation: str) -> dict[str, Any]:
    """What a mutation is to change, as far as its input names it."""
    match mutation:
        case "planUpdate":
            return {"id": global_id.encode("Plan", (await make_draft(shop)).id)}
        case "automatedPlanUpdate":
            code = TriggerCode.ABANDONED_CART
            plan = await make_draft(shop, automation=Automation(code, read(TRIGGERS[code], {})))
            return {"id": global_id.encode("Plan", plan.id)}
        case "couponUpdate":
            return {"id": global_id.encode("Coupon", (await make_coupon(shop)).id)}
        case "segmentUpdate":
            own = await Segment.make(shop, "Mine", define(shop, text="follows"), actor="test")
            return {"id": global_id.encode("Segment", own.id)}
        case "webhookUpdate":
            await make_webhook(shop, "MESSAGE_READ")
            return {"id": global_id.encode("Webhook", await database.fetch_value("SELECT id FROM webhook"))}
    await holdout.change(shop, plan_percent=7, control_percent=3, actor="test")
    return {}


async def rows() -> list[Any]:
    """All that any of the mutations could have changed."""
    tables = ("plan", "plan_history", "coupon", "segment", "segment_version", "holdout", "webhook")
    return [[dict(row) for row in await database.fetch(f"SELECT * FROM {table} ORDER BY 1, 2")] for table in tables]


async def change(api: Api, shop: Shop, mutation: str, **given: Any) -> list[dict[str, Any]]:
    """The errors of a change."""
    kind = mutation[0].upper() + mutation[1:]
    query = f"mutation ($input: {kind}Input!) {{ {mutation}(input: $input) {{ userErrors {{ field code }} }} }}"
    errors: list[dict[str, Any]] = (await api.data(query, seller(shop), input=given))[mutation]["userErrors"]
    return errors


@pytest.mark.parametrize(("mutation", "fields"), CASES, ids=[name for name, _ in CASES])
async def test_null_for_what_cannot_be_empty_is_refused_at_each_such_field_and_nothing_is_changed(
    api: Api, mutation: str, fields: list[str]
):
    shop = await make_shop()
    named = await make(shop, mutation)
    before = await rows()

    errors = await change(api, shop, mutation, **named, **dict.fromkeys(fields))

    assert errors == [{"field": [field], "code": "INVALID"} for field in fields]
    assert await rows() == before


@pytest.mark.parametrize("mutation", ["planUpdate", "automatedPlanUpdate"])
async def test_a_holdout_that_is_null_is_the_shop_s_own_again(api: Api, mutation: str):
    shop = await make_shop()
    named = await make(shop, mutation)
    await holdout.change(shop, plan_percent=7, actor="test")

    percents = []
    for percent in (20, None):
        assert await change(api, shop, mutation, **named, holdoutPercent=percent) == []
        percents.append((await Plan.get()).holdout_percent)

    assert percents == [20, 7]


async def test_parameters_that_are_null_are_the_trigger_s_defaults_again(api: Api):
    shop = await make_shop()
    named = await make(shop, "automatedPlanUpdate")

    steps = []
    for parameters in ({"steps": [60, 720]}, None):
        assert await change(api, shop, "automatedPlanUpdate", **named, parameters=parameters) == []
        plan = await Plan.get()
        assert plan.automation is not None
        steps.append(plan.automation.parameters["steps"])

    assert steps == [[3600, 43200], [7200]]


async def test_of_a_condition_s_two_forms_the_one_that_is_null_gives_way_to_the_other(api: Api):
    shop = await make_shop()
    named = await make(shop, "segmentUpdate")

    texts = []
    for form in ({"conditions": None, "text": "orders >= 2"}, {"conditions": {"follows": True}, "text": None}):
        assert await change(api, shop, "segmentUpdate", **named, **form) == []
        texts.append(await database.fetch_value("SELECT definition::text FROM segment WHERE preset IS NULL"))

    assert ["orders" in texts[0], "follows" in texts[1]] == [True, True]
