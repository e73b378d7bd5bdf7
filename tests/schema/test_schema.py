"""The schema itself: as committed, described throughout, and named by the conventions."""

import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    build_schema,
    parse,
    validate,
)
from pydantic import BaseModel

from models.customer import CustomerRow
from models.errors import ErrorCode
from models.order import OrderRow
from models.relationship import EmailConsent
from resolvers.customer import ConsentState, Gender
from resolvers.order import OrderStatus
from schema import schema
from schema.cost.limits import check
from schema.cost.weight import weigh
from schema.serving.console import Example, examples

ROOT = Path(__file__).parents[2]
TEXT = schema.as_str().strip() + "\n"
BUILT: GraphQLSchema = build_schema(TEXT)


def own_types() -> list[GraphQLNamedType]:
    built_in = {"String", "Int", "Float", "Boolean", "ID"}
    return [kind for name, kind in BUILT.type_map.items() if not name.startswith("__") and name not in built_in]


def described() -> Iterator[tuple[str, str | None]]:
    for kind in own_types():
        yield kind.name, kind.description
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            for name, field in kind.fields.items():
                yield f"{kind.name}.{name}", field.description
                for argument, of in field.args.items():
                    # The one argument of every mutation is described by its type.
                    if argument != "input":
                        yield f"{kind.name}.{name}({argument})", of.description
        if isinstance(kind, GraphQLInputObjectType):
            for name, given in kind.fields.items():
                yield f"{kind.name}.{name}", given.description
        if isinstance(kind, GraphQLEnumType):
            for name, value in kind.values.items():
                yield f"{kind.name}.{name}", value.description


def test_the_committed_text_is_the_schema():
    """Write it again with: python -m schema > schema.graphql."""
    assert (ROOT / "schema.graphql").read_text() == TEXT


def test_everything_is_described():
    assert [place for place, description in described() if not description or len(description) < 5] == []


SAYS_WHEN_NULL = re.compile(r"\bnull\b|\bif (it|there|they|any)\b|\bwhere there is\b")


def test_whatever_may_be_null_says_when():
    """A field does so itself, or its type for all of its fields."""
    assert [
        f"{kind.name}.{name}"
        for kind in own_types()
        if isinstance(kind, GraphQLObjectType)
        for name, field in kind.fields.items()
        if not str(field.type).endswith("!") and not SAYS_WHEN_NULL.search(f"{kind.description} {field.description}")
    ] == []


def test_every_mutation_takes_one_input_and_answers_a_payload_with_user_errors():
    mutation = BUILT.mutation_type
    assert mutation is not None
    for name, field in mutation.fields.items():
        capital = name[0].upper() + name[1:]
        assert {argument: str(of.type) for argument, of in field.args.items()} == {"input": f"{capital}Input!"}
        assert str(field.type) == f"{capital}Payload!"
        payload = BUILT.type_map[f"{capital}Payload"]
        taken = BUILT.type_map[f"{capital}Input"]
        assert isinstance(payload, GraphQLObjectType)
        assert isinstance(taken, GraphQLInputObjectType)
        entity, errors = payload.fields.values()
        assert (list(payload.fields)[1], str(errors.type)) == ("userErrors", "[UserError!]!")
        assert not str(entity.type).endswith("!")
        assert str(taken.fields["idempotencyKey"].type) == "String"


def test_every_connection_has_the_same_shape_and_arguments():
    for kind in own_types():
        if not isinstance(kind, GraphQLObjectType):
            continue
        if kind.name.endswith("Connection"):
            assert list(kind.fields) == ["edges", "nodes", "pageInfo", "totalCount"]
        for field in kind.fields.values():
            if str(field.type).endswith("Connection!"):
                assert {"first", "after", "last", "before"} <= set(field.args)


def test_every_node_has_an_opaque_id():
    nodes = BUILT.type_map["Node"]
    assert isinstance(nodes, GraphQLInterfaceType)

    assert {kind.name for kind in BUILT.get_possible_types(nodes)} == {
        "Conversation", "Coupon", "Customer", "Message", "Plan", "Product", "Segment", "Shop", "Webhook",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("enum", "model", "field"),
    [
        (Gender, CustomerRow, "gender"),
        (OrderStatus, OrderRow, "status"),
        (ConsentState, EmailConsent, "state"),
    ],
)
def test_the_enums_of_inputs_are_those_of_rows(enum: type[StrEnum], model: type[BaseModel], field: str):
    values = re.findall(r"'([A-Z]+)'", str(model.model_fields[field].annotation))

    assert set(values) == {member.value for member in enum}


def test_every_error_code_is_one_clients_know():
    codes = BUILT.type_map["UserErrorCode"]
    assert isinstance(codes, GraphQLEnumType)

    assert set(codes.values) == {code.value for code in ErrorCode}


@pytest.mark.parametrize("example", examples(), ids=lambda example: example.title)
def test_the_console_s_examples_are_valid_and_within_limits(example: Example):
    document = parse(example.query)
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)

    assert validate(BUILT, document) == []
    assert check(weigh(BUILT, document, operation, {})) == []
