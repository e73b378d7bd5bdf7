"""Documents: parsed, weighed and validated once, and kept for the next caller with the same text."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast
from weakref import WeakValueDictionary

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    TokenKind,
    parse,
    specified_rules,
    validate,
)
from graphql.validation import ASTValidationRule, NoSchemaIntrospectionCustomRule
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule

from schema.cost import limits
from schema.cost.introspection import introspection_points
from schema.cost.points import DearKeys, dear_keys
from schema.cost.weight import weigh
from schema.execution.compiled import Selections
from schema.execution.errors import PARSE_FAILED, VALIDATION_FAILED, formatted, plain

MAX_CACHED_SOURCE = 500_000
"""Characters of source the cache holds in all; a parsed document takes some hundred times its source.

What a document is compiled to takes as much again, for each way in which its switches stand, and counts as its source.
"""

MAX_CACHED_COSTS = 16
"""Costs the cache holds for one document: clients of one page size, or of few, send it again and again."""


@dataclass(slots=True, weakref_slot=True)
class Document:
    """A parsed document, or why it cannot be run."""

    source: str
    ast: DocumentNode | None
    errors: list[dict[str, Any]] = field(default_factory=list)
    dear: DearKeys = field(default_factory=lambda: DearKeys({}, {}))
    selections: Selections | None = None
    _costs: dict[Any, int] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """What it takes of memory, in characters of source."""
        return len(self.source) * max(1, len(self.selections or ()))

    def operation(self, name: str | None) -> OperationDefinitionNode:
        """The operation to run: the one of that name, or the only one."""
        definitions = self.ast.definitions if self.ast else ()
        operations = [node for node in definitions if isinstance(node, OperationDefinitionNode)]
        if name is None and len(operations) == 1:
            return operations[0]
        if name is None:
            raise GraphQLError("The document has several operations; say which by operationName.")
        for operation in operations:
            if operation.name and operation.name.value == name:
                return operation
        raise GraphQLError(f"The document has no operation named {name[:100]!r}.")

    def root_field(self, operation: OperationDefinitionNode) -> FieldNode:
        """The first field of an operation, in whatever fragment it stands: of a subscription, the only one."""
        assert self.ast is not None
        fragments = {node.name.value: node for node in self.ast.definitions if isinstance(node, FragmentDefinitionNode)}
        first = operation.selection_set.selections[0]
        while not isinstance(first, FieldNode):
            within = fragments[first.name.value] if isinstance(first, FragmentSpreadNode) else first
            first = cast("InlineFragmentNode", within).selection_set.selections[0]
        return first

    def cost(self, schema: GraphQLSchema, operation: OperationDefinitionNode, variables: Mapping[str, Any]) -> int:
        """What an operation costs with these variables, in points.

        It is kept by the variables that the operation declares, so that a caller cannot fill the memory with others.
        """
        names = [each.variable.name.value for each in operation.variable_definitions or ()]
        key = (id(operation), tuple(_counted(variables[name]) if name in variables else None for name in names))
        if key not in self._costs:
            if len(self._costs) >= MAX_CACHED_COSTS:
                self._costs.clear()
            assert self.ast is not None
            points = introspection_points(schema, self.ast, operation, limits.MAX_COST)
            self._costs[key] = max(1, weigh(schema, self.ast, operation, variables).fixed + points)
        return self._costs[key]


def _counted(value: Any) -> tuple[type, int | None]:
    """What of a variable's value a cost depends on: of any other value than these its kind alone."""
    if isinstance(value, list):
        return list, len(value)
    return type(value), value if isinstance(value, int) else None


class Documents:
    """Reads documents against a schema, and keeps the valid ones, the least recently used going first."""

    def __init__(self, schema: GraphQLSchema, *, production: bool) -> None:
        self._schema = schema
        self._hide_suggestions = production
        self._rules: list[type[ASTValidationRule]] = [
            *specified_rules,
            MaybeNullValidationRule,
            *([NoSchemaIntrospectionCustomRule] if production else []),
        ]
        self._kept: OrderedDict[str, Document] = OrderedDict()
        self._sizes: dict[str, int] = {}
        self._kept_size = 0
        self._in_use: WeakValueDictionary[str, Document] = WeakValueDictionary()

    def __contains__(self, source: str) -> bool:
        """Whether this text has been read, and is kept."""
        return source in self._in_use

    def read(self, source: str) -> Document:
        """The document with this source text, checked; one that somebody still has is never read anew."""
        document = self._in_use.get(source) or self._read(source)
        if not document.errors:
            self._keep(document)
        return document

    def _keep(self, document: Document) -> None:
        """Keep it as the last that was used. Its size is looked at anew, as it has grown with the ways it has been run."""
        source = document.source
        self._in_use[source] = self._kept[source] = document
        self._kept.move_to_end(source)
        self._kept_size += document.size - self._sizes.get(source, 0)
        self._sizes[source] = document.size
        while self._kept_size > MAX_CACHED_SOURCE:
            dropped, _ = self._kept.popitem(last=False)
            self._kept_size -= self._sizes.pop(dropped)

    def _read(self, source: str) -> Document:
        try:
            return self._checked(source)
        except GraphQLError as error:
            return Document(source, None, [formatted(error, otherwise=PARSE_FAILED)])
        except RecursionError:
            return Document(source, None, [plain(PARSE_FAILED, "The document is nested too deeply.")])

    def _checked(self, source: str) -> Document:
        ast = parse(
            source,
            max_lexical_tokens=limits.MAX_TOKENS,
            max_source_length=limits.MAX_SOURCE_LENGTH,
            max_comments=limits.MAX_COMMENTS,
            allow_empty_selection_sets=False,
        )
        errors = (
            self._too_heavy(ast)
            or _long_numbers(ast)
            or validate(
                self._schema,
                ast,
                self._rules,
                hide_suggestions=self._hide_suggestions,
                allow_empty_selection_sets=False,
            )
        )
        if errors:
            return Document(source, ast, [formatted(error, otherwise=VALIDATION_FAILED) for error in errors])
        return Document(source, ast, dear=dear_keys(ast), selections=Selections(ast))

    def _too_heavy(self, ast: DocumentNode) -> list[GraphQLError]:
        """Weighed before it is validated, because validation is the dearer of the two."""
        return [
            error
            for node in ast.definitions
            if isinstance(node, OperationDefinitionNode)
            for error in limits.check(weigh(self._schema, ast, node, {}))
        ]


def _long_numbers(ast: DocumentNode) -> list[GraphQLError]:
    """Numbers with more digits than any are read with."""
    token = ast.loc.start_token if ast.loc else None
    while token is not None:
        if token.kind is TokenKind.INT and token.end - token.start > limits.LONGEST_NUMBER:
            return [limits.too_much("wordy", "digits in a number", token.end - token.start, limits.LONGEST_NUMBER)]
        token = token.next
    return []
