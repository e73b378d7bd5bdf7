"""A mail that was really sent reads as its preview showed it: each template and language, by two parsers (R11, R21)."""

import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import escape as html_escape

import fast_mail_parser
import pytest

from jobs.context import Context
from jobs.deliver_slice import deliver_slice
from local.mailbox import Mailbox
from models import database as db
from models.plan import PlanChannel
from models.preview import preview
from models.scenario import SCENARIOS, Destination
from models.template import content_of, languages, template
from tests.factories import make_coupon, make_customers, make_resolved, make_shop

MAILED = [code for code, scenario in SCENARIOS.items() if not scenario.automated and template(code, "en").subject]
LANGUAGES = [each.tag for each in languages()]
NAMES = {"ar": "عمر عبد الله", "th": "สมชาย ใจดี", "ja": "山田 太郎", "vi": "Nguyễn Thị Thắm", "en": "👩‍💻 Zoë <&>"}
EMOJI = {"texts": {"en": {"text": "Hi {name} 👩‍💻!\n.= & < > 100% =3D", "subject": "🎉 {name}: 🎁", "preheader": "✨"}}}
CONTENTS = {**{code: content_of(code) for code in MAILED}, "emoji": EMOJI}

LINK = re.compile(r"https?://[^\s\"<>]*")
"""A preview's links lead nowhere, a mail's are its recipient's own."""


@pytest.mark.parametrize("code", CONTENTS)
async def test_each_template_arrives_in_each_language_as_its_preview_showed_it(
    ctx: Context, mailbox: Mailbox, code: str
):
    shop = await make_shop(name="Blüm & 花", store_url="https://m.example/bloom")
    coupon = await make_coupon(shop)
    readers = {tag: (await make_customers(shop, 1, prefix=tag, language=tag))[0] for tag in LANGUAGES}
    for tag, name in NAMES.items():
        await db.execute("UPDATE customer SET name = $2 WHERE id = $1", readers[tag], name)
    plan = await make_resolved(
        shop, channel=PlanChannel.EMAIL, content=CONTENTS[code], coupon_id=coupon.id, button=Destination.STORE
    )

    await deliver_slice(ctx, plan.id, 1)

    assert mailbox.count() == len(readers)
    for tag, reader in readers.items():
        shown = await preview(shop, plan, customer_id=reader)
        [entry] = mailbox.find(f"<{plan.id}.{reader.hex}@rekindle.localhost>")
        source = mailbox.source(entry.number)
        assert source is not None
        assert shown.language == (tag if code in MAILED else "en")
        expected = (shown.subject, _linkless(shown.text), _linkless(shown.html or ""))
        assert _by_python(source) == _by_rust(source) == expected


async def test_a_plans_image_arrives_once_in_each_language_where_its_preview_showed_it(ctx: Context, mailbox: Mailbox):
    shop = await make_shop()
    readers = [(await make_customers(shop, 1, prefix=tag, language=tag))[0] for tag in ("en", "ar")]
    url = 'https://img.example/spring.png?a=1&b="2"&{name}%%0%%'
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL, content=content_of("WIN_BACK"), image_url=url)
    shown = [await preview(shop, plan, customer_id=reader) for reader in readers]

    await deliver_slice(ctx, plan.id, 1)

    assert [(each.language, each.image_url) for each in shown] == [("en", url), ("ar", url)]
    for reader, expected in zip(readers, shown, strict=True):
        [entry] = mailbox.find(f"<{plan.id}.{reader.hex}@rekindle.localhost>")
        source = mailbox.source(entry.number)
        assert source is not None
        _, text, html = _by_python(source)
        assert (text, html) == (_linkless(expected.text), _linkless(expected.html or ""))
        mail = fast_mail_parser.parse_email(source)
        assert [_images(said) for said in (*mail.text_html, expected.html or "")] == [[html_escape(url)]] * 2
        assert "img.example" not in mail.text_plain[0]


def _images(html: str) -> list[str]:
    """The addresses of the images in a mail, as they are written, without the pixel that tells of opens."""
    return [url for url in re.findall(r'<img [^>]*?src="([^"]*)"', html) if not url.endswith("o.gif")]


def _by_python(source: bytes) -> tuple[str | None, str, str]:
    """Subject, text and HTML as Python's parser reads them."""
    mail = message_from_bytes(source, policy=policy.default)
    assert isinstance(mail, EmailMessage) and not mail.defects
    bodies = [mail.get_body((kind,)) for kind in ("plain", "html")]
    text, html = (_linkless(body.get_content()) for body in bodies if isinstance(body, EmailMessage))
    return str(mail["subject"]), text, html


def _by_rust(source: bytes) -> tuple[str | None, str, str]:
    """The same as an independent parser does."""
    mail = fast_mail_parser.parse_email(source)
    [text], [html] = mail.text_plain, mail.text_html
    return mail.subject, _linkless(text), _linkless(html)


def _linkless(text: str) -> str:
    return LINK.sub("link", text.replace("\r\n", "\n"))
