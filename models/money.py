"""Money and percentages as people read them, in their language."""

import re
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from functools import lru_cache

from babel import Locale, UnknownLocaleError
from icu4py.messageformat import MessageFormat
from langcodes import Language

from models.language import direction

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

# Right to left, the dollar of "US$" would go to the other side of its letters: "$US".
_LATIN_SIGN = re.compile("[^\\s\\d\u200e\u200f\u061c]*[A-Za-z][^\\s\\d\u200e\u200f\u061c]*")


def digits(currency: str) -> int:
    """Decimals of an amount in the currency's main unit (ISO 4217): USD 2, JPY 0, IQD 3."""
    return DIGITS.get(currency, 2)


def major(amount: int, currency: str) -> Decimal:
    """Minor units as the currency's main unit: 1999 of USD is 19.99, 1999 of JPY is 1999."""
    return Decimal(amount).scaleb(-digits(currency))


def written(amount: int, currency: str, language: str) -> str:
    """An amount in minor units as a language (BCP 47) writes it, whole ones without decimals: "$5", "5,50 €"."""
    is_whole = amount % 10 ** digits(currency) == 0
    text: str = _amount(currency, _locale(language), is_whole=is_whole).format({"value": amount})
    return _LATIN_SIGN.sub("\u200e\\g<0>\u200e", text) if direction(language) == "rtl" else text


@lru_cache(maxsize=1024)
def _amount(currency: str, locale: str, *, is_whole: bool) -> MessageFormat:
    """What writes minor units of a currency: by ICU, which leaves a space between a currency's letters and a digit."""
    decimals = digits(currency)
    precision = "precision-integer" if is_whole or not decimals else f".{'0' * decimals}"
    scale = Decimal(1).scaleb(-decimals)
    return MessageFormat(f"{{value, number, ::currency/{currency} scale/{scale:f} {precision}}}", locale)


def percentage(percent: int, language: str) -> str:
    """A whole percentage as a language writes it: "10%", "10 %", "%10"."""
    return _percentage(_locale(language)).format({"value": percent})


@lru_cache(maxsize=256)
def _percentage(locale: str) -> MessageFormat:
    return MessageFormat("{value, number, ::percent precision-integer}", locale)


@lru_cache(maxsize=4096)
def _locale(language: str) -> str:
    """The nearest locale that CLDR knows, in the language's own script (R14); English when it knows none."""
    for tag in _nearest(language):
        with suppress(UnknownLocaleError, ValueError):
            return str(Locale.parse(tag, sep="-"))
    return "en"


def _nearest(language: str) -> Iterator[str]:
    yield language
    whole = Language.get(language).maximize()
    yield f"{whole.language}-{whole.script}-{whole.territory}"
    yield f"{whole.language}-{whole.script}"
