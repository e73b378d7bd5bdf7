"""Documents: what does not fit the schema is told once, where it stands."""

import pytest

from schema import schema
from schema.execution.document import Documents


@pytest.mark.parametrize(
    ("variables", "value", "place"),
    [
        ("", "{}", "{}"),
        ("", "{follows: true, viewed: {}}", "{follows"),
        ("", "{follows: null}", "{follows"),
        ("($follows: Boolean)", "{follows: $follows}", "$follows}"),
    ],
)
def test_an_input_that_must_have_exactly_one_field_and_has_not_is_one_error(variables: str, value: str, place: str):
    query = f"query {variables} {{ segmentPreview(conditions: {value}) {{ size }} }}"

    (error,) = Documents(schema._schema, production=False).read(query).errors

    assert "OneOf Input Object" in error["message"]
    assert error["locations"][-1] == {"line": 1, "column": query.index(place) + 1}
    assert error["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"


@pytest.mark.parametrize("sign", ["", "-"])
@pytest.mark.parametrize(
    "query",
    [
        "{ segments(first: %s) { nodes { id } } }",
        "query ($first: Int = %s) { segments(first: $first) { nodes { id } } }",
    ],
)
def test_a_number_that_is_longer_than_any_that_can_be_read_is_refused_as_the_client_s_error(query: str, sign: str):
    errors = Documents(schema._schema, production=False).read(query % (sign + "9" * 5_000)).errors

    assert [error["extensions"]["code"] for error in errors] == ["MAX_COST_EXCEEDED"]
    assert "digits" in errors[0]["message"]


def test_digits_in_a_text_or_a_comment_are_no_number():
    digits = "9" * 5_000

    assert (
        Documents(schema._schema, production=False).read(f'{{ nodes(ids: ["{digits}"]) {{ id }} }} # {digits}').errors
        == []
    )
