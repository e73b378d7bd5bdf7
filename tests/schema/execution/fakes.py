"""Made-up rows for every type of the schema, most of them fit, some not; and random selections of them."""

import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from random import Random
from typing import Any
from uuid import UUID

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_interface_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
    is_required_argument,
)
from strawberry.schema.schema_converter import GraphQLCoreConverter

from models.coupon import Coupon
from models.customer import Customer
from models.message import Message
from models.plan import Plan
from models.product import Product
from models.segment import Segment
from models.shop import Shop
from schema import schema

CORE: GraphQLSchema = schema._schema
ROOTS = {"Query", "Mutation", "Subscription"}
TYPES = [
    kind
    for name, kind in sorted(CORE.type_map.items())
    if is_object_type(kind) and not name.startswith("__") and name not in ROOTS
]
ROWS = {row.__name__: row for row in (Coupon, Customer, Message, Plan, Product, Segment, Shop)}
"""What a type with global ids asks of its rows: that they are of this class."""

ROOT = "__typename a: __typename @skip(if: $a) b: __typename @include(if: $b)"
ADDRESS = re.compile(" at 0x[0-9a-f]+")

LEAVES: dict[str, Any] = {
    "Boolean": True, "Date": date(2026, 2, 28), "DateTime": datetime(2026, 3, 1, 12, tzinfo=UTC), "Float": 0.25,
    "ID": "an id", "Int": 7, "JSON": {"a": [1, None]}, "Long": 2**40, "String": "“text”",
}  # fmt: skip


class Later:
    """A value that must be awaited, as often as one likes."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        return "<later>"  # the same in both executions, where it is written as a text

    def __await__(self) -> Generator[Any, None, Any]:
        """Give it."""
        if isinstance(self.value, Exception):
            raise self.value
        return self.value
        yield


class Many:
    """A list that is none."""

    def __init__(self, values: list[Any]) -> None:
        self.values = values

    def __repr__(self) -> str:
        return "<many>"

    def __iter__(self) -> Iterator[Any]:
        """Its values."""
        return iter(self.values)


class Fake:
    """A row of a type: each attribute is chosen at random when it is first read, and stays."""

    def __init__(self, kind: GraphQLObjectType, seed: str, oddness: float, depth: int = 0) -> None:
        self._kind, self._seed, self._oddness, self._depth = kind, seed, oddness, depth
        self._types = {}
        for each in kind.fields.values():
            definition = each.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
            if definition is not None:
                self._types[definition.python_name] = each.type

    @property  # type: ignore[misc] # what it says of itself is a choice too
    def __class__(self) -> Any:
        row = ROWS.get(self._kind.name, Fake)
        return Fake if Random(self._seed + "class").random() < self._oddness else row

    def __repr__(self) -> str:
        return f"<{self._kind.name}>"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        chance = Random(f"{self._seed}.{name}")
        kind = self._types.get(name)
        value = (
            self._value(kind, chance, f"{self._seed}.{name}") if kind else chance.choice([5, "x", UUID(int=9), [], {}])
        )
        self.__dict__[name] = value
        return value

    def _value(self, kind: Any, chance: Random, seed: str) -> Any:
        if chance.random() < self._oddness:
            return chance.choice(
                [None, ValueError("bad"), object, "odd", -1, Later("late"), Later(KeyError("gone")), [None]]
            )
        if is_non_null_type(kind):
            return self._value(kind.of_type, chance, seed)
        if chance.random() < self._oddness:
            return Later(self._value(kind, chance, seed))
        if is_list_type(kind):
            values = [self._value(kind.of_type, chance, f"{seed}.{number}") for number in range(chance.randrange(3))]
            return Many(values) if chance.random() < self._oddness else chance.choice([list, tuple])(values)
        if isinstance(kind, GraphQLEnumType):
            return chance.choice(list(kind.values.values())).value
        if is_leaf_type(kind):
            return LEAVES[kind.name]
        if is_interface_type(kind):
            kind = chance.choice(CORE.get_possible_types(kind))
        return Fake(kind, seed, self._oddness, self._depth + 1) if self._depth < 6 else None


def _fields() -> Iterator[tuple[str, GraphQLField]]:
    for kind in TYPES:
        yield f"one{kind.name}", GraphQLField(kind, resolve=lambda rows, info: rows.row(info.field_name))
        several = GraphQLNonNull(GraphQLList(GraphQLNonNull(kind)))
        yield f"all{kind.name}", GraphQLField(several, resolve=lambda rows, info: rows.rows(info.field_name))
        yield f"late{kind.name}", GraphQLField(kind, resolve=lambda rows, info: Later(rows.row(info.field_name)))


FAKES = GraphQLSchema(GraphQLObjectType("Fakes", dict(_fields())))
"""The schema's own types below a query that has each of them: alone, in a list, and to be awaited."""


@dataclass(frozen=True)
class Rows:
    """What a query of `FAKES` finds, `oddness` of it unfit for its place."""

    seed: int
    oddness: float

    def row(self, field: str, number: int = 0) -> Fake:
        """The row of a field."""
        kind = FAKES.get_type(re.sub("^(one|all|late)", "", field))
        assert isinstance(kind, GraphQLObjectType)
        return Fake(kind, f"{self.seed} {field} {number}", self.oddness)

    def rows(self, field: str) -> list[Fake]:
        """Several of them."""
        return [self.row(field, number) for number in range(3)]


class Selector:
    """Writes random documents."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self._fragments: dict[str, str] = {}

    def document(self) -> str:
        """A query of a few of the root's fields, with fragments and switches."""
        root = FAKES.query_type
        assert root is not None
        names = self._chance.sample(list(root.fields), 3)
        fields = " ".join(self._field(root, name, 0) for name in names)
        return f"query ($a: Boolean!, $b: Boolean = false) {{ {ROOT} {fields} }} " + " ".join(self._fragments.values())

    def _selection(self, kind: Any, depth: int) -> str:
        names = [name for name in kind.fields if self._is_askable(kind, name, depth)]
        chosen = self._chance.sample(names, min(len(names), self._chance.randint(1, 8)))
        parts = [self._field(kind, name, depth) for name in chosen] + ["__typename"] * self._chance.randrange(2)
        if self._chance.random() < 0.2:
            parts.append(parts[0])
        return "{ " + " ".join([*parts[: -2 or None], *self._fragment(kind, parts[-2:] or ["__typename"])]) + " }"

    def _fragment(self, kind: Any, parts: list[str]) -> list[str]:
        inner = " ".join(parts)
        way = self._chance.random()
        if way < 0.2:
            return [f"... on {kind.name} {self._switch()} {{ {inner} }}"]
        if way < 0.4:
            name = f"f{len(self._fragments)}"
            self._fragments[name] = f"fragment {name} on {kind.name} {{ {inner} }}"
            return [f"...{name} {self._switch()}"]
        if way < 0.5 and any(each.name == "Node" for each in getattr(kind, "interfaces", ())):
            return [*parts, "... on Node { id }"]
        return parts

    def _field(self, kind: Any, name: str, depth: int) -> str:
        of = kind.fields[name].type
        alias = f"{name}_{get_named_type(of).name}: " if self._chance.random() < 0.2 else ""
        below = "" if is_leaf_type(get_named_type(of)) else " " + self._selection(get_named_type(of), depth + 1)
        return f"{alias}{name} {self._switch()}{below}"

    def _switch(self) -> str:
        return self._chance.choice([*[""] * 8, "@skip(if: $a)", "@include(if: $b)", "@include(if: true) @skip(if: $b)"])

    def _is_askable(self, kind: Any, name: str, depth: int) -> bool:
        field = kind.fields[name]
        if any(is_required_argument(argument) for argument in field.args.values()):
            return False
        return depth < 6 or is_leaf_type(get_named_type(field.type))


def compared(answer: Any) -> Any:
    """An execution's result, to be compared: keys and errors in their order, errors where and as they are."""
    told = [
        (ADDRESS.sub("", error.message), error.path, error.locations, type(error.original_error))
        for error in answer.errors or ()
    ]
    return repr(answer.data), told
