"""Plain selections as plain functions: what needs no waiting is completed without a walk of the document per value.

A field is plain when it is an attribute of its row, or a synchronous function of that row alone, takes no
arguments, and all that is selected below it is plain too. Fields of such a kind are read and written by functions
that are made once for a document; all others are graphql-core's, side by side in one object.

Only success is compiled. At an error, a null where there may be none, a value of another type or one to be awaited,
a function gives up, and graphql-core completes the same value anew: messages, paths and the propagation of nulls
are its own. That is safe because plain fields change nothing. It rests on graphql-core's `executor_class`, whose
methods are not promised to stay: `tests/schema/execution/test_compiled.py` holds both executions equal over the whole
schema.
"""

from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from inspect import CORO_CREATED, getcoroutinestate, iscoroutine
from operator import attrgetter
from typing import Any, NamedTuple, TypeAlias, cast
from uuid import UUID

from graphql import (
    DirectiveNode,
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLLeafType,
    GraphQLObjectType,
    Undefined,
    VariableNode,
    Visitor,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
    visit,
)
from graphql.execution import Executor
from strawberry.execution import optimized_is_awaitable
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.field import StrawberryField
from tortoise import Model

MAX_SWITCHINGS = 64
"""How many combinations of its switches a document is kept compiled for."""

SIMPLE = frozenset({bool, date, datetime, float, int, str, UUID})
"""Types of values that are written as they are: no errors, and nothing to await."""

Read: TypeAlias = Callable[[Any], Any]
Complete: TypeAlias = Callable[[Any], Any]
Plain: TypeAlias = list[tuple[str, Read, Complete]]


class Unusual(Exception):
    """A value that only graphql-core knows what to do with."""


class Split(NamedTuple):
    """An object's selection: all its keys in order, its plain fields, and the others as graphql-core groups them."""

    keys: list[str]
    plain: Plain
    others: dict[str, Any]


@dataclass(slots=True)
class Functions:
    """What was made of a document's selections, as long as its switches stand as they do; keyed by their nodes."""

    collected: dict[Any, Any] = field(default_factory=dict)
    splits: dict[Any, Split] = field(default_factory=dict)
    completes: dict[Any, Complete | None] = field(default_factory=dict)


class Selections:
    """The functions of one document, for each way in which its switches (variables in `@skip`, `@include`) stand."""

    def __init__(self, document: DocumentNode) -> None:
        self._switches = tuple(_switches(document))
        self._functions: dict[tuple[Any, ...], Functions] = {}

    def functions(self, variables: Mapping[str, Any]) -> Functions:
        """What is known for these coerced variables."""
        values = (variables.get(name) for name in self._switches)
        # Another operation of the document may have a variable of this name that is no switch.
        standing = tuple(value if isinstance(value, bool) else None for value in values)
        found = self._functions.get(standing)
        if found is None:
            if len(self._functions) >= MAX_SWITCHINGS:
                self._functions.clear()
            found = self._functions[standing] = Functions()
        return found

    def __len__(self) -> int:
        return len(self._functions)


def _switches(document: DocumentNode) -> Iterator[str]:
    names: dict[str, None] = {}

    class Switches(Visitor):
        def enter_directive(self, node: DirectiveNode, *_: Any) -> None:
            values = (argument.value for argument in node.arguments or ())
            names.update((value.name.value, None) for value in values if isinstance(value, VariableNode))

    visit(document, Switches())
    yield from names


class CompiledExecutor(Executor[Any]):
    """graphql-core's execution, with a document's functions in the place of its plain fields."""

    def __init__(self, *arguments: Any, selections: Selections, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._functions = selections.functions(self.variable_values.coerced)
        self._resolving: list[Coroutine[Any, Any, Any]] = []

    def execute_operation(self, serially: bool | None = None) -> Any:  # noqa: FBT001 - as its parent has it
        """The whole operation. What was called off before it had begun is closed at its end, or Python warns of it."""
        result: Any = super().execute_operation(serially)
        return self._closed(result) if self.is_awaitable(result) else result

    async def _closed(self, result: Awaitable[Any]) -> Any:
        try:
            return await result
        finally:
            for each in self._resolving:
                if getcoroutinestate(each) == CORO_CREATED:
                    each.close()

    def complete_awaitable_value(  # noqa: PLR0917 - as its parent has it
        self, return_type: Any, field_details_list: Any, info: Any, path: Any, result: Any, position_context: Any
    ) -> Any:
        """A value that is awaited first; a sibling that is refused calls it off, perhaps before it has begun."""
        if iscoroutine(result):
            self._resolving.append(result)
        return super().complete_awaitable_value(return_type, field_details_list, info, path, result, position_context)

    def collect_subfields(self, return_type: GraphQLObjectType, field_details_list: Any) -> Any:
        """Collected once per document rather than per operation."""
        key = (return_type, _nodes(field_details_list))
        collected = self._functions.collected.get(key)
        if collected is None:
            collected = self._functions.collected[key] = super().collect_subfields(return_type, field_details_list)
        return collected

    def complete_value(  # noqa: PLR0917 - as its parent has it
        self, return_type: Any, field_details_list: Any, info: Any, path: Any, result: Any, position_context: Any
    ) -> Any:
        """A value with everything below it, by one function if it is plain throughout."""
        complete = self._complete(return_type, field_details_list)
        if complete is not None:
            try:
                return complete(result)
            except Exception:  # noqa: BLE001, S110 - whatever it was, graphql-core meets it again and tells it
                pass
        return super().complete_value(return_type, field_details_list, info, path, result, position_context)

    def execute_fields(
        self,
        parent_type: GraphQLObjectType,
        source_value: Any,
        path: Any,
        grouped_field_set: Any,
        position_context: Any,
    ) -> Any:
        """An object: its plain fields by their functions first, then the others."""
        split = self._split(parent_type, grouped_field_set)
        try:
            found = {key: complete(read(source_value)) for key, read, complete in split.plain}
        except Exception:  # noqa: BLE001 - as above
            return super().execute_fields(parent_type, source_value, path, grouped_field_set, position_context)
        if not split.others:
            return found
        rest: Any = super().execute_fields(parent_type, source_value, path, split.others, position_context)
        if not found:
            return rest
        results = dict.fromkeys(split.keys) | found
        return _joined(results, rest) if self.is_awaitable(rest) else results | rest

    def _split(self, parent: GraphQLObjectType, grouped: Mapping[str, Any]) -> Split:
        key = (parent, tuple(id(each.node) for details in grouped.values() for each in details))
        split = self._functions.splits.get(key)
        if split is None:
            plain, others = self._plain(parent, grouped)
            split = self._functions.splits[key] = Split(list(grouped), plain, others)
        return split

    def _plain(self, parent: GraphQLObjectType, grouped: Mapping[str, Any]) -> tuple[Plain, dict[str, Any]]:
        plain: Plain = []
        others: dict[str, Any] = {}
        for key, details in grouped.items():
            read = self._reader(parent, details[0].node)
            complete = read and self._complete(self._type(parent, details[0].node), details)
            if read and complete:
                plain.append((key, read, complete))
            else:
                others[key] = details
        return plain, others

    def _type(self, parent: GraphQLObjectType, node: FieldNode) -> Any:
        found = self.schema.get_field(parent, node.name.value)
        return found.type if found else None

    def _reader(self, parent: GraphQLObjectType, node: FieldNode) -> Read | None:
        """What gives a plain field's value from its row; None for a field that is not plain."""
        if node.name.value == "__typename":
            return lambda _: parent.name
        found = self.schema.get_field(parent, node.name.value)
        definition = found.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF) if found else None
        if not isinstance(definition, StrawberryField) or definition.extensions or node.arguments:
            return None
        resolver = definition.base_resolver
        if resolver is None:
            return attrgetter(definition.python_name)
        own = (resolver.parent_parameter, resolver.root_parameter, resolver.self_parameter)
        taken = list(resolver.signature.parameters.values())
        is_of_row_alone = len(taken) == 1 and any(taken[0] == each for each in own)
        return resolver.wrapped_func if is_of_row_alone and not resolver.is_async else None  # type: ignore[return-value]

    def _complete(self, kind: Any, details: Any) -> Complete | None:
        """What completes a value of this type; None when it takes more than plain fields."""
        key = (kind, _nodes(details))
        known = self._functions.completes
        if key not in known:
            try:
                known[key] = self._made(kind, details)
            except GraphQLError:  # a switch is null: graphql-core says so at the field that has it
                known[key] = None
        return known[key]

    def _made(self, kind: Any, details: Any) -> Complete | None:
        if is_non_null_type(kind):
            inner = self._complete(kind.of_type, details)
            return inner and _required(inner)
        if is_leaf_type(kind):
            return _leaf(kind)
        if is_list_type(kind):
            inner = self._complete(kind.of_type, details)
            return inner and _list(inner)
        if not is_object_type(kind):
            return None
        plain, others = self._plain(kind, self.collect_subfields(kind, details).grouped_field_set)
        return None if others else _object(kind, plain)


def is_awaitable(value: Any) -> bool:
    """Whether a value is to be awaited. A row of the ORM can be, but is itself then: it would only cost a turn."""
    return optimized_is_awaitable(value) and not isinstance(value, Model)


def _nodes(details: Any) -> tuple[int, ...]:
    """Which nodes a field stands at; they live as long as their document, and so do its functions."""
    return tuple([id(each.node) for each in details])


async def _joined(results: dict[str, Any], rest: Awaitable[dict[str, Any]]) -> dict[str, Any]:
    return results | await rest


def _check(value: Any) -> None:
    if isinstance(value, Exception) or value is Undefined or is_awaitable(value):
        raise Unusual


def _required(complete: Complete) -> Complete:
    def completed(value: Any) -> Any:
        if value is None:
            raise Unusual
        return complete(value)

    return completed


def _leaf(kind: GraphQLLeafType) -> Complete:
    write = kind.coerce_output_value

    def completed(value: Any) -> Any:
        if value is None:
            return None
        if type(value) not in SIMPLE:
            _check(value)
        written = write(value)
        if written is None or written is Undefined:
            raise Unusual
        return written

    return completed


def _list(complete: Complete) -> Complete:
    def completed(value: Any) -> Any:
        if value is None:
            return None
        # Any other iterable might be read only once.
        if not isinstance(value, list | tuple):
            raise Unusual
        return [complete(each) for each in value]

    return completed


def _object(kind: GraphQLObjectType, plain: Plain) -> Complete:
    is_own = kind.is_type_of

    def completed(value: Any) -> Any:
        if value is None:
            return None
        _check(value)
        if is_own is not None and is_own(value, cast("Any", None)) is not True:
            raise Unusual
        return {key: complete(read(value)) for key, read, complete in plain}

    return completed
