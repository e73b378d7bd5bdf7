"""What happened, in sums: of a day, a period, a plan, or a part of one, from the roll-up by day (R23)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from models import database
from models.metric.day import FACTS
from models.metric.rate import Rates


@dataclass(frozen=True, slots=True)
class Activity(Rates):
    """What happened, named as in `metric_day`; orders are credited ones that stand, `gmv` in minor units.

    `machine_read` and `machine_clicked` are messages that only machines read or clicked so far.
    """

    sent: int = 0
    read: int = 0
    clicked: int = 0
    machine_read: int = 0
    machine_clicked: int = 0
    replied: int = 0
    unsubscribed: int = 0
    claimed: int = 0
    redeemed: int = 0
    orders: int = 0
    gmv: int = 0

    @property
    def delivered(self) -> int:
        """What was sent: a message that bounces is taken out of its day."""
        return self.sent

    def __add__(self, other: "Activity") -> "Activity":
        return Activity(**{fact: getattr(self, fact) + getattr(other, fact) for fact in FACTS})


Key = TypeVar("Key", str, int, UUID)


@dataclass(frozen=True, slots=True)
class Part(Generic[Key]):
    """What happened through one channel, in one language, by one plan, or with one product."""

    key: Key
    activity: Activity

    @property
    def read_rate(self) -> float | None:
        """Read of sent."""
        return self.activity.read_rate

    @property
    def click_rate(self) -> float | None:
        """Clicked of sent."""
        return self.activity.click_rate

    @property
    def order_rate(self) -> float | None:
        """Standing orders of sent."""
        return self.activity.order_rate


def total(activities: Iterable[Activity]) -> Activity:
    """The sum of activities."""
    return sum(activities, start=Activity())


def parts_of(rows: Sequence[database.Record], column: str) -> list[Part[Any]]:
    """The parts that a column tells apart, what was sent most first, then what earned and was clicked most."""
    found = [Part(row[column], activity_of(row)) for row in rows if row[column]]
    return sorted((part for part in found if part.activity != Activity()), key=_most_first)


def _most_first(part: Part[Any]) -> tuple[Any, ...]:
    return (-part.activity.sent, -part.activity.gmv, -part.activity.clicked, part.key)


def activity_of(row: database.Record) -> Activity:
    """What a row with a column for each fact says."""
    return Activity(**{fact: row[fact] for fact in FACTS})


SUMS = ", ".join(f"sum({fact})::bigint AS {fact}" for fact in FACTS)
"""SQL of the sums that `activity_of` reads, over rows of the view `metric`."""
