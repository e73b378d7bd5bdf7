"""Trials over the API."""

from starlette.applications import Starlette

from models import database
from models.plan import PlanChannel
from resolvers import global_id
from tests.api import Api, seller
from tests.factories import make_draft, make_shop

TEST_SEND = (
    "mutation ($input: PlanTestSendInput!) { planTestSend(input: $input) {"
    " trials { address language state } userErrors { field code rule } } }"
)


async def test_a_trial_is_noted_once_per_key_and_its_work_queued(api: Api, app: Starlette):
    shop = await make_shop()
    plan = await make_draft(shop, channel=PlanChannel.EMAIL)
    given = {"id": global_id.encode("Plan", plan.id), "addresses": ["anna@example.com"], "idempotencyKey": "k"}

    first = await api.data(TEST_SEND, seller(shop), input=given)
    again = await api.data(TEST_SEND, seller(shop), input=given)

    assert first == again
    assert first["planTestSend"] == {
        "trials": [{"address": "anna@example.com", "language": "en", "state": "PENDING"}], "userErrors": [],
    }  # fmt: skip
    assert await database.fetch_value("SELECT count(*) FROM trial") == 1
    assert "send_trials" in {job.function for job in await app.state.queue.queued_jobs()}

    wrong = {**given, "addresses": ["nobody"], "idempotencyKey": None}
    refused = await api.data(TEST_SEND, seller(shop), input=wrong)
    assert refused["planTestSend"]["userErrors"] == [{"field": ["addresses", "0"], "code": "INVALID", "rule": "R11"}]
