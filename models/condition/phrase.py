"""A condition as a line of text, in the words that `text` reads back into the same condition."""

from collections.abc import Callable

from models import money
from models.condition.tree import (
    AgeIn,
    AllOf,
    AnyOf,
    Condition,
    Did,
    Follows,
    GenderIn,
    Leaf,
    MomentIn,
    Negation,
    OrderAmount,
    OrderCount,
    RegionIn,
)
from models.condition.wording import in_text

PlanName = Callable[[int], str]
"""How a plan is called in the text."""


def write_text(condition: Condition, *, plan_name: PlanName = str) -> str:
    """The line of text; AND and OR of a single condition are that condition."""
    match condition:
        case AllOf((member,)) | AnyOf((member,)):
            return write_text(member, plan_name=plan_name)
        case AllOf(members):
            return " and ".join(_bracketed(member, plan_name) for member in members)
        case AnyOf(members):
            return " or ".join(_bracketed(member, plan_name) for member in members)
        case Negation(member):
            return f"not {_bracketed(member, plan_name)}"
        case leaf:
            return _leaf(leaf, plan_name)


def _bracketed(condition: Condition, plan_name: PlanName) -> str:
    """Inside another condition: brackets around every AND and OR, so that nobody has to know which binds more."""
    if isinstance(condition, AllOf | AnyOf):
        if len(condition.members) == 1:
            return _bracketed(condition.members[0], plan_name)
        return f"({write_text(condition, plan_name=plan_name)})"
    return write_text(condition, plan_name=plan_name)


def _leaf(leaf: Leaf, plan_name: PlanName) -> str:
    match leaf:
        case AgeIn(least, most):
            text = f"age {_counted(least, most)}"
        case GenderIn(genders):
            text = f"gender {_listed([gender.lower() for gender in genders])}"
        case RegionIn(regions):
            text = f"region {_listed(regions)}"
        case OrderCount(days, least, most):
            text = f"orders{_arguments(days)} {_counted(least, most)}"
        case OrderAmount():
            text = f"{in_text(leaf.measure)}{_arguments(leaf.within_days)} {_money(leaf)}"
        case MomentIn(moment, days, first, last):
            span = f"within {days}d" if days else f"in {first or ''}..{last or ''}"
            text = f"{in_text(moment)} {span}"
        case Follows(value):
            text = "follows" if value else "follows = false"
        case Did(deed, days, category, seconds):
            text = f"{in_text(deed)}{_arguments(days, category=category, seconds=seconds)}"
        case _:
            text = f"{in_text(leaf.response)}{_arguments(leaf.within_days, plan=plan_name(leaf.plan) if leaf.plan else None)}"
    return text


def _arguments(
    days: int | None, *, category: str | None = None, seconds: int | None = None, plan: str | None = None
) -> str:
    given = [
        f"within: {days}d" if days else "",
        f"category: {_quoted(category)}" if category is not None else "",
        f"seconds: {seconds}" if seconds else "",
        f"plan: {plan}" if plan else "",
    ]
    inside = ", ".join(argument for argument in given if argument)
    return f"({inside})" if inside else ""


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _listed(words: list[str] | tuple[str, ...]) -> str:
    return f"= {words[0]}" if len(words) == 1 else f"in ({', '.join(words)})"


def _counted(least: int | None, most: int | None) -> str:
    if least is not None and most is not None:
        return f"= {least}" if least == most else f"in {least}..{most}"
    return f">= {least}" if least is not None else f"<= {most}"


def _money(leaf: OrderAmount) -> str:
    low = leaf.least if leaf.least is not None else leaf.above
    high = leaf.most if leaf.most is not None else leaf.below
    if low is None or high is None:
        operator = next(operator for operator, bound in leaf.bounds() if bound is not None)
        return f"{operator} {_major(high if low is None else low, leaf.currency)} {leaf.currency}"
    if (leaf.least, leaf.most) == (low, low):
        return f"= {_major(low, leaf.currency)} {leaf.currency}"
    between = f"{'<' if leaf.above is not None else ''}..{'<' if leaf.below is not None else ''}"
    return f"in {_major(low, leaf.currency)}{between}{_major(high, leaf.currency)} {leaf.currency}"


def _major(minor: int | None, currency: str) -> str:
    whole = money.major(minor or 0, currency)
    return f"{whole:.{money.digits(currency) if whole % 1 else 0}f}"
