"""Plans over the API from submit to end: what goes on, is held, tried again, copied or put out of sight, and what is refused."""

from datetime import timedelta
from typing import Any

from starlette.applications import Starlette

from models import database as databases
from models.clock import Clock
from models.plan import advance
from models.shop import Shop
from resolvers import global_id
from tests.api import Api, seller
from tests.factories import make_customers, make_draft, make_resolved, make_shop
from tests.resolvers.plan.calls import CANCEL, SUBMIT, UPDATE


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
