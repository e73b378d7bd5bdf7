"""The interpreter's turns between threads, short while any import of the process reads beside its writing."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

TURN = 0.0002
"""Seconds that the thread which reads goes on for when the one that writes has something to do."""

_HALF_MICROSECOND = 5e-7
"""Added when an interval is set: the interpreter keeps whole microseconds, and cuts off what floats lack of one."""


class QuickTurns:
    """Turns of TURN seconds from the first who asks until the last who asked is done; then the usual ones again."""

    def __init__(self) -> None:
        self._asking = 0
        self._usual = 0.0

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let the thread that writes have the interpreter at once when PostgreSQL has answered, though another reads on.

        By Python's own interval it would wait up to 5 ms, and again at each step of each statement.
        """
        if not self._asking:
            self._usual = sys.getswitchinterval()
            sys.setswitchinterval(TURN + _HALF_MICROSECOND)
        self._asking += 1
        try:
            yield
        finally:
            self._asking -= 1
            if not self._asking:
                sys.setswitchinterval(self._usual + _HALF_MICROSECOND)


quick_turns = QuickTurns().held
"""One for the process, as the interval is."""
