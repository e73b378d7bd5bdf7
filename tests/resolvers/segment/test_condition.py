"""Conditions over the API: in either form the same, and what is refused in its place."""

from typing import Any

import pytest

from models.segment import Segment
from models.shop import Shop
from resolvers import global_id
from tests.api import Api, seller
from tests.factories import make_draft
from tests.resolvers.segment.calls import CREATE, EVERYTHING, create


async def test_everything_the_language_can_say_goes_in_and_comes_back_the_same(api: Api, shop: Shop):
    kept = (await create(api, shop, conditions=EVERYTHING))["segment"]
    again = (await create(api, shop, text=kept["text"]))["segment"]

    assert kept["conditions"] == EVERYTHING
    assert again["conditions"] == EVERYTHING
    assert again["text"] == kept["text"]
    assert kept["advice"] == []


@pytest.mark.parametrize(
    ("given", "errors"),
    [
        (
            {"conditions": {"any": [{"follows": True}, {"orders": {"withinDays": 0, "min": 1}}]}},
            [(["conditions", "any", "1", "orders", "withinDays"], "must be 1–3650", "INVALID")],
        ),
        (
            {"conditions": {"region": ["US-CA"]}},
            [(["conditions", "region", "0"], "must be a region of the shop's country, MX", "INVALID")],
        ),
        (
            {"conditions": {"spent": {"min": 1, "currency": "EUR"}}},
            [(["conditions", "spent", "currency"], "must be the shop's currency, USD", "WRONG_CURRENCY")],
        ),
        (
            {"text": "spent >= 1 EUR"},
            [(["text"], "column 1: spent.currency: must be the shop's currency, USD", "WRONG_CURRENCY")],
        ),
        (
            {"text": "order >= 2"},
            [(["text"], 'column 1: "order" is not a condition; did you mean "orders"?', "INVALID")],
        ),
        ({}, [([], "Give either conditions or text.", "INVALID")]),
        ({"text": "follows", "conditions": {"follows": True}}, [([], "Give either conditions or text.", "INVALID")]),
        ({"text": "follows", "name": " \n "}, [(["name"], "must be a text of 1–200 characters", "INVALID")]),
        (
            {"text": "follows", "name": "x" * 201},
            [(["name"], "must be a text of 1–200 characters, not 201", "TOO_LONG")],
        ),
        (
            {"text": "follows", "name": "a\u202e\0b"},
            [(["name"], "must hold no invisible character, such as U+202E", "INVALID")],
        ),
        ({"text": "x" * 10_001}, [(["text"], "must be at most 10000 characters", "TOO_LONG")]),
        (
            {"conditions": {"not": {"messageRead": {"plan": "bm90aGluZw"}}}},
            [(["conditions", "not", "messageRead", "plan"], "There is no such plan.", "NOT_FOUND")],
        ),
        (
            {"text": 'follows or not\n(message_read(plan: "bm90aGluZw") and unsubscribed(plan: "x"))'},
            [
                (["text"], "line 2, column 2: message_read.plan: There is no such plan.", "NOT_FOUND"),
                (["text"], "line 2, column 39: unsubscribed.plan: There is no such plan.", "NOT_FOUND"),
            ],
        ),
        (
            {"conditions": {"any": [{"follows": True}] * 1000}},
            [(["conditions"], "must have at most 100 conditions", "TOO_MANY")],
        ),
    ],
)
async def test_what_is_wrong_is_told_in_its_place_and_nothing_is_kept(
    api: Api, shop: Shop, given: dict[str, Any], errors: list[tuple[list[str], str, str]]
):
    before = await Segment.all().count()
    payload = await create(api, shop, **given)

    assert payload["segment"] is None
    assert [(error["field"], error["message"], error["code"]) for error in payload["userErrors"]] == errors
    assert await Segment.all().count() == before


@pytest.mark.parametrize("levels", [20, 50])
async def test_a_tree_that_is_too_deep_is_refused(api: Api, shop: Shop, levels: int):
    tree: dict[str, Any] = {"follows": True}
    for _ in range(levels):
        tree = {"not": tree}
    payload = await create(api, shop, conditions=tree)

    assert payload["userErrors"] == [
        {"field": ["conditions"], "message": "must be at most 20 levels deep", "code": "TOO_MANY"}
    ]
    assert await Segment.filter(preset=None).count() == 0


@pytest.mark.parametrize(("levels", "code"), [(300, "BAD_USER_INPUT"), (900, "BAD_USER_INPUT"), (5000, "BAD_REQUEST")])
async def test_a_tree_deeper_than_any_parser_is_an_error_of_the_client_s(api: Api, shop: Shop, levels: int, code: str):
    tree = '{"not":' * levels + '{"follows":true}' + "}" * levels
    body = f'{{"query": "{CREATE}", "variables": {{"input": {{"name": "Deep", "conditions": {tree}}}}}}}'
    headers = {"authorization": f"Bearer {seller(shop)}", "content-type": "application/json"}
    response = await api.client.post("/graphql", content=body, headers=headers)

    assert response.json()["errors"][0]["extensions"]["code"] == code
    assert await Segment.filter(preset=None).count() == 0


async def test_a_condition_with_two_keys_is_refused_by_the_schema(api: Api, shop: Shop):
    conditions = {"follows": True, "viewed": {}}
    answer = await api.answer(CREATE, seller(shop), input={"name": "Two", "conditions": conditions})

    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert await Segment.filter(preset=None).count() == 0


async def test_a_plan_is_named_by_its_global_id_in_both_forms(api: Api, shop: Shop):
    plan = global_id.encode("Plan", (await make_draft(shop)).id)
    kept = (await create(api, shop, conditions={"not": {"messageRead": {"plan": plan}}}))["segment"]

    assert kept["conditions"] == {"not": {"messageRead": {"plan": plan}}}
    assert kept["text"] == f'not message_read(plan: "{plan}")'
    assert (await create(api, shop, text=kept["text"]))["segment"]["conditions"] == kept["conditions"]
