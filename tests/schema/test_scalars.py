"""Scalars: what is taken and what is told."""

from datetime import UTC, date, datetime
from typing import Any, cast

import pytest
from graphql import GraphQLError, GraphQLScalarType, OperationDefinitionNode, build_schema, parse, validate
from graphql.execution.values import get_variable_values

from schema import schema


def scalar(name: str) -> GraphQLScalarType:
    kind = schema._schema.type_map[name]
    assert isinstance(kind, GraphQLScalarType)
    return kind


@pytest.mark.parametrize(
    ("name", "value", "taken"),
    [
        ("Long", 2**63 - 1, 2**63 - 1),
        ("Long", -(2**63 - 1), -(2**63 - 1)),
        ("Long", 5.0, 5),
        ("DateTime", "2026-01-31T12:00:00Z", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ("DateTime", "2026-01-31T12:00:00+07:00", datetime(2026, 1, 31, 5, tzinfo=UTC)),
        ("DateTime", "2026-01-31t12:00:00z", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ("Date", "2024-02-29", date(2024, 2, 29)),
    ],
)
def test_what_is_right_is_taken(name: str, value: Any, taken: Any):
    assert scalar(name).coerce_input_value(value) == taken


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Long", 2**63), ("Long", 1.5), ("Long", True), ("Long", "5"), ("Long", float("inf")), ("Long", None),
        ("DateTime", "2026-01-31T12:00:00"), ("DateTime", "2026-01-31"), ("DateTime", "yesterday"), ("DateTime", 5),
        ("DateTime", "0001-01-01T00:00:00+14:00"), ("DateTime", ""), ("Date", "2026-02-29"), ("Date", 20260101),
        ("DateTime", "20260131T120000Z"), ("DateTime", "2026-W05-6T12:00:00Z"), ("DateTime", "2026-01-31T24:00:00Z"),
        ("DateTime", "2026-01-31T12:00:000Z"), ("DateTime", "2026-01-31\ud80012:00:00Z"),
        ("Date", "20260131"), ("Date", "2026-W05-6"), ("Date", None),
    ],
)  # fmt: skip
def test_what_is_wrong_is_refused(name: str, value: Any):
    with pytest.raises(GraphQLError):
        scalar(name).coerce_input_value(value)


@pytest.mark.parametrize(
    ("document", "said", "column"),
    [
        ('{ overview(from: "2026-01-01", to: "tomorrow") { first } }', 'such as 2026-01-31, not "tomorrow".', 36),
        ('{ segment(id: "x") { size(asOf: 5) } }', "such as 2026-01-31T12:00:00Z, not 5.", 33),
    ],
)
def test_what_is_wrong_in_a_document_is_told_with_its_place(document: str, said: str, column: int):
    (error,) = validate(schema._schema, parse(document))

    assert said in error.message
    assert error.locations is not None
    assert [place.column for place in error.locations] == [column]


@pytest.mark.parametrize("wrong", [{}, {"follows": True, "orders": {"min": 1}}])
def test_an_input_of_one_key_that_has_another_number_is_told_with_its_place_in_the_variable(wrong: dict[str, Any]):
    (operation,) = parse("query ($if: ConditionInput!) { segmentPreview(conditions: $if) { size } }").definitions
    assert isinstance(operation, OperationDefinitionNode)
    given = {"if": {"all": [{"follows": True}, {"not": wrong}]}}

    (error,) = cast(
        list[GraphQLError], get_variable_values(schema._schema, operation.variable_definitions or (), given)
    )

    assert "'$if' has invalid value at .all[1].not:" in error.message
    assert "exactly one" in error.message
    assert error.locations


def test_times_are_told_in_utc():
    write = scalar("DateTime").coerce_output_value

    assert write(datetime.fromisoformat("2026-01-31T12:00:00.5+07:00")) == "2026-01-31T05:00:00.500000Z"
    assert scalar("Date").coerce_output_value(date(2026, 1, 31)) == "2026-01-31"
    assert scalar("Long").coerce_output_value(2**40) == 2**40


def test_the_text_of_the_schema_builds():
    assert build_schema(schema.as_str()).query_type is not None
