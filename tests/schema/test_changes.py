"""What could break a client since the baseline, released.graphql, is written down, in the words of graphql-core."""

from pathlib import Path

from graphql import build_schema
from graphql.utilities import find_breaking_changes

from schema import schema

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "schema"
RELEASED = (FOLDER / "released.graphql").read_text("utf-8")


def breaking_since(old: str, new: str) -> list[str]:
    """What a client of the old schema may not find in the new one."""
    return [change.description for change in find_breaking_changes(build_schema(old), build_schema(new))]


def breaking_told() -> str:
    """What the changelog says of breaking changes since the baseline."""
    newest = (FOLDER / "changelog.md").read_text("utf-8").split("\n## ")[1]
    return newest.partition("### Breaking")[2].partition("###")[0]


def test_every_breaking_change_is_in_the_changelog():
    untold = [change for change in breaking_since(RELEASED, schema.as_str()) if change not in breaking_told()]

    assert untold == [], "see docs/schema/changelog.md"


def test_a_removed_field_an_argument_newly_required_and_another_type_are_found():
    old = "type Query { a: Int, b(x: Int): Int, c: Int }"
    new = "type Query { b(x: Int!): Int, c: String, d: Int }"

    assert breaking_since(old, new) == [
        "Field Query.a was removed.",
        "Argument Query.b(x:) has changed type from Int to Int!.",
        "Field Query.c changed type from Int to String.",
    ]
