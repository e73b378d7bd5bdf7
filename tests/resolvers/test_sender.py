"""What must be in order before a plan may go by email, over the API (R21)."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from models import database as databases
from models import sender_domain
from models.clock import Clock
from models.plan import Plan, PlanChannel, PlanStatus
from models.shop import Shop
from resolvers import global_id
from settings import Settings
from tests.api import PLATFORM, Api, graphql_app, seller
from tests.factories import make_draft, make_shop
from tests.models.mail.test_authentication import GOOD, zone

SENDER = "{ shop { emailSender { address replyTo postalAddress unmet } } }"
SUBMIT = (
    "mutation ($id: ID!) { planSubmit(input: {id: $id}) { plan { status } userErrors { field message code rule } } }"
)
UPSERT = (
    "mutation ($input: ShopsUpsertInput!) { shopsUpsert(input: $input) { results { errors { field message code } } } }"
)


async def submit(api: Api, shop: Shop, channel: PlanChannel) -> dict[str, Any]:
    plan = await make_draft(shop, channel=channel)
    answer = await api.data(SUBMIT, seller(shop), id=global_id.encode("Plan", plan.id))
    submitted: dict[str, Any] = answer["planSubmit"]
    return submitted


def row(**changes: Any) -> dict[str, Any]:
    return {
        "externalId": "bloom", "name": "Bloom", "currency": "USD", "timeZone": "UTC", "defaultLanguage": "en",
        "score": 4.5, "gmv": 100, **changes,
    }  # fmt: skip


@pytest.mark.parametrize("channel", [PlanChannel.EMAIL, PlanChannel.CHAT_THEN_EMAIL])
async def test_without_a_postal_address_no_plan_goes_by_email_and_nothing_changes(api: Api, channel: PlanChannel):
    shop = await make_shop(postal_address=None)

    refused = await submit(api, shop, channel)

    [error] = refused["userErrors"]
    assert (refused["plan"], error["field"], error["code"], error["rule"]) == (
        None, ["channel"], "SENDER_NOT_READY", "R21",
    )  # fmt: skip
    assert "postalAddress" in error["message"]
    assert (await Plan.get()).status is PlanStatus.DRAFT
    assert await databases.fetch_value("SELECT count(*) FROM quota_week") == 0
    assert (await api.data(SENDER, seller(shop)))["shop"]["emailSender"]["unmet"] == [error["message"]]


async def test_chat_needs_no_postal_address(api: Api):
    submitted = await submit(api, await make_shop(postal_address=None), PlanChannel.CHAT)

    assert submitted == {"plan": {"status": "ONGOING"}, "userErrors": []}


@pytest.mark.usefixtures("database")
async def test_the_operator_may_waive_the_postal_address(settings: Settings):
    shop = await make_shop(postal_address=None)
    app = graphql_app(settings.model_copy(update={"postal_address": "waived"}))
    app.state.queue = app.state.listener = None
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://rekindle.test") as client:
        submitted = await submit(Api(client), shop, PlanChannel.EMAIL)

    assert submitted["userErrors"] == []


async def test_what_the_platform_writes_is_what_sellers_see(api: Api):
    written = row(senderAddress="news@bloom.example", replyTo="care@bloom.example", postalAddress="1 Main St\nTown")
    await api.data(UPSERT, PLATFORM, input={"rows": [written]})
    assert (await api.data(SENDER, seller("bloom")))["shop"]["emailSender"] == {
        "address": "news@bloom.example", "replyTo": "care@bloom.example", "postalAddress": "1 Main St\nTown",
        "unmet": ["Whether mail from bloom.example will be believed is being looked up: try again in a minute."],
    }  # fmt: skip

    await api.data(UPSERT, PLATFORM, input={"rows": [row(senderAddress=None)]})
    seen = (await api.data(SENDER, seller("bloom")))["shop"]["emailSender"]
    assert (seen["address"].partition("@")[2], seen["postalAddress"]) == ("rekindle.localhost", "1 Main St\nTown")
    assert seen["unmet"] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"senderAddress": "news"}, {"senderAddress": "Bloom <a@b.example>"}, {"replyTo": "a@b.example\r\nBcc: c@d.example"},
        {"postalAddress": ""}, {"postalAddress": " \n "}, {"postalAddress": "a\r\nb\x00"}, {"postalAddress": "x" * 301},
    ],
)  # fmt: skip
async def test_what_is_no_address_is_refused_by_name_and_nothing_is_written(api: Api, wrong: dict[str, str]):
    answer = await api.data(UPSERT, PLATFORM, input={"rows": [row(**wrong)]})

    [error] = answer["shopsUpsert"]["results"][0]["errors"]
    assert error["field"] == list(wrong)
    assert not await Shop.exists()


CHECK = "mutation { senderCheck(input: {}) { domain { domain state } userErrors { message code } } }"
DOMAIN = "{ shop { emailSender { unmet domain { domain state checkedAt findings { check passes message } } } } }"


@pytest.fixture
async def public(settings: Settings, database: None) -> AsyncIterator[tuple[Api, Settings]]:
    """The API of an operator whose mail leaves the machine, and its settings."""
    changed = settings.model_copy(update={"mail_domain": "mail.example", "dkim_selector": "s1"})
    app = graphql_app(changed)
    app.state.queue = app.state.listener = None
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://rekindle.test") as client:
        yield Api(client), changed


async def test_email_is_off_until_the_domain_is_in_order_and_the_seller_sees_why(
    public: tuple[Api, Settings], clock: Clock
):
    api, settings = public
    shop = await make_shop(sender_address="hi@news.bloom.example")
    assert (await submit(api, shop, PlanChannel.EMAIL))["userErrors"][0]["code"] == "SENDER_NOT_READY"
    assert await sender_domain.is_due(settings)
    await sender_domain.check_due(settings, zone({}))

    seen = (await api.data(DOMAIN, seller(shop)))["shop"]["emailSender"]
    refused = await submit(api, shop, PlanChannel.EMAIL)

    assert [(each["check"], each["passes"]) for each in seen["domain"]["findings"]] == [
        ("SPF", False), ("DKIM", False), ("DMARC", False),
    ]  # fmt: skip
    assert [error["message"] for error in refused["userErrors"]] == seen["unmet"]
    assert await Plan.filter(status=PlanStatus.DRAFT).count() == 2

    clock.move(timedelta(minutes=1))
    assert (await api.data(CHECK, seller(shop)))["senderCheck"] == {
        "domain": {"domain": "news.bloom.example", "state": "FAILED"}, "userErrors": [],
    }  # fmt: skip
    await sender_domain.check_due(settings, zone(GOOD))
    assert (await submit(api, shop, PlanChannel.EMAIL))["userErrors"] == []


async def test_a_look_is_asked_for_at_most_once_a_minute_and_not_where_there_is_none(
    public: tuple[Api, Settings], api: Api
):
    asked, settings = public
    shop = await make_shop()
    assert await sender_domain.is_due(settings)
    await sender_domain.check_due(settings, zone({}))

    again = await asked.data(CHECK, seller(shop))
    nowhere = await api.data(CHECK, seller(shop))

    assert [error["code"] for error in again["senderCheck"]["userErrors"]] == ["TOO_MANY"]
    assert [error["code"] for error in nowhere["senderCheck"]["userErrors"]] == ["INVALID"]


async def test_a_look_that_is_asked_for_twice_with_one_key_is_told_twice_alike_before_the_domain_is_noted(
    public: tuple[Api, Settings],
):
    api, _ = public
    shop = await make_shop(sender_address="hi@news.bloom.example")
    query = CHECK.replace("{}", '{idempotencyKey: "once"}')

    answers = [(await api.data(query, seller(shop)))["senderCheck"] for _ in range(2)]

    assert answers == [{"domain": {"domain": "news.bloom.example", "state": "UNCHECKED"}, "userErrors": []}] * 2
