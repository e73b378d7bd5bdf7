"""What is counted of operations, whatever way they came."""

import pytest
from prometheus_client import CollectorRegistry

from resolvers.context import Context
from schema import schema
from schema.execution.answer import Answer
from schema.execution.operation import Engine, Operation, Ready
from schema.execution.traffic import Traffic
from settings import Settings


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def engine(registry: CollectorRegistry) -> Engine:
    return Engine(schema, traffic=Traffic(registry))


def counted(registry: CollectorRegistry, kind: str, outcome: str) -> float:
    """How many operations of this kind ended so."""
    return registry.get_sample_value("rekindle_operations_total", {"kind": kind, "outcome": outcome}) or 0.0


def context(settings: Settings) -> Context:
    return Context(None, settings)


async def run(engine: Engine, settings: Settings, query: str) -> Answer:
    """What becomes of a query or mutation."""
    ready = engine.prepare(Operation(query))
    return ready if isinstance(ready, Answer) else await engine.execute(ready, context(settings))


async def test_an_operation_is_counted_by_kind_and_outcome(engine, registry, settings):
    await run(engine, settings, "{ __typename }")
    await run(engine, settings, "{ __typename }")
    await run(engine, settings, "{ segments { nodes { id } } }")
    await run(engine, settings, "{ nothing }")

    assert counted(registry, "query", "ok") == 2
    assert counted(registry, "query", "errors") == 1  # nobody may see segments without a token
    assert counted(registry, "none", "refused") == 1
    assert registry.get_sample_value("rekindle_operation_seconds_count", {"kind": "query"}) == 3


async def test_bugs_and_outages_are_known_apart_from_what_callers_can_mend(registry):
    traffic = Traffic(registry)
    for codes in (["BAD_USER_INPUT", "INTERNAL_SERVER_ERROR"], ["UNAVAILABLE"], ["TIMEOUT"], ["FORBIDDEN"], []):
        traffic.ended("query", codes, was_run=True)
    traffic.ended("query", ["THROTTLED"], was_run=False)

    outcomes = ("bug", "unavailable", "timeout", "errors", "ok", "throttled")
    assert [counted(registry, "query", outcome) for outcome in outcomes] == [1] * 6


async def test_a_subscriber_is_counted_while_it_listens(engine, registry, settings):
    ready = engine.prepare(Operation('subscription { planProgress(planId: "none") { __typename } }'))
    assert isinstance(ready, Ready)

    answers = engine.stream(ready, context(settings))
    during = [registry.get_sample_value("rekindle_subscribers") async for _ in answers]

    assert during == [1]
    assert registry.get_sample_value("rekindle_subscribers") == 0
    assert counted(registry, "subscription", "errors") == 1  # without a token


def test_an_operation_s_name_is_cut_before_it_is_logged(engine):
    ready = engine.prepare(Operation("query " + "A" * 500 + " { __typename }"))

    assert isinstance(ready, Ready)
    assert len(ready.name) == 60
