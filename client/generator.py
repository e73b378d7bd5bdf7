"""Makes `client/rekindle.py` from `schema.graphql` and `client/operations.graphql`.

Each operation is a method; what goes in and comes out is a TypedDict, so that nothing is converted on the way and
mypy knows every field. Operations may use fields, arguments and aliases; no fragments.
"""

import re
from keyword import iskeyword
from pathlib import Path

from graphql import (
    FieldNode,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableDefinitionNode,
    build_schema,
    get_named_type,
    is_list_type,
    is_non_null_type,
    parse,
    print_ast,
    type_from_ast,
    validate,
)

ROOT = Path(__file__).resolve().parents[1]

HEADER = '''"""Made from schema.graphql and client/operations.graphql by `python -m client`: change those, not this."""

from __future__ import annotations  # an input may hold itself

from typing import Literal, NotRequired, TypedDict, Unpack

from client.connection import Connection
'''

SCALARS = {"ID": "str", "String": "str", "Int": "int", "Float": "float", "Boolean": "bool", "Long": "int"}
SCALARS |= {"Date": "str", "DateTime": "str", "LocalTime": "str", "JSON": "object"}


class Generator:
    """Writes the module; collects the types that its operations need."""

    def __init__(self, schema: GraphQLSchema, document: str) -> None:
        self._schema = schema
        self._document = parse(document)
        self._types: dict[str, str] = {}
        if problems := validate(schema, self._document):
            raise ValueError("; ".join(problem.message for problem in problems))

    def module(self) -> str:
        """The whole text."""
        operations = [node for node in self._document.definitions if isinstance(node, OperationDefinitionNode)]
        methods = [self._method(node) for node in operations]
        texts = [f'{_constant(node)} = """\n{print_ast(node)}\n"""' for node in operations]
        head = 'class Rekindle(Connection):\n    """The API, one method for each operation of client/operations.graphql."""\n'
        return "\n\n".join([HEADER, *self._types.values(), "\n".join([head, *methods]), *texts]) + "\n"

    def _method(self, node: OperationDefinitionNode) -> str:
        assert node.name is not None
        name = node.name.value
        root = self._schema.get_root_type(node.operation)
        assert root is not None
        answer = self._selected(name, root, node.selection_set)
        arguments = f"{name}Variables"
        self._define(arguments, [self._variable(each) for each in node.variable_definitions or ()])
        return (
            f"    def {_snake(name)}(self, **variables: Unpack[{arguments}]) -> {answer}:\n"
            f'        """Run the operation {name}."""\n'
            f"        answer: {answer} = self.run({_constant(node)}, variables)\n"
            f"        return answer\n"
        )

    def _variable(self, node: VariableDefinitionNode) -> tuple[str, str]:
        kind = type_from_ast(self._schema, node.type)
        assert kind is not None
        written = self._written(kind, self._input(get_named_type(kind)))
        is_needed = is_non_null_type(kind) and node.default_value is None
        return node.variable.name.value, written if is_needed else f"NotRequired[{written}]"

    def _input(self, kind: GraphQLNamedType) -> str:
        if isinstance(kind, GraphQLInputObjectType):
            if kind.name not in self._types:
                self._types[kind.name] = ""  # an input may hold itself
                fields = []
                for name, field in kind.fields.items():
                    written = self._written(field.type, self._input(get_named_type(field.type)))
                    is_needed = is_non_null_type(field.type) and "default_value" not in _given(field)
                    fields.append((name, written if is_needed else f"NotRequired[{written}]"))
                del self._types[kind.name]
                self._define(kind.name, fields)
            return kind.name
        return self._plain(kind)

    def _plain(self, kind: GraphQLNamedType, *, is_answer: bool = False) -> str:
        """A scalar or enum. A newer server may answer values that are not known here, so answers say `str`."""
        if not isinstance(kind, GraphQLEnumType):
            return SCALARS[kind.name]
        if is_answer:
            return "str"
        values = ", ".join(f'"{value}"' for value in kind.values)
        self._types.setdefault(kind.name, f"{kind.name} = Literal[{values}]")
        return kind.name

    def _selected(self, name: str, kind: GraphQLNamedType, selection: SelectionSetNode) -> str:
        assert isinstance(kind, GraphQLObjectType), f"{name}: only objects can be selected from"
        fields = []
        for node in selection.selections:
            assert isinstance(node, FieldNode), f"{name}: fragments are not understood"
            field = kind.fields[node.name.value]
            key = node.alias.value if node.alias else node.name.value
            inner = get_named_type(field.type)
            if node.selection_set is None:
                found = self._plain(inner, is_answer=True)
            else:
                found = self._selected(name + key[0].upper() + key[1:], inner, node.selection_set)
            fields.append((key, self._written(field.type, found)))
        self._define(name, fields)
        return name

    def _written(self, kind: object, name: str) -> str:
        """A type as Python writes it; `name` stands for what is innermost."""
        if is_non_null_type(kind):
            return self._written(kind.of_type, name).removesuffix(" | None")
        written = f"list[{self._written(kind.of_type, name)}]" if is_list_type(kind) else name
        return f"{written} | None"

    def _define(self, name: str, fields: list[tuple[str, str]]) -> None:
        if any(
            iskeyword(field) for field, _ in fields
        ):  # a class cannot have it; a type may be named before it is there
            items = ", ".join(f'"{field}": "{kind}"' for field, kind in fields)
            self._types[name] = f'{name} = TypedDict("{name}", {{{items}}})'
            return
        lines = [f"    {field}: {kind}" for field, kind in fields] or ["    pass"]
        self._types[name] = f"class {name}(TypedDict):\n" + "\n".join(lines)


def _given(field: object) -> dict[str, object]:
    """What a field was given a default for, if it was."""
    node = getattr(field, "ast_node", None)
    return {"default_value": node.default_value} if node is not None and node.default_value is not None else {}


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def _constant(node: OperationDefinitionNode) -> str:
    assert node.name is not None
    return f"_{_snake(node.name.value).upper()}"


def generate() -> str:
    """The text that client/rekindle.py must have."""
    schema = build_schema((ROOT / "schema.graphql").read_text("utf-8"))
    return Generator(schema, (ROOT / "client" / "operations.graphql").read_text("utf-8")).module()
