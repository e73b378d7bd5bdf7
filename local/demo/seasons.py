"""When people shop: campaign days, paydays, weekends and the hours of a local day."""

from bisect import bisect_left
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate
from random import Random
from zoneinfo import ZoneInfo

from local.demo.shops import HISTORY

HOURS = (2, 1, 1, 1, 1, 2, 4, 7, 9, 9, 9, 10, 14, 12, 9, 8, 8, 9, 11, 15, 19, 21, 16, 8)
"""Relative traffic of each local hour from midnight on: a small peak at lunch, a large one after dinner."""

_HOURS_SUMMED = list(accumulate(HOURS))


def is_campaign(day: date) -> bool:
    """Double days such as 9.9 and 11.11, and the last Friday of November."""
    return day.day == day.month or (day.month == 11 and day.weekday() == 4 and day.day > 23)


def traffic(day: date) -> float:
    """Relative traffic of a day, 1 being a dull Tuesday in February."""
    weight = 1.0
    if is_campaign(day):
        weight *= 3.0 if day.month in (9, 10, 11, 12) else 1.8
    if day.day in (25, 26):
        weight *= 1.3
    if day.month in (11, 12) and not (day.month == 12 and day.day > 21):
        weight *= 1.35
    return weight * (1.25 if day.weekday() >= 5 else 1.0)


class Calendar:
    """The days of the demo's year up to `now`, weighted by their traffic."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.start = now - HISTORY
        self.first_day = self.start.date()
        days = (self.first_day + timedelta(days=ahead) for ahead in range(HISTORY.days + 2))
        self._summed = list(accumulate(traffic(day) for day in days))

    def visit(self, random: Random, zone: ZoneInfo, begin: float, end: float) -> datetime | None:
        """An instant between two shares of the year (0 to 1), busy days and hours being likelier, in UTC.

        None when it would lie outside the year that is told.
        """
        low, high = self._summed[int(begin * HISTORY.days)], self._summed[int(end * HISTORY.days)]
        day = self.first_day + timedelta(days=bisect_left(self._summed, random.uniform(low, high)))
        hour = bisect_left(_HOURS_SUMMED, random.random() * _HOURS_SUMMED[-1])
        local = datetime.combine(day, time(hour, random.randrange(60), random.randrange(60)), zone)
        instant = local.astimezone(UTC)
        return instant if self.start < instant < self.now else None
