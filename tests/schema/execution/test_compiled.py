"""Compiled selections answer exactly what graphql-core's execution answers, errors included, over the whole schema."""

import asyncio
import gc
import json
import re
import warnings
from collections.abc import Iterator
from itertools import product
from random import Random
from typing import Any

import pytest
from graphql import DocumentNode, build_schema, execute, parse, validate
from graphql.execution import Executor
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models import database
from schema.execution import operation
from schema.execution.compiled import MAX_SWITCHINGS, CompiledExecutor, Selections, is_awaitable
from tests.api import Api
from tests.factories import make_shop
from tests.schema.execution.fakes import FAKES, Rows, Selector, compared
from tests.test_statements import FIGURES_OF, LISTS, grow, token_for, variables_for

SWITCHINGS = ({"a": False}, {"a": True}, {"a": False, "b": True}, {"a": False}, {"a": True, "b": None})

NESTED = build_schema("""
type Query { refused: Int! outer: Outer }
type Outer { a: Inner b: Inner }
type Inner { x: Int y: Int }
""")


class Uncompiled(Executor[Any]):
    """graphql-core's own execution."""

    def __init__(self, *arguments: Any, selections: Selections, **options: Any) -> None:
        super().__init__(*arguments, **options)


def run(rows: Rows, document: DocumentNode, variables: dict[str, Any], how: Any, known: Selections) -> Any:
    async def result() -> Any:
        answer: Any = execute(
            FAKES,
            document,
            rows,
            variable_values=variables,
            is_awaitable=is_awaitable,  # type: ignore[arg-type] # it lacks only the TypeGuard
            executor_class=how,
            selections=known,
        )
        return await answer if is_awaitable(answer) else answer

    return compared(asyncio.run(result()))


@pytest.fixture
def collected() -> Iterator[None]:
    """What a test leaves to the garbage collector goes with it: another test's warnings are errors."""
    yield
    gc.collect()


# graphql-core's own execution may leave siblings of what failed to the garbage collector.
@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.usefixtures("collected")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # once after all examples is meant
@given(st.randoms(use_true_random=False), st.integers(0, 10**6), st.sampled_from([0.0, 0.02, 0.1]))
def test_both_executions_agree_on_any_selection_of_any_type(chance: Random, seed: int, oddness: float):
    rows = Rows(seed, oddness)
    text = Selector(chance).document()
    document = parse(text)
    assert validate(FAKES, document) == []
    known = Selections(document)
    for variables in SWITCHINGS:
        ours, theirs = (run(rows, document, variables, how, known) for how in (CompiledExecutor, Uncompiled))
        assert ours == theirs, text


def as_text(answer: Any) -> str:
    """The answer to the letter, but for the versions of progress: those count every transaction of the server."""
    return re.sub(r'("planId": "[^"]+", "version": )\d+', r"\1any", json.dumps(answer))


@pytest.mark.parametrize("name", LISTS | FIGURES_OF)
async def test_both_executions_agree_on_every_list(api: Api, monkeypatch: pytest.MonkeyPatch, name: str):
    shop = await make_shop()
    ids = await grow(shop, 3)
    token = token_for(name, shop)
    variables = variables_for(name, shop, ids[::2])
    for query in (each[name] for each in (LISTS, FIGURES_OF) if name in each):
        ours = [await api.data(query, token, **variables) for _ in range(2)]
        await database.fetch("SELECT pg_current_xact_id()")
        with monkeypatch.context() as patch:
            patch.setattr(operation, "CompiledExecutor", Uncompiled)
            theirs = await api.data(query, token, **variables)

        assert [as_text(each) for each in ours] == [as_text(theirs)] * 2


def test_what_is_called_off_before_it_has_begun_leaves_no_warning():
    async def leaf(_: object) -> int:
        return 1

    async def inner(_: object) -> dict[str, Any]:
        return {"x": leaf, "y": leaf}

    async def outer(_: object) -> dict[str, Any]:
        return {"a": inner, "b": inner}

    async def refused(_: object) -> int:
        raise ValueError

    rows = {"refused": refused, "outer": outer}
    document = parse("{ refused outer { a { x y } b { x y } } }")

    async def data() -> Any:
        answer: Any = execute(NESTED, document, rows, executor_class=CompiledExecutor, selections=Selections(document))
        return (await answer).data

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        assert asyncio.run(data()) is None
        gc.collect()

    assert [str(each.message) for each in told] == []


def test_plain_selections_are_one_function():
    document = parse("{ allPlanProgress { planId version } onePlan { name history { pageInfo { hasNextPage } } } }")
    known = Selections(document)
    run(Rows(0, 0.0), document, {}, CompiledExecutor, known)
    made = known.functions({})

    whole = {str(kind) for (kind, _), complete in made.completes.items() if complete is not None}
    assert whole >= {"[PlanProgress!]!", "String!"}
    assert {str(kind) for (kind, _), complete in made.completes.items() if complete is None} >= {"Plan"}
    assert {tuple(split.keys): (len(split.plain), list(split.others)) for split in made.splits.values()}[
        "name", "history"
    ] == (1, ["history"])


def test_a_document_is_kept_compiled_for_a_bounded_number_of_switchings():
    names = [f"s{number}" for number in range(8)]
    document = parse("{ __typename " + " ".join(f"{name}: __typename @skip(if: ${name})" for name in names) + " }")
    known = Selections(document)
    ways = [dict(zip(names, values, strict=True)) for values in product((True, False), repeat=len(names))]
    first = known.functions(ways[0])

    assert known.functions(ways[0]) is first
    assert known.functions({**ways[0], "another": 1}) is first
    assert all(known.functions(way) is not first for way in ways[1:])
    assert len(known) <= MAX_SWITCHINGS < len(ways)


def test_a_switch_of_one_operation_may_be_a_list_of_another():
    source = "query A($x: Boolean!) { __typename @skip(if: $x) } query B($x: [ID!]) { nodes(ids: $x) { id } }"
    known = Selections(parse(source))

    assert known.functions({"x": ["a"]}) is known.functions({"x": ["a", "b"]}) is not known.functions({"x": True})


def test_a_list_that_can_be_read_only_once_is_read_only_once():
    class Once(Rows):
        def rows(self, field: str) -> Any:
            return iter([self.row(field), None])

    document = parse("{ allPlanProgress { planId } }")
    ours, theirs = (
        run(Once(0, 0.0), document, {}, how, Selections(document)) for how in (CompiledExecutor, Uncompiled)
    )

    assert ours == theirs
    assert ours[0] == "None"
    assert "Cannot return null" in ours[1][0][0]
