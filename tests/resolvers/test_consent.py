"""Shoppers block a shop's chat and unsubscribe from its email over the API."""

from datetime import timedelta

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
from tests.resolvers.test_message import inbox_of
from tests.slices import hold, mail_plan, settled

BLOCK = """mutation ($input: ShopBlockInput!) {
  shopBlock(input: $input) { sender { name isBlocked } userErrors { field code } } }"""
UNBLOCK = """mutation ($input: ShopUnblockInput!) {
  shopUnblock(input: $input) { sender { name isBlocked } userErrors { field code } } }"""

UNSUBSCRIBE = """mutation ($input: EmailUnsubscribeInput!) {
  emailUnsubscribe(input: $input) { unsubscription { sender { name } mayStillArrive } userErrors { field code } } }"""
CONSENTS = "SELECT shop_id, customer_id, email_consent::text, email_consent_source, email_consent_at FROM relationship"


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


async def test_to_unblock_a_shop_unblocks_no_other_shop_and_nobody_else(api: Api):
    shop, other = await make_shop(), await make_shop("other")
    (customer, friend) = await make_customers(shop, 2)
    await make_customers(other, 1)
    for one, name in ((shop, "c0"), (shop, "c1"), (other, "c0")):
        await api.data(BLOCK, shopper(name), input={"shopId": global_id.encode("Shop", one.id)})

    await api.data(UNBLOCK, shopper("c0"), input={"shopId": global_id.encode("Shop", shop.id)})

    assert await consent.blocked_shops(customer) == {other.id}
    assert await consent.blocked_shops(friend) == {shop.id}


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
    again = [await api.data(UNSUBSCRIBE, shopper("c0"), input={**given, "idempotencyKey": "k"})]
    assert await databases.fetch(CONSENTS) == kept
    again += [await api.data(UNSUBSCRIBE, shopper("c0"), input=given)]

    done = {"sender": {"name": "Bloom"}, "mayStillArrive": False}
    assert first["emailUnsubscribe"] == {"unsubscription": done, "userErrors": []}
    assert again == [first, first]
    assert {tuple(row) for row in await databases.fetch(CONSENTS)} == {
        (shop.id, customer, "UNSUBSCRIBED", "customer", NOON + timedelta(hours=1)),
        (shop.id, friend, "SUBSCRIBED", None, None),
        (other.id, customer, "SUBSCRIBED", None, None),
    }
    assert await databases.fetch_value("SELECT count(*) FROM unsubscription") == 1
    states = await databases.fetch("SELECT customer_id, state::text, reason FROM delivery")
    assert {tuple(row) for row in states} == {(customer, "SUPPRESSED", "NO_CONSENT"), (friend, "PENDING", None)}


async def test_the_latest_refusal_of_a_customer_is_that_of_this_shop_alone(api: Api, clock: Clock):
    shop, other = await make_shop(), await make_shop("other")
    (customer, friend) = await make_customers(shop, 2)
    await make_customers(other, 1)
    given = {"shopId": global_id.encode("Shop", shop.id)}
    await api.data(BLOCK, shopper("c0"), input=given)
    clock.move(timedelta(hours=1))
    await api.data(UNSUBSCRIBE, shopper("c0"), input=given)

    found = await databases.fetch("SELECT shop_id, customer_id, last_unsubscribed_at FROM relationship")
    assert {tuple(row) for row in found} == {
        (shop.id, customer, NOON + timedelta(hours=1)), (shop.id, friend, None), (other.id, customer, None),
    }  # fmt: skip


async def test_an_unsubscription_says_when_a_mail_on_its_way_may_still_arrive(
    api: Api, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(consent, "MAIL_WAIT", timedelta(seconds=0.1))
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
