"""`/metrics`: this process's own figures and how the tables stand, for Prometheus and whatever reads its format.

Every API process answers for the whole installation, workers included, since these tell their figures with their
heartbeat. What comes from the tables is therefore the same from all of them: take the `max`, not the sum.
"""

import asyncio
import hmac
import logging
from collections.abc import Iterable, Iterator

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    GCCollector,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from models import availability, database, installation
from models.clock import now
from models.installation import Installation
from operations.readiness import Readiness
from settings import Settings

log = logging.getLogger(__name__)

READ_WITHIN = 8.0
"""Seconds that reading the tables may take: less than Prometheus waits."""

FRESH = 5.0
"""Seconds for which an answer serves all who look: two monitors are no more work than one."""

disable_created_metrics()  # type: ignore[no-untyped-call] # when a counter began says nothing here


class Exposition:
    """The endpoint `/metrics`; there is none without METRICS_TOKEN."""

    def __init__(self, settings: Settings, registry: CollectorRegistry, readiness: Readiness) -> None:
        """`registry` has what this process counts already; what the process itself uses is added to it."""
        token = settings.metrics_token
        self._wanted = f"Bearer {token.get_secret_value()}".encode() if token else None
        self._registry = registry
        self._readiness = readiness
        self._lock = asyncio.Lock()
        self._read_at = float("-inf")
        self._text = b""
        ProcessCollector(registry=registry)
        GCCollector(registry=registry)

    async def answer(self, request: Request) -> Response:
        """All figures, to whoever has the token: 401 to others, 404 when nobody has one."""
        if self._wanted is None:
            return PlainTextResponse("Not Found", status_code=404)
        given = request.headers.get("authorization", "").encode("latin-1")
        if not hmac.compare_digest(given, self._wanted):
            return PlainTextResponse("Unauthorized", status_code=401, headers={"WWW-Authenticate": "Bearer"})
        return Response(await self._latest(request), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def _latest(self, request: Request) -> bytes:
        loop = asyncio.get_running_loop()
        async with self._lock:
            if loop.time() - self._read_at > FRESH:
                families = [*_of_tables(await _installation()), *_of_pool(), *await self._of_parts(request)]
                self._text = generate_latest(_Joined(self._registry, families))
                self._read_at = loop.time()
            return self._text

    async def _of_parts(self, request: Request) -> Iterator[Metric]:
        parts = await self._readiness.parts(request.app.state.queue)
        family = GaugeMetricFamily("rekindle_part_up", "Whether a part of the installation is well.", labels=["part"])
        for part in parts:
            family.add_metric([part.name], float(part.is_well))
        return iter([family])


class _Joined(Collector):
    """What a registry collects, and families made for this look."""

    def __init__(self, registry: CollectorRegistry, families: Iterable[Metric]) -> None:
        self._registry = registry
        self._families = families

    def collect(self) -> Iterator[Metric]:
        yield from self._registry.collect()
        yield from self._families


async def _installation() -> Installation | None:
    """How the tables stand, or None when they cannot be read now."""
    try:
        async with asyncio.timeout(READ_WITHIN):
            return await installation.read(now())
    except availability.FAILED as error:
        log.warning("the tables cannot be read for /metrics: %s", type(error).__name__)
        return None


def _of_tables(found: Installation | None) -> Iterator[Metric]:
    yield _gauge("rekindle_tables_read", "Whether the tables could be read for this answer.", float(found is not None))
    if found is None:
        return
    yield _gauge("rekindle_queue_age_seconds", "How long the oldest free slice has been due.", found.queue_age)
    yield _gauge("rekindle_slices_due", "Slices that are due and in no worker's hands.", found.due_slices)
    yield _gauge("rekindle_slices_held", "Slices that workers hold.", found.held_slices)
    if found.sweep_age is not None:
        yield _gauge("rekindle_sweep_age_seconds", "How long ago the last sweep ended.", found.sweep_age)
    yield _gauge("rekindle_workers", "Workers whose heartbeat has not stopped.", len(found.workers))
    yield _gauge("rekindle_messages_in_flight", "Messages whose answer is awaited.", found.in_flight)
    yield _gauge("rekindle_messages_unknown", "Messages that may or may not have arrived.", found.unknown)
    yield _labelled("rekindle_messages_waiting", "Messages that wait, by why.", "reason", found.waiting.items())
    yield _labelled("rekindle_plans", "Plans that are not over, by status.", "status", found.plans.items())
    yield _gauge("rekindle_postings_waiting", "Requests that wait for webhooks of shops.", found.postings)
    yield _gauge("rekindle_webhooks_failing", "Webhooks that took nothing at their last call.", found.failing_webhooks)
    yield _of_relays(found)


def _of_relays(found: Installation) -> Metric:
    family = CounterMetricFamily(
        "rekindle_relay_messages", "Messages by worker, relay, recipients' domain and outcome.",
        labels=["worker", "relay", "domain", "outcome"],
    )  # fmt: skip
    for worker in found.workers:
        for relay, domain, outcome, count in worker.figures:
            family.add_metric([worker.name, relay, domain, outcome], count)
    return family


def _of_pool() -> Iterator[Metric]:
    pool = database.connections()
    sizes = (("open", pool.open), ("busy", pool.busy), ("limit", pool.limit))
    yield _labelled("rekindle_database_connections", "This process's connections to PostgreSQL.", "state", sizes)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)


def _labelled(name: str, text: str, label: str, values: Iterable[tuple[str, float]]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=[label])
    for word, value in values:
        family.add_metric([word], value)
    return family
