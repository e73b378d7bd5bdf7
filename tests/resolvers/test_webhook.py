"""Webhooks by the API: created with their secret, changed, disabled, tried, forgotten."""

from typing import Any

import pytest
from redis.asyncio import Redis

from models import database as db
from models.caller import Role
from models.clock import now
from models.webhook import MOST_WEBHOOKS, Webhook, fact
from models.webhook.fact import WebhookFact
from tests.api import Api, seller
from tests.factories import make_shop

FIELDS = (
    "id url facts description secret isEnabled disabledReason postings { nodes { messageId fact state } totalCount }"
)
ERRORS = "userErrors { field code }"


def document(name: str, payload: str = f"webhook {{ {FIELDS} }}") -> str:
    capital = name[0].upper() + name[1:]
    return f"mutation ($input: {capital}Input!) {{ {name}(input: $input) {{ {payload} {ERRORS} }} }}"


async def change(api: Api, token: str, name: str, payload: str = f"webhook {{ {FIELDS} }}", **given: Any) -> Any:
    return (await api.data(document(name, payload), token, input=given))[name]


async def make(api: Api, token: str, **given: Any) -> Any:
    wish = {"url": "https://hook.example/", "facts": ["COUPON_CLAIMED", "MESSAGE_READ"], **given}
    return await change(api, token, "webhookCreate", **wish)


async def test_a_webhook_lives_as_it_is_told(api: Api):
    shop = await make_shop()
    token = seller(shop)
    made = (await make(api, token, description=" our CRM "))["webhook"]
    assert made["secret"].startswith("whsec_")
    assert (made["facts"], made["description"]) == (["MESSAGE_READ", "COUPON_CLAIMED"], "our CRM")

    await fact.tell(shop.id, WebhookFact.COUPON_CLAIMED, {}, now())
    off = (await change(api, token, "webhookUpdate", id=made["id"], isEnabled=False))["webhook"]
    assert (off["isEnabled"], off["disabledReason"], off["secret"]) == (False, "BY_SELLER", None)
    assert [each["state"] for each in off["postings"]["nodes"]] == ["FAILED"]
    await fact.tell(shop.id, WebhookFact.COUPON_CLAIMED, {}, now())
    on = await change(
        api, token, "webhookUpdate", id=made["id"], isEnabled=True, url="https://next.example/", description=None
    )
    assert (on["webhook"]["isEnabled"], on["webhook"]["url"], on["webhook"]["description"]) == (
        True, "https://next.example/", None,
    )  # fmt: skip
    assert on["webhook"]["postings"]["totalCount"] == 1
    turned = (await change(api, token, "webhookRotateSecret", id=made["id"]))["webhook"]
    assert turned["secret"] not in (None, made["secret"])
    gone = await change(api, token, "webhookDelete", "webhookId", id=made["id"], idempotencyKey="k")
    again = await change(api, token, "webhookDelete", "webhookId", id=made["id"], idempotencyKey="k")
    assert gone == again == {"webhookId": made["id"], "userErrors": []}
    assert await db.fetch_value("SELECT count(*) FROM posting") == 0


async def test_a_secret_whose_answer_was_lost_is_told_to_the_same_key_while_it_is_in_use(api: Api):
    token = seller(await make_shop())
    made = await make(api, token, idempotencyKey="made")
    assert made["webhook"]["secret"].startswith("whsec_")
    assert await make(api, token, idempotencyKey="made") == made

    given = {"id": made["webhook"]["id"], "idempotencyKey": "turned"}
    turned = await change(api, token, "webhookRotateSecret", **given)
    before = await db.fetch("SELECT * FROM webhook")
    assert turned["webhook"]["secret"] not in (None, made["webhook"]["secret"])
    assert await change(api, token, "webhookRotateSecret", **given) == turned
    assert await db.fetch("SELECT * FROM webhook") == before
    assert (await make(api, token, idempotencyKey="made"))["webhook"]["secret"] is None
    stored = str(before) + str(await db.fetch("SELECT * FROM idempotency"))
    assert not any(each["webhook"]["secret"].removeprefix("whsec_") in stored for each in (made, turned))

    await change(api, token, "webhookRotateSecret", id=made["webhook"]["id"])
    assert (await change(api, token, "webhookRotateSecret", **given))["webhook"]["secret"] is None


async def test_a_key_whose_webhook_is_deleted_is_refused_and_makes_none(api: Api):
    token = seller(await make_shop())
    made = (await make(api, token, idempotencyKey="k"))["webhook"]
    for name, entity in (("webhookUpdate", "webhook { id }"), ("webhookTest", "posting { state }")):
        assert (await change(api, token, name, entity, id=made["id"], idempotencyKey="k"))["userErrors"] == []
    await change(api, token, "webhookDelete", "webhookId", id=made["id"])

    refused = [{"field": [], "code": "NOT_FOUND"}]
    assert await make(api, token, idempotencyKey="k") == {"webhook": None, "userErrors": refused}
    updated = await change(api, token, "webhookUpdate", "webhook { id }", id=made["id"], idempotencyKey="k")
    tested = await change(api, token, "webhookTest", "posting { state }", id=made["id"], idempotencyKey="k")
    assert (updated, tested) == (
        {"webhook": None, "userErrors": refused}, {"posting": None, "userErrors": refused},
    )  # fmt: skip
    assert await Webhook.all().count() == 0


async def test_a_test_is_on_its_way_at_once_whatever_the_webhook_is_for(api: Api, redis: Redis):
    token = seller(await make_shop())
    made = (await make(api, token))["webhook"]
    payload = "posting { messageId fact state attempts }"
    asked = await change(api, token, "webhookTest", payload, id=made["id"], idempotencyKey="once")
    again = await change(api, token, "webhookTest", payload, id=made["id"], idempotencyKey="once")

    assert asked["posting"]["fact"] == "TEST"
    assert asked == again
    assert await db.fetch_value("SELECT count(*) FROM posting") == 1
    assert await redis.zcard("rekindle:work") >= 1


async def test_a_test_of_a_disabled_webhook_is_refused_and_nothing_waits_for_ever(api: Api):
    token = seller(await make_shop())
    made = (await make(api, token))["webhook"]
    await change(api, token, "webhookUpdate", id=made["id"], isEnabled=False)
    asked = await change(api, token, "webhookTest", "posting { state }", id=made["id"])

    assert asked["posting"] is None
    assert [(error["field"], error["code"]) for error in asked["userErrors"]] == [(["id"], "CONFLICT")]
    assert await db.fetch_value("SELECT count(*) FROM posting") == 0


@pytest.mark.parametrize(
    ("given", "errors"),
    [
        ({"url": "http://hook.example/"}, [(["url"], "INVALID")]),
        ({"url": "https://10.0.0.1/"}, [(["url"], "INVALID")]),
        ({"facts": []}, [(["facts"], "INVALID")]),
        ({"facts": ["TEST"]}, [(["facts"], "INVALID")]),
        ({"description": "x" * 201}, [(["description"], "TOO_LONG")]),
        ({"url": "", "facts": []}, [(["url"], "INVALID"), (["facts"], "INVALID")]),
    ],
)
async def test_what_cannot_be_is_refused_and_nothing_is_kept(
    api: Api, given: dict[str, Any], errors: list[tuple[list[str], str]]
):
    answer = await make(api, seller(await make_shop()), **given)

    assert answer["webhook"] is None
    assert [(error["field"], error["code"]) for error in answer["userErrors"]] == errors
    assert await Webhook.all().count() == 0


@pytest.mark.parametrize(
    "given", [{"url": None}, {"facts": None}, {"isEnabled": None}, {"url": "ftp://x/"}, {"facts": []}]
)
async def test_an_update_that_cannot_be_changes_nothing(api: Api, given: dict[str, Any]):
    token = seller(await make_shop())
    made = (await make(api, token))["webhook"]
    before = await db.fetch("SELECT * FROM webhook")
    answer = await change(api, token, "webhookUpdate", id=made["id"], **given)

    assert [error["field"] for error in answer["userErrors"]] == [[next(iter(given))]]
    assert await db.fetch("SELECT * FROM webhook") == before


async def test_a_description_with_a_character_that_cannot_be_stored_is_refused_for_that(api: Api):
    shop = await make_shop()
    answer = await api.data(
        document("webhookCreate", "webhook { id }").replace("code }", "message }"),
        seller(shop),
        input={"url": "https://hook.example/", "facts": ["COUPON_CLAIMED"], "description": "ours\0"},
    )

    refused = [{"field": ["description"], "message": "The character U+0000 cannot be stored."}]
    assert answer["webhookCreate"] == {"webhook": None, "userErrors": refused}
    assert await Webhook.all().count() == 0


async def test_a_shop_has_so_many_and_no_more(api: Api):
    token = seller(await make_shop())
    for _ in range(MOST_WEBHOOKS):
        assert (await make(api, token))["webhook"]
    answer = await make(api, token)

    assert answer == {"webhook": None, "userErrors": [{"field": [], "code": "TOO_MANY"}]}
    assert await Webhook.all().count() == MOST_WEBHOOKS


async def test_sellers_who_administer_nothing_neither_see_nor_change_any(api: Api):
    shop = await make_shop()
    made = (await make(api, seller(shop)))["webhook"]
    clerk = seller(shop, Role.MARKETING_SPECIALIST)
    for query in ("{ webhooks { totalCount } }", f'{{ node(id: "{made["id"]}") {{ id }} }}'):
        answer = await api.answer(query, clerk)
        assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    answer = await api.answer(document("webhookDelete", "webhookId"), clerk, input={"id": made["id"]})
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert await Webhook.all().count() == 1
