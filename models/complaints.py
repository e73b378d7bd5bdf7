"""How often a trouble that lasts is told of: where the same is tried twice a second, a line for each try hides all others.

So it is where many meet the same one.
"""

from collections.abc import Callable
from time import monotonic

REMIND_AFTER = 60.0
"""Seconds after which a trouble that still lasts is told of again."""


class Complaints:
    """What was told of something that does not work, until it does. `time` tells seconds."""

    def __init__(self, time: Callable[[], float] = monotonic) -> None:
        self._time = time
        self._told: dict[type[BaseException], float] = {}

    def is_due(self, error: BaseException) -> bool:
        """Whether to tell of this error: the first of its kind, then one a minute. Its words may differ with each try."""
        at = self._time()
        if at < self._told.get(type(error), float("-inf")) + REMIND_AFTER:
            return False
        self._told[type(error)] = at
        return True

    def end(self) -> None:
        """It works: whatever comes next is told of at once."""
        self._told.clear()
