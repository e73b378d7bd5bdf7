"""Who a shop's emails are from, in the bytes that leave, and what stands at the foot of each."""

from collections.abc import Iterable
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest

from models import audience
from models.mail.letter import writer
from models.plan import Plan, PlanChannel, wording
from models.shop import Shop
from models.template import content_of, languages
from models.words import email_words
from settings import Settings
from tests.factories import DEADLINE, make_customers, make_draft, make_resolved, make_shop
from tests.slices import hold

POST = "Bloom & Söhne {GmbH}\n〒100-0001 東京都"
LANGUAGES = [each.tag for each in languages()]


async def letters(plan: Plan, settings: Settings) -> list[tuple[str, bytes, bytes]]:
    """The language, the MAIL command and the body of each."""
    _, waiting = await hold(plan)
    pen = await writer(plan.id, {(each.language, each.variant) for each in waiting}, settings=settings)
    return [(each.language, pen.envelope(each).commands[0], pen.body(each)) for each in waiting]


def read(body: bytes) -> EmailMessage:
    message = message_from_bytes(body, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def parts(message: EmailMessage) -> Iterable[str]:
    for kind in ("plain", "html"):
        part = message.get_body((kind,))
        assert isinstance(part, EmailMessage)
        yield part.get_content().replace("\r\n", "\n")


async def one_mail(shop: Shop, settings: Settings) -> EmailMessage:
    await make_customers(shop, 1)
    [(_, _, body)] = await letters(await make_resolved(shop, channel=PlanChannel.EMAIL), settings)
    return read(body)


@pytest.mark.usefixtures("database")
async def test_a_shop_without_addresses_writes_from_the_operators_domain(settings: Settings):
    shop = await make_shop()
    message = await one_mail(shop, settings)

    assert message["from"] == f"Bloom <shop-{shop.id}@rekindle.localhost>"
    assert message["feedback-id"] == f"1:{shop.id}:marketing:rekindle"
    assert message["reply-to"] is None


@pytest.mark.usefixtures("database")
async def test_a_shop_writes_from_its_own_address_and_bounces_still_come_to_the_operators(settings: Settings):
    shop = await make_shop(sender_address="news@bloom.example", reply_to="care@bloom.example")
    await make_customers(shop, 1)
    [(_, mail, body)] = await letters(await make_resolved(shop, channel=PlanChannel.EMAIL), settings)
    message = read(body)

    assert (message["from"], message["reply-to"]) == ("Bloom <news@bloom.example>", "care@bloom.example")
    assert mail.startswith(b"MAIL FROM:<b+") and mail.endswith(b"@rekindle.localhost>\r\n")


@pytest.mark.usefixtures("database")
async def test_every_mail_shows_the_way_out_and_the_postal_address_in_text_and_html_whatever_its_language(
    settings: Settings,
):
    shop = await make_shop(postal_address=POST)
    for tag in LANGUAGES:
        await make_customers(shop, 1, prefix=tag, language=tag)
    plan = await make_draft(shop, channel=PlanChannel.EMAIL, content=content_of("NEW_ARRIVAL"))
    await plan.submit(shop, send_at=None, deadline_after=DEADLINE)
    await wording.pin(plan.id)
    await audience.resolve_range(plan.id)

    written = await letters(plan, settings)

    assert {language for language, _, _ in written} == set(LANGUAGES)
    for language, _, body in written:
        message = read(body)
        url = message["list-unsubscribe"].strip("<>")
        words = email_words(language).unsubscribe
        text, html = parts(message)
        assert f"{words}: {url}\n{POST}\n" in text
        address = (
            '<br /><span dir="auto">Bloom &amp; Söhne {GmbH}</span><br /><span dir="auto">〒100-0001 東京都</span>'
        )
        assert f">{words}</a>{address}" in html.replace("\n", "")
        assert f'<a href="{url}"' in html
        assert message["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
