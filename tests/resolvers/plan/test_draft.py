"""Drafts of plans over the API: made, changed, and refused with nothing kept."""

from datetime import timedelta
from typing import Any

import pytest

from models import database as databases
from models.clock import now
from models.plan import Plan
from resolvers import global_id
from tests.api import Api, seller
from tests.factories import make_coupon, make_draft, make_shop
from tests.models.test_enclosure import make_product
from tests.resolvers.plan.calls import CREATE, LIST, SUBMIT, UPDATE, new_plan


async def test_a_draft_is_kept_as_it_was_given(api: Api):
    shop = await make_shop()
    data = await api.data(CREATE, seller(shop), input=await new_plan(shop, sendAt="2026-02-01T09:00:00+07:00"))

    plan = await Plan.get()
    assert data["planCreate"] == {
        "plan": {
            "id": global_id.encode("Plan", plan.id),
            "name": "Spring",
            "status": "DRAFT",
            "channel": "CHAT",
            "sendAt": "2026-02-01T02:00:00Z",
            "texts": LIST,
            "segment": {"preset": "REPEAT"},
            "products": [],
        },
        "userErrors": [],
    }
    assert plan.created_by == "OWNER:bloom:u1"


@pytest.mark.parametrize(
    ("changes", "errors"),
    [
        ({"name": "  "}, [(["name"], "INVALID")]),
        ({"name": "word " * 101}, [(["name"], "TOO_LONG")]),
        ({"segmentId": "nonsense"}, [(["segmentId"], "NOT_FOUND")]),
        ({"segmentId": global_id.encode("Segment", 99999)}, [(["segmentId"], "NOT_FOUND")]),
        ({"segmentId": global_id.encode("Plan", 1)}, [(["segmentId"], "NOT_FOUND")]),
        ({"productIds": ["nonsense"]}, [(["productIds", "0"], "NOT_FOUND")]),
        ({"texts": [{"language": "klingonish", "text": "x"}]}, [(["texts", "klingonish"], "UNKNOWN_LANGUAGE")]),
        ({"texts": [{"language": "en", "text": "{who}"}]}, [(["texts", "en", "text"], "UNKNOWN_VARIABLE")]),
        (
            {"texts": [{"language": "en", "text": "x"}, {"language": "en", "text": "y"}]},
            [(["texts", "en"], "CONFLICT")],
        ),
        (
            {"texts": [{"language": "en", "text": "x"}, {"language": "EN", "text": "y"}]},
            [(["texts", "EN"], "CONFLICT")],
        ),
        (
            {
                "experiment": {
                    "variants": [{"texts": [{"language": "en", "text": "x"}, {"language": "en", "text": "y"}]}]
                }
            },
            [(["experiment", "variants", "0", "texts", "en"], "CONFLICT")],
        ),
        ({"sendAt": "2025-02-01T09:00:00Z"}, [(["sendAt"], "IN_PAST")]),
        ({"imageUrl": "http://img.example/a.png"}, [(["imageUrl"], "INVALID")]),
        ({"imageUrl": "https://img.example/" + "a" * 2_000}, [(["imageUrl"], "TOO_LONG")]),
    ],
)
async def test_a_draft_that_cannot_be_is_refused_with_its_place(
    api: Api, changes: dict[str, Any], errors: list[tuple[list[str], str]]
):
    shop = await make_shop()
    data = await api.data(CREATE, seller(shop), input=await new_plan(shop, **changes))

    assert data["planCreate"]["plan"] is None
    assert [(error["field"], error["code"]) for error in data["planCreate"]["userErrors"]] == errors
    assert await Plan.all().count() == 0


async def test_a_plan_shows_a_product_once(api: Api):
    shop = await make_shop()
    [soap, dish] = [global_id.encode("Product", await make_product(shop, name, name)) for name in ("soap", "dish")]

    data = await api.data(CREATE, seller(shop), input=await new_plan(shop, productIds=[soap, dish, soap]))

    assert [(error["field"], error["code"]) for error in data["planCreate"]["userErrors"]] == [
        (["productIds", "2"], "CONFLICT")
    ]
    assert await Plan.all().count() == 0


async def test_a_repeated_key_makes_one_draft(api: Api):
    shop = await make_shop()
    call = await new_plan(shop, idempotencyKey="k1")
    first = await api.data(CREATE, seller(shop), input=call)
    again = await api.data(CREATE, seller(shop), input=call)
    other = await api.data(CREATE, seller(shop), input={**call, "name": "Summer"})

    assert again == first
    assert other["planCreate"] == {"plan": None, "userErrors": [{"field": ["idempotencyKey"], "code": "KEY_REUSED"}]}
    assert await Plan.all().count() == 1


async def test_an_update_changes_what_it_names_and_nothing_else(api: Api):
    shop = await make_shop()
    plan = await make_draft(shop, send_at=now() + timedelta(days=1))
    data = await api.data(
        UPDATE, seller(shop), input={"id": global_id.encode("Plan", plan.id), "name": "Autumn", "sendAt": None}
    )

    assert data["planUpdate"]["plan"]["name"] == "Autumn"
    assert data["planUpdate"]["plan"]["sendAt"] is None
    assert data["planUpdate"]["plan"]["texts"] == LIST


@pytest.mark.parametrize("field", ["segmentId", "couponId"])
async def test_an_empty_id_in_an_update_is_refused_and_nothing_is_changed(api: Api, field: str):
    shop = await make_shop()
    plan = await make_draft(shop, coupon_id=(await make_coupon(shop)).id)
    change = {"id": global_id.encode("Plan", plan.id), "name": "Autumn", field: ""}

    data = await api.data(UPDATE, seller(shop), input=change)

    assert data["planUpdate"] == {"plan": None, "userErrors": [{"field": [field], "code": "NOT_FOUND"}]}
    kept = await Plan.get()
    assert (kept.name, kept.segment_id, kept.coupon_id) == (plan.name, plan.segment_id, plan.coupon_id)


async def test_a_template_that_there_is_none_of_is_refused_and_nothing_is_kept(api: Api):
    shop = await make_shop()
    draft = await make_draft(shop, template="WIN_BACK")
    change = {"id": global_id.encode("Plan", draft.id), "name": "Other"}

    for template in ("MADE_UP", ""):
        created = await api.data(CREATE, seller(shop), input=await new_plan(shop, template=template))
        changed = await api.data(UPDATE, seller(shop), input={**change, "template": template})
        for answer in (created["planCreate"], changed["planUpdate"]):
            assert answer == {"plan": None, "userErrors": [{"field": ["template"], "code": "NOT_FOUND"}]}

    kept = await Plan.get()
    assert (kept.name, kept.template) == (draft.name, "WIN_BACK")


async def test_a_template_that_there_is_none_of_any_more_hinders_no_other_change(api: Api):
    shop = await make_shop()
    draft = await make_draft(shop)
    await databases.execute("UPDATE plan SET template = 'OF_LAST_YEAR'")
    named = {"id": global_id.encode("Plan", draft.id)}

    changed = (await api.data(UPDATE, seller(shop), input={**named, "name": "Other"}))["planUpdate"]
    submitted = (await api.data(SUBMIT, seller(shop), input=named))["planSubmit"]

    assert (changed["plan"]["name"], submitted["plan"]["status"]) == ("Other", "ONGOING")


LOCAL = "plan { localTime } userErrors { field code }"
HOUR = {
    "create": f"mutation ($input: PlanCreateInput!) {{ planCreate(input: $input) {{ {LOCAL} }} }}",
    "update": f"mutation ($input: PlanUpdateInput!) {{ planUpdate(input: $input) {{ {LOCAL} }} }}",
    "submit": f"mutation ($input: PlanSubmitInput!) {{ planSubmit(input: $input) {{ {LOCAL} }} }}",
    "duplicate": f"mutation ($input: PlanDuplicateInput!) {{ planDuplicate(input: $input) {{ {LOCAL} }} }}",
}


async def test_a_plans_local_hour_is_kept_changed_duplicated_and_decided_at_submit(api: Api):
    shop = await make_shop()
    call = await new_plan(shop, localTime="19:00")
    assert await api.data(HOUR["create"], seller(shop), input=call) == {
        "planCreate": {"plan": {"localTime": "19:00"}, "userErrors": []}
    }
    plan = await Plan.get()
    own = {"id": global_id.encode("Plan", plan.id)}

    changed = await api.data(HOUR["update"], seller(shop), input={**own, "localTime": "08:30"})
    kept = await api.data(HOUR["update"], seller(shop), input={**own, "name": "Autumn"})
    copied = await api.data(HOUR["duplicate"], seller(shop), input=own)
    none = await api.data(HOUR["update"], seller(shop), input={**own, "localTime": None})
    sent = await api.data(HOUR["submit"], seller(shop), input={**own, "localTime": "20:15"})

    hours = [next(iter(answer.values()))["plan"]["localTime"] for answer in (changed, kept, copied, none, sent)]
    assert hours == ["08:30", "08:30", "08:30", None, "20:15"]


@pytest.mark.parametrize("hour", ["24:00", "19", "19:00:30", "7 pm", 19, "19:60"])
async def test_what_is_no_hour_of_a_day_is_refused_and_nothing_kept(api: Api, hour: Any):
    shop = await make_shop()
    answer = await api.answer(HOUR["create"], seller(shop), input=await new_plan(shop, localTime=hour))

    assert "LocalTime is an hour and a minute" in answer["errors"][0]["message"]
    assert await Plan.all().count() == 0


IMAGE = {
    name: f"mutation ($input: Plan{name.title()}Input!) {{ plan{name.title()}(input: $input) {{"
    " plan { id imageUrl } userErrors { field code rule message } } }"
    for name in ("create", "update", "duplicate", "submit")
}


async def test_a_plans_image_is_kept_changed_copied_removed_and_frozen(api: Api):
    shop = await make_shop()

    async def answer(verb: str, **given: Any) -> dict[str, Any]:
        payload: dict[str, Any] = (await api.data(IMAGE[verb], seller(shop), input=given))[f"plan{verb.title()}"]
        return payload

    made = await answer("create", **await new_plan(shop, imageUrl="https://img.example/a.png"))
    own = {"id": made["plan"]["id"]}
    changed = await answer("update", **own, imageUrl="https://img.example/b.png")
    kept = await answer("update", **own, name="Autumn")
    copied = await answer("duplicate", **own)
    none = await answer("update", **own, imageUrl=None)
    await answer("submit", id=copied["plan"]["id"])
    late = await answer("update", id=copied["plan"]["id"], imageUrl=None)

    images = [each["plan"]["imageUrl"] for each in (made, changed, kept, copied, none)]
    assert images == [f"https://img.example/{name}.png" for name in ("a", "b", "b", "b")] + [None]
    assert [(each["field"], each["code"]) for each in late["userErrors"]] == [(["id"], "ILLEGAL_TRANSITION")]
    assert [each.image_url for each in await Plan.all().order_by("id")] == [None, "https://img.example/b.png"]


async def test_a_refused_image_leaves_the_draft_as_it_was(api: Api):
    shop = await make_shop()
    plan = await make_draft(shop, image_url="https://img.example/a.png")
    change = {"id": global_id.encode("Plan", plan.id), "name": "x", "imageUrl": "https://ana:secret@img.example/a.png"}

    answer = (await api.data(IMAGE["update"], seller(shop), input=change))["planUpdate"]

    message = "An image's address must hold no user name or password: every reader would have it."
    assert answer == {
        "plan": None,
        "userErrors": [{"field": ["imageUrl"], "code": "INVALID", "rule": "R13", "message": message}],
    }
    kept = await Plan.get()
    assert (kept.name, kept.image_url) == (plan.name, "https://img.example/a.png")
