"""How an enum of the domain becomes one of the schema, with a description for each value."""

from collections.abc import Mapping
from enum import Enum

import strawberry
from strawberry.types.enum import StrawberryEnumDefinition


def describe(enum: type[Enum], description: str, values: Mapping[str, str], *, name: str | None = None) -> None:
    """Make the domain's `enum` a GraphQL enum; `values` describes each of its members by name.

    The domain knows nothing of GraphQL, so its enums are described here rather than where they are defined.
    """
    if not hasattr(enum, "__strawberry_definition__"):
        strawberry.enum(enum)
    # A resolver's input that names the enum has defined it already: there must be one definition only.
    definition: StrawberryEnumDefinition = enum.__strawberry_definition__  # type: ignore[attr-defined]
    definition.name = name or definition.name
    definition.description = description
    for value in definition.values:
        value.description = values.get(value.name)
