"""The shopper's side: inbox, reading, clicking, blocking, unsubscribing."""

from datetime import timedelta
from typing import Any

import pytest

from models import consent, intent
from models import database as databases
from models.clock import Clock
from models.delivery import DeliveryState
from models.plan import PlanChannel
from resolvers import global_id
from tests.api import Api, shopper
from tests.conftest import NOON
from tests.factories import make_customers, make_resolved, make_shop
from tests.slices import hold, mail_plan, settled

INBOX = """query ($first: Int, $after: String, $last: Int, $before: String) {
  inbox(first: $first, after: $after, last: $last, before: $before) {
    totalCount nodes { id text language readAt clickedAt sender { id name isBlocked } }
    pageInfo { hasNextPage endCursor startCursor } } }"""
READ = """mutation ($input: MessageMarkReadInput!) {
  messageMarkRead(input: $input) { message { readAt clickedAt } userErrors { field code } } }"""
CLICK = """mutation ($input: MessageClickInput!) {
  messageClick(input: $input) { message { readAt clickedAt } userErrors { field code } } }"""
BLOCK = """mutation ($input: ShopBlockInput!) {
  shopBlock(input: $input) { sender { name isBlocked } userErrors { field code } } }"""
UNBLOCK = """mutation ($input: ShopUnblockInput!) {
  shopUnblock(input: $input) { sender { name isBlocked } userErrors { field code } } }"""

UNSUBSCRIBE = """mutation ($input: EmailUnsubscribeInput!) {
  emailUnsubscribe(input: $input) { unsubscription { sender { name } mayStillArrive } userErrors { field code } } }"""
CONSENTS = "SELECT shop_id, customer_id, email_consent::text, email_consent_source, email_consent_at FROM relationship"


async def inbox_of(api: Api, customer: str, **variables: Any) -> dict[str, Any]:
    inbox: dict[str, Any] = (await api.data(INBOX, shopper(customer), **variables))["inbox"]
    return inbox


async def test_a_message_is_read_in_its_own_language_with_the_shop_it_is_from(api: Api):
    shop = await make_shop()
    await make_customers(shop, 1, language="es")
    await make_resolved(shop)
    inbox = await inbox_of(api, "c0")

    assert inbox["totalCount"] == 1
    assert {k: v for k, v in inbox["nodes"][0].items() if k != "id"} == {
        "text": "Hola c0, saludos de Bloom",
        "language": "es",
        "readAt": None,
        "clickedAt": None,
        "sender": {"id": global_id.encode("Shop", shop.id), "name": "Bloom", "isBlocked": False},
    }


async def test_the_inbox_pages_newest_first(api: Api):
    shop = await make_shop()
    await make_customers(shop, 1)
    for _ in range(2):
        await make_resolved(shop)
    whole = await inbox_of(api, "c0")
    first = await inbox_of(api, "c0", first=1)
    second = await inbox_of(api, "c0", first=1, after=first["pageInfo"]["endCursor"])
    back = await inbox_of(api, "c0", last=1, before=second["pageInfo"]["startCursor"])

    ids = [node["id"] for node in whole["nodes"]]
    assert [page["nodes"][0]["id"] for page in (first, second, back)] == [ids[0], ids[1], ids[0]]
    assert (first["pageInfo"]["hasNextPage"], second["pageInfo"]["hasNextPage"]) == (True, False)


async def test_a_click_is_a_read_too_and_the_first_time_counts(api: Api, clock: Any):
    shop = await make_shop()
    await make_customers(shop, 1)
    await make_resolved(shop)
    message = (await inbox_of(api, "c0"))["nodes"][0]["id"]
    read = await api.data(READ, shopper("c0"), input={"id": message})
    clock.freeze(clock.now().replace(hour=13))
    clicked = await api.data(CLICK, shopper("c0"), input={"id": message, "idempotencyKey": "k"})
    again = await api.data(CLICK, shopper("c0"), input={"id": message, "idempotencyKey": "k"})

    noon, later = "2026-01-15T12:00:00Z", "2026-01-15T13:00:00Z"
    assert read["messageMarkRead"] == {"message": {"readAt": noon, "clickedAt": None}, "userErrors": []}
    assert clicked["messageClick"] == {"message": {"readAt": noon, "clickedAt": later}, "userErrors": []}
    assert again == clicked


async def test_an_unknown_message_is_not_found(api: Api):
    for message in ("nonsense", global_id.encode("Message", 1, "x", ""), global_id.encode("Plan", 1)):
        data = await api.data(READ, shopper("c0"), input={"id": message})
        assert data["messageMarkRead"] == {"message": None, "userErrors": [{"field": ["id"], "code": "NOT_FOUND"}]}


async def test_a_blocked_shop_writes_no_more_until_it_is_unblocked(api: Api):
    shop = await make_shop()
    await make_customers(shop, 1)
    shop_id = global_id.encode("Shop", shop.id)
    blocked = await api.data(BLOCK, shopper("c0"), input={"shopId": shop_id})
    await make_resolved(shop)
    while_blocked = await inbox_of(api, "c0")
    unblocked = await api.data(UNBLOCK, shopper("c0"), input={"shopId": shop_id})
    await make_resolved(shop)

    assert blocked["shopBlock"]["sender"] == {"name": "Bloom", "isBlocked": True}
    assert while_blocked["totalCount"] == 0
    assert unblocked["shopUnblock"]["sender"] == {"name": "Bloom", "isBlocked": False}
    assert (await inbox_of(api, "c0"))["totalCount"] == 1


async def test_a_shopper_unsubscribes_from_a_shop_s_email_once_and_plans_under_way_leave_them_out(
    api: Api, clock: Clock
):
    shop, other = await make_shop(), await make_shop("other")
    (customer, friend) = await make_customers(shop, 2)
    await make_customers(other, 1)
    await make_resolved(shop, channel=PlanChannel.EMAIL)
    given = {"shopId": global_id.encode("Shop", shop.id)}
    first = await api.data(UNSUBSCRIBE, shopper("c0"), input={**given, "idempotencyKey": "k"})
    kept = await databases.fetch(CONSENTS)
    clock.move(timedelta(hours=1))
    again = [
        await api.data(UNSUBSCRIBE, shopper("c0"), input={**given, **key}) for key in ({"idempotencyKey": "k"}, {})
    ]

    done = {"sender": {"name": "Bloom"}, "mayStillArrive": False}
    assert first["emailUnsubscribe"] == {"unsubscription": done, "userErrors": []}
    assert again == [first, first]
    assert await databases.fetch(CONSENTS) == kept
    assert {tuple(row) for row in kept} == {
        (shop.id, customer, "UNSUBSCRIBED", "customer", NOON),
        (shop.id, friend, "SUBSCRIBED", None, None),
        (other.id, customer, "SUBSCRIBED", None, None),
    }
    assert await databases.fetch_value("SELECT count(*) FROM unsubscription") == 1
    states = await databases.fetch("SELECT customer_id, state::text, reason FROM delivery")
    assert {tuple(row) for row in states} == {(customer, "SUPPRESSED", "NO_CONSENT"), (friend, "PENDING", None)}


async def test_an_unsubscription_says_when_a_mail_on_its_way_may_still_arrive(
    api: Api, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(consent, "PATIENCE", timedelta(seconds=0.1))
    shop, plan = await mail_plan(1)
    _, (message,) = await hold(plan)
    await intent.commit([], [message])
    given = {"shopId": global_id.encode("Shop", shop.id)}
    during = (await api.data(UNSUBSCRIBE, shopper("c0"), input=given))["emailUnsubscribe"]
    await intent.commit([settled(message, DeliveryState.SENT)], [])
    after = (await api.data(UNSUBSCRIBE, shopper("c0"), input=given))["emailUnsubscribe"]

    assert during["unsubscription"] == {"sender": {"name": "Bloom"}, "mayStillArrive": True}
    assert after["unsubscription"] == {"sender": {"name": "Bloom"}, "mayStillArrive": False}


async def test_nobody_unsubscribes_from_an_unknown_shop(api: Api):
    for shop_id in (global_id.encode("Shop", 9), ""):
        data = await api.data(UNSUBSCRIBE, shopper("c0"), input={"shopId": shop_id})
        assert data["emailUnsubscribe"] == {
            "unsubscription": None, "userErrors": [{"field": ["shopId"], "code": "NOT_FOUND"}],
        }  # fmt: skip

    assert await databases.fetch_value("SELECT count(*) FROM relationship") == 0


async def test_an_unknown_shop_cannot_be_blocked(api: Api):
    data = await api.data(BLOCK, shopper("c0"), input={"shopId": global_id.encode("Shop", 9)})

    assert data["shopBlock"] == {"sender": None, "userErrors": [{"field": ["shopId"], "code": "NOT_FOUND"}]}
    assert await databases.fetch_value("SELECT count(*) FROM relationship") == 0
