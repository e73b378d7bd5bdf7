"""Back-off: how long what could not be reached is left alone, twice as long each time, until it is reached again."""

from collections.abc import Callable

FIRST_WAIT = 5.0
LONGEST_WAIT = 300.0
"""Seconds of the first wait, doubled each time up to the longest."""


class BackOff:
    """How long somebody is left alone. `time` tells the seconds on whatever clock those go by who wait for its end."""

    def __init__(self, time: Callable[[], float]) -> None:
        self._time = time
        self._until = 0.0
        self._count = 0

    def __bool__(self) -> bool:
        """Whether it could not be reached since it last was, be the wait over or not."""
        return self._count > 0

    @property
    def left(self) -> float:
        """Seconds until the wait is over; 0 when it is."""
        return max(0.0, self._until - self._time()) if self else 0.0

    def begin(self) -> float:
        """It could not be reached: a wait begins, unless one lasts, since many may notice at once. The seconds left."""
        if not self.left:
            self._until = self._time() + min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(self._count, 10))
            self._count += 1
        return self.left

    def end(self) -> None:
        """It was reached."""
        self._count = 0
