"""What a condition implies about a few instants of the roll-up that have indexes.

A million rows are only passed over when an index says where to begin. `first_order within 30d`, for one,
implies that the last order too lies within 30 days, which the index of last orders knows. Implied terms
never change an answer: they hold of every member, and only narrow where members are looked for.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from models.condition.tree import (
    AllOf,
    AnyOf,
    Condition,
    Deed,
    Did,
    Follows,
    Measure,
    Moment,
    MomentIn,
    Negation,
    OrderAmount,
    OrderCount,
)


class Instant(Enum):
    """An instant of the roll-up by which members are found."""

    LAST_ORDER = auto()
    PREVIOUS_ORDER = auto()
    """The last but one."""
    LAST_WANTED = auto()
    """The last time something was put into the cart or favourited."""
    LAST_ENGAGED = auto()


@dataclass(frozen=True, slots=True)
class Span:
    """The instant is known, and lies after `after` where that is given, and not after `until` where that is."""

    after: datetime | None = None
    until: datetime | None = None

    def and_also(self, other: "Span") -> "Span":
        """Within both."""
        return Span(_latest(self.after, other.after), _earliest(self.until, other.until))

    def or_else(self, other: "Span") -> "Span":
        """Within either."""
        return Span(
            None if self.after is None or other.after is None else min(self.after, other.after),
            None if self.until is None or other.until is None else max(self.until, other.until),
        )

    def is_after(self, start: datetime | None) -> bool:
        """Whether whatever lies within is known to lie after `start`; after None lies everything."""
        return start is None or (self.after is not None and self.after >= start)


Implied = Mapping[Instant, Span]

WANTED = (Deed.CARTED, Deed.FAVOURITED)
ENGAGED = (
    Deed.CARD_CLICKED,
    Deed.VIDEO_WATCHED,
    Deed.VIDEO_LIKED,
    Deed.VIDEO_CLICKED,
    Deed.LIVE_WATCHED,
    Deed.LIVE_CLICKED,
    Deed.ENGAGED,
)


def implied(condition: Condition, now: datetime) -> Implied:
    """What holds of the instants of everyone who meets the condition at `now`."""
    match condition:
        case AllOf(members):
            return _together([implied(member, now) for member in members], [_ended(member, now) for member in members])
        case AnyOf(members):
            return _either([implied(member, now) for member in members])
        case OrderCount(days, least) if least:
            span = Span(_start(days, now))
            return dict.fromkeys((Instant.LAST_ORDER, Instant.PREVIOUS_ORDER)[:least], span)
        case OrderAmount(_, _, days) if _needs_orders(condition):
            return {Instant.LAST_ORDER: Span(_start(days, now))}
        case MomentIn(Moment.FIRST_ORDER | Moment.LAST_ORDER, days):
            return {Instant.LAST_ORDER: Span(_start(days, now))}
        case Did(deed, days) if deed in WANTED:
            return {Instant.LAST_WANTED: Span(_start(days, now))}
        case Did(deed, days) if deed in ENGAGED:
            return {Instant.LAST_ENGAGED: Span(_start(days, now))}
        case _:
            return {}


def entails(spans: Implied, condition: Condition, now: datetime) -> bool:
    """Whether whoever has these instants meets the condition for that alone."""
    orders = spans.get(Instant.LAST_ORDER)
    ended = _ended(condition, now)
    if ended is not None:
        return orders is not None and orders.until is not None and orders.until <= ended
    match condition:
        case OrderCount(days, 1, None) | MomentIn(Moment.LAST_ORDER, days, None, None):
            instant = Instant.LAST_ORDER
        case OrderCount(days, 2, None):
            instant = Instant.PREVIOUS_ORDER
        case Did(Deed.ENGAGED, days, None):
            instant = Instant.LAST_ENGAGED
        case _:
            return False
    return instant in spans and spans[instant].is_after(_start(days, now))


def only_followers(condition: Condition) -> bool:
    """Whether everyone who meets the condition follows the shop."""
    match condition:
        case AllOf(members):
            return any(only_followers(member) for member in members)
        case AnyOf(members):
            return all(only_followers(member) for member in members)
        case Negation(Follows(value)):
            return not value
        case Follows(value):
            return value
        case _:
            return False


def _start(days: int | None, now: datetime) -> datetime | None:
    return None if days is None else now - timedelta(days=days)


def _ended(condition: Condition, now: datetime) -> datetime | None:
    """The time since which whoever meets the condition has placed no order, if it says so."""
    match condition:
        case OrderCount(days, _, 0) | Negation(OrderCount(days, 1, None)):
            return _start(days, now)
        case _:
            return None


def _needs_orders(leaf: OrderAmount) -> bool:
    """Whether nobody without an order meets it: there is no average of none, and their total is 0."""
    return leaf.measure is Measure.AVERAGE_ORDER or bool(leaf.least) or leaf.above is not None


def _together(each: list[Implied], ends: list[datetime | None]) -> Implied:
    """Of an AND: everything, the narrowest of each. An end of orders says something only of who has any."""
    spans: dict[Instant, Span] = {}
    for one in each:
        for instant, span in one.items():
            spans[instant] = spans.get(instant, Span()).and_also(span)
    if Instant.LAST_ORDER in spans:
        for end in ends:
            spans[Instant.LAST_ORDER] = spans[Instant.LAST_ORDER].and_also(Span(until=end))
    return spans


def _either(each: list[Implied]) -> Implied:
    """Of an OR: what every part implies, the widest of each."""
    spans = dict(each[0])
    for one in each[1:]:
        spans = {instant: span.or_else(one[instant]) for instant, span in spans.items() if instant in one}
    return spans


def _latest(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((each for each in (one, other) if each is not None), default=None)


def _earliest(one: datetime | None, other: datetime | None) -> datetime | None:
    return min((each for each in (one, other) if each is not None), default=None)
