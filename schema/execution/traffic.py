"""What a process counts of the operations it runs, for /metrics."""

from contextlib import AbstractContextManager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from schema.execution.errors import INTERNAL

NO_KIND = "none"
"""The kind of what was refused before anyone knew what it was."""

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20)
"""Seconds; an operation takes twenty at most."""

WORST = {INTERNAL: "bug", "UNAVAILABLE": "unavailable", "TIMEOUT": "timeout", "THROTTLED": "throttled"}
"""Codes of errors that operators have to know apart, the gravest first; any other is the caller's to mend."""


class Traffic:
    """Operations by kind and outcome, how long they took, and who listens."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        """`registry` collects it; without one it is counted for nobody."""
        registry = registry or CollectorRegistry()
        self._operations = Counter(
            "rekindle_operations", "GraphQL operations that ended.", ("kind", "outcome"), registry=registry
        )
        self._seconds = Histogram(
            "rekindle_operation_seconds", "How long queries and mutations took.", ("kind",),
            buckets=BUCKETS, registry=registry,
        )  # fmt: skip
        self._subscribers = Gauge("rekindle_subscribers", "Subscriptions that are open now.", registry=registry)

    def ended(self, kind: str, codes: list[str], *, was_run: bool) -> None:
        """Count an operation with the codes of its errors, none when all went well."""
        self._operations.labels(kind, _outcome(codes, was_run=was_run)).inc()

    def took(self, kind: str, seconds: float) -> None:
        """Note how long a query or mutation took."""
        self._seconds.labels(kind).observe(seconds)

    def listening(self) -> AbstractContextManager[None]:
        """Count a subscriber while the block runs."""
        return self._subscribers.track_inprogress()


def _outcome(codes: list[str], *, was_run: bool) -> str:
    for code, outcome in WORST.items():
        if code in codes:
            return outcome
    if not was_run:
        return "refused"
    return "errors" if codes else "ok"
