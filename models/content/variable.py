"""The variables of a message's text: what it may say about its reader, its shop and its occasion."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from models.content_rule import without

Value = str | int
"""What a variable is filled with: a count is an int, all else is text in the reader's language."""

LONGEST_VALUE = 200
"""Characters of a value that a message shows; the rest gives way to an ellipsis. Links are kept whole."""


class TextVariableKind(StrEnum):
    """How a variable may stand in a message."""

    TEXT = "TEXT"
    """Shown as it is: `{name}`."""
    COUNT = "COUNT"
    """A whole number: `{productCount}`, or decides a plural."""
    CHOICE = "CHOICE"
    """Never shown; decides a select: `{hasName, select, yes {…} other {…}}`."""
    LINK = "LINK"
    """An address that the server itself puts in; never in what people write (R13)."""


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable: its name in messages, its kind, what it means and a sample of it.

    A CHOICE names the variable it asks about: it is "yes" when that one has a value, else "no".
    """

    name: str
    kind: TextVariableKind
    meaning: str
    sample: Value
    asks: str = ""


VARIABLES: Mapping[str, Variable] = {
    variable.name: variable
    for variable in (
        Variable("name", TextVariableKind.TEXT, "the customer's name", "Ana"),
        Variable("hasName", TextVariableKind.CHOICE, "whether the customer's name is known", "yes", asks="name"),
        Variable("shop", TextVariableKind.TEXT, "the shop's name", "Bloom"),
        Variable("product", TextVariableKind.TEXT, "title of the first product", "Rose hand cream"),
        Variable("productCount", TextVariableKind.COUNT, "how many products it is about", 3),
        Variable("coupon", TextVariableKind.TEXT, "how much the coupon takes off", "10%"),
        Variable("hasCoupon", TextVariableKind.CHOICE, "whether a coupon comes with it", "yes", asks="coupon"),
        Variable("order", TextVariableKind.TEXT, "the order's number", "A-1042"),
        Variable("startsAt", TextVariableKind.TEXT, "when the LIVE starts, on the customer's clock", "19:00"),
        Variable("link", TextVariableKind.LINK, "what this message's own links begin with", "https://shop.example/l/"),
        Variable("unsubscribeUrl", TextVariableKind.LINK, "where the customer unsubscribes", "https://shop.example/u"),
    )
}
"""Every variable there is, by name."""

SHOWN = frozenset(variable.name for variable in VARIABLES.values() if variable.kind is TextVariableKind.TEXT)
"""Variables whose values stand in a message as they are."""

OPTIONAL = frozenset({"name", "coupon"})
"""Variables that may have no value: messages then say it another way (`nameless`, `hasCoupon`)."""

OF_PRODUCTS = frozenset({"product", "productCount"})
"""Variables that only a message about products has values of."""

ALWAYS = frozenset({"name", "hasName", "shop", "coupon", "hasCoupon"})
"""What the text of any plan may use; a plan without a coupon answers `hasCoupon` with no."""

_LONGEST = {variable.name: 2000 for variable in VARIABLES.values() if variable.kind is TextVariableKind.LINK}
_ASKS = tuple((variable.name, variable.asks) for variable in VARIABLES.values() if variable.asks)

# Line separators and everything that steers a terminal, a header or the direction of what follows.
_HARMFUL = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff]+"
)


def clean(value: str, longest: int = LONGEST_VALUE) -> str:
    """`value` on one line, without control characters, lone surrogates or bidirectional overrides, and not too long."""
    if not value.isprintable():
        value = _HARMFUL.sub(" ", value)
    value = value.strip()
    return value if len(value) <= longest else value[: longest - 1].rstrip() + "…"


def cleaned(values: Mapping[str, Value | None]) -> dict[str, Value]:
    """The values that are there, made safe to show anywhere, and the answers of the choices that ask about them."""
    known: dict[str, Value] = {}
    for name, value in values.items():
        shown = clean(value, _LONGEST.get(name, LONGEST_VALUE)) if isinstance(value, str) else value
        if shown is not None and shown != "":
            known[name] = shown
    for choice, asked in _ASKS:
        if asked in values:
            known[choice] = "yes" if asked in known else "no"
    return known


def of_recipient(values: Mapping[str, Value | None]) -> dict[str, Value]:
    """One recipient's values, cleaned; a name or coupon that is not among them is known to be none.

    What else is frozen with a message (its products' ids, say) is no variable, and left out.
    """
    known = {name: values[name] for name in values if name in VARIABLES}
    if isinstance(title := known.get("product"), str):
        known["product"] = _within_rules(title)
    return cleaned({"name": None, "coupon": None, **known})


@lru_cache(maxsize=4096)
def _within_rules(title: str) -> str:
    """A product's title without what in it is a way out of the shop (R13): nobody checked it with the plan."""
    return without(title) or "…"
