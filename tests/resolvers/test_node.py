"""Anything by its global id."""

from models.identifier import customer_id
from resolvers import global_id
from resolvers.node import MAX_IDS
from tests.api import Api, seller
from tests.factories import make_customers, make_draft, make_shop

NODES = "query ($ids: [ID!]!) { nodes(ids: $ids) { id __typename } }"


async def test_ids_of_every_type_are_answered_in_their_order(api: Api):
    shop = await make_shop()
    (customer,) = await make_customers(shop, 1)
    plan = await make_draft(shop)
    ids = [
        global_id.encode("Customer", customer),
        "nonsense",
        global_id.encode("Plan", plan.id),
        global_id.encode("Order", 1),
        global_id.encode("Shop", shop.id),
        global_id.encode("Plan", plan.id + 1),
    ]
    nodes = (await api.data(NODES, seller(shop), ids=ids))["nodes"]

    assert [node and node["__typename"] for node in nodes] == ["Customer", None, "Plan", None, "Shop", None]
    assert [node["id"] for node in nodes if node] == ids[0::2]


async def test_an_object_of_another_role_is_refused_at_its_place_and_takes_no_other_away(api: Api):
    shop = await make_shop()
    ids = [
        global_id.encode("Shop", shop.id),
        global_id.encode("Message", 1, customer_id("c0"), ""),
        global_id.encode("Segment", 1),
    ]
    answer = await api.answer(NODES, seller(shop), ids=ids)

    assert [node and node["__typename"] for node in answer["data"]["nodes"]] == ["Shop", None, "Segment"]
    (error,) = answer["errors"]
    assert (error["path"], error["extensions"]) == (["nodes", 1], {"code": "FORBIDDEN"})


async def test_more_ids_than_allowed_are_refused(api: Api):
    shop = await make_shop()
    many = await api.answer(NODES, seller(shop), ids=["x"] * (MAX_IDS + 1))
    enough = await api.data(NODES, seller(shop), ids=["x"] * MAX_IDS)

    assert many["errors"][0]["extensions"]["userErrors"][0]["code"] == "TOO_MANY"
    assert enough["nodes"] == [None] * MAX_IDS


async def test_nobody_asks_for_objects_without_a_token(api: Api):
    answer = await api.answer('{ node(id: "nonsense") { id } }')

    assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
