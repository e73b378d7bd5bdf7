"""A preview is the message itself, to the letter, and says what may be better (R11)."""

from datetime import timedelta

import pytest

from models import database
from models.clock import now
from models.delivery import MessageChannel
from models.errors import ErrorCode, Refused
from models.estimate import estimate
from models.identifier import customer_id
from models.message import NEWEST_FIRST, inbox
from models.page import Page
from models.plan import Plan, PlanChannel
from models.preview import AdviceCode, advice, preview
from models.scenario import Destination
from models.segment import Segment
from models.shop import Shop
from tests.factories import TEXTS, make_coupon, make_customers, make_draft, make_resolved, make_shop


async def _advice(shop: Shop, plan: Plan) -> dict[AdviceCode, str]:
    shown = await preview(shop, plan)
    return {each.code: each.message for each in await advice(shop, plan, await estimate(shop, plan), shown)}


@pytest.mark.usefixtures("database")
async def test_a_preview_to_a_customer_is_what_the_customer_then_gets():
    shop = await make_shop()
    [ana] = await make_customers(shop, 1, language="es-MX")
    shown = await preview(shop, await make_draft(shop), customer_id=ana)

    await make_resolved(shop)

    [message] = await inbox(ana, Page(NEWEST_FIRST))
    assert (shown.text, shown.language, shown.channel) == (message.text, message.language, "CHAT")
    assert shown.text == "Hola c0, saludos de Bloom"


@pytest.mark.usefixtures("database")
async def test_a_sample_reader_has_a_name_and_the_language_one_asks_for():
    shop = await make_shop()
    plan = await make_draft(shop)
    assert (await preview(shop, plan)).text == "Hi Ana, greetings from Bloom"
    assert (await preview(shop, plan, tag="es-AR")).text == "Hola Ana, saludos de Bloom"
    assert (await preview(shop, plan, tag="zh-TW")).language == "en"


@pytest.mark.usefixtures("database")
async def test_an_email_is_shown_whole_with_its_links_and_lets_nobody_unsubscribe_anybody():
    shop = await make_shop(store_url="https://m.example/bloom")
    [ana] = await make_customers(shop, 1)
    coupon = await make_coupon(shop)
    plan = await make_draft(
        shop, channel=PlanChannel.CHAT_THEN_EMAIL, button=Destination.STORE, coupon_id=coupon.id
    )  # fmt: skip

    shown = await preview(shop, plan, channel=MessageChannel.EMAIL, customer_id=ana)

    assert (shown.subject, shown.button, shown.links) == ("Hello c0", "Visit the store", ["https://m.example/bloom"])
    assert shown.html is not None and "https://preview.invalid/" in shown.html and "/unsubscribe/" not in shown.html
    assert shown.coupon_gives == "10%" and shown.coupon == coupon.terms


@pytest.mark.usefixtures("database")
async def test_a_running_plan_is_shown_as_it_was_pinned():
    shop = await make_shop()
    plan = await make_resolved(shop)
    await Shop.filter(id=shop.id).update(name="Renamed")
    await plan.refresh_from_db()
    assert (await preview(shop, plan)).text == "Hi Ana, greetings from Bloom"


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("asked", "field", "code"),
    [
        ({"channel": "EMAIL"}, "channel", ErrorCode.INVALID),
        ({"customer_id": customer_id("foreign-0")}, "customerId", ErrorCode.NOT_FOUND),
        ({"tag": "klingonish"}, "language", ErrorCode.UNKNOWN_LANGUAGE),
    ],
)
async def test_what_cannot_be_shown_is_refused(asked, field, code):
    shop, other = await make_shop(), await make_shop("other")
    await make_customers(other, 1, prefix="foreign-")
    plan = await make_draft(shop)

    with pytest.raises(Refused) as refusal:
        await preview(shop, plan, **asked)

    assert [(".".join(each.field), each.code) for each in refusal.value.problems] == [(field, code)]


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("texts", "field"),
    [
        ({}, ("texts", "en")),
        ({"en": {"text": ""}}, ("texts", "en", "text")),
        ({"en": {"text": " \n "}}, ("texts", "en", "text")),
        ({"en": {"subject": "Hello"}}, ("texts", "en", "text")),
    ],
)
@pytest.mark.parametrize("channel", PlanChannel)
async def test_a_plan_that_says_nothing_cannot_be_shown_yet(texts, field, channel):
    shop = await make_shop()
    plan = await make_draft(shop, content={"texts": texts}, channel=channel)
    with pytest.raises(Refused) as refusal:
        await preview(shop, plan)
    assert [(each.field, each.code) for each in refusal.value.problems] == [(field, ErrorCode.MISSING_CONTENT)]


@pytest.mark.usefixtures("database")
async def test_everything_that_may_be_better_is_told():
    shop = await make_shop()
    await make_customers(shop, 2, prefix="a", language="th")
    await make_customers(shop, 1, prefix="b", language="es-MX")
    coupon = await make_coupon(shop, ends_at=now() + timedelta(hours=1))
    texts = {**TEXTS, "en": {"text": "Hi", "subject": "x" * 61}}
    own = await (await Segment.get(shop_id=shop.id, preset="REPEAT")).duplicate(shop, name="Loyal", actor="anna")
    plan = await make_draft(
        shop, channel=PlanChannel.EMAIL, content={"texts": texts}, coupon_id=coupon.id, button=Destination.STORE,
        send_at=now() + timedelta(hours=2), segment_id=own.id,
    )  # fmt: skip

    told = await _advice(shop, plan)

    assert set(told) == {
        AdviceCode.MISSING_TRANSLATION, AdviceCode.LONG_SUBJECT, AdviceCode.FEW_CONDITIONS, AdviceCode.NO_STORE_URL,
        AdviceCode.COUPON_NOT_RUNNING,
    }  # fmt: skip
    assert told[AdviceCode.MISSING_TRANSLATION].startswith("2 customers read th")


@pytest.mark.usefixtures("database")
async def test_an_empty_audience_is_told_and_a_good_plan_to_a_preset_that_nobody_can_change_needs_no_advice():
    shop = await make_shop()
    plan = await make_draft(shop)
    assert AdviceCode.EMPTY_AUDIENCE in await _advice(shop, plan)

    await make_customers(shop, 1)

    assert await _advice(shop, plan) == {}
    assert await database.fetch_value("SELECT count(*) FROM delivery") == 0
