"""The rest that is given to what cannot be reached: longer each time, until it is reached again."""

from collections.abc import Callable

FIRST_REST = 5.0
LONGEST_REST = 300.0
"""Seconds of the first rest, doubled each time up to the longest."""


class Rest:
    """How long somebody is left alone. `time` tells the seconds on whatever clock those go by who wait for its end."""

    def __init__(self, time: Callable[[], float]) -> None:
        self._time = time
        self._until = 0.0
        self._count = 0

    def __bool__(self) -> bool:
        """Whether there was one since it was last reached, over or not."""
        return self._count > 0

    @property
    def left(self) -> float:
        """Seconds until it is over; 0 when it is."""
        return max(0.0, self._until - self._time()) if self else 0.0

    def begin(self) -> float:
        """It could not be reached: a rest begins, unless one lasts, since many may notice at once. The seconds left."""
        if not self.left:
            self._until = self._time() + min(LONGEST_REST, FIRST_REST * 2.0 ** min(self._count, 10))
            self._count += 1
        return self.left

    def end(self) -> None:
        """It was reached."""
        self._count = 0
