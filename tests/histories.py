"""Random customers and random conditions that meet at the edges: of windows, days, birthdays and bounds.

A case is told by its seed alone. Drawing each value by Hypothesis would cost more than asking the database.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from models.condition.facts import Answer, Event, Facts, Order
from models.condition.tree import (
    AgeIn,
    AllOf,
    AnyOf,
    Condition,
    Deed,
    Definition,
    Did,
    Follows,
    Gender,
    GenderIn,
    Measure,
    Moment,
    MomentIn,
    Negation,
    OrderAmount,
    OrderCount,
    RegionIn,
    Responded,
    Response,
)

DAYS = (1, 7, 30, 365)
"""Windows that conditions ask for and histories come near."""

INSTANTS = (
    datetime(2024, 2, 29, 12, tzinfo=UTC),
    datetime(2025, 2, 28, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(2025, 3, 1, tzinfo=UTC),
    datetime(2025, 3, 10, 6, 30, tzinfo=UTC),
    datetime(2011, 12, 31, 9, tzinfo=UTC),
)
"""Leap days and the days around them, summer time begun in the window, and a day that Apia skipped."""

ZONES = ("UTC", "America/New_York", "America/Sao_Paulo", "Africa/Cairo", "America/St_Johns", "Pacific/Apia")
CALENDAR = (
    date(2025, 3, 9), date(2025, 2, 28), date(2024, 2, 29), date(2023, 4, 28), date(2018, 11, 4), date(2011, 11, 6),
    date(2011, 12, 29), date(2011, 12, 30),
)  # fmt: skip
"""Days with 23, 25 or no hours in some of the zones, and days without their midnight."""

KINDS = (
    "PRODUCT_VIEWED", "PRODUCT_FAVOURITED", "PRODUCT_REVIEWED", "PRODUCT_CARD_CLICKED", "CART_ADDED", "CART_REMOVED",
    "CART_EMPTIED", "CHECKOUT_STARTED", "FOLLOWED", "UNFOLLOWED", "VIDEO_WATCHED", "VIDEO_LIKED",
    "VIDEO_PRODUCT_CLICKED", "LIVE_WATCHED", "LIVE_CLICKED",
)  # fmt: skip
CATEGORIES = ("beauty", "Beauty", 'it\'s "50%" \\ 美容')
REGIONS = ("MX-JAL", "MX-CMX", "MX-NLE")
AMOUNTS = (0, 1, 2999, 3000, 3001)
SECONDS = (0, 1, 299, 300, 600)
AGES = (18, 25, 34)
PLANS = (1, 2)
WATCHED = (Deed.VIDEO_WATCHED, Deed.LIVE_WATCHED)
CONTENT = (*WATCHED, Deed.VIDEO_LIKED, Deed.VIDEO_CLICKED, Deed.LIVE_CLICKED, Deed.CARD_CLICKED, Deed.ENGAGED)
MOMENT = timedelta(microseconds=1)
SHIFTS = (-MOMENT, timedelta(), MOMENT)
One = TypeVar("One")


@dataclass(frozen=True)
class Case:
    """A clock, some customers by external id, and definitions to ask of them."""

    now: datetime
    earlier: datetime
    definitions: tuple[Definition, ...]
    customers: dict[str, Facts]


def case_of(seed: int) -> Case:
    """The case of this seed: one leaf of every sort and two trees, asked of several customers."""
    return Dice(seed).case()


class Dice(Random):
    """Draws cases, by preference at the edges."""

    now: datetime
    zone: str
    windows: list[int]
    calendar: list[date]
    edges: list[datetime]

    def case(self) -> Case:
        """A few windows and days are drawn first, so that histories and conditions meet at them."""
        self.now, self.zone = self.choice(INSTANTS), self.choice(ZONES)
        self.windows = self.sample(DAYS, 2)
        self.calendar = sorted(self.sample([day for day in CALENDAR if day <= self.now.date()], 2))
        self.edges = [midnight for midnight in midnights(self.calendar, self.zone) if midnight < self.now]
        customers = {f"customer {number}": self.facts() for number in range(1, self.randint(4, 12))}
        asked = [*(draw() for draw in self.sorts()), self.tree(3), self.tree(4)]
        definitions = tuple(Definition(condition, self.zone) for condition in asked)
        return Case(self.now, self.instant(), definitions, customers)

    def maybe(self, value: One) -> One | None:
        """The value, or nothing."""
        return value if self.random() < 0.6 else None

    def some(self, choices: tuple[Any, ...]) -> tuple[Any, ...]:
        """One or more of the choices, in their order."""
        chosen = self.sample(choices, self.randint(1, len(choices)))
        return tuple(sorted(chosen, key=choices.index))

    def instant(self) -> datetime:
        """A time up to now: at the very edge of a window or of a day of the zone, or anywhere in two years."""
        window = self.now - timedelta(days=self.choice(self.windows)) + self.choice(SHIFTS)
        day = self.choice(self.edges) + self.choice(SHIFTS)
        return self.choice([window, window, day, self.now - timedelta(hours=self.randint(0, 730 * 24))])

    def latest(self) -> datetime:
        """A time that may lie ahead of the clock by what is tolerated."""
        return self.choice([self.now + MOMENT, self.now + timedelta(minutes=5)] + [self.instant() for _ in range(9)])

    def facts(self) -> Facts:
        """One customer, of whom little may be known."""
        return Facts(
            birth_date=self.maybe(self.birth_date()),
            gender=self.maybe(self.choice([gender.value for gender in Gender])),
            region=self.maybe(self.choice(REGIONS)),
            orders=tuple(self.order() for _ in range(self.choice([0, 0, 1, 2, 3, 4]))),
            events=self.events(),
            answers=self.answers(),
        )

    def order(self) -> Order:
        """An order, perhaps cancelled afterwards."""
        at = self.latest()
        cancelled = max(at, self.instant()) if self.random() < 0.3 else None
        return Order(at, self.choice(AMOUNTS), cancelled)

    def events(self) -> tuple[Event, ...]:
        """Up to eight things done; sometimes a follow and its end at one instant."""
        tie = self.latest()
        tied = [Event("FOLLOWED", tie), Event("UNFOLLOWED", tie)] if self.random() < 0.1 else []
        return (*tied, *(self.event() for _ in range(self.choice([0, 1, 2, 4, 8]))))

    def event(self) -> Event:
        """Something done."""
        return Event(
            self.choice(KINDS), self.latest(), self.maybe(self.choice(CATEGORIES)), self.maybe(self.choice(SECONDS))
        )

    def birth_date(self) -> date:
        """Birthdays around today at the asked ages, and around a leap day."""
        day = self.now.date() + timedelta(days=self.choice([-1, 0, 0, 1]))
        age = self.choice(AGES) + self.choice([0, 1])
        leap = self.choice([date(2000, 2, 29), date(2000, 2, 28), date(2000, 3, 1)])
        return self.choice([date(day.year - age, day.month, min(day.day, 28)), leap])

    def answers(self) -> tuple[Answer, ...]:
        """At most one message of each plan, read or clicked or not, and unsubscriptions."""
        kinds = [(kind, plan) for kind in ("READ", "CLICKED") for plan in PLANS]
        found = [Answer(kind, self.instant(), plan) for kind, plan in self.sample(kinds, self.randint(0, 4))]
        left = {self.instant() for _ in range(self.randint(0, 2))}
        return (*found, *(Answer("UNSUBSCRIBED", at, self.maybe(self.choice(PLANS))) for at in sorted(left)))

    def tree(self, depth: int) -> Condition:
        """Any tree up to this depth."""
        if depth == 0 or self.random() < 0.2:
            return self.choice(self.sorts())()
        members = tuple(self.tree(depth - 1) for _ in range(self.randint(1, 3)))
        trees: list[Condition] = [AllOf(members), AnyOf(members), Negation(members[0])]
        return self.choice(trees)

    def sorts(self) -> list[Callable[[], Condition]]:
        """What draws a leaf of each sort."""
        return [
            lambda: AgeIn(*self.range(AGES)),
            lambda: GenderIn(self.some(tuple(Gender))),
            lambda: RegionIn(self.some(REGIONS)),
            lambda: OrderCount(self.maybe(self.choice(self.windows)), *self.range((0, 1, 2, 3))),
            lambda: self.amount(Measure.SPENT),
            lambda: self.amount(Measure.AVERAGE_ORDER),
            *(lambda moment=moment: self.moment(moment) for moment in Moment),
            lambda: Follows(self.choice([True, False])),
            lambda: self.did(self.choice(list(Deed))),
            lambda: self.did(self.choice(WATCHED)),
            *(lambda response=response: self.responded(response) for response in Response),
        ]

    def range(self, values: tuple[int, ...]) -> tuple[int | None, int | None]:
        """At least, at most, or both in order."""
        low, high = sorted([self.choice(values), self.choice(values)])
        return self.choice([(low, high), (low, None), (None, high)])

    def amount(self, measure: Measure) -> OrderAmount:
        """With every kind of bound, the lower below the upper."""
        low, high = sorted(self.sample(AMOUNTS, 2))
        lower, upper = self.choice([{"least": low}, {"above": low}]), self.choice([{"most": high}, {"below": high}])
        bounds = self.choice([lower, upper, lower | upper])
        return OrderAmount(measure, "USD", self.maybe(self.choice(self.windows)), **bounds)

    def moment(self, moment: Moment) -> MomentIn:
        """Within a window, or on days."""
        first, last = sorted([self.choice(self.calendar), self.choice(self.calendar)])
        period = self.choice([(first, last), (first, None), (None, last)])
        return self.choice([MomentIn(moment, self.choice(self.windows)), MomentIn(moment, None, *period)])

    def did(self, deed: Deed) -> Did:
        """With category and duration where the language has them."""
        category = self.maybe(self.choice(CATEGORIES)) if deed in CONTENT else None
        seconds = self.maybe(self.choice(SECONDS[1:])) if deed in WATCHED else None
        return Did(deed, self.maybe(self.choice(self.windows)), category, seconds)

    def responded(self, response: Response) -> Responded:
        """To any message, or to one plan's."""
        return Responded(response, self.maybe(self.choice(self.windows)), self.maybe(self.choice(PLANS)))


def midnights(days: list[date], zone: str) -> list[datetime]:
    """When the days, and the days after them, begin."""
    both = [day + timedelta(days=extra) for day in days for extra in (0, 1)]
    return [datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC) for day in both]
