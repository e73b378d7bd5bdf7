"""Automated plans over the API: from the form of a trigger to a running plan, and what is refused."""

from typing import Any

import pytest

from models import database
from models.experiment import holdout
from models.plan import Plan
from models.segment import Segment
from models.shop import Shop
from models.trigger import TRIGGERS
from resolvers import global_id
from tests.api import Api, seller
from tests.automation import Life
from tests.factories import make_coupon, make_draft, make_shop

PLAN = (
    "plan { id kind name status channel trigger parameters { steps watchedDays followersOnly } template button imageUrl"
    " smartCoupon sendAt endsAt deadline quietFrom quietUntil texts { language } segment { preset } }"
)
ERRORS = "userErrors { field code rule }"
CREATE = f"mutation ($input: AutomatedPlanCreateInput!) {{ automatedPlanCreate(input: $input) {{ {PLAN} {ERRORS} }} }}"
UPDATE = f"mutation ($input: AutomatedPlanUpdateInput!) {{ automatedPlanUpdate(input: $input) {{ {PLAN} {ERRORS} }} }}"
SUBMIT = f"mutation ($input: PlanSubmitInput!) {{ planSubmit(input: $input) {{ {PLAN} {ERRORS} }} }}"
TRIGGERS_QUERY = (
    "{ triggers { code button hasProducts isMarketing variables"
    " parameters { name kind default least greatest most options } } }"
)


HELLO = [{"language": "en", "text": "Hello"}]


async def create(api: Api, shop: Shop, **given: Any) -> dict[str, Any]:
    """The answer to a draft of a cart reminder, unless told otherwise."""
    wanted = {"name": "Cart", "trigger": "ABANDONED_CART", **given}
    answer: dict[str, Any] = (await api.data(CREATE, seller(shop), input=wanted))["automatedPlanCreate"]
    return answer


async def test_a_trigger_alone_makes_a_draft_with_its_template_and_defaults(api: Api):
    shop = await make_shop()
    plan = (await create(api, shop))["plan"]
    assert (plan["kind"], plan["status"], plan["channel"], plan["button"]) == ("AUTOMATED", "DRAFT", "CHAT", "CART")
    assert plan["parameters"] == {"steps": [120], "watchedDays": None, "followersOnly": None}
    assert plan["template"] == "ABANDONED_CART"
    assert len(plan["texts"]) > 5


async def test_a_trigger_is_called_as_its_scenario_is_in_the_seller_s_language(api: Api):
    api.client.headers["accept-language"] = "de-AT"

    found = await api.data("{ triggers { code title } scenarios { code name } }", seller(await make_shop()))

    names = {each["code"]: each["name"] for each in found["scenarios"]}
    assert [each["title"] for each in found["triggers"]] == [names[code] for code in TRIGGERS]
    assert names["ABANDONED_CART"] == "Verlassener Warenkorb"


async def test_every_trigger_s_form_can_be_sent_as_it_is_and_submitted(api: Api):
    shop = await make_shop()
    forms = (await api.data(TRIGGERS_QUERY, seller(shop)))["triggers"]
    assert [form["code"] for form in forms] == list(TRIGGERS)
    for form in forms:
        made = await create(api, shop, trigger=form["code"])
        assert made["userErrors"] == []
        answer = await api.data(SUBMIT, seller(shop), input={"id": made["plan"]["id"]})
        assert answer["planSubmit"]["userErrors"] == []
        assert answer["planSubmit"]["plan"]["status"] == "ONGOING"


async def test_a_timeframe_and_quiet_hours_are_kept_and_take_no_quota(api: Api):
    shop = await make_shop()
    made = await create(
        api, shop, startAt="2026-02-01T00:00:00Z", endAt="2026-03-01T00:00:00Z", quietFrom="22:00", quietUntil="08:00"
    )
    answer = await api.data(SUBMIT, seller(shop), input={"id": made["plan"]["id"]})
    plan = answer["planSubmit"]["plan"]
    assert (plan["status"], plan["endsAt"], plan["deadline"]) == (
        "SCHEDULED", "2026-03-01T00:00:00Z", "2026-03-01T00:00:00Z",
    )  # fmt: skip
    assert (plan["quietFrom"], plan["quietUntil"]) == ("22:00", "08:00")
    assert (await Plan.get()).quota_week is None


async def test_an_order_confirmation_with_a_share_is_a_user_error_and_none_is_kept(api: Api):
    answer = await create(api, await make_shop(), trigger="ORDER_CONFIRMATION", holdoutPercent=50)

    assert answer == {
        "plan": None, "userErrors": [{"field": ["holdoutPercent"], "code": "INVALID", "rule": "B4"}],
    }  # fmt: skip
    assert not await Plan.all().exists()


async def test_a_draft_made_into_an_order_confirmation_loses_its_share_and_takes_the_shops_when_made_back(api: Api):
    shop = await make_shop()
    await holdout.change(shop, plan_percent=7, control_percent=5, actor="anna")
    plan = (await create(api, shop, trigger="THANK_YOU", holdoutPercent=5))["plan"]

    found = []
    for trigger in ("ABANDONED_CART", "ORDER_CONFIRMATION", "THANK_YOU"):
        answer = await api.data(UPDATE, seller(shop), input={"id": plan["id"], "trigger": trigger, "texts": HELLO})
        assert answer["automatedPlanUpdate"]["userErrors"] == []
        found.append((await Plan.get()).holdout_percent)

    assert found == [5, None, 7]


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"parameters": {"steps": [59]}}, ["parameters", "steps"]),
        ({"parameters": {"steps": [60, 60]}}, ["parameters", "steps"]),
        ({"parameters": {"steps": []}}, ["parameters", "steps"]),
        ({"parameters": {"watchedDays": 3}}, ["parameters", "watchedDays"]),
        ({"trigger": "PRICE_DROP", "parameters": {"minimumDropPercent": 91}}, ["parameters", "minimumDropPercent"]),
        ({"trigger": "LIVE_REMINDER", "parameters": {"followersOnly": False}}, ["segmentId"]),
        ({"endAt": "2026-02-01T00:00:00Z", "startAt": "2026-02-02T00:00:00Z"}, ["endAt"]),
        ({"startAt": "2025-02-02T00:00:00Z"}, ["startAt"]),
        ({"quietFrom": "22:00"}, ["quietUntil"]),
        ({"template": "WIN_BACK"}, ["template"]),
        ({"segmentId": "x"}, ["segmentId"]),
        ({"segmentId": ""}, ["segmentId"]),
        ({"couponId": "x"}, ["couponId"]),
        ({"couponId": ""}, ["couponId"]),
        ({"name": ""}, ["name"]),
        ({"imageUrl": "http://img.example/a.png"}, ["imageUrl"]),
        ({"texts": [{"language": "en", "text": "See {order}"}]}, ["texts", "en", "text"]),
    ],
)
async def test_what_cannot_be_is_refused_where_it_stands_and_nothing_is_kept(api: Api, given, error):
    shop = await make_shop()
    answer = await create(api, shop, **given)
    assert answer["plan"] is None
    assert [problem["field"] for problem in answer["userErrors"]] == [error]
    assert await Plan.all().count() == 0


async def test_a_plan_has_a_chosen_coupon_or_a_smart_one(api: Api):
    shop = await make_shop()
    coupon = global_id.encode("Coupon", (await make_coupon(shop)).id)
    answer = await create(api, shop, couponId=coupon, smartCoupon=True)
    assert answer["userErrors"] == [{"field": ["couponId"], "code": "INVALID", "rule": "R16"}]


async def test_products_cannot_be_chosen_where_they_are_the_occasion_s(api: Api):
    life = Life(shop := await make_shop())
    await life.goods("soap")
    product = global_id.encode("Product", (await _product()))
    assert (await create(api, shop, productIds=[product]))["userErrors"][0]["field"] == ["productIds"]
    assert (await create(api, shop, trigger="WELCOME_FOLLOWER", productIds=[product]))["userErrors"] == []


async def _product() -> Any:
    return await database.fetch_value("SELECT id FROM product")


async def test_what_is_left_out_of_a_change_stays_and_another_trigger_brings_its_defaults(api: Api):
    shop = await make_shop()
    made = await create(api, shop, parameters={"steps": [60, 720]}, endAt="2026-03-01T00:00:00Z")
    change = {"id": made["plan"]["id"], "name": "Carts"}
    changed = (await api.data(UPDATE, seller(shop), input=change))["automatedPlanUpdate"]["plan"]
    assert (changed["name"], changed["parameters"]["steps"], changed["endsAt"]) == (
        "Carts", [60, 720], "2026-03-01T00:00:00Z",
    )  # fmt: skip
    change = {"id": made["plan"]["id"], "trigger": "THANK_YOU", "endAt": None}
    changed = (await api.data(UPDATE, seller(shop), input=change))["automatedPlanUpdate"]["plan"]
    assert (changed["trigger"], changed["parameters"]["steps"], changed["endsAt"]) == ("THANK_YOU", [1440], None)


@pytest.mark.parametrize(
    ("change", "hours"),
    [
        ({"quietUntil": "09:00"}, ("22:00", "09:00")),
        ({"quietFrom": "21:30"}, ("21:30", "08:00")),
        ({"quietFrom": "00:00", "quietUntil": "06:00"}, ("00:00", "06:00")),
        ({"name": "Carts"}, ("22:00", "08:00")),
        ({"quietFrom": None}, (None, None)),
        ({"quietUntil": None}, (None, None)),
        ({"quietFrom": None, "quietUntil": None}, (None, None)),
    ],
)
async def test_each_half_of_the_quiet_hours_changes_by_itself_and_null_ends_both(api: Api, change: Any, hours: Any):
    shop = await make_shop()
    made = await create(api, shop, quietFrom="22:00", quietUntil="08:00")
    answer = (await api.data(UPDATE, seller(shop), input={"id": made["plan"]["id"], **change}))["automatedPlanUpdate"]
    assert answer["userErrors"] == []
    assert (answer["plan"]["quietFrom"], answer["plan"]["quietUntil"]) == hours


@pytest.mark.parametrize(
    ("known", "change", "field"),
    [
        ({}, {"quietFrom": "21:00"}, "quietUntil"),
        ({}, {"quietUntil": "09:00"}, "quietFrom"),
        ({"quietFrom": "22:00", "quietUntil": "08:00"}, {"quietFrom": "21:00", "quietUntil": None}, "quietUntil"),
    ],
)
async def test_quiet_hours_that_would_lack_a_half_are_refused_and_nothing_is_changed(
    api: Api, known: Any, change: Any, field: str
):
    shop = await make_shop()
    made = await create(api, shop, **known)
    given = {"id": made["plan"]["id"], "name": "Other", **change}
    answer = (await api.data(UPDATE, seller(shop), input=given))["automatedPlanUpdate"]
    assert [problem["field"] for problem in answer["userErrors"]] == [[field]]
    plan = await Plan.get()
    assert plan.automation is not None
    assert (plan.name, plan.automation.quiet is None) == ("Cart", not known)


@pytest.mark.parametrize("field", ["segmentId", "couponId"])
async def test_an_empty_id_in_a_change_is_no_null_and_nothing_is_changed(api: Api, field: str):
    shop = await make_shop()
    segment = await Segment.get(shop_id=shop.id, preset="REPEAT")
    coupon = await make_coupon(shop)
    made = await create(
        api, shop, segmentId=global_id.encode("Segment", segment.id), couponId=global_id.encode("Coupon", coupon.id)
    )
    change = {"id": made["plan"]["id"], "name": "Other", field: ""}
    answer = (await api.data(UPDATE, seller(shop), input=change))["automatedPlanUpdate"]
    assert answer == {"plan": None, "userErrors": [{"field": [field], "code": "NOT_FOUND", "rule": None}]}
    kept = await Plan.get()
    assert (kept.name, kept.segment_id, kept.coupon_id) == ("Cart", segment.id, coupon.id)


async def test_its_image_is_kept_until_it_is_changed_or_removed(api: Api):
    shop = await make_shop()
    made = (await create(api, shop, imageUrl="https://img.example/a.png"))["plan"]
    images = [made["imageUrl"]]
    for change in ({"name": "Carts"}, {"imageUrl": "https://img.example/b.png"}, {"imageUrl": None}):
        answer = await api.data(UPDATE, seller(shop), input={"id": made["id"], **change})
        images.append(answer["automatedPlanUpdate"]["plan"]["imageUrl"])
    assert images == ["https://img.example/a.png", "https://img.example/a.png", "https://img.example/b.png", None]


async def test_only_automated_drafts_are_changed_so(api: Api):
    shop = await make_shop()
    one_time = await make_draft(shop)
    change = {"id": global_id.encode("Plan", one_time.id), "name": "x"}
    answer = (await api.data(UPDATE, seller(shop), input=change))["automatedPlanUpdate"]
    assert answer["userErrors"] == [{"field": ["id"], "code": "INVALID", "rule": "R9"}]
    made = await create(api, shop)
    await api.data(SUBMIT, seller(shop), input={"id": made["plan"]["id"]})
    answer = (await api.data(UPDATE, seller(shop), input={"id": made["plan"]["id"], "name": "x"}))[
        "automatedPlanUpdate"
    ]
    assert answer["userErrors"][0]["code"] == "ILLEGAL_TRANSITION"
    assert {plan.name for plan in await Plan.all()} == {"Spring greetings", "Cart"}


CHANGE = f"mutation ($input: PlanUpdateInput!) {{ planUpdate(input: $input) {{ {PLAN} {ERRORS} }} }}"


@pytest.mark.parametrize(("mutation", "name"), [(CHANGE, "planUpdate"), (SUBMIT, "planSubmit")])
async def test_an_hour_of_the_customer_s_day_is_refused_since_occasions_have_their_own_and_nothing_is_changed(
    api: Api, mutation: str, name: str
):
    shop = await make_shop()
    made = await create(api, shop)
    given = {"id": made["plan"]["id"], "localTime": "19:00"}
    answer = (await api.data(mutation, seller(shop), input=given))[name]
    assert answer == {"plan": None, "userErrors": [{"field": ["localTime"], "code": "INVALID", "rule": "R9"}]}
    plan = await Plan.get()
    assert (plan.status, plan.local_time) == ("DRAFT", None)


async def test_a_frozen_shop_drafts_none(api: Api):
    shop = await make_shop(score="3.2")
    answer = await create(api, shop)
    assert answer["userErrors"] == [{"field": [], "code": "ACCESS_FROZEN", "rule": "R1"}]


@pytest.mark.parametrize(
    "given", [{"quietFrom": "25:00", "quietUntil": "08:00"}, {"quietFrom": "22:00", "quietUntil": "24:00"}]
)
async def test_an_hour_that_no_day_has_is_refused_and_nothing_is_kept(api: Api, given: Any):
    shop = await make_shop()

    answer = await api.answer(CREATE, seller(shop), input={"trigger": "ABANDONED_CART", "name": "Cart", **given})

    assert "LocalTime" in answer["errors"][0]["message"]
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert not await Plan.exists()
