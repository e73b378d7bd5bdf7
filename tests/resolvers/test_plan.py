"""Plans over the API: from a draft to its end, and what is refused on the way."""

from datetime import timedelta
from typing import Any

import pytest
from starlette.applications import Starlette

from models import database as databases
from models.clock import Clock, now
from models.plan import Plan, advance
from models.segment import Segment
from models.shop import Shop
from resolvers import global_id
from tests.api import Api, seller
from tests.factories import TEXTS, make_coupon, make_customers, make_draft, make_resolved, make_shop
from tests.models.test_enclosure import make_product

PLAN = "plan { id name status channel sendAt texts { language text subject } segment { preset } products { title } }"
CREATE = f"mutation ($input: PlanCreateInput!) {{ planCreate(input: $input) {{ {PLAN} userErrors {{ field code }} }} }}"
UPDATE = f"mutation ($input: PlanUpdateInput!) {{ planUpdate(input: $input) {{ {PLAN} userErrors {{ field code }} }} }}"
SUBMIT = f"mutation ($input: PlanSubmitInput!) {{ planSubmit(input: $input) {{ {PLAN} userErrors {{ field code }} }} }}"
CANCEL = f"mutation ($input: PlanCancelInput!) {{ planCancel(input: $input) {{ {PLAN} userErrors {{ field code }} }} }}"

LIST = [{"language": tag, **text} for tag, text in TEXTS.items()]


async def new_plan(shop: Shop, **changes: Any) -> dict[str, Any]:
    segment = await Segment.get(shop_id=shop.id, preset="REPEAT")
    return {
        "name": "Spring",
        "channel": "CHAT",
        "segmentId": global_id.encode("Segment", segment.id),
        "texts": LIST,
        **changes,
    }


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


async def test_a_plan_is_submitted_once_and_its_work_is_queued(api: Api, app: Starlette):
    shop = await make_shop()
    plan_id = global_id.encode("Plan", (await make_draft(shop)).id)
    data = await api.data(SUBMIT, seller(shop), input={"id": plan_id})
    again = await api.data(SUBMIT, seller(shop), input={"id": plan_id})

    assert data["planSubmit"]["plan"]["status"] == "ONGOING"
    assert again["planSubmit"]["userErrors"] == [{"field": ["id"], "code": "ILLEGAL_TRANSITION"}]
    assert [job.function for job in await app.state.queue.queued_jobs()] == ["localise_plan"]


async def test_a_submit_repeated_with_its_key_answers_the_plan_as_it_is(api: Api):
    shop = await make_shop()
    plan_id = global_id.encode("Plan", (await make_draft(shop)).id)
    call = {"id": plan_id, "idempotencyKey": "send"}
    first = await api.data(SUBMIT, seller(shop), input=call)

    assert await api.data(SUBMIT, seller(shop), input=call) == first


async def test_no_time_or_null_at_a_submit_is_the_draft_s_own_and_the_present_time_is_at_once(api: Api, clock: Clock):
    shop = await make_shop()
    later = clock.now() + timedelta(days=17)
    plans = []
    for given in ({}, {"sendAt": None}, {"sendAt": clock.now().isoformat()}):
        draft = await make_draft(shop, send_at=later)
        answer = await api.data(SUBMIT, seller(shop), input={"id": global_id.encode("Plan", draft.id), **given})
        plans.append(answer["planSubmit"]["plan"])

    assert [plan["status"] for plan in plans] == ["SCHEDULED", "SCHEDULED", "ONGOING"]


async def test_a_plan_for_later_is_scheduled_and_can_be_cancelled(api: Api):
    shop = await make_shop()
    plan_id = global_id.encode("Plan", (await make_draft(shop)).id)
    sent = await api.data(SUBMIT, seller(shop), input={"id": plan_id, "sendAt": "2026-02-01T00:00:00Z"})
    stopped = await api.data(CANCEL, seller(shop), input={"id": plan_id})
    edited = await api.data(UPDATE, seller(shop), input={"id": plan_id, "name": "x"})

    assert sent["planSubmit"]["plan"]["status"] == "SCHEDULED"
    assert stopped["planCancel"]["plan"]["status"] == "CANCELLED"
    assert edited["planUpdate"]["userErrors"] == [{"field": ["id"], "code": "ILLEGAL_TRANSITION"}]


async def test_the_list_filters_by_status_and_kind_and_pages_both_ways(api: Api):
    shop = await make_shop()
    drafts = [(await make_draft(shop, name=f"plan {i}")).id for i in range(5)]
    await databases.execute("UPDATE plan SET status = 'DELETED' WHERE id = $1", drafts[0])
    await databases.execute("UPDATE plan SET status = 'SENT' WHERE id = $1", drafts[1])
    query = """query ($first: Int, $after: String, $last: Int, $before: String, $status: [PlanStatus!], $kind: PlanKind) {
      plans(first: $first, after: $after, last: $last, before: $before, status: $status, kind: $kind) {
        totalCount edges { cursor } nodes { name } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""

    async def page(**variables: Any) -> tuple[list[str], dict[str, Any]]:
        plans = (await api.data(query, seller(shop), **variables))["plans"]
        return [node["name"] for node in plans["nodes"]], plans

    names, whole = await page()
    assert (names, whole["totalCount"]) == (["plan 4", "plan 3", "plan 2", "plan 1"], 4)
    names, first = await page(first=2)
    assert (names, first["pageInfo"]["hasNextPage"], first["pageInfo"]["hasPreviousPage"]) == (
        ["plan 4", "plan 3"],
        True,
        False,
    )
    names, second = await page(first=2, after=first["pageInfo"]["endCursor"])
    assert (names, second["pageInfo"]["hasNextPage"], second["pageInfo"]["hasPreviousPage"]) == (
        ["plan 2", "plan 1"],
        False,
        True,
    )
    names, back = await page(last=1, before=second["pageInfo"]["startCursor"])
    assert (names, back["pageInfo"]["hasNextPage"], back["pageInfo"]["hasPreviousPage"]) == (["plan 3"], True, True)
    assert (await page(last=2))[0] == ["plan 2", "plan 1"]
    assert (await page(status=["SENT"]))[0] == ["plan 1"]
    assert (await page(status=["DELETED"]))[0] == ["plan 0"]
    assert (await page(kind="AUTOMATED"))[0] == []
    assert (await page(first=0))[0] == []


async def test_a_page_that_makes_no_sense_is_a_top_level_error(api: Api):
    shop = await make_shop()
    answer = await api.answer("{ plans(first: 101) { nodes { id } } }", seller(shop))
    foreign = await api.answer(
        "query ($after: String) { plans(after: $after) { nodes { id } } }",
        seller(shop),
        after=(await api.data("{ segments(first: 1) { pageInfo { endCursor } } }", seller(shop)))["segments"][
            "pageInfo"
        ]["endCursor"],
    )

    assert answer["errors"][0]["message"] == "first: A page has 0–100 rows."
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert answer["errors"][0]["extensions"]["userErrors"][0]["field"] == ["first"]
    assert foreign["errors"][0]["message"] == "after: This is not a cursor of this list."


async def test_progress_adds_up(api: Api):
    shop = await make_shop()
    await make_customers(shop, 3)
    await make_customers(shop, 2, prefix="s", language="es")
    plan = await make_resolved(shop)
    data = await api.data(
        """query ($id: ID!) { plan(id: $id) { progress {
             planId status isResolved recipients pending inFlight sent failed unknown
             breakdown { state reason channel language count } } } }""",
        seller(shop),
        id=global_id.encode("Plan", plan.id),
    )

    assert data["plan"]["progress"] == {
        "planId": global_id.encode("Plan", plan.id),
        "status": "ONGOING",
        "isResolved": True,
        "recipients": 5,
        "pending": 0,
        "inFlight": 0,
        "sent": 5,
        "failed": 0,
        "unknown": 0,
        "breakdown": [
            {"state": "SENT", "reason": None, "channel": "CHAT", "language": "en", "count": 3},
            {"state": "SENT", "reason": None, "channel": "CHAT", "language": "es", "count": 2},
        ],
    }


ID_ONLY = {
    name: f"mutation ($input: Plan{name}Input!) {{ plan{name}(input: $input) {{ plan {{ id name status }} userErrors {{ field code }} }} }}"
    for name in ("Pause", "Resume", "Duplicate", "Delete")
}


async def act(api: Api, name: str, shop: Shop, plan_id: str) -> dict[str, Any]:
    payload: dict[str, Any] = (await api.data(ID_ONLY[name], seller(shop), input={"id": plan_id}))[f"plan{name}"]
    return payload


async def test_a_plan_is_held_and_goes_on(api: Api):
    shop = await make_shop()
    plan = await make_draft(shop)
    plan_id = global_id.encode("Plan", plan.id)
    too_early = await act(api, "Pause", shop, plan_id)
    await api.data(SUBMIT, seller(shop), input={"id": plan_id})
    held = await act(api, "Pause", shop, plan_id)
    going = await act(api, "Resume", shop, plan_id)

    assert too_early == {"plan": None, "userErrors": [{"field": ["id"], "code": "ILLEGAL_TRANSITION"}]}
    assert (held["plan"]["status"], going["plan"]["status"]) == ("PAUSED", "ONGOING")


async def test_a_plan_is_drafted_again_and_the_copy_put_out_of_sight(api: Api):
    shop = await make_shop()
    plan = await make_draft(shop)
    copied = await act(api, "Duplicate", shop, global_id.encode("Plan", plan.id))
    deleted = await act(api, "Delete", shop, copied["plan"]["id"])
    listed = await api.data("{ plans { nodes { id } } }", seller(shop))

    assert (copied["plan"]["name"], copied["plan"]["status"]) == (plan.name, "DRAFT")
    assert (deleted["plan"]["id"], deleted["plan"]["status"]) == (copied["plan"]["id"], "DELETED")
    assert listed["plans"]["nodes"] == [{"id": global_id.encode("Plan", plan.id)}]


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


RETRY = (
    "mutation ($input: PlanRetryFailedInput!) { planRetryFailed(input: $input) {"
    " plan { status progress { pending failed unknown mayRepeat } } userErrors { field code rule } } }"
)


async def test_what_failed_is_tried_again_once_per_key(api: Api):
    shop = await make_shop()
    await make_customers(shop, 3)
    plan = await make_resolved(shop, channel="EMAIL")
    own = {"id": global_id.encode("Plan", plan.id)}
    early = await api.data(RETRY, seller(shop), input=own)
    await databases.execute("UPDATE slice SET done_at = now()")
    await databases.execute("UPDATE delivery SET state = 'SENT', attempt = 1, sent_at = now()")
    await advance.finish(plan.id)
    nothing = await api.data(RETRY, seller(shop), input=own)
    await databases.execute(
        "UPDATE delivery d SET state = (ARRAY['FAILED', 'UNKNOWN'])[n]::delivery_state"
        " FROM (SELECT customer_id, row_number() OVER () AS n FROM delivery LIMIT 2) f WHERE f.customer_id = d.customer_id"
    )

    answers = [
        await api.data(RETRY, seller(shop), input={**own, "includeUnknown": True, "idempotencyKey": "r1"}) for _ in "ab"
    ]

    refused = [(each["planRetryFailed"]["plan"], each["planRetryFailed"]["userErrors"]) for each in (early, nothing)]
    assert refused == [
        (None, [{"field": ["id"], "code": "ILLEGAL_TRANSITION", "rule": "R10"}]),
        (None, [{"field": ["id"], "code": "NOTHING_TO_RETRY", "rule": "B2"}]),
    ]
    progress = {"pending": 2, "failed": 0, "unknown": 0, "mayRepeat": 1}
    expected = {"plan": {"status": "ONGOING", "progress": progress}, "userErrors": []}
    assert [each["planRetryFailed"] for each in answers] == [expected, expected]


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
