"""Subscriptions over a socket: what they tell, and that nothing is left of them afterwards."""

from datetime import timedelta
from uuid import UUID

import pytest
from starlette.applications import Starlette

from models import live
from resolvers import global_id
from tests.api import seller, shopper
from tests.factories import make_customers, make_draft, make_resolved, make_shop
from tests.schema.serving.peer import INBOX, TYPENAME, peer
from tests.waiting import until


async def test_an_inbox_tells_how_it_stands_and_then_each_arrival(url: str, app: Starlette):
    shop = await make_shop()
    (customer,) = await make_customers(shop, 1)
    await make_customers(shop, 1, prefix="other")
    await make_resolved(shop)
    async with peer(url) as client:
        await client.initialise(shopper("c0"))
        await client.subscribe("a", INBOX)
        snapshot = (await client.receive())["payload"]["data"]["inboxMessage"]
        await make_resolved(shop, content={"texts": {"en": {"text": "News for {name}"}}})
        await live.inbox_changed(app.state.queue, UUID(int=customer.int - 1), customer)
        event = (await client.receive())["payload"]["data"]["inboxMessage"]

    assert (snapshot["unreadCount"], len(snapshot["messages"])) == (1, 1)
    assert (event["unreadCount"], event["messages"]) == (2, [{"text": "News for c0"}])
    assert event["version"] > snapshot["version"]


async def test_a_plan_s_progress_rises_to_its_end_and_completes(url: str, app: Starlette):
    shop = await make_shop()
    await make_customers(shop, 3)
    plan = await make_draft(shop)
    query = "subscription ($id: ID!) { planProgress(planId: $id) { version status recipients sent } }"
    async with peer(url) as client:
        await client.initialise(seller(shop))
        await client.subscribe("a", {"query": query, "variables": {"id": global_id.encode("Plan", plan.id)}})
        snapshot = (await client.receive())["payload"]["data"]["planProgress"]
        await plan.submit(shop, send_at=None, deadline_after=timedelta(hours=1))
        await plan.cancel()
        await live.plan_changed(app.state.queue, plan.id)
        event = (await client.receive())["payload"]["data"]["planProgress"]
        last = await client.receive()

    assert (snapshot["status"], snapshot["recipients"]) == ("DRAFT", 0)
    assert (event["status"], event["version"] > snapshot["version"]) == ("CANCELLED", True)
    assert last == {"id": "a", "type": "complete"}


@pytest.mark.parametrize(
    ("query", "key", "column"),
    [
        ("subscription ($id: ID!) { planProgress(planId: $id) { sent } }", "planProgress", 27),
        ("subscription ($id: ID!) { own: planProgress(planId: $id) { sent } }", "own", 27),
        ("subscription ($id: ID!) { ...A } fragment A on Subscription { planProgress(planId: $id) { sent } }",
         "planProgress", 63),
        ("subscription ($id: ID!) { ... on Subscription { planProgress(planId: $id) { sent } } }", "planProgress", 49),
    ],
)  # fmt: skip
async def test_a_subscription_that_is_refused_says_what_is_wrong_and_at_which_field(
    url: str, query: str, key: str, column: int
):
    shop, other = await make_shop(), await make_shop("other")
    foreign = await make_draft(other)
    async with peer(url) as client:
        await client.initialise(seller(shop))
        await client.subscribe("a", {"query": query, "variables": {"id": global_id.encode("Plan", foreign.id)}})
        message = await client.receive()
        last = await client.receive()

    (error,) = message["payload"]["errors"]
    assert (error["path"], error["locations"]) == ([key], [{"line": 1, "column": column}])
    assert error["extensions"]["userErrors"][0]["code"] == "NOT_FOUND"
    assert message["payload"]["extensions"]["cost"]["actualQueryCost"] == 1
    assert last == {"id": "a", "type": "complete"}


async def test_a_completed_subscription_frees_its_id_and_stops(url: str, app: Starlette):
    async with peer(url) as client:
        await client.initialise(shopper("c0"))
        await client.subscribe("a", INBOX)
        await client.receive()
        assert len(app.state.listener._shoppers) == 1
        await client.send({"type": "complete", "id": "a"})
        await client.subscribe("a", TYPENAME)
        assert (await client.receive())["payload"]["data"] == {"__typename": "Query"}

    await until(lambda: not app.state.listener._shoppers)


async def test_a_client_that_leaves_leaves_nothing_behind(url: str, app: Starlette):
    async with peer(url) as client:
        await client.initialise(shopper("c0"))
        for identifier in "abc":
            await client.subscribe(identifier, INBOX)
            await client.receive()
        assert len(next(iter(app.state.listener._shoppers.values()))) == 3
    async with peer(url) as client:
        await client.initialise()

    await until(lambda: not app.state.listener._shoppers)
