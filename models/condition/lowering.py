"""What both lowerings of a condition share: parameters, logic, demographics, calendar days."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from models.condition.gathering import Gathering
from models.condition.tree import (
    AgeIn,
    AllOf,
    AnyOf,
    Condition,
    Deed,
    Definition,
    Did,
    Follows,
    GenderIn,
    Leaf,
    MomentIn,
    Negation,
    OrderAmount,
    OrderCount,
    RegionIn,
    Responded,
)
from models.relationship import LATEST

LAST_DONE: dict[Deed, str] = {
    Deed.VIEWED: "last_viewed_at",
    Deed.FAVOURITED: "last_favourited_at",
    Deed.CARTED: "last_carted_at",
    Deed.REVIEWED: "last_reviewed_at",
    Deed.CHECKOUT_STARTED: "last_checkout_at",
    Deed.CARD_CLICKED: "last_card_clicked_at",
    Deed.VIDEO_WATCHED: "last_video_watched_at",
    Deed.VIDEO_LIKED: "last_video_liked_at",
    Deed.VIDEO_CLICKED: "last_video_clicked_at",
    Deed.LIVE_WATCHED: "last_live_watched_at",
    Deed.LIVE_CLICKED: "last_live_clicked_at",
    Deed.ENGAGED: "last_engaged_at",
}
"""The column of the roll-up that has the last time of each deed."""

KINDS: dict[Deed, tuple[str, ...]] = {deed: LATEST[column] for deed, column in LAST_DONE.items()}
"""The event kinds that are each deed: those that move its column, so that history agrees with the roll-up."""


class Parameters:
    """The arguments of one statement; the same value of the same type is passed once."""

    def __init__(self, first: int) -> None:
        self.first = first
        self.values: list[Any] = []
        self._known: dict[tuple[str, Any], str] = {}

    def add(self, value: Any, kind: str) -> str:
        """The placeholder of `value` as the PostgreSQL type `kind`."""
        key = (kind, tuple(value) if isinstance(value, list) else value)
        if key not in self._known:
            self._known[key] = f"${self.first + len(self.values)}::{kind}"
            self.values.append(value)
        return self._known[key]


def years_before(day: date, years: int) -> date:
    """The latest birth date of someone who is at least `years` old on `day`; 29 February turns on 1 March."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return date(day.year - years, 2, 28)


class Lowering(ABC):
    """Turns a definition into one boolean over `relationship r` and, where needed, `customer c`.

    Every expression it makes is true or false, never NULL, so that NOT is the complement.
    """

    def __init__(self, definition: Definition, *, shop_id: int, now: datetime, first_parameter: int) -> None:
        self.now = now
        self.zone = ZoneInfo(definition.time_zone)
        self.parameters = Parameters(first_parameter)
        self.shop = self.parameters.add(shop_id, "integer")
        self.needs_customer = False
        self.prepare()
        self.condition = self.members(definition.conditions)

    def select(self) -> str:
        """The whole statement: `customer_id` of every member within the shop's universe (R26)."""
        customer = " LEFT JOIN customer c ON c.id = r.customer_id" if self.needs_customer else ""
        return (
            f"SELECT r.customer_id FROM relationship r{customer}{self.joins()}"
            f" WHERE r.shop_id = {self.shop} AND {self.universe()} AND {self.condition}"
        )

    @abstractmethod
    def prepare(self) -> None:
        """Name the tables of single rows that leaves may ask."""

    @abstractmethod
    def joins(self) -> str:
        """Join the tables that leaves asked."""

    @abstractmethod
    def universe(self) -> str:
        """Who had an interaction with the shop."""

    @abstractmethod
    def orders(self, leaf: OrderCount) -> str:
        """Number of orders."""

    @abstractmethod
    def amount(self, leaf: OrderAmount) -> str:
        """Money in orders."""

    @abstractmethod
    def moment(self, leaf: MomentIn) -> str:
        """First or last order, latest follow."""

    @abstractmethod
    def follows(self) -> str:
        """Follows the shop."""

    @abstractmethod
    def did(self, leaf: Did) -> str:
        """Deeds in the shop."""

    @abstractmethod
    def responded(self, leaf: Responded) -> str:
        """Answers to messages."""

    def members(self, condition: Condition) -> str:
        """The expression that decides who of the universe is a member."""
        return self.boolean(condition)

    def boolean(self, condition: Condition) -> str:
        """The expression of a whole tree."""
        match condition:
            case AllOf(members):
                return conjunction([self.boolean(member) for member in members])
            case AnyOf(members):
                return "(" + " OR ".join(self.boolean(member) for member in members) + ")"
            case Negation(member):
                return f"(NOT {self.boolean(member)})"
            case Follows(value):
                return self.follows() if value else f"(NOT {self.follows()})"
            case leaf:
                return self.leaf(leaf)

    def leaf(self, leaf: Leaf) -> str:
        """The expression of a leaf with values."""
        match leaf:
            case OrderCount():
                expression = self.orders(leaf)
            case OrderAmount():
                expression = self.amount(leaf)
            case MomentIn():
                expression = self.moment(leaf)
            case Did():
                expression = self.did(leaf)
            case Responded():
                expression = self.responded(leaf)
            case _:
                expression = self.demographic(leaf)
        return expression

    def demographic(self, leaf: Leaf) -> str:
        """Age, gender, region: what the customer's account says today."""
        self.needs_customer = True
        terms = ["c.birth_date IS NOT NULL"]
        match leaf:
            case GenderIn(genders):
                return self.is_one_of("c.gender", [gender.value for gender in genders])
            case RegionIn(regions):
                return self.is_one_of("c.region", list(regions))
            case AgeIn(least, most):
                today = self.now.astimezone(self.zone).date()
                if least is not None:
                    terms.append(f"c.birth_date <= {self.parameters.add(years_before(today, least), 'date')}")
                if most is not None:
                    terms.append(f"c.birth_date > {self.parameters.add(years_before(today, most + 1), 'date')}")
        return conjunction(terms)

    def is_one_of(self, column: str, values: Sequence[str]) -> str:
        """The text column is one of `values`."""
        return f"({column} IS NOT NULL AND {column} = ANY ({self.parameters.add(list(values), 'text[]')}))"

    def instant(self, value: datetime) -> str:
        """The placeholder of an instant."""
        return self.parameters.add(value, "timestamptz")

    def cutoff(self, within_days: int) -> str:
        """The excluded start of the window `(now − N days, now]`, a day being 24 hours."""
        return self.instant(self.now - timedelta(days=within_days))

    def span(self, column: str, leaf: MomentIn) -> list[str]:
        """That an instant column, known not to be NULL, lies where the leaf says."""
        terms = []
        if leaf.within_days is not None:
            terms.append(f"{column} > {self.cutoff(leaf.within_days)}")
        if leaf.first is not None:
            terms.append(f"{column} >= {self.instant(self.midnight(leaf.first))}")
        if leaf.last is not None:
            terms.append(f"{column} < {self.instant(self.midnight(leaf.last + timedelta(days=1)))}")
        return terms

    def midnight(self, day: date) -> datetime:
        """When `day` begins in the definition's zone; its first valid minute where summer time skips midnight."""
        return datetime.combine(day, time(), self.zone).astimezone(UTC)

    def start(self, within_days: int | None) -> str | None:
        """The cutoff of a window, or None for ever."""
        return None if within_days is None else self.cutoff(within_days)

    def deed(self, events: Gathering, leaf: Did, *conditions: str) -> str:
        """Any such event, or their seconds together, out of the events that meet the conditions."""
        seconds = leaf.least_seconds
        value = events.ask(
            f"sum({events.alias}.seconds)" if seconds else "count(*)", self.start(leaf.within_days), *conditions
        )
        return f"({value} IS NOT NULL AND {value} >= {self.parameters.add(seconds or 1, 'bigint')})"

    def is_deed(self, alias: str, leaf: Did) -> list[str]:
        """That a row of `event` is such a deed, whenever it happened."""
        terms = [f"{alias}.kind IN ({', '.join(repr(kind) for kind in KINDS[leaf.deed])})"]
        if leaf.category is not None:
            terms.append(f"{alias}.category = {self.parameters.add(leaf.category, 'text')}")
        return terms

    def bounds(self, value: str, pairs: Sequence[tuple[str, int | None]], *, times: str | None = None) -> str:
        """`value` against each bound that is given; the bounds multiplied by `times` when that is given."""
        terms = []
        for operator, bound in pairs:
            if bound is not None:
                right = self.parameters.add(bound, "bigint")
                terms.append(f"{value} {operator} {right}" + (f"::numeric * {times}" if times else ""))
        return conjunction(terms)


def conjunction(terms: Sequence[str]) -> str:
    """All of the terms."""
    return "(" + " AND ".join(terms) + ")"
