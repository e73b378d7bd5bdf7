"""Traces for an OpenTelemetry collector: off unless OTEL_EXPORTER_OTLP_ENDPOINT is set.

The extra `traces` has the exporter. Its own variables (OTEL_*) say where to and how much; only ids and names of
operations, jobs and statements leave, as in logs.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from models import span
from models.errors import RekindleError

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


class NoExporter(RekindleError):
    """Traces are wanted, and what would send them is not installed."""


@contextmanager
def traced(service: str) -> Iterator[None]:
    """Send the spans of this process while the block runs, under this name of a service; the last ones at its end."""
    if not os.environ.get(ENDPOINT):
        yield
        return
    provider = _provider(service)
    tracer = provider.get_tracer("rekindle")
    span.record(
        lambda name, attributes: tracer.start_as_current_span(
            name,
            attributes=attributes,
            record_exception=False,
            set_status_on_exception=False,  # they quote values
        )
    )
    try:
        yield
    finally:
        span.record(None)
        provider.shutdown()


def _provider(service: str) -> Any:
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise NoExporter(f"{ENDPOINT} is set, and the extra `traces` is not installed") from None
    provider = TracerProvider(resource=Resource.create({"service.name": os.environ.get("OTEL_SERVICE_NAME", service)}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider
