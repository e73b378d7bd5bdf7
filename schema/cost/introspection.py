"""What reading the schema costs: its lists are long, and no client says how long.

The schema is walked as an answer would be, each object of it counted, and no further than an operation may go.
"""

from collections.abc import Callable, Iterator, Mapping
from math import ceil
from types import SimpleNamespace
from typing import Any, NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    StringValueNode,
    get_named_type,
    get_nullable_type,
    introspection_types,
    is_list_type,
)

OBJECTS_A_POINT = 2
"""Objects of the schema that are read for a point.

The whole of it, as GraphiQL and generators ask for it, comes to half of what an operation may cost, so it has room to grow.
"""

ROOTS = {"__schema": "__Schema", "__type": "__Type"}
"""The fields of a query that lead into the schema, and the types of what they lead to."""


def introspection_points(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    most: int,
) -> int:
    """The points of all that a valid operation reads of the schema; of more than `most`, one more than that."""
    reading = _Reading(schema, document, operation)
    return ceil(reading.objects((most + 1) * OBJECTS_A_POINT) / OBJECTS_A_POINT)


class _Step(NamedTuple):
    """From an object of the schema to those that one field of a selection leads to."""

    resolve: Callable[..., Any]
    options: Mapping[str, Any]
    is_list: bool
    within: "_Selected"


class _Selected(NamedTuple):
    """What is selected of an object: how many scalars under an alias, and which ways on."""

    scalars: int
    steps: list[_Step]


class _Reading:
    def __init__(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        operation: OperationDefinitionNode,
    ) -> None:
        self._schema = schema
        self._info = SimpleNamespace(schema=schema)
        self._operation = operation
        self._fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self._known: dict[int, _Selected] = {}

    def objects(self, most: int) -> int:
        """The objects that an answer would hold, an aliased scalar being one too; counted up to `most`."""
        count = 0
        waiting = list(self._roots())
        while waiting and count < most:
            selected, value = waiting.pop()
            count += 1 + selected.scalars
            for step in selected.steps:
                found = step.resolve(value, self._info, **step.options)
                if found is not None:
                    waiting.extend((step.within, child) for child in (found if step.is_list else (found,)))
        return min(count, most)

    def _roots(self) -> Iterator[tuple[_Selected, Any]]:
        for node in self._flat(self._operation.selection_set):
            kind = introspection_types.get(ROOTS.get(node.name.value, ""))
            if isinstance(kind, GraphQLObjectType) and node.selection_set is not None:
                selected = self._selected(node.selection_set, kind)
                values = [self._schema] if node.name.value == "__schema" else self._named(node)
                yield from ((selected, value) for value in values)

    def _named(self, node: FieldNode) -> list[GraphQLNamedType]:
        """The type of the name that is asked for; all types where a variable has it, as its cost is kept for any name."""
        [name] = [argument.value for argument in node.arguments or ()]
        if not isinstance(name, StringValueNode):
            return list(self._schema.type_map.values())
        named = self._schema.get_type(name.value)
        return [] if named is None else [named]

    def _selected(self, selection_set: SelectionSetNode, parent: GraphQLObjectType) -> _Selected:
        known = self._known.get(id(selection_set))
        if known is None:
            fields = list(self._flat(selection_set))
            scalars = sum(node.alias is not None for node in fields if node.selection_set is None)
            steps = [self._step(parent, node) for node in fields if node.selection_set is not None]
            known = self._known[id(selection_set)] = _Selected(scalars, steps)
        return known

    def _step(self, parent: GraphQLObjectType, node: FieldNode) -> _Step:
        field = parent.fields[node.name.value]
        kind = get_named_type(field.type)
        assert field.resolve is not None
        assert isinstance(kind, GraphQLObjectType)
        assert node.selection_set is not None
        options = {"includeDeprecated": True} if "includeDeprecated" in field.args else {}
        is_list = is_list_type(get_nullable_type(field.type))
        return _Step(field.resolve, options, is_list, self._selected(node.selection_set, kind))

    def _flat(self, selection_set: SelectionSetNode, spread: set[str] | None = None) -> Iterator[FieldNode]:
        """The fields of a selection, those of each fragment once."""
        spread = set() if spread is None else spread
        for node in selection_set.selections:
            if isinstance(node, FieldNode):
                yield node
            elif isinstance(node, InlineFragmentNode):
                yield from self._flat(node.selection_set, spread)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in spread:
                spread.add(node.name.value)
                yield from self._flat(self._fragments[node.name.value].selection_set, spread)
