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
