"""Mails as bytes: what two independent parsers read from them is what the preview showed (R21)."""

import re
from datetime import UTC, datetime
from email import message_from_bytes, message_from_string, policy
from email.header import decode_header, make_header
from email.headerregistry import Address as ReadAddress
from email.message import EmailMessage
from email.utils import parseaddr
from quopri import decodestring
from typing import Any

import fast_mail_parser
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from models.content import Filled, Localised, fill, localise
from models.content.layout import Button, Frame, ProductCard
from models.content.variable import clean
from models.errors import ErrorCode, Refused
from models.mail import MailForm
from models.mail import header as mail_header
from models.mail.quoted_printable import WIDEST, quoted

WHEN = datetime(2026, 1, 15, 12, 30, tzinfo=UTC)
MESSAGE_ID = "<17.0192f3c5-5d1a-5a6e-8f0e-0a0b0c0d0e0f@mail.example>"
UNSUBSCRIBE = "https://shop.example/u/AAAABBBB-CCCC_DDDD?x=1&y=2"
LINK = "https://shop.example/l/AAAABBBBCCCC/"

FRAME = Frame(
    "Bloom",
    (ProductCard("Crème & co", "{link}p1", "€3"), ProductCard(".hidden", "{link}p2")),
    Button("Go", "{link}b"),
    "1 Main St",
)
TEXT = "Hi {name}!\n\nNew at {shop}.\n.dot\nFrom here\n{hasName, select, yes {{name}} other {…}}\n"


def localised(text: str = TEXT, subject: str = "{name}, look", language: str = "en", shop: str = "Bloom") -> Localised:
    content = {"texts": {language: {"text": text, "subject": subject, "preheader": "Look {name}"}}}
    return localise(content, channel="EMAIL", language=language, constants={"shop": shop}, frame=FRAME)


def values(name: str | None) -> dict[str, str | None]:
    return {"name": name, "link": LINK, "unsubscribeUrl": UNSUBSCRIBE}


def mail(
    message: Localised, name: str | None = "Ana", address: str = "ana@example.com", sender: str = "Bloom", **more: Any
) -> bytes:
    form = MailForm.build(message, sender_name=sender, sender_address="shop-1@mail.example")
    arguments = {"message_id": MESSAGE_ID, "date": WHEN, "unsubscribe_url": UNSUBSCRIBE, **more}
    return form.fill(recipient_name=name, address=address, values={"name": name, "link": LINK}, **arguments)


def read(data: bytes) -> EmailMessage:
    message = message_from_bytes(data, policy=policy.default)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    assert all(not part.defects for part in message.walk())
    return message


def part(message: EmailMessage, kind: str) -> str:
    found = message.get_body((kind,))
    assert isinstance(found, EmailMessage)
    content = found.get_content()
    assert isinstance(content, str)
    return content.replace("\r\n", "\n")


def assert_well_formed(data: bytes) -> None:
    """What SMTP asks of everything between DATA and the dot."""
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", data)
    assert data.endswith(b"\r\n")
    for line in data.split(b"\r\n"):
        assert len(line) <= 998
        assert not line.startswith((b".", b"From "))
    head, _, body = data.partition(b"\r\n\r\n")
    assert max(len(line) for line in body.split(b"\r\n")) <= 76
    assert body.isascii()
    assert len(re.findall(rb"^--=_rekindle\r$", data, re.MULTILINE)) == 2
    assert head.count(b"\r\nTo: ") == head.count(b"\r\nSubject: ") == head.count(b"\r\nFrom: ") == 1


def assert_read_as(data: bytes, expected: Filled, name: str | None, sender: str = "Bloom") -> None:
    """Python's parser and the Rust one both read what was filled."""
    message = read(data)
    other = fast_mail_parser.parse_email(data)
    assert message["subject"] == other.subject == expected.subject
    assert part(message, "plain") == expected.text
    assert part(message, "html") == expected.html
    assert [text.replace("\r\n", "\n") for text in other.text_plain] == [expected.text]
    assert [text.replace("\r\n", "\n") for text in other.text_html] == [expected.html]
    assert display_name(data, "to") == other.to[0].display_name == (clean(name) if name else None)
    assert other.from_ is not None
    assert display_name(data, "from") == other.from_.display_name == sender


def display_name(data: bytes, field: str) -> str | None:
    """By Python's older functions: its newer parser leaves the space between encoded words in (RFC 2047 §6.2)."""
    raw = message_from_bytes(data)[field]
    name, _ = parseaddr(raw)
    return str(make_header(decode_header(name))) or None


SCRIPTS = {
    "ar": ("مرحبًا {name}!\n\nجديد في {shop}، ٣ منتجات.", "{name}، عروض جديدة ✨", "عمر عبد الله"),
    "th": ("สวัสดีคุณ{name}\n\nสินค้าใหม่ที่ {shop}", "คุณ{name} ของใหม่มาแล้ว", "สมชาย ใจดี"),
    "ja": (
        "{name}様\n\n{shop}の新商品です。" + "新しい商品がたくさん入荷しました。" * 20,
        "{name}様、新商品のお知らせ" * 3,
        "山田 太郎",
    ),
    "vi": ("Chào {name}!\n\nHàng mới ở {shop}.", "{name} ơi, hàng mới về", "Nguyễn Thị Thắm"),
    "en": ("Hi {name} 👩‍💻🎉!\n\n= & < > \" ' 100% =3D at {shop}", "🎉 {name}: 100% =?utf-8?Q?no?=", "👩‍💻 Zoë"),
    "de": ("Hallo {name},\n\nschöne Grüße von {shop}.", "Schöne Grüße, {name}", 'Jörg "Jo" Müller, \\Dr.'),
}


@pytest.mark.parametrize("language", sorted(SCRIPTS))
@pytest.mark.parametrize("known", [True, False])
def test_every_script_reads_as_the_preview_showed_it(language: str, known: bool) -> None:
    text, subject, name = SCRIPTS[language]
    message = localised(text, subject, language, shop="Blüm & 花")
    reader = name if known else None
    data = mail(message, reader, sender="Blüm & 花")
    assert_well_formed(data)
    assert_read_as(data, fill(message, values(reader)), reader, sender="Blüm & 花")
    assert read(data)["content-language"] == language


@pytest.mark.parametrize(
    "name",
    [
        "Ana", "O'Neil", 'Joe "X" Bloggs', "a, b", "<ana@evil.example>", "Ana (work)", "ana@example.com", "=?utf-8?B?eA==?=",
        ".", ".dot", "..", "From me", "=", "=3D", "--=_rekindle", "--=_rekindle--", "{name}", "%%1%%", "\\", '"', "a\\", "x" * 60,
        "x" * 61, "x" * 300, "Very Long " * 30, "é" * 300, "👩‍💻" * 40, "عمر" * 50, "a  b", "#", ";", ":", "Ana.", "Ana;",
        "&amp;", "<b>", "\u2068x\u2069",
    ],
)  # fmt: skip
def test_any_name_is_only_ever_a_name(name: str) -> None:
    message = localised()
    data = mail(message, name)
    assert_well_formed(data)
    assert_read_as(data, fill(message, values(name)), name)


@pytest.mark.parametrize(
    "ending", ["\r\n", "\n", "\r", "\0", "\u2028", "\x85", "\x0b", "\x0c", "\r\n\r\n", "\r\n.\r\n"]
)
def test_a_name_cannot_add_a_header_a_body_or_an_end(ending: str) -> None:
    name = f"Ana{ending}Bcc: all@example.com{ending}X: y"
    message = localised()
    data = mail(message, name, sender=name)
    assert_well_formed(data)
    assert_read_as(data, fill(message, values(name)), name, sender=clean(name))
    assert {field.lower() for field, _ in read(data).items()} == {
        "date", "from", "to", "subject", "message-id", "list-unsubscribe", "list-unsubscribe-post", "mime-version",
        "content-language", "auto-submitted", "content-type",
    }  # fmt: skip


@given(st.text(max_size=120), st.text(max_size=60))
@example(".\n.", "\ud800")
@example("From", "0")
def test_any_name_and_any_text_arrive_as_written(text: str, name: str) -> None:
    literal = clean(text).replace("'", "’").replace("{", "(").replace("}", ")")
    message = localised(f"{literal} {{name}}{literal}\n{literal}", f"{literal} {{name}}")
    data = mail(message, name)
    assert_well_formed(data)
    expected = fill(message, values(name))
    assert part(read(data), "plain") == expected.text
    assert fast_mail_parser.parse_email(data).text_html[0].replace("\r\n", "\n") == expected.html


@pytest.mark.parametrize("before", ["", "Hi\n", "x" * WIDEST, "é" * 25])
def test_no_line_begins_with_from_and_a_space_where_only_a_gap_follows(before: str) -> None:
    encoded = quoted(f"{before}From ")

    assert not any(line.startswith(b"From ") for line in encoded.split(b"\r\n"))
    assert decodestring(encoded).decode().replace("\r\n", "\n") == f"{before}From "


def test_the_fields_are_those_that_mail_clients_and_standards_ask_for() -> None:
    form = MailForm.build(
        localised(), sender_name="Bloom", sender_address="shop-1@mail.example", feedback_id="7:1:once:rekindle"
    )
    head = form.fill(
        recipient_name="Ana", address="ana@example.com", message_id=MESSAGE_ID, date=WHEN,
        values={"name": "Ana", "link": LINK}, unsubscribe_url=UNSUBSCRIBE,
    ).partition(b"\r\n\r\n")[0]  # fmt: skip
    assert head.decode().split("\r\n") == [
        "Date: Thu, 15 Jan 2026 12:30:00 +0000",
        "From: Bloom <shop-1@mail.example>",
        "To: Ana <ana@example.com>",
        "Subject: Ana, look",
        f"Message-ID: {MESSAGE_ID}",
        f"List-Unsubscribe: <{UNSUBSCRIBE}>",
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
        "MIME-Version: 1.0",
        "Content-Language: en",
        "Auto-Submitted: auto-generated",
        "Feedback-ID: 7:1:once:rekindle",
        'Content-Type: multipart/alternative; boundary="=_rekindle"',
    ]


def test_the_same_recipient_gets_the_same_bytes() -> None:
    assert mail(localised()) == mail(localised())


def test_a_long_ascii_subject_is_folded_between_words() -> None:
    subject = "All the words of a rather long subject that goes on and on until it no longer fits on one line"
    data = mail(localised(subject=subject))
    assert max(map(len, data.partition(b"\r\n\r\n")[0].split(b"\r\n"))) <= 76
    assert read(data)["subject"] == subject


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "https://x/>\r\nBcc: a@b", "https://x/ y", "https://ü.example/", "https://x/" + "a" * 900],
)
def test_an_unsubscribe_address_that_is_none_is_an_error(url: str) -> None:
    with pytest.raises(ValueError, match="no address for List-Unsubscribe"):
        mail(localised(), unsubscribe_url=url)


@pytest.mark.parametrize("message_id", ["", "x@y", "<x>", "<x@y>\r\nBcc: a@b", "<x y@z>", "<a@b@c>"])
def test_a_message_id_that_is_none_is_an_error(message_id: str) -> None:
    with pytest.raises(ValueError, match="is no Message-ID"):
        mail(localised(), message_id=message_id)


def test_a_chat_message_is_no_mail() -> None:
    chat = localise({"texts": {"en": {"text": "Hi"}}}, channel="CHAT", language="en", constants={})
    with pytest.raises(Refused, match="was not localised for email"):
        MailForm.build(chat, sender_name="Bloom", sender_address="shop-1@mail.example")


def test_a_missing_value_is_refused_and_named() -> None:
    with pytest.raises(Refused) as refused:
        mail(localised("{product}!"))
    assert [(problem.field, problem.code) for problem in refused.value.problems] == [
        (("variables", "product"), ErrorCode.MISSING_CONTENT)
    ]


@pytest.mark.parametrize(
    ("written", "value", "smtputf8"),
    [
        ("ana@example.com", "ana@example.com", False),
        ("a.b+c'd_e=f@sub.example.co", "a.b+c'd_e=f@sub.example.co", False),
        ("ana@localhost", "ana@localhost", False),
        ("ana@bücher.example", "ana@xn--bcher-kva.example", False),
        ("ana@例え.テスト", "ana@xn--r8jz45g.xn--zckzah", False),
        ("jörg@example.com", "jörg@example.com", True),
        ("山田@bücher.example", "山田@xn--bcher-kva.example", True),
        ("عمر.علي@example.com", "عمر.علي@example.com", True),
    ],
)
def test_an_address_is_what_smtp_wants(written: str, value: str, smtputf8: bool) -> None:
    assert mail_header.address(written) == mail_header.Address(value, smtputf8=smtputf8)


@pytest.mark.parametrize(
    "written",
    [
        "", "ana", "@example.com", "ana@", "ana@@example.com", "a b@example.com", "ana@exa mple.com", "ana@example.com>",
        "<ana@example.com>", "ana@example.com\r\nBcc: b@example.com", "ana\n@example.com", "ana@example.com\r\nRCPT TO:<b@x>",
        ".ana@example.com", "ana.@example.com", "a..b@example.com", "ana@-example.com", "ana@example..com", "ana@example.com.",
        '"a b"@example.com', "ana@[127.0.0.1]", "a,b@example.com", "ana@exa_mple.com", "x" * 65 + "@example.com",
        "ana@" + "x" * 64 + ".com", "a@" + ("x" * 60 + ".") * 5 + "com", "ü" * 33 + "@example.com", "ü ü@example.com",
        "ü>@example.com", "ü\r\nX: y@example.com", "ü\ud800@example.com", "ana@\ud800.com", "ana@ü..com", "ana@☃.\u0000com",
        "ü@exa mple.com", "ü@example.com>", "ü@example.com\r\nRCPT TO:<b@x>", "ü@", "ü@-example.com",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(written: str) -> None:
    with pytest.raises(Refused):
        mail_header.address(written)
    with pytest.raises(Refused):
        mail(localised(), address=written)


@given(st.text(max_size=80))
def test_any_address_is_refused_or_safe(written: str) -> None:
    try:
        address = mail_header.address(written)
    except Refused:
        return
    assert not re.search(r"[\s<>\x00-\x1f,]", address.value)


@pytest.mark.parametrize(
    "text", ["x" * 2_000, "word " * 400 + "end", "x" * 61 + " y" * 40, 'a "quoted" name ' * 9 + "end"]
)
def test_no_line_of_a_field_is_longer_than_encoded_words_may_be_however_long_its_text(text: str) -> None:
    subject = mail_header.unstructured("Subject", text)
    name = mail_header.mailbox("To", text, mail_header.Address("ana@example.com")).partition(b"\r\n <")[0]

    assert max(map(len, [*subject.splitlines(), *name.splitlines()])) <= 76 + len("Subject: ")
    assert message_from_string(subject.decode() + "\r\n", policy=policy.SMTP)["subject"] == text
    assert str(make_header(decode_header(name.decode().removeprefix("To: ")))) == clean(text)


def test_an_address_goes_to_a_line_of_its_own_where_the_name_fills_the_first() -> None:
    to = mail_header.Address("someone-with-a-longer-name@example.com")

    assert mail_header.mailbox("To", "Ana", to) == b"To: Ana <someone-with-a-longer-name@example.com>\r\n"
    assert mail_header.mailbox("To", "A" * 50, to) == (
        b"To: " + b"A" * 50 + b"\r\n <someone-with-a-longer-name@example.com>\r\n"
    )


def test_a_name_of_nothing_that_can_be_shown_leaves_the_address_alone() -> None:
    to = mail_header.Address("ana@example.com")

    assert mail_header.mailbox("To", "\r\n", to) == mail_header.mailbox("To", None, to) == b"To: ana@example.com\r\n"


def test_a_line_break_in_a_subject_is_gone_and_not_only_encoded() -> None:
    field = mail_header.unstructured("Subject", "Look\r\nBcc: eve@example.com").decode()

    assert "\n" not in field[:-2]
    assert not re.search(r"[\r\n]", str(make_header(decode_header(field[len("Subject: ") : -2]))))


def test_an_address_that_is_not_ascii_stands_in_the_mail_as_it_is() -> None:
    data = mail(localised(), "Jörg", "jörg@bücher.example")
    head = data.partition(b"\r\n\r\n")[0]
    assert "<jörg@xn--bcher-kva.example>".encode() in head
    message = message_from_string(data.decode(), policy=policy.SMTPUTF8)
    assert message["to"].addresses == (ReadAddress("Jörg", "jörg", "xn--bcher-kva.example"),)


def test_without_a_link_there_is_no_unsubscribe_field() -> None:
    chat_like = localise(
        {"texts": {"en": {"text": "Order {order} is confirmed", "subject": "Order"}}},
        channel="EMAIL", language="en", constants={"order": "A-1", "shop": "Bloom"}, frame=Frame("Bloom"),
    )  # fmt: skip
    with pytest.raises(Refused) as refused:
        mail(chat_like, unsubscribe_url=None)
    assert [problem.field for problem in refused.value.problems] == [("variables", "unsubscribeUrl")]
