"""What the words of the text form mean in JSON: names, arguments, comparisons, money and days."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from models import money
from models.condition.leaves import Scope
from models.condition.reader import suggestion
from models.condition.tree import Measure, Moment

ARGUMENTS = {"within": "withinDays", "category": "category", "seconds": "minSeconds", "plan": "plan"}
"""What may stand in the brackets after a name, and its JSON field."""

DAYS = {"d": 1, "w": 7}
COUNTED = ("age", "orders")
LISTED = ("gender", "region")
MEASURES = tuple(Measure)
MOMENTS = tuple(Moment)
EDGES = {">=": "min", ">": "above", "<=": "max", "<": "below"}


class Misworded(Exception):
    """The words do not fit the condition they are said of."""


@dataclass(frozen=True, slots=True)
class Test:
    """What follows a condition's name: its kind in the grammar, and its words, None where one is left out."""

    kind: str
    words: tuple[str | None, ...]


def in_json(name: str) -> str:
    """The JSON name of a condition: `first_order` is `firstOrder`."""
    first, *others = name.lower().split("_")
    return first + "".join(other.capitalize() for other in others)


def in_text(name: str) -> str:
    """The text name of a condition or an argument: `firstOrder` is `first_order`, `withinDays` is `within`."""
    for word, field in ARGUMENTS.items():
        if field == name:
            return word
    return re.sub("[A-Z]", lambda letter: f"_{letter.group().lower()}", name)


def argument(name: str, word: str) -> tuple[str, Any]:
    """The JSON field of an argument and its value. Raises Misworded."""
    field = ARGUMENTS.get(name.lower())
    if field is None:
        raise Misworded(f'"{name}" is not an argument{suggestion(name, ARGUMENTS)}')
    if field == "withinDays":
        return field, days(word)
    if field == "minSeconds":
        return field, _whole(word)
    return field, int(word) if field == "plan" and word.isdecimal() else unquoted(word)


def unquoted(word: str) -> str:
    """A text without its quotes; a backslash makes the next character itself."""
    return re.sub(r"\\(.)", r"\1", word[1:-1], flags=re.DOTALL) if word.startswith('"') else str(word)


def days(word: str | None) -> int:
    """`30d` or `2w` in days."""
    found = re.fullmatch(r"(\d+)([dw])", (word or "").lower())
    if not found:
        raise Misworded("a window is written in days or weeks, such as 30d or 2w")
    return int(found[1]) * DAYS[found[2]]


def value(name: str, fields: Mapping[str, Any], test: Test | None, scope: Scope) -> Any:
    """The JSON value of a condition with these arguments and what is said of it. Raises Misworded."""
    if name in LISTED or name == "follows":
        if fields:
            raise Misworded(f"{name} takes no arguments")
        return _flag(test) if name == "follows" else _list(name, test)
    if name in COUNTED:
        return {**fields, **_counted(name, test)}
    if name in MEASURES:
        return {**fields, **_money(name, test, scope)}
    if name in MOMENTS:
        return _both(fields, _moment(name, test))
    if test is None:
        return dict(fields)
    if test.kind != "window":
        raise Misworded(f"{in_text(name)} is compared with nothing; it takes a window, such as within 30d")
    return _both(fields, {"withinDays": days(test.words[-1])})


def _both(fields: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """What the brackets hold and what follows them; a window in both would be lost in one."""
    if fields.keys() & said.keys():
        raise Misworded("its window is said twice")
    return {**fields, **said}


def _flag(test: Test | None) -> bool:
    if test is None:
        return True
    word = (test.words[1] or "").lower()
    if test.kind != "comparison" or test.words[0] != "=" or word not in ("true", "false"):
        raise Misworded("follows stands alone, or is followed by = true or = false")
    return word == "true"


def _list(name: str, test: Test | None) -> list[str]:
    if test and test.kind == "choice":
        words = [word or "" for word in test.words]
    elif test and test.kind == "comparison" and test.words[0] == "=":
        words = [test.words[1] or ""]
    else:
        example = "female, other" if name == "gender" else "MX-JAL, MX-NLE"
        raise Misworded(f"{name} needs = or a list, such as in ({example})")
    return [word.upper() for word in words]


def _edges(name: str, test: Test | None, example: str) -> tuple[dict[str, str], str | None]:
    """Each bound as it is written, and the unit behind it."""
    if test and test.kind == "comparison" and (test.words[1] or "")[:1].isdecimal():
        operator, number, unit = test.words[0] or "", test.words[1] or "", test.words[2]
        return ({"min": number, "max": number} if operator == "=" else {EDGES[operator]: number}), unit
    if test and test.kind == "range":
        low, between, high, unit = test.words
        names = (
            "above" if (between or "").startswith("<") else "min",
            "below" if (between or "")[-1] == "<" else "max",
        )
        return {names[0]: low or "", names[1]: high or ""}, unit
    raise Misworded(f"{in_text(name)} needs a comparison, such as {example}")


def _counted(name: str, test: Test | None) -> dict[str, int]:
    edges, unit = _edges(name, test, ">= 2 or in 2..5")
    if unit:
        raise Misworded(f"{name} is a number without a unit")
    whole = {edge: _whole(number) for edge, number in edges.items()}
    if "above" in whole:
        whole["min"] = whole.pop("above") + 1
    if "below" in whole:
        whole["max"] = whole.pop("below") - 1
    return whole


def _whole(word: str) -> int:
    if not word.isdecimal():
        raise Misworded("a whole number is needed here")
    return int(word)


def _money(name: str, test: Test | None, scope: Scope) -> dict[str, Any]:
    edges, unit = _edges(name, test, f"> 30 {scope.currency or 'USD'}")
    currency = (unit or scope.currency or "").upper()
    if not currency:
        raise Misworded("a currency is needed, such as 30 USD")
    return {**{edge: _minor(number, currency) for edge, number in edges.items()}, "currency": currency}


def _minor(word: str, currency: str) -> int:
    digits = money.digits(currency)
    minor = Decimal(word).scaleb(digits)
    if minor != minor.to_integral_value():
        raise Misworded(f"{currency} has {digits} decimals")
    return int(minor)


def _moment(name: str, test: Test | None) -> dict[str, Any]:
    if test and test.kind == "window":
        return {"withinDays": days(test.words[-1])}
    if test and test.kind == "period":
        first, _, last = test.words
        return {key: day for key, day in (("from", first), ("to", last)) if day}
    raise Misworded(f"{in_text(name)} needs a window or days, such as within 30d or in 2026-01-01..2026-03-31")
