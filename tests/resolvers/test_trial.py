"""Trials over the API."""

from starlette.applications import Starlette

from models import database
from models.plan import PlanChannel
from resolvers import global_id
from tests.api import PLATFORM, Api, seller
from tests.factories import make_customers, make_draft, make_shop

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


ERASE = "mutation ($input: CustomerEraseInput!) { customerErase(input: $input) { userErrors { code } } }"


async def test_a_repeated_key_is_told_of_the_trials_that_are_left_when_an_addressee_was_erased(api: Api):
    """An erased customer's trials are gone, so a key that knew of no others answers that nothing is there any more."""
    shop = await make_shop()
    await make_customers(shop, 1)
    (email,) = [row["email"] for row in await database.fetch("SELECT email FROM customer")]
    plan = await make_draft(shop, channel=PlanChannel.EMAIL)
    theirs = {"id": global_id.encode("Plan", plan.id), "addresses": [email], "idempotencyKey": "theirs"}
    both = {**theirs, "addresses": [email, "anna@example.com"], "idempotencyKey": "both"}
    for given in (theirs, both):
        await api.data(TEST_SEND, seller(shop), input=given)
    await api.data(ERASE, PLATFORM, input={"externalId": "c0"})

    gone, left = [(await api.data(TEST_SEND, seller(shop), input=given))["planTestSend"] for given in (theirs, both)]

    assert gone == {"trials": None, "userErrors": [{"field": [], "code": "NOT_FOUND", "rule": None}]}
    assert ([each["address"] for each in left["trials"]], left["userErrors"]) == (["anna@example.com"], [])
    assert await database.fetch_value("SELECT count(*) FROM trial") == 1
