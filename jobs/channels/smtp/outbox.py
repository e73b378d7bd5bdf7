"""Messages that wait in this process for a connection, kept by the domain they go to.

A domain may have a limit of messages on the wire at once and a rate; domains take turns. Both limits are
this process's own: several workers each have theirs.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from jobs.channels.smtp.outgoing import Outgoing


@dataclass(frozen=True, slots=True)
class Limits:
    """What one domain is given at most: messages on the wire at once, and messages begun per second."""

    at_once: int | None = None
    per_second: float | None = None


MANY_DOMAINS = 10_000
"""So many are kept before those without messages are forgotten."""


@dataclass(slots=True, eq=False)
class _Domain:
    letters: deque[Outgoing] = field(default_factory=deque)
    on_wire: int = 0
    next_at: float = 0.0
    is_listed: bool = False
    timer: asyncio.TimerHandle | None = None


class Outbox:
    """Gives out messages domain by domain. `wake` is called when one that was held back may go."""

    def __init__(self, limits: Limits, wake: Callable[[], None]) -> None:
        self._limits = limits
        self._wake = wake
        self._domains: dict[str, _Domain] = {}
        self._ready: deque[_Domain] = deque()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def has_ready(self) -> bool:
        """Whether a message may go now."""
        return bool(self._ready)

    def put(self, outgoing: Outgoing) -> None:
        """Let a message wait for its turn."""
        if outgoing.domain not in self._domains and len(self._domains) >= MANY_DOMAINS:
            self._forget_idle()
        domain = self._domains.setdefault(outgoing.domain, _Domain())
        domain.letters.append(outgoing)
        self._count += 1
        self._list(domain)

    def take(self) -> Outgoing | None:
        """The next message that may go and that somebody still waits for."""
        while self._ready:
            domain = self._ready.popleft()
            domain.is_listed = False
            outgoing = self._next(domain)
            if outgoing is None:
                continue
            outgoing.on_wire = True
            domain.on_wire += 1
            if self._limits.per_second is not None:
                domain.next_at = _time() + 1 / self._limits.per_second
            self._list(domain)
            return outgoing
        return None

    def ended(self, outgoing: Outgoing) -> None:
        """A message that was taken is off the wire."""
        if not outgoing.on_wire:
            return
        outgoing.on_wire = False
        domain = self._domains[outgoing.domain]
        domain.on_wire -= 1
        was_ready = self.has_ready
        self._list(domain)
        if self.has_ready and not was_ready:
            self._wake()

    def clear(self) -> Iterator[Outgoing]:
        """Take out everything that waits, whatever the limits."""
        self._ready.clear()
        for domain in list(self._domains.values()):
            domain.is_listed = False
            if domain.timer is not None:
                domain.timer.cancel()
            while (outgoing := self._next(domain)) is not None:
                yield outgoing

    def _next(self, domain: _Domain) -> Outgoing | None:
        while domain.letters:
            self._count -= 1
            outgoing = domain.letters.popleft()
            if not outgoing.done.done():
                return outgoing
        return None

    def _list(self, domain: _Domain) -> None:
        """Put a domain in the row of those whose turn comes, now or when its rate allows it."""
        if domain.is_listed or not domain.letters:
            return
        if self._limits.at_once is not None and domain.on_wire >= self._limits.at_once:
            return
        domain.is_listed = True
        wait = domain.next_at - _time()
        if wait > 0:
            domain.timer = asyncio.get_running_loop().call_later(wait, self._due, domain)
        else:
            self._ready.append(domain)

    def _due(self, domain: _Domain) -> None:
        self._ready.append(domain)
        self._wake()

    def _forget_idle(self) -> None:
        now = _time()
        for name, domain in list(self._domains.items()):
            if not domain.letters and not domain.on_wire and domain.next_at <= now:
                del self._domains[name]


def _time() -> float:
    return asyncio.get_running_loop().time()
