"""What reading the schema costs: as much as it holds, so that the whole of it may be read, and not again and again."""

from inspect import signature
from typing import Any

import pytest
from graphql import ExecutionResult, execute, get_introspection_query

from schema import schema
from schema.cost import limits
from schema.cost.introspection import OBJECTS_A_POINT
from schema.execution.answer import Answer
from schema.execution.document import Documents
from schema.execution.operation import Engine, Operation, Ready

OPTIONS = [
    name for name, option in signature(get_introspection_query).parameters.items() if option.annotation == "bool"
]
TWICE = "types { fields { type { fields { name } } } }"
DOUBLED = " ".join(
    f"fragment F{level} on __Type {{ ...F{level + 1} ... {{ ...F{level + 1} }} }}" for level in range(40)
)


def asked(source: str, **variables: Any) -> Ready | Answer:
    return Engine(schema).prepare(Operation(source, variables=variables))


def cost(source: str, **variables: Any) -> int:
    """What an operation that may run costs."""
    ready = asked(source, **variables)
    assert isinstance(ready, Ready), ready.errors
    return ready.cost


def objects(source: str) -> int:
    """The objects that its answer holds, its root apart."""
    document = Documents(schema._schema, production=False).read(source)
    assert document.ast is not None
    result = execute(schema._schema, document.ast)
    assert isinstance(result, ExecutionResult)
    assert result.errors is None
    return _objects(result.data) - 1


def _objects(value: Any) -> int:
    if isinstance(value, list):
        return sum(map(_objects, value))
    return 1 + sum(map(_objects, value.values())) if isinstance(value, dict) else 0


@pytest.mark.parametrize("others", [False, True])
@pytest.mark.parametrize("one", OPTIONS)
def test_the_whole_schema_may_be_read_as_graphiql_and_generators_ask_for_it(one: str, *, others: bool):
    query = get_introspection_query(**{name: others if name != one else not others for name in OPTIONS})

    assert limits.MAX_COST / 3 < cost(query) < limits.MAX_COST * 2 / 3


@pytest.mark.parametrize(
    "source",
    [
        get_introspection_query(),
        f"{{ __schema {{ {TWICE} directives {{ args {{ type {{ name }} }} }} queryType {{ fields {{ name }} }} }} }}",
        '{ __type(name: "Node") { possibleTypes { fields { args { type { ofType { name } } } } } } }',
        '{ __type(name: "Role") { enumValues { name } inputFields { name } ofType { name } } }',
        '{ __type(name: "PlanInput") { inputFields { type { ofType { inputFields { name } } } } } }',
        "{ ... on Query { __schema { ... { types { ...T } } } } } fragment T on __Type { interfaces { name } }",
        "{ __schema { types { ...F0 } } } fragment F40 on __Type { fields { name } } " + DOUBLED,
    ],
)
def test_every_object_that_is_read_of_the_schema_counts(source: str):
    assert cost(source) == 1 + -(-objects(source) // OBJECTS_A_POINT)


def test_what_is_asked_under_another_name_counts_again():
    once, twice = (cost(f"{{ __schema {{ types {{ {names} }} }} }}") for names in ("name", "a: name b: name"))

    assert twice - once == pytest.approx(len(schema._schema.type_map), abs=3)


def test_a_type_whose_name_is_a_variable_s_costs_what_any_of_them_may():
    within = "{ possibleTypes { name } fields { name } }"
    named = f"query ($name: String!) {{ __type(name: $name) {within} }}"

    assert cost(named, name="Money") == cost(named, name="Node") > cost(f'{{ __type(name: "Node") {within} }}')


def test_the_schema_cannot_be_read_again_and_again_in_one_operation():
    refused = asked("{ __schema { " + " ".join(f"a{number}: {TWICE}" for number in range(30)) + " } }")

    assert isinstance(refused, Answer)
    assert [error["extensions"]["code"] for error in refused.errors] == ["MAX_COST_EXCEEDED"]
