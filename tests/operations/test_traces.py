"""Traces: nothing without a collector, and with one the spans of operations and jobs, by their ids."""

import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from jobs.told import told
from models import span
from operations.traces import ENDPOINT, traced
from resolvers.context import Context
from schema import schema
from schema.execution.operation import Engine, Operation, Ready
from settings import Settings


class Collector:
    """Keeps the spans that are posted to it."""

    def __init__(self) -> None:
        self.spans: list[tuple[str, str, dict[str, Any]]] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                collector.take(self.rfile.read(int(self.headers["content-length"])), self.headers["content-encoding"])
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def take(self, body: bytes, encoding: str | None) -> None:
        assert encoding is None
        request = ExportTraceServiceRequest.FromString(body)
        for resource in request.resource_spans:
            (service,) = [
                each.value.string_value for each in resource.resource.attributes if each.key == "service.name"
            ]
            for scope in resource.scope_spans:
                for each in scope.spans:
                    values = {a.key: a.value.string_value or a.value.int_value for a in each.attributes}
                    self.spans.append((service, each.name, values))


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    collector = Collector()
    monkeypatch.setenv(ENDPOINT, collector.url)
    yield collector
    collector.server.shutdown()
    collector.thread.join()
    collector.server.server_close()


async def work(settings: Settings) -> None:
    """An operation, and a job."""

    async def deliver(ctx: object, plan_id: int, number: int) -> None:
        """Nothing to do."""

    engine = Engine(schema)
    ready = engine.prepare(Operation("query Looking { __typename }"))
    assert isinstance(ready, Ready)
    await engine.execute(ready, Context(None, settings))
    await asyncio.create_task(told(deliver)({}, 7, 3))


async def test_operations_and_jobs_are_spans_with_their_ids(settings: Settings, collector: Collector):
    with traced("rekindle-api"):
        await work(settings)

    assert collector.spans == [
        ("rekindle-api", "graphql", {"kind": "query", "operation": "Looking"}),
        ("rekindle-api", "job", {"job": "deliver", "plan": 7, "slice": 3}),
    ]


async def test_without_a_collector_nothing_is_recorded_or_loaded(settings: Settings, monkeypatch):
    monkeypatch.delenv(ENDPOINT, raising=False)

    with traced("rekindle-api"):
        await work(settings)

        assert span._recorders == []


async def test_after_its_end_nothing_is_recorded_any_more(settings: Settings, collector: Collector):
    with traced("rekindle-api"):
        pass
    await work(settings)

    assert collector.spans == []
