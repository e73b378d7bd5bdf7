"""Money and percentages as people read them, in their language."""

from decimal import Decimal

from babel import Locale, UnknownLocaleError
from babel.numbers import format_currency, format_percent, get_currency_precision


def major(amount: int, currency: str) -> Decimal:
    """Minor units as the currency's main unit: 1999 of USD is 19.99, 1999 of JPY is 1999."""
    return Decimal(amount).scaleb(-get_currency_precision(currency))


def written(amount: int, currency: str, language: str) -> str:
    """An amount in minor units as a language (BCP 47) writes it, whole ones without decimals: "$5", "5,50 €"."""
    value, locale = major(amount, currency), _locale(language)
    if value == value.to_integral_value():
        pattern = locale.currency_formats["standard"].pattern.replace(".00", "")
        return format_currency(value, currency, pattern, locale=locale, currency_digits=False)
    return format_currency(value, currency, locale=locale)


def percentage(percent: int, language: str) -> str:
    """A whole percentage as a language writes it: "10%", "10 %", "%10"."""
    return format_percent(Decimal(percent) / 100, locale=_locale(language))


def _locale(language: str) -> Locale:
    """The nearest locale that CLDR knows; English when it knows none."""
    for tag in (language, language.partition("-")[0]):
        try:
            return Locale.parse(tag, sep="-")
        except (UnknownLocaleError, ValueError):
            continue
    return Locale("en")
