"""A shop's plans over the API: which are listed, page by page, and how far one has come."""

from typing import Any

from models import database as databases
from resolvers import global_id
from tests.api import Api, seller
from tests.factories import make_customers, make_draft, make_resolved, make_shop


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
