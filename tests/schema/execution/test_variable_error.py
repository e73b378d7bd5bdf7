"""What is wrong with a variable is said in JSON, as its client wrote it, and not as Python writes it."""

from typing import Any

import pytest
from graphql.pyutils import inspect

from schema.execution.variable_error import in_json
from tests.api import Api, seller
from tests.factories import make_shop

PAGE = "query ($first: Int) { plans(first: $first) { nodes { id } } }"
CHOICE = "query ($status: [PlanStatus!]) { plans(status: $status) { nodes { id } } }"
ONE = "query ($id: ID!) { plan(id: $id) { id } }"
WINDOW = 'mutation ($if: ConditionInput!) { segmentCreate(input: {name: "a", conditions: $if}) { segment { id } } }'


async def refusals(api: Api, document: str, **variables: Any) -> list[str]:
    answer = await api.answer(document, seller(await make_shop()), **variables)
    return [error["message"] for error in answer["errors"]]


@pytest.mark.parametrize(
    ("document", "variables", "said"),
    [
        (PAGE, {"first": "many"}, """Variable '$first' has invalid value: Int cannot represent non-integer value: "many\""""),
        (PAGE, {"first": True}, "Variable '$first' has invalid value: Int cannot represent non-integer value: true"),
        (PAGE, {"first": {"is": [None]}}, """Variable '$first' has invalid value: Int cannot represent non-integer value: {"is": [null]}"""),
        (ONE, {"id": None}, "Variable '$id' has invalid value: Expected value of non-null type 'ID!' not to be null."),
        (ONE, {}, "Variable '$id' has invalid value: Expected a value of non-null type 'ID!' to be provided."),
        (ONE, {"id": [False]}, "Variable '$id' has invalid value: ID cannot represent value: [false]"),
        (CHOICE, {"status": ["SENT", None]}, "Variable '$status' has invalid value at [1]: Expected value of non-null type 'PlanStatus!' not to be null."),
        (CHOICE, {"status": [False]}, "Variable '$status' has invalid value at [0]: Enum 'PlanStatus' cannot represent non-string value: false. Did you mean the enum value 'PAUSED'?"),
    ],
)  # fmt: skip
async def test_a_refused_variable_is_shown_as_json(api: Api, document: str, variables: dict[str, Any], said: str):
    assert await refusals(api, document, **variables) == [said]


async def test_what_is_refused_within_a_variable_is_shown_as_json(api: Api):
    said = await refusals(api, WINDOW, **{"if": {"all": [{"not": {"age": True, "nope": None}}]}})

    place = "Variable '$if' has invalid value at .all[0].not"
    assert f"{place}.age: Expected value of type 'AgeConditionInput' to be an object, found: true." in said
    assert [
        message for message in said if message.startswith(place) and message.endswith('{"age": true, "nope": null}.')
    ]
    assert not [message for message in said if "None" in message or "True" in message]


async def test_null_in_the_document_itself_is_called_null(api: Api):
    assert await refusals(api, "{ plan(id: null) { id } }") == ["Expected value of non-null type 'ID!' not to be null."]


def test_a_long_or_deep_value_is_shortened():
    value = {"rows": list(range(12)), "text": "é" * 300, "deep": {"er": {"still": 1}, "empty": {}}}
    core = "Variable '$input' has invalid value: Expected value of type 'A' to include required field 'b', found: "
    told = in_json(core + inspect(value) + ".", {"input": value})

    assert told == (
        f'{core}{{"rows": [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, …], "text": "{"é" * 240}…", "deep": {{"er": {{…}}, "empty": {{}}}}}}.'
    )


@pytest.mark.parametrize(
    "message",
    [
        "Variable '$other' has invalid value: what is this?",
        "Variable '$input' has invalid value at .a[7].b: A Date is an ISO 8601 day, such as 2026-01-31.",
        "Value 'None' does not exist in 'PlanKind' enum.",
    ],
)
def test_whatever_else_is_said_stays_as_it_is(message: str):
    assert in_json(message, {"input": {"a": [1]}}) == message
