"""Every template in every language, as a mail: two independent parsers read what the preview showed (R14, R21)."""

import pytest

from models.content import fill, localise
from models.content.layout import Button, Frame, ProductCard
from models.mail import MailForm
from models.scenario import SCENARIOS
from models.template import content_of, languages, template
from models.words import button_label
from tests.models.mail.test_mail import LINK, MESSAGE_ID, UNSUBSCRIBE, WHEN, assert_read_as, assert_well_formed, read

MAILED = [code for code in SCENARIOS if template(code, "en").subject]
LANGUAGES = [each.tag for each in languages()]
NAMES = {"ar": "عمر 🎉", "th": "สมชาย", "ja": "山田 太郎", "vi": "Nguyễn Thị Thắm"}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", MAILED)
@pytest.mark.parametrize("known", [True, False])
def test_a_template_arrives_as_its_preview_showed_it(code: str, language: str, known: bool):
    frame = Frame(
        "Blüm & 花", (ProductCard("Crème & co", "{link}p1", "€3"),),
        Button(button_label(SCENARIOS[code].destination, language), "{link}b"), "1 Main St\n〒100-0001",
    )  # fmt: skip
    constants: dict[str, str | int] = {"shop": "Blüm & 花", "product": "🎁 set", "productCount": 3, "coupon": "10%"}
    message = localise(content_of(code), channel="EMAIL", language=language, constants=constants, frame=frame)
    name = NAMES.get(language, "Zoë") if known else None
    form = MailForm.build(message, sender_name="Blüm & 花", sender_address="shop-1@mail.example")

    data = form.fill(
        recipient_name=name, address="ana@example.com", message_id=MESSAGE_ID, date=WHEN,
        values={"name": name, "link": LINK}, unsubscribe_url=UNSUBSCRIBE,
    )  # fmt: skip

    assert_well_formed(data)
    shown = fill(message, {"name": name, "link": LINK, "unsubscribeUrl": UNSUBSCRIBE})
    assert_read_as(data, shown, name, sender="Blüm & 花")
    assert read(data)["content-language"] == language


def test_there_is_something_to_mail():
    assert len(MAILED) >= 9 and set(NAMES) < set(LANGUAGES)
