"""Any query that fits the schema is answered: random selections, with arguments at and beyond their bounds."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    build_schema,
    get_named_type,
    is_composite_type,
    is_required_argument,
)

from models.caller import Role
from schema import schema
from tests.api import Api, seller
from tests.isolation.cases import CASES
from tests.isolation.world import UNKNOWN, make_side

BUILT = build_schema(schema.as_str())
ROOTS = [name.removeprefix("Query.") for name, case in CASES.items() if case.role is Role.OWNER and "Query." in name]
ROUNDS = 40

REFUSALS = {"BAD_USER_INPUT", "FORBIDDEN", "MAX_COST_EXCEEDED"}
"""All that a document which fits the schema may be refused for; forbidden is a shopper's object, to a seller."""

VALUES: dict[str, Sequence[Any]] = {
    "Boolean": [True, False],
    "Date": ["0001-01-01", "2025-12-31", "2026-01-14", "2026-01-15", "9999-12-31"],
    "DateTime": ["0001-01-01T00:00:00+00:00", "2026-01-14T12:00:00Z", "9999-12-31T23:59:59.999999Z"],
    "Int": [0, 1, 7, 28, 100, 101, -1, 2**31 - 1, -(2**31)],
    "Long": [0, 1, 2**63 - 1, -(2**63) + 1],
    "String": ["", "en", "EMAIL", "soap", "alpha-0", "a\0b", "\u202e", "W10", "orders >= 2", "x" * 2_001],
}


@dataclass
class Writer:
    """Writes one query with its variables; `ids` are what it may ask for, each one's by their types."""

    random: Random
    ids: Sequence[Mapping[str, str]]
    variables: dict[str, Any] = field(default_factory=dict)
    declared: list[str] = field(default_factory=list)

    def query(self) -> str:
        """Three fields of sellers, which may well ask for the same object thrice."""
        assert BUILT.query_type
        roots = [
            f"r{place}: {self._field(BUILT.query_type, name, depth=4)}"
            for place, name in enumerate(self.random.choices(self.random.sample(ROOTS, k=2), k=3))
        ]
        head = f"query ({', '.join(self.declared)})" if self.declared else "query"
        return f"{head} {{ {' '.join(roots)} }}"

    def _field(self, parent: GraphQLObjectType | GraphQLInterfaceType, name: str, depth: int) -> str:
        found = parent.fields[name]
        given = [
            f"{argument}: {self._variable(of.type, name if argument == 'id' else argument.removesuffix('Id'))}"
            for argument, of in found.args.items()
            if is_required_argument(of) or self.random.random() < 0.25
        ]
        called = f"{name}({', '.join(given)})" if given else name
        return f"{called} {self._selection(get_named_type(found.type), depth - 1)}"

    def _selection(self, kind: Any, depth: int) -> str:
        if isinstance(kind, GraphQLInterfaceType):
            some = self.random.choice(BUILT.get_possible_types(kind))
            return f"{{ __typename ... on {some.name} {self._selection(some, depth)} }}"
        if not isinstance(kind, GraphQLObjectType):
            return ""
        within = [
            name for name in kind.fields if depth or not is_composite_type(get_named_type(kind.fields[name].type))
        ]
        some_fields = self.random.sample(within, k=min(len(within), 4))
        return f"{{ __typename {' '.join(self._field(kind, name, depth) for name in some_fields)} }}"

    def _variable(self, kind: Any, noun: str) -> str:
        name = f"v{len(self.variables)}"
        self.variables[name] = self._value(kind, noun)
        self.declared.append(f"${name}: {kind}")
        return f"${name}"

    def _value(self, kind: Any, noun: str) -> Any:
        if isinstance(kind, GraphQLNonNull):
            return self._value(kind.of_type, noun)
        if isinstance(kind, GraphQLList):
            return [self._value(kind.of_type, noun) for _ in range(self.random.choice([0, 1, 3]))]
        if isinstance(kind, GraphQLEnumType):
            return self.random.choice(list(kind.values))
        if isinstance(kind, GraphQLInputObjectType):
            chosen = self.random.choice(list(kind.fields)) if kind.is_one_of else None
            return {
                name: self._value(of.type, name)
                for name, of in kind.fields.items()
                if (name == chosen if chosen else isinstance(of.type, GraphQLNonNull) or self.random.random() < 0.3)
            }
        return self._id(noun) if kind.name == "ID" else self.random.choice(VALUES[kind.name])

    def _id(self, noun: str) -> str:
        """Somebody's id of what is asked for, or now and then of something else, or none at all."""
        whose = self.random.choice(self.ids)
        fitting = whose.get(noun.capitalize()) if self.random.random() < 0.8 else None
        return fitting or self.random.choice([*whose.values(), "", "é", "x" * 600])


@pytest.mark.parametrize("seed", range(2))
async def test_any_query_gets_what_is_the_callers_own_or_a_refusal_that_is_none_of_our_bugs(api: Api, seed: int):
    alpha, omega = await make_side("alpha"), await make_side("omega")
    ids = [alpha.ids, alpha.ids, omega.ids, UNKNOWN]
    random, answered = Random(seed), 0
    for _ in range(ROUNDS):
        writer = Writer(random, ids)
        query = writer.query()
        answer = await api.answer(query, seller(alpha.shop), **writer.variables)
        told = (query, writer.variables, answer)
        assert {error["extensions"]["code"] for error in answer.get("errors", ())} <= REFUSALS, told
        assert omega.mark not in json.dumps(answer), told
        answered += answer.get("data") is not None

    assert answered > ROUNDS / 4
