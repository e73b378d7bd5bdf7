"""What happened, in sums: of a day, a period, a plan, or a part of one, from the roll-up by day (R23)."""

from collections.abc import Iterable
from dataclasses import dataclass

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


def total(activities: Iterable[Activity]) -> Activity:
    """The sum of activities."""
    return sum(activities, start=Activity())


def activity_of(row: database.Record) -> Activity:
    """What a row with a column for each fact says."""
    return Activity(**{fact: row[fact] for fact in FACTS})


SUMS = ", ".join(f"sum({fact})::bigint AS {fact}" for fact in FACTS)
"""SQL of the sums that `activity_of` reads, over rows of the view `metric`."""

ANY = " OR ".join(f"sum({fact}) <> 0" for fact in FACTS)
"""SQL of whether anything happened in them at all."""

MOST_FIRST = "sum(sent) DESC, sum(gmv) DESC, sum(clicked) DESC"
"""SQL of the order of parts: what was sent most first, then what earned and was clicked most."""
