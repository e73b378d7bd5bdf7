"""Places: how many connections stay open for each caller of this process, WebSockets and streams of events together."""

from collections import Counter

from models.caller import Caller

MAX_CONNECTIONS = 100
"""Connections that one caller may have open at once; callers without a token count as one."""


class Places:
    """The connections that are open, by who holds them. Nobody is remembered who holds none."""

    def __init__(self) -> None:
        self._taken: Counter[str] = Counter()

    def take(self, caller: Caller | None) -> bool:
        """Take a place for a connection, to be given back with `leave`; False when the caller has no more of them."""
        name = _name(caller)
        if self._taken[name] >= MAX_CONNECTIONS:
            return False
        self._taken[name] += 1
        return True

    def leave(self, caller: Caller | None) -> None:
        """Give a place back that `take` gave."""
        name = _name(caller)
        self._taken[name] -= 1
        if not self._taken[name]:
            del self._taken[name]


def _name(caller: Caller | None) -> str:
    return caller.actor if caller else ""
