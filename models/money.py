"""Money and percentages as people read them, in their language."""

from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal

from babel import Locale, UnknownLocaleError
from babel.numbers import format_currency, format_percent
from langcodes import Language

_EXPONENTS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
DIGITS = {currency: exponent for exponent, currencies in _EXPONENTS.items() for currency in currencies.split()}
"""Currencies whose minor unit is not a hundredth (ISO 4217 List One, as of January 2026).

Not CLDR's decimals: those say how amounts are customarily shown, such as no decimals of RSD, LAK or IQD, whose
minor units are a hundredth, a hundredth and a thousandth all the same.
"""


def digits(currency: str) -> int:
    """Decimals of an amount in the currency's main unit (ISO 4217): USD 2, JPY 0, IQD 3."""
    return DIGITS.get(currency, 2)


def major(amount: int, currency: str) -> Decimal:
    """Minor units as the currency's main unit: 1999 of USD is 19.99, 1999 of JPY is 1999."""
    return Decimal(amount).scaleb(-digits(currency))


def written(amount: int, currency: str, language: str) -> str:
    """An amount in minor units as a language (BCP 47) writes it, whole ones without decimals: "$5", "5,50 €"."""
    value, locale = major(amount, currency), _locale(language)
    decimals = "" if value == value.to_integral_value() else f".{'0' * digits(currency)}"
    pattern = locale.currency_formats["standard"].pattern.replace(".00", decimals)
    return format_currency(value, currency, pattern, locale=locale, currency_digits=False)


def percentage(percent: int, language: str) -> str:
    """A whole percentage as a language writes it: "10%", "10 %", "%10"."""
    return format_percent(Decimal(percent) / 100, locale=_locale(language))


def _locale(language: str) -> Locale:
    """The nearest locale that CLDR knows, in the language's own script (R14); English when it knows none."""
    for tag in _nearest(language):
        with suppress(UnknownLocaleError, ValueError):
            return Locale.parse(tag, sep="-")
    return Locale("en")


def _nearest(language: str) -> Iterator[str]:
    yield language
    whole = Language.get(language).maximize()
    yield f"{whole.language}-{whole.script}-{whole.territory}"
    yield f"{whole.language}-{whole.script}"
