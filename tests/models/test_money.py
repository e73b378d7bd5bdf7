"""Money is written as its currency and the reader's language have it."""

import re
from decimal import Decimal

import pytest
from babel.numbers import list_currencies
from hypothesis import given
from hypothesis.strategies import integers, sampled_from

from models.content.binding import number
from models.money import DIGITS, digits, major, percentage, written


@pytest.mark.parametrize(
    ("amount", "currency", "language", "text"),
    [
        (1999, "USD", "en", "$19.99"),
        (500, "USD", "en", "$5"),
        (123_456_700, "JPY", "ja", "￥123,456,700"),
        (15_000_00, "IDR", "id", "Rp 15.000"),
        (5_000, "VND", "vi", "5.000 ₫"),
        (550, "EUR", "fr", "5,50 €"),
        (550, "EUR", "xx", "€5.50"),
        (550, "EUR", "zh-Hant-TW", "€5.50"),
        (550, "EUR", "es-AQ", "5,50 €"),
        (550, "EUR", "es-MX", "EUR 5.50"),
        (550, "EUR", "es-MX-u-ca-gregory", "EUR 5.50"),
        (550, "JPY", "zh-Hant-US", "¥550"),
        (550, "JPY", "zh-AU", "¥550"),
        (550, "JPY", "zh-SG", "JP¥550"),
        (550, "BAM", "sr-Latn-DE", "5,50 KM"),
        (150_050, "RSD", "sr", "1.500,50 RSD"),
        (1_234_567, "IQD", "en", "IQD 1,234.567"),
        (50_000_00, "LAK", "lo", "₭50.000"),
        (199_99, "ALL", "sq", "199,99 Lekë"),
        (5_000_00, "MYR", "en", "MYR 5,000"),
        (1_500_00, "EUR", "es", "1500 €"),
        (15_000_00, "EUR", "es", "15.000 €"),
        (1_500_00, "EUR", "de", "1.500 €"),
        (1_999, "USD", "ar", "\u200f19.99 \u200eUS$\u200e"),
        (1_234_567, "IQD", "he", "\u200f1,234.567 \u200f\u200eIQD\u200e"),
        (500, "USD", "he", "\u200f5 \u200f$"),
        (1_999, "EGP", "ar-EG", "\u200f١٩٫٩٩ ج.م.\u200f"),
    ],
)
def test_an_amount_is_written_as_the_language_writes_it(amount, currency, language, text):
    assert written(amount, currency, language).replace("\xa0", " ").replace("\u202f", " ") == text


def test_minor_units_are_those_of_the_currency():
    assert [str(major(1999, currency)) for currency in ("USD", "JPY", "KWD")] == ["19.99", "1999", "1.999"]


@pytest.mark.parametrize(
    ("currencies", "decimals"),
    [
        ("AFN ALL IRR KPW LAK LBP MGA MMK MRU RSD SLE SOS SYP YER HUF IDR TWD COP PKR TZS UZS", 2),
        ("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF", 0),
        ("BHD IQD JOD KWD LYD OMR TND", 3),
        ("CLF UYW", 4),
    ],
)
def test_an_amount_has_the_decimals_of_iso_4217_however_its_country_writes_it(currencies, decimals):
    assert {currency: digits(currency) for currency in currencies.split()} == dict.fromkeys(
        currencies.split(), decimals
    )


def test_every_exception_is_a_currency():
    assert set(DIGITS) <= list_currencies()


@given(amount=integers(0, 10**15), currency=sampled_from(sorted(list_currencies())))
def test_what_is_written_is_the_amount_that_was_meant(amount: int, currency: str):
    number = re.search(r"\d[\d,.]*", written(amount, currency, "en"))

    assert number and Decimal(number[0].replace(",", "")).scaleb(digits(currency)) == amount


def test_a_percentage_is_written_as_the_language_writes_it():
    assert [percentage(25, language).replace("\xa0", " ") for language in ("en", "de", "tr")] == ["25%", "25 %", "%25"]


def test_a_percentage_has_the_digits_that_counts_have_in_the_language():
    assert percentage(10, "ar-EG").startswith(number(10, "ar-EG"))
    assert percentage(10, "ar").startswith(number(10, "ar"))


def test_every_whole_percentage_is_written_as_it_is():
    assert [percentage(percent, "en") for percent in range(101)] == [f"{percent}%" for percent in range(101)]
