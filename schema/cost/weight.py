"""What one operation weighs: depth, aliases, selections and cost, from one walk linear in the document.

Each fragment is weighed once, however often it is spread, and a fragment spread twice in one selection
set counts once, because execution merges the two. A page's size may be a variable, so a fragment's cost
on a connection is kept as `fixed + per_row × size`.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    is_list_type,
    is_non_null_type,
)

from models.page import DEFAULT_SIZE, MAX_SIZE
from schema.cost.points import DEAR, LENGTHS, LISTS, history_points


@dataclass(frozen=True, slots=True)
class Weight:
    """What a selection weighs. An object costs 1, a scalar nothing, under an alias 1; a connection multiplies its rows."""

    depth: int = 0
    aliases: int = 0
    selections: int = 0
    repeats: int = 0
    fixed: int = 0
    per_row: int = 0
    longest_alias: int = 0

    def __add__(self, other: "Weight") -> "Weight":
        return Weight(
            max(self.depth, other.depth),
            self.aliases + other.aliases,
            self.selections + other.selections,
            max(self.repeats, other.repeats),
            self.fixed + other.fixed,
            self.per_row + other.per_row,
            max(self.longest_alias, other.longest_alias),
        )


def weigh(
    schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode, variables: Mapping[str, Any]
) -> Weight:
    """The weight of one operation of a document (which need not be valid) with these variables."""
    return _Scale(schema, document, variables).operation(operation)


class _Scale:
    def __init__(self, schema: GraphQLSchema, document: DocumentNode, variables: Mapping[str, Any]) -> None:
        self._schema = schema
        self._variables = variables
        self._defaults: dict[str, ValueNode | None] = {}
        self._fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self._weighed: dict[str, Weight] = {}

    def operation(self, operation: OperationDefinitionNode) -> Weight:
        self._defaults = {each.variable.name.value: each.default_value for each in operation.variable_definitions or ()}
        root = self._schema.get_root_type(operation.operation)
        return self._set(operation.selection_set, root)

    def _set(self, selection_set: SelectionSetNode, parent: GraphQLNamedType | None) -> Weight:
        keys = Counter((s.alias or s.name).value for s in selection_set.selections if isinstance(s, FieldNode))
        weight = Weight(repeats=max(keys.values(), default=0))
        spread: set[str] = set()
        for selection in selection_set.selections:
            if isinstance(selection, FragmentSpreadNode):
                if selection.name.value in spread:
                    continue
                spread.add(selection.name.value)
            weight += self._selection(selection, parent)
        return weight

    def _selection(self, selection: SelectionNode, parent: GraphQLNamedType | None) -> Weight:
        if isinstance(selection, FieldNode):
            return self._field(selection, parent)
        if isinstance(selection, InlineFragmentNode):
            condition = selection.type_condition
            return self._set(
                selection.selection_set, self._schema.get_type(condition.name.value) if condition else parent
            )
        if isinstance(selection, FragmentSpreadNode):
            return self._fragment(selection.name.value)
        return Weight()

    def _fragment(self, name: str) -> Weight:
        if name not in self._weighed:
            # A fragment in a cycle weighs nothing inside itself; validation refuses the document.
            self._weighed[name] = Weight()
            fragment = self._fragments.get(name)
            if fragment is not None:
                condition = self._schema.get_type(fragment.type_condition.name.value)
                self._weighed[name] = self._set(fragment.selection_set, condition)
        return self._weighed[name]

    def _field(self, node: FieldNode, parent: GraphQLNamedType | None) -> Weight:
        alias = 1 if node.alias else 0
        letters = len(node.alias.value) if node.alias else 0
        dear = (DEAR.get(f"{parent.name}.{node.name.value}", 0) if parent else 0) + history_points(node)
        if node.selection_set is None:
            # A scalar is as often in the answer as it has aliases.
            return Weight(depth=1, aliases=alias, selections=1, fixed=dear + alias, longest_alias=letters)
        if node.name.value.startswith("__"):
            inner = self._set(node.selection_set, None)
            return Weight(1, alias + inner.aliases, 1, fixed=1, longest_alias=max(letters, inner.longest_alias))
        field = (
            parent.fields.get(node.name.value) if isinstance(parent, GraphQLObjectType | GraphQLInterfaceType) else None
        )
        kind = get_named_type(field.type) if field else None
        inner = self._set(node.selection_set, kind)
        cost = 1 + dear + inner.fixed
        is_list = field is not None and _is_list(field.type)
        if kind is not None and kind.name.endswith("Connection"):
            cost += inner.per_row * self._page_size(node)
        elif is_list and parent is not None:
            cost = dear + (cost - dear) * self._list_size(node, f"{parent.name}.{node.name.value}")
        per_row = is_list and parent is not None and parent.name.endswith("Connection")
        return Weight(
            depth=1 + inner.depth,
            aliases=alias + inner.aliases,
            selections=1 + inner.selections,
            repeats=inner.repeats,
            fixed=0 if per_row else cost,
            per_row=cost if per_row else 0,
            longest_alias=max(letters, inner.longest_alias),
        )

    def _page_size(self, node: FieldNode) -> int:
        return self._largest(node, ("first", "last"), DEFAULT_SIZE, MAX_SIZE)

    def _largest(self, node: FieldNode, names: Collection[str], otherwise: int, most: int) -> int:
        """The largest number among arguments of these names."""
        given = [self._number(a.value, otherwise, most) for a in node.arguments or () if a.name.value in names]
        return max(given, default=otherwise)

    def _number(self, value: ValueNode, otherwise: int, most: int) -> int:
        given = self._given(value)
        if isinstance(given, IntValueNode):
            return min(int(given.value[:6]), most) if not given.value.startswith("-") else 0
        if isinstance(given, int):
            return max(0, min(given, most))
        return most if isinstance(value, VariableNode) else otherwise

    def _given(self, value: ValueNode) -> Any:
        """An argument's value: its node, or what a variable has, which may be its default's node."""
        if not isinstance(value, VariableNode):
            return value
        name = value.name.value
        return self._variables[name] if name in self._variables else self._defaults.get(name)

    def _list_size(self, node: FieldNode, place: str) -> int:
        """The most rows of a list without pages, as far as that is known; 1 where they are few."""
        if place in LISTS:
            return LISTS[place]
        if place in LENGTHS:
            name, otherwise, most = LENGTHS[place]
            return self._largest(node, (name,), otherwise, most)
        return self._ids(node)

    def _ids(self, node: FieldNode) -> int:
        for argument in node.arguments or ():
            if argument.name.value == "ids":
                given = self._given(argument.value)
                if isinstance(given, ListValueNode):
                    return max(1, len(given.values))
                return max(1, len(given)) if isinstance(given, list) else 1
        return 1


def _is_list(kind: Any) -> bool:
    return bool(is_list_type(kind.of_type if is_non_null_type(kind) else kind))
