"""The one clock. Nothing else in Rekindle reads the time of day.

Shop time (events, windows, schedules, tokens) comes from here and can be moved for tests, replays
and demos. How long a worker has been silent is not shop time: leases are measured by PostgreSQL's
own clock, in SQL, so that moving this clock never lets two workers hold the same slice.
"""

from datetime import UTC, datetime, timedelta

from pydantic import TypeAdapter, ValidationError

TOLERANCE = timedelta(minutes=5)
"""How far clocks may differ: an event further ahead of this one, or a plan's time further behind it, is refused."""

END_OF_TIME = datetime(9999, 1, 1, tzinfo=UTC)
"""Instants from here on may not be expressible in UTC: no plan lasts until then, and nothing happens later."""

_DURATION = TypeAdapter(timedelta)
_INSTANT = TypeAdapter(datetime)


class Clock:
    """Tells the time in UTC: the machine's, shifted; or a fixed instant once `freeze` is called."""

    def __init__(self, shift: timedelta = timedelta()) -> None:
        self.shift = shift
        self._frozen: datetime | None = None

    def now(self) -> datetime:
        """The present instant, in UTC."""
        if self._frozen is not None:
            return self._frozen
        return datetime.now(UTC) + self.shift

    def freeze(self, instant: datetime) -> None:
        """Stand still at an aware `instant` until `move` or another `freeze`."""
        self._frozen = instant.astimezone(UTC)

    def move(self, by: timedelta) -> None:
        """Go `by` further, whether frozen or running."""
        if self._frozen is not None:
            self._frozen += by
        else:
            self.shift += by

    def reset(self) -> None:
        """Back to the machine's time."""
        self.shift = timedelta()
        self._frozen = None


def shift_of(setting: str | None) -> timedelta:
    """How far the CLOCK setting moves the clock: from an instant to start at, or a duration.

    >>> shift_of("-PT1H")
    datetime.timedelta(days=-1, seconds=82800)
    """
    if not setting:
        return timedelta()
    try:
        return _DURATION.validate_python(setting)
    except ValidationError:
        instant = _INSTANT.validate_python(setting)
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=UTC)
    return instant - datetime.now(UTC)


clock = Clock()
"""This process's clock. Whatever connects to the database (`database.connected`) shifts it by the CLOCK setting first."""


def now() -> datetime:
    """The present instant of this process's clock, in UTC."""
    return clock.now()


def readable(instant: datetime) -> str:
    """An instant to the second, as the API writes it and people are told of it.

    >>> readable(datetime(2026, 1, 15, 12, 0, 0, 500, tzinfo=UTC))
    '2026-01-15T12:00:00Z'
    """
    return instant.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
