"""Why a customer is in a segment or not: a second, plain evaluation that shares nothing with the compiler.

It reads the same tree against the facts of one customer and says of each condition whether it holds,
what was found, and whether it decided. Tests hold it and both lowerings of the compiler together.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from models.condition.facts import Facts
from models.condition.judge import Judge
from models.condition.tree import AllOf, AnyOf, Condition, Definition, Negation

NO_INTERACTION = ("UNFOLLOWED", "CART_REMOVED", "CART_EMPTIED")
"""Kinds of events that alone make nobody a customer of the shop."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One condition of a tree, seen for one customer.

    `decides` marks what the verdict rests on: the failed members of a failed AND, the fulfilled ones of a
    fulfilled OR, and otherwise all of them.
    """

    path: str
    condition: Condition
    holds: bool
    found: str
    decides: bool = False
    parts: tuple["Reason", ...] = ()

    def leaves(self) -> Iterator["Reason"]:
        """The conditions without further parts, in the order they are written."""
        if not self.parts:
            yield self
        for part in self.parts:
            yield from part.leaves()


def in_universe(facts: Facts) -> bool:
    """Whether the customer ever interacted with the shop (R26)."""
    return bool(facts.orders) or any(event.kind not in NO_INTERACTION for event in facts.events)


def explain(definition: Definition, facts: Facts, now: datetime) -> Reason:
    """The verdict on the whole tree and on each of its conditions, deciding ones marked."""
    judge = Judge(facts, now, ZoneInfo(definition.time_zone))
    return _decide(_reason(judge, definition.conditions, "conditions"))


def _reason(judge: Judge, condition: Condition, path: str) -> Reason:
    match condition:
        case AllOf(members):
            parts = _parts(judge, members, f"{path}.all")
            return Reason(path, condition, all(part.holds for part in parts), _tally(parts), parts=parts)
        case AnyOf(members):
            parts = _parts(judge, members, f"{path}.any")
            return Reason(path, condition, any(part.holds for part in parts), _tally(parts), parts=parts)
        case Negation(member):
            part = _reason(judge, member, f"{path}.not")
            return Reason(path, condition, not part.holds, _tally((part,)), parts=(part,))
        case leaf:
            holds, found = judge.judge(leaf)
            return Reason(path, leaf, holds, found)


def _parts(judge: Judge, members: tuple[Condition, ...], path: str) -> tuple[Reason, ...]:
    return tuple(_reason(judge, member, f"{path}[{index}]") for index, member in enumerate(members))


def _tally(parts: tuple[Reason, ...]) -> str:
    return f"{sum(part.holds for part in parts)} of {len(parts)} hold"


def _decide(reason: Reason) -> Reason:
    """Mark `reason` as deciding, and below it what made it so."""
    is_negation = isinstance(reason.condition, Negation)
    parts = tuple(_decide(part) if is_negation or part.holds == reason.holds else part for part in reason.parts)
    return replace(reason, decides=True, parts=parts)
