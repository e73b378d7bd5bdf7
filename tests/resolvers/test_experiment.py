"""Experiments and holdouts by the API: drafted, changed, refused with their place, previewed, and told with their winner."""

from datetime import timedelta
from typing import Any

from models import audience, database
from models.clock import Clock, now
from models.experiment import winner
from models.plan import Plan, wording
from models.segment import Segment
from models.shop import Shop
from resolvers import global_id
from tests.api import Api, seller
from tests.factories import TEXTS, make_coupon, make_customers, make_shop

TEXT_LIST = [{"language": tag, **text} for tag, text in TEXTS.items()]
OTHERS = [{"language": tag, "text": "B for {name}", "subject": "B"} for tag in TEXTS]
FIELDS = """id status holdoutPercent experiment { percent metric hours decidesAt decidedAt winner
  variants { name texts { language text } coupon { name } result { delivered read clicked buyers gmv } }
  verdict { best pValue isSignificant } } history { nodes { action actor reason } }"""
ERRORS = "userErrors { field code rule }"
CREATE = f"mutation ($input: PlanCreateInput!) {{ planCreate(input: $input) {{ plan {{ {FIELDS} }} {ERRORS} }} }}"
UPDATE = f"mutation ($input: PlanUpdateInput!) {{ planUpdate(input: $input) {{ plan {{ {FIELDS} }} {ERRORS} }} }}"
SUBMIT = f"mutation ($input: PlanSubmitInput!) {{ planSubmit(input: $input) {{ plan {{ {FIELDS} }} {ERRORS} }} }}"
PLAN = f"query ($id: ID!) {{ plan(id: $id) {{ {FIELDS} }} }}"
PREVIEW = f"""query ($id: ID!, $variant: String) {{ planPreview(planId: $id, variant: $variant) {{
  preview {{ text coupon {{ name }} }} {ERRORS} }} }}"""
TEST_SEND = f"""mutation ($input: PlanTestSendInput!) {{ planTestSend(input: $input) {{
  trials {{ variant }} {ERRORS} }} }}"""
HOLDOUT = f"""mutation ($input: HoldoutUpdateInput!) {{ holdoutUpdate(input: $input) {{
  holdout {{ planPercent controlPercent controlSince }} {ERRORS} }} }}"""


async def given(shop: Shop, **fields: Any) -> dict[str, Any]:
    """What a seller says of a new plan."""
    segment = await Segment.get(shop_id=shop.id, preset="REPEAT")
    return {
        "name": "Tried", "channel": "CHAT", "segmentId": global_id.encode("Segment", segment.id), "texts": TEXT_LIST,
        **fields,
    }  # fmt: skip


async def created(api: Api, shop: Shop, **fields: Any) -> dict[str, Any]:
    """The plan as it is after its creation."""
    answer = (await api.data(CREATE, seller(shop), input=await given(shop, **fields)))["planCreate"]
    assert answer["userErrors"] == []
    plan: dict[str, Any] = answer["plan"]
    return plan


async def test_variants_are_drafted_with_what_they_leave_out_taken_from_the_plan(api: Api):
    shop = await make_shop()
    own, other = [await make_coupon(shop, name=name) for name in ("own", "other")]
    variants = [{"texts": OTHERS}, {"couponId": global_id.encode("Coupon", other.id)}, {"couponId": None}]

    plan = await created(
        api, shop, couponId=global_id.encode("Coupon", own.id), experiment={"variants": variants, "hours": 6}
    )

    tried = plan["experiment"]
    assert (tried["percent"], tried["metric"], tried["hours"], tried["winner"]) == (20, "CLICK", 6, None)
    assert [(each["name"], each["texts"][0]["text"], (each["coupon"] or {}).get("name")) for each in tried["variants"]] == [
        ("A", TEXTS["en"]["text"], "own"), ("B", "B for {name}", "own"), ("C", TEXTS["en"]["text"], "other"),
        ("D", TEXTS["en"]["text"], None),
    ]  # fmt: skip
    assert tried["verdict"] == {"best": "A", "pValue": None, "isSignificant": False}


async def test_an_update_keeps_replaces_or_drops_what_is_tried(api: Api):
    shop = await make_shop()
    plan = await created(api, shop, experiment={"variants": [{"texts": OTHERS}]}, holdoutPercent=5)
    token, tried = seller(shop), {"variants": [{"texts": OTHERS}], "percent": 50, "metric": "ORDER"}

    kept, replaced, dropped = [
        (await api.data(UPDATE, token, input={"id": plan["id"], **change}))["planUpdate"]["plan"]
        for change in ({"name": "Other"}, {"experiment": tried, "holdoutPercent": 7}, {"experiment": None})
    ]

    assert (kept["experiment"], kept["holdoutPercent"]) == (plan["experiment"], 5)
    assert (replaced["experiment"]["percent"], replaced["experiment"]["metric"]) == (50, "ORDER")
    assert (dropped["experiment"], dropped["holdoutPercent"]) == (None, 7)


async def test_what_cannot_be_is_refused_with_its_place_and_rule_and_nothing_is_kept(api: Api):
    shop, other = await make_shop(), await make_shop("other")
    foreign = await make_coupon(other)
    wrong = [
        {"texts": [{"language": "en", "text": "Call +1 202 555 0143"}]},
        {"couponId": global_id.encode("Coupon", foreign.id)},
    ]
    tried = {"variants": wrong, "hours": 100}

    answer = await api.data(CREATE, seller(shop), input=await given(shop, experiment=tried, holdoutPercent=60))

    assert answer["planCreate"]["plan"] is None
    assert sorted((".".join(each["field"]), each["code"], each["rule"]) for each in answer["planCreate"]["userErrors"]) == [
        ("experiment.hours", "INVALID", "B7"),
        ("experiment.variants.0.texts.en.text", "FORBIDDEN_CONTENT", "R13"),
        ("experiment.variants.1.couponId", "NOT_FOUND", None),
        ("holdoutPercent", "INVALID", "B4"),
    ]  # fmt: skip
    assert not await Plan.all().exists()


async def test_each_variant_is_previewed_and_tried_by_mail(api: Api):
    shop = await make_shop()
    coupon = await make_coupon(shop, name="other")
    variant = {"texts": OTHERS, "couponId": global_id.encode("Coupon", coupon.id)}
    plan = await created(api, shop, channel="EMAIL", experiment={"variants": [variant]})
    token = seller(shop)

    shown = [(await api.data(PREVIEW, token, id=plan["id"], variant=name))["planPreview"] for name in (None, "B", "C")]
    assert [each["preview"] and each["preview"]["coupon"] for each in shown] == [None, {"name": "other"}, None]
    assert "B for" in shown[1]["preview"]["text"] and "B for" not in shown[0]["preview"]["text"]
    assert shown[2]["userErrors"] == [{"field": ["variant"], "code": "NOT_FOUND", "rule": "B7"}]
    asked = [
        (await api.data(TEST_SEND, token, input={"id": plan["id"], "addresses": ["a@example.com"], "variant": name}))
        for name in (None, "B", "C")
    ]
    assert [each["planTestSend"]["trials"] for each in asked] == [[{"variant": "A"}], [{"variant": "B"}], None]


async def test_a_declared_winner_is_told_with_its_figures_and_in_the_history(api: Api, clock: Clock):
    shop = await make_shop()
    await make_customers(shop, 200)
    plan = await created(api, shop, experiment={"variants": [{"texts": OTHERS}], "percent": 50, "metric": "READ"})
    await api.data(SUBMIT, seller(shop), input={"id": plan["id"]})
    plan_id = global_id.integer(plan["id"], "Plan") or 0
    assert await wording.pin(plan_id) and await audience.resolve_range(plan_id)
    await database.execute("UPDATE delivery SET read_at = $1 WHERE variant = 1", now())
    clock.move(timedelta(hours=4))
    assert await winner.declare(plan_id) == 1

    told = (await api.data(PLAN, seller(shop), id=plan["id"]))["plan"]

    tried = told["experiment"]
    assert (tried["winner"], tried["verdict"]["best"], tried["verdict"]["isSignificant"]) == ("B", "B", True)
    assert tried["decidesAt"] == tried["decidedAt"]
    first, second = (each["result"] for each in tried["variants"])
    assert (first["read"], second["read"]) == (0, second["delivered"])
    assert told["history"]["nodes"][0] == {"action": "DECIDE", "actor": "SYSTEM", "reason": "B"}


async def test_a_shop_decides_what_it_holds_out_and_a_refusal_changes_nothing(api: Api):
    shop = await make_shop()
    token = seller(shop)

    changed = (await api.data(HOLDOUT, token, input={"planPercent": 5}))["holdoutUpdate"]
    refused = (await api.data(HOLDOUT, token, input={"planPercent": 51, "controlPercent": -1}))["holdoutUpdate"]
    plan = await created(api, shop)
    shown = await api.data("{ shop { holdout { planPercent controlPercent } } }", token)

    assert (changed["holdout"]["planPercent"], changed["holdout"]["controlPercent"]) == (5, 0)
    assert [(each["field"], each["rule"]) for each in refused["userErrors"]] == [
        (["planPercent"], "B4"), (["controlPercent"], "B4"),
    ]  # fmt: skip
    assert plan["holdoutPercent"] == 5
    assert shown["shop"]["holdout"] == {"planPercent": 5, "controlPercent": 0}
