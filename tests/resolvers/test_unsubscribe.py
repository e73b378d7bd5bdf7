"""One-click unsubscription by the link of a mail, as mail clients and people do it (RFC 8058)."""

import asyncio
from datetime import timedelta
from html import escape
from uuid import UUID

import httpx
import pytest

from models import consent, words
from models import database as db
from models.plan import PlanChannel
from models.shop import Shop
from models.signed_link import Link, Purpose, keys_of, sign
from server import create_app
from settings import Settings
from tests.databases import closed
from tests.factories import make_customers, make_resolved, make_shop
from tests.waiting import until


@pytest.fixture
async def subscriber(database: None) -> tuple[Shop, UUID]:
    shop = await make_shop()
    (customer,) = await make_customers(shop, 1)
    return shop, customer


async def ask(settings: Settings, method: str, token: str, *, browser: str = "") -> httpx.Response:
    """What the endpoint answers; `browser` is the language that a browser asks for."""
    transport = httpx.ASGITransport(app=create_app(settings))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        body = {"List-Unsubscribe": "One-Click"} if method == "POST" else None
        headers = {"Accept-Language": browser} if browser else {}
        return await client.request(method, f"/unsubscribe/{token}", data=body, headers=headers)


async def consent_of(customer: UUID) -> str:
    """The stored consent."""
    found: str = await db.fetch_value("SELECT email_consent FROM relationship WHERE customer_id = $1", customer)
    return found


def token_of(settings: Settings, shop: Shop, customer: UUID) -> str:
    """The token a mail of plan 1 would carry."""
    return sign(keys_of(settings)[0], Purpose.UNSUBSCRIBE, Link(shop.id, 1, customer))


async def test_looking_at_the_link_changes_nothing_and_posting_unsubscribes(
    settings: Settings, subscriber: tuple[Shop, UUID]
):
    shop, customer = subscriber
    token = token_of(settings, shop, customer)

    looked = await ask(settings, "GET", token)
    assert looked.status_code == 200 and 'method="post"' in looked.text
    assert await consent_of(customer) == "SUBSCRIBED"

    assert (await ask(settings, "POST", token)).status_code == 200
    assert (await ask(settings, "POST", token)).status_code == 200
    assert await consent_of(customer) == "UNSUBSCRIBED"


async def test_a_link_that_is_not_ours_is_refused_and_changes_nothing(
    settings: Settings, subscriber: tuple[Shop, UUID]
):
    shop, customer = subscriber
    token = token_of(settings, shop, customer)

    for wrong in (token[:-2], "x" * 54, token + "A" * 200, f"!{token}", f"{token}="):
        assert (await ask(settings, "POST", wrong)).status_code == 404
    assert await consent_of(customer) == "SUBSCRIBED"


async def test_while_postgresql_is_away_mail_clients_and_people_are_asked_to_come_again_and_nothing_is_changed(
    settings: Settings, subscriber: tuple[Shop, UUID], migrated: str
):
    shop, customer = subscriber
    token = token_of(settings, shop, customer)
    async with closed(migrated):
        answers = [await ask(settings, method, token, browser="fr") for method in ("GET", "POST")]
        unasked = await ask(settings, "POST", token)

    assert [(each.status_code, each.headers["retry-after"]) for each in (*answers, unasked)] == [(503, "30")] * 3
    assert all(f"<p>{escape(words.link_words('fr').later)}</p>" in each.text for each in answers)
    assert f"<p>{words.link_words('en').later}</p>" in unasked.text
    assert await consent_of(customer) == "SUBSCRIBED"

    assert (await ask(settings, "POST", token)).status_code == 200
    assert await consent_of(customer) == "UNSUBSCRIBED"


@pytest.mark.parametrize("is_answered", [True, False])
async def test_the_answer_waits_for_a_mail_in_flight_but_not_for_ever(
    settings: Settings, subscriber: tuple[Shop, UUID], monkeypatch: pytest.MonkeyPatch, is_answered: bool
):
    shop, customer = subscriber
    await make_resolved(shop, channel=PlanChannel.EMAIL)
    await db.execute("UPDATE delivery SET state = 'COMMITTING'")
    if not is_answered:
        monkeypatch.setattr(consent, "MAIL_WAIT", timedelta(seconds=0.2))

    async def is_unsubscribed() -> bool:
        return await consent_of(customer) == "UNSUBSCRIBED"

    asking = asyncio.create_task(ask(settings, "POST", token_of(settings, shop, customer)))
    await until(is_unsubscribed)
    if is_answered:
        assert not asking.done()
        await db.execute("UPDATE delivery SET state = 'SENT'")

    assert ("may still arrive" in (await asking).text) is not is_answered


@pytest.mark.parametrize("language", words.files())
async def test_the_page_speaks_the_mail_s_language_and_names_the_shop_whatever_it_is_called(
    settings: Settings, subscriber: tuple[Shop, UUID], language: str
):
    shop, customer = subscriber
    await make_resolved(shop, channel=PlanChannel.EMAIL)
    await db.execute("UPDATE delivery SET language = $1", language)
    await db.execute("UPDATE shop SET name = $1", "<b>{Bloom} & Co</b>")
    said = words.unsubscribe_words(language)
    token = token_of(settings, shop, customer)

    pages = [await ask(settings, method, token, browser="ko") for method in ("GET", "POST")]

    way = "rtl" if language == "ar" else "ltr"
    assert all(f'<html lang="{language}" dir="{way}">' in page.text for page in pages)
    for page, pattern in zip(pages, (said.question, said.done), strict=True):
        sentence = escape(pattern).replace("{shop}", "<bdi>&lt;b&gt;{Bloom} &amp; Co&lt;/b&gt;</bdi>")
        assert f"<p>{sentence}</p>" in page.text
    assert f"<button>{escape(said.button)}</button>" in pages[0].text
    assert all("overflow-wrap:anywhere" in page.text for page in pages)


async def test_where_the_mail_is_not_known_the_page_speaks_as_the_browser_asks(
    settings: Settings, subscriber: tuple[Shop, UUID]
):
    shop, customer = subscriber
    token = token_of(settings, shop, customer)

    looked = await ask(settings, "GET", token, browser="th-TH, en;q=0.5")
    wrong = await ask(settings, "GET", token[:-2], browser="ja")

    assert words.unsubscribe_words("th").question.partition("{shop}")[0] in looked.text
    assert wrong.status_code == 404 and words.link_words("ja").invalid in wrong.text


async def test_no_other_page_can_show_ours_in_a_frame_and_have_its_button_pressed(
    settings: Settings, subscriber: tuple[Shop, UUID]
):
    """default-src says nothing of who may frame a page, nor of where a base would lead its form."""
    token = token_of(settings, *subscriber)

    pages = [await ask(settings, "GET", token), await ask(settings, "POST", token), await ask(settings, "GET", "x")]

    for page in pages:
        policy = page.headers["content-security-policy"].split("; ")
        assert {"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"} <= set(policy)
        assert page.headers["x-content-type-options"] == "nosniff"
