"""Money is written as its currency and the reader's language have it."""

import pytest

from models.money import major, percentage, written


@pytest.mark.parametrize(
    ("amount", "currency", "language", "text"),
    [
        (1999, "USD", "en", "$19.99"),
        (500, "USD", "en", "$5"),
        (123_456_700, "JPY", "ja", "￥123,456,700"),
        (15_000_00, "IDR", "id", "Rp15.000"),
        (5_000, "VND", "vi", "5.000 ₫"),
        (550, "EUR", "fr", "5,50 €"),
        (550, "EUR", "xx", "€5.50"),
        (550, "EUR", "zh-Hant-TW", "€5.50"),
    ],
)
def test_an_amount_is_written_as_the_language_writes_it(amount, currency, language, text):
    assert written(amount, currency, language).replace("\xa0", " ").replace("\u202f", " ") == text


def test_minor_units_are_those_of_the_currency():
    assert [str(major(1999, currency)) for currency in ("USD", "JPY", "KWD")] == ["19.99", "1999", "1.999"]


def test_a_percentage_is_written_as_the_language_writes_it():
    assert [percentage(25, language).replace("\xa0", " ") for language in ("en", "de", "tr")] == ["25%", "25 %", "%25"]
