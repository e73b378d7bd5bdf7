"""Replying and answering over the API: the seller sees nothing before, and pages through it then (R20)."""

from datetime import timedelta

import pytest

from models import database as databases
from models.clock import Clock
from models.shop import Shop
from resolvers import global_id
from tests.api import Api, seller, shopper
from tests.factories import make_customers, make_resolved, make_shop

REPLY = """
mutation ($input: MessageReplyInput!) { messageReply(input: $input) {
  conversation { id size lastAuthor customer { id } remarks { nodes { text plan { id } } } } userErrors { field code } } }"""
ANSWER = """
mutation ($input: ConversationAnswerInput!) { conversationAnswer(input: $input) {
  conversation { id size lastAuthor } userErrors { field code rule } } }"""
LIST = "{ conversations(first: 5) { nodes { id size customer { name } remarks { nodes { text author plan { name } } } } totalCount } }"
INBOX = "{ inbox { nodes { id conversation { id size remarks(last: 1) { nodes { text } } } } } }"


@pytest.fixture
async def shop(database: None) -> Shop:
    shop = await make_shop()
    await make_customers(shop, 2)
    await make_resolved(shop, name="Spring")
    return shop


async def message_of(api: Api, name: str) -> str:
    data = await api.data(INBOX, shopper(name))
    found: str = data["inbox"]["nodes"][0]["id"]
    return found


async def test_a_reply_opens_a_conversation_that_the_seller_sees_and_answers(api: Api, shop: Shop, clock: Clock):
    assert (await api.data(LIST, seller(shop)))["conversations"] == {"nodes": [], "totalCount": 0}

    asked = {"id": await message_of(api, "c0"), "text": "Is it warm?"}
    replied = (await api.data(REPLY, shopper("c0"), input=asked))["messageReply"]
    assert replied["userErrors"] == []
    assert replied["conversation"]["customer"] is None
    assert replied["conversation"]["remarks"]["nodes"] == [{"text": "Is it warm?", "plan": None}]

    (seen,) = (await api.data(LIST, seller(shop)))["conversations"]["nodes"]
    assert seen["customer"] == {"name": "c0"}
    assert seen["remarks"]["nodes"] == [{"text": "Is it warm?", "author": "SHOPPER", "plan": {"name": "Spring"}}]

    clock.move(timedelta(minutes=1))
    said = await api.data(ANSWER, seller(shop), input={"id": seen["id"], "text": "Very."})
    assert said["conversationAnswer"] == {
        "conversation": {"id": seen["id"], "size": 2, "lastAuthor": "SELLER"}, "userErrors": [],
    }  # fmt: skip
    (node,) = (await api.data(INBOX, shopper("c0")))["inbox"]["nodes"]
    assert node["conversation"] == {"id": seen["id"], "size": 2, "remarks": {"nodes": [{"text": "Is it warm?"}]}}
    (other,) = (await api.data(INBOX, shopper("c1")))["inbox"]["nodes"]
    assert other["conversation"] is None


async def test_a_reply_with_a_key_is_said_once(api: Api, shop: Shop):
    asked = {"id": await message_of(api, "c0"), "text": "Hi", "idempotencyKey": "k"}
    answers = [await api.data(REPLY, shopper("c0"), input=asked) for _ in range(2)]

    assert answers[0] == answers[1]
    assert answers[0]["messageReply"]["conversation"]["size"] == 1


async def test_the_last_word_comes_first_and_pages_follow_one_another(api: Api, shop: Shop, clock: Clock):
    for name in ("c0", "c1", "c0"):
        clock.move(timedelta(minutes=1))
        await api.data(REPLY, shopper(name), input={"id": await message_of(api, name), "text": name})

    page = "query ($after: String) { conversations(first: 1, after: $after) { nodes { customer { name } } pageInfo { endCursor hasNextPage } } }"
    first = (await api.data(page, seller(shop)))["conversations"]
    after = first["pageInfo"]["endCursor"]
    second = (await api.data(page, seller(shop), after=after))["conversations"]
    assert [each["nodes"][0]["customer"]["name"] for each in (first, second)] == ["c0", "c1"]
    assert [each["pageInfo"]["hasNextPage"] for each in (first, second)] == [True, False]


@pytest.mark.parametrize("wrong", ["x", global_id.encode("Conversation", 1, "x"), global_id.encode("Plan", 1)])
async def test_an_id_that_is_none_is_not_found(api: Api, shop: Shop, wrong: str):
    answer = await api.data(ANSWER, seller(shop), input={"id": wrong, "text": "Hi"})

    assert answer["conversationAnswer"] == {
        "conversation": None, "userErrors": [{"field": ["id"], "code": "NOT_FOUND", "rule": None}],
    }  # fmt: skip
    assert await api.data("query ($id: ID!) { conversation(id: $id) { id } }", seller(shop), id=wrong) == {
        "conversation": None
    }


async def test_an_answer_that_leads_out_of_the_shop_is_refused_and_kept_for_the_platform(api: Api, shop: Shop):
    asked = {"id": await message_of(api, "c0"), "text": "Where?"}
    opened = (await api.data(REPLY, shopper("c0"), input=asked))["messageReply"]["conversation"]
    said = await api.data(ANSWER, seller(shop), input={"id": opened["id"], "text": "See www.elsewhere.com"})

    assert said["conversationAnswer"] == {
        "conversation": None, "userErrors": [{"field": ["text"], "code": "FORBIDDEN_CONTENT", "rule": "R13"}],
    }  # fmt: skip
    assert await databases.fetch_value("SELECT words FROM violation") == "www.elsewhere.com"
