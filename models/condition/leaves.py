"""Each leaf of the condition language: its JSON fields, their bounds, and back."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from models.condition.reader import Fields, Path, Problems, choices
from models.condition.tree import (
    AgeIn,
    Deed,
    Did,
    Follows,
    Gender,
    GenderIn,
    Leaf,
    Measure,
    Moment,
    MomentIn,
    OrderAmount,
    OrderCount,
    RegionIn,
    Responded,
    Response,
)
from models.errors import ErrorCode
from models.region import REGION

MAX_DAYS = 3650
MAX_AGE = 130
MAX_ORDERS = 1_000_000
MAX_AMOUNT = 10**15
MAX_SECONDS = 10_000_000
MAX_REGIONS = 100
MAX_CATEGORY = 200
"""The most that a condition may say: days, years, orders, minor units, seconds, regions, and characters of a category."""

NO_PLAN = 2**31 - 1
"""What an id that names no plan is taken for, so that it reads exactly like an unknown one."""

WATCHED = {Deed.VIDEO_WATCHED, Deed.LIVE_WATCHED}
"""What has a duration."""

CONTENT = {
    *WATCHED,
    Deed.VIDEO_LIKED,
    Deed.VIDEO_CLICKED,
    Deed.LIVE_CLICKED,
    Deed.CARD_CLICKED,
    Deed.ENGAGED,
}
"""What has a content category."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a definition is read against: the shop's IANA zone, its currency and country where they are known."""

    time_zone: str
    currency: str | None = None
    country: str | None = None
    plan_of: Callable[[str], int | None] | None = None
    """The plan that a client's id names, where ids are not the numbers that are stored."""


def _ordered(fields: Fields, low: str, low_value: Any, high: str, high_value: Any) -> None:
    if low_value is not None and high_value is not None and low_value > high_value:
        fields.refuse(high, f"must not be less than {low}")


def _age(value: Any, path: Path, _: Scope, problems: Problems) -> Leaf:
    fields = Fields(value, path, ("min", "max"), problems)
    least, most = fields.integer("min", 0, MAX_AGE), fields.integer("max", 0, MAX_AGE)
    fields.needs("min", "max")
    _ordered(fields, "min", least, "max", most)
    return AgeIn(least, most)


def _gender(value: Any, path: Path, _: Scope, problems: Problems) -> Leaf:
    return GenderIn(choices(value, path, Gender, problems))


def _region(value: Any, path: Path, scope: Scope, problems: Problems) -> Leaf:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_REGIONS:
        problems.add(path, f"must list 1–{MAX_REGIONS} regions")
        return RegionIn(())
    for position, entry in enumerate(value):
        at = (*path, str(position))
        if not isinstance(entry, str) or not re.fullmatch(REGION, entry):
            problems.add(at, "must be an ISO 3166-2 code such as MX-JAL")
        elif scope.country and not entry.startswith(f"{scope.country}-"):
            problems.add(at, f"must be a region of the shop's country, {scope.country}")
    return RegionIn(tuple(dict.fromkeys(str(entry) for entry in value)))


def _orders(value: Any, path: Path, _: Scope, problems: Problems) -> Leaf:
    fields = Fields(value, path, ("withinDays", "min", "max"), problems)
    least, most = fields.integer("min", 0, MAX_ORDERS), fields.integer("max", 0, MAX_ORDERS)
    fields.needs("min", "max")
    _ordered(fields, "min", least, "max", most)
    return OrderCount(fields.integer("withinDays", 1, MAX_DAYS), least, most)


def _amount(measure: Measure, value: Any, path: Path, scope: Scope, problems: Problems) -> Leaf:
    names = ("min", "above", "max", "below")
    fields = Fields(value, path, (*names, "withinDays", "currency"), problems)
    least, above, most, below = (fields.integer(name, 0, MAX_AMOUNT) for name in names)
    fields.needs(*names)
    for one, other in (("min", "above"), ("max", "below")):
        if one in fields.values and other in fields.values:
            fields.refuse(other, f"cannot be used together with {one}")
    _contradictions(fields, least, above, most, below)
    return OrderAmount(
        measure, _currency(fields, scope), fields.integer("withinDays", 1, MAX_DAYS), least, above, most, below
    )


def _contradictions(fields: Fields, least: int | None, above: int | None, most: int | None, below: int | None) -> None:
    _ordered(fields, "min", least, "max", most)
    for low, low_value, high, high_value in (
        ("above", above, "max", most),
        ("min", least, "below", below),
        ("above", above, "below", below),
    ):
        if low_value is not None and high_value is not None and low_value >= high_value:
            fields.refuse(high, f"must be more than {low}")


def _currency(fields: Fields, scope: Scope) -> str:
    currency = fields.text("currency", 3)
    if fields.readable and "currency" not in fields.values:
        fields.refuse("currency", "is missing")
    elif currency and scope.currency and currency != scope.currency:
        fields.refuse("currency", f"must be the shop's currency, {scope.currency}", ErrorCode.WRONG_CURRENCY)
    return currency or ""


def _moment(moment: Moment, value: Any, path: Path, _: Scope, problems: Problems) -> Leaf:
    fields = Fields(value, path, ("withinDays", "from", "to"), problems)
    first, last = fields.day("from"), fields.day("to")
    fields.needs("withinDays", "from", "to")
    if "withinDays" in fields.values and ("from" in fields.values or "to" in fields.values):
        fields.refuse("withinDays", "cannot be used together with from or to")
    _ordered(fields, "from", first, "to", last)
    return MomentIn(moment, fields.integer("withinDays", 1, MAX_DAYS), first, last)


def _follows(value: Any, path: Path, _: Scope, problems: Problems) -> Leaf:
    if not isinstance(value, bool):
        problems.add(path, "must be true or false")
    return Follows(value is True)


def _did(deed: Deed, value: Any, path: Path, _: Scope, problems: Problems) -> Leaf:
    known = ["withinDays"]
    known += ["category"] if deed in CONTENT else []
    known += ["minSeconds"] if deed in WATCHED else []
    fields = Fields(value, path, known, problems)
    return Did(
        deed,
        fields.integer("withinDays", 1, MAX_DAYS),
        fields.text("category", MAX_CATEGORY),
        fields.integer("minSeconds", 1, MAX_SECONDS),
    )


def _responded(response: Response, value: Any, path: Path, scope: Scope, problems: Problems) -> Leaf:
    fields = Fields(value, path, ("withinDays", "plan"), problems)
    if scope.plan_of and "plan" in fields.values:
        fields.values["plan"] = scope.plan_of(str(fields.values["plan"])) or NO_PLAN
    return Responded(response, fields.integer("withinDays", 1, MAX_DAYS), fields.integer("plan", 1, NO_PLAN))


READERS: dict[str, Callable[[Any, Path, Scope, Problems], Leaf]] = {
    "age": _age,
    "gender": _gender,
    "region": _region,
    "orders": _orders,
    **{measure.value: partial(_amount, measure) for measure in Measure},
    **{moment.value: partial(_moment, moment) for moment in Moment},
    "follows": _follows,
    **{deed.value: partial(_did, deed) for deed in Deed},
    **{response.value: partial(_responded, response) for response in Response},
}
"""Every leaf by its JSON name."""


def write(leaf: Leaf) -> dict[str, Any]:
    """The JSON form of a leaf, without absent fields."""
    match leaf:
        case AgeIn(least, most):
            return {"age": _present(min=least, max=most)}
        case GenderIn(genders):
            return {"gender": [gender.value for gender in genders]}
        case RegionIn(regions):
            return {"region": list(regions)}
        case OrderCount(days, least, most):
            return {"orders": _present(withinDays=days, min=least, max=most)}
        case OrderAmount(measure, currency, days, least, above, most, below):
            bounds = _present(withinDays=days, min=least, above=above, max=most, below=below)
            return {measure.value: {**bounds, "currency": currency}}
        case MomentIn(moment, days, first, last):
            period = {"from": first and first.isoformat(), "to": last and last.isoformat()}
            return {moment.value: _present(withinDays=days, **period)}
        case Follows(value):
            return {"follows": value}
        case Did(deed, days, category, seconds):
            return {deed.value: _present(withinDays=days, category=category, minSeconds=seconds)}
        case Responded(response, days, plan):
            return {response.value: _present(withinDays=days, plan=plan)}


def _present(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
