"""What a process counts of its own work, to be told with its heartbeat and shown at /metrics."""

from collections import Counter

from models.worker import MessageCounts

MOST_DOMAINS = 50
"""Domains told by name; the rest are told together."""

OTHERS = "others"


class Tally:
    """Messages by relay, domain and outcome since the process began."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str, str]] = Counter()
        self._domains: set[str] = set()
        self._failing: set[str] = set()

    def add(self, relay: str, domain: str, outcome: str) -> None:
        """Count a message."""
        if domain not in self._domains:
            if len(self._domains) >= MOST_DOMAINS:
                domain = OTHERS
            else:
                self._domains.add(domain)
        self._counts[relay, domain, outcome] += 1

    def figures(self) -> MessageCounts:
        """(relay, domain, outcome, messages), in order."""
        return [(*key, count) for key, count in sorted(self._counts.items())]

    def tried(self, relay: str, *, reached: bool) -> None:
        """Note whether a relay could be reached just now, or has at least a connection that holds."""
        (self._failing.discard if reached else self._failing.add)(relay)

    def failing(self) -> list[str]:
        """The relays that could not be reached, or of which nothing came, when they were last tried."""
        return sorted(self._failing)
