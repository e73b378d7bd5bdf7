"""What an operation weighs, in one walk that is linear in the document."""

import sys
import tracemalloc
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import TypeVar

import pytest
from graphql import (
    GraphQLObjectType,
    OperationDefinitionNode,
    build_schema,
    get_named_type,
    get_nullable_type,
    is_list_type,
    parse,
)

from schema import schema
from schema.cost import limits
from schema.cost.limits import check
from schema.cost.points import DEAR, LENGTHS, LISTS, DearKeys, counted, dear_keys
from schema.cost.weight import Weight, weigh
from schema.execution.document import Documents

T = TypeVar("T")

SCHEMA = build_schema(
    """
    type Query { shop: Shop, things(first: Int, last: Int): ThingConnection, nodes(ids: [ID!]!): [Thing], node: Node }
    interface Node { name: String }
    type Shop implements Node { name: String, shop: Shop, things(first: Int): ThingConnection }
    type Thing { name: String, owner: Shop }
    type ThingConnection { nodes: [Thing], edges: [ThingEdge], pageInfo: PageInfo, totalCount: Int }
    type ThingEdge { node: Thing }
    type PageInfo { endCursor: String }
    """
)


def weight_of(source: str, **variables: object) -> Weight:
    document = parse(source)
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    return weigh(SCHEMA, document, operation, variables)


@pytest.mark.parametrize(
    ("source", "cost"),
    [
        ("{ shop { name } }", 1),
        ("{ shop { shop { name } } }", 2),
        ("{ things(first: 10) { nodes { name } } }", 11),
        ("{ things(first: 10) { nodes { name } pageInfo { endCursor } totalCount } }", 12),
        ("{ things { nodes { name } } }", 51),
        ("{ things(first: 1, last: 10) { nodes { name } } }", 11),
        ("{ ... { things(first: 10) { nodes { name } } } }", 11),
        ("{ node { ... on Shop { things(first: 10) { nodes { name } } } } }", 12),
        ("{ things(last: 3) { edges { node { name } } } }", 7),
        ("{ things(first: 2) { nodes { owner { things(first: 3) { nodes { name } } } } } }", 1 + 2 * (1 + 1 + 4)),
        ("query ($n: Int) { things(first: $n) { nodes { name } } }", 8),
        ("{ things(first: 10) { ...rows } } fragment rows on ThingConnection { nodes { name } }", 11),
        ('{ things(first: 10, after: "x") { nodes { name } } }', 11),
        ("{ things(first: null) { nodes { name } } }", 51),
        ("{ things(first: 999999999999) { nodes { name } } }", 101),
        ("{ things(first: -1) { nodes { name } } }", 1),
        ('{ nodes(ids: ["a", "b", "c"]) { name } }', 3),
        ("{ nodes(ids: []) { name } }", 1),
        ('{ nodes(not: ["a", "b"], ids: ["a", "b", "c"]) { name } }', 3),
        ('query ($ids: [ID!] = ["a", "b", "c"]) { nodes(ids: $ids) { name } }', 3),
        ("{ __schema { types { name } } }", 1),
        ("{ unknown { of { anything } } }", 2),
        ("{ things(first: 10) { nodes { name again: name more: name } } }", 31),
    ],
)
def test_an_object_costs_one_and_a_connection_multiplies_its_rows(source: str, cost: int):
    assert weight_of(source, n=7).fixed == cost


def test_the_cost_of_many_ids_is_not_that_of_a_number_of_the_same_name():
    document = Documents(SCHEMA, production=False).read("query ($ids: [ID!]!) { nodes(ids: $ids) { name } }")
    operation = document.operation(None)

    assert [document.cost(SCHEMA, operation, {"ids": ids}) for ids in (250, ["a"] * 250)] == [1, 250]


@pytest.mark.parametrize("given", [None, "a", 0.5, {}])
def test_the_cost_of_a_default_is_not_that_of_a_value_in_its_place(given: object):
    many = ", ".join('"a"' for _ in range(250))
    document = Documents(SCHEMA, production=False).read(
        f"query ($ids: [ID!]! = [{many}]) {{ nodes(ids: $ids) {{ name }} }}"
    )
    operation = document.operation(None)

    assert [document.cost(SCHEMA, operation, variables) for variables in ({"ids": given}, {})] == [1, 250]


def test_variables_that_an_operation_does_not_declare_take_no_memory_once_it_is_answered():
    document = Documents(SCHEMA, production=False).read("query ($first: Int) { things(first: $first) { totalCount } }")
    operation = document.operation(None)

    def ask(number: int) -> None:
        others = {f"{number}-{each}": each for each in range(10_000)}
        assert document.cost(SCHEMA, operation, {"first": 1, **others}) == 1

    ask(0)
    tracemalloc.start()
    for number in range(1, 5):
        ask(number)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert kept < 100_000  # bytes; each ask has megabytes


def test_what_counts_customers_costs_more_than_its_answer_s_size():
    document = parse("{ segments(first: 3) { nodes { name size members { totalCount } } } }")
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)

    assert weigh(build_schema(schema.as_str()), document, operation, {}).fixed == 1 + 3 * (1 + 10 + 1 + 10)


@pytest.mark.parametrize(
    ("source", "cost"),
    [
        ("{ automatedPlanDryRun(planId: 1) { userErrors { code } } }", 102),
        ("{ planEstimate(planId: 1) { userErrors { code } } }", 32),
        ("{ planPreview(planId: 1) { userErrors { code } } }", 32),
        ('{ segmentOverlap(one: 1, other: 2, asOf: "2025-01-01T00:00:00Z") { both } }', 1 + 30 + 50),
        ('{ segment(id: 1) { size(asOf: "2025-01-01T00:00:00Z") } }', 1 + 10 + 50),
        ("{ segments(first: 10) { nodes { versions { text } } } }", 1 + 10 * (1 + 20)),
        ("{ segments(first: 10) { nodes { sizeHistory { size } } } }", 1 + 10 * (1 + 30)),
        ("{ segments(first: 10) { nodes { sizeHistory(days: 400) { size } } } }", 1 + 10 * (1 + 400)),
        ("query ($days: Int!) { segment(id: 1) { sizeHistory(days: $days) { size } } }", 1 + 400),
        ("{ coupons(first: 10) { nodes { products { title } } } }", 1 + 10 * (1 + 20)),
        ("{ products(first: 3) { nodes { title } totalCount } }", 10 + 1 + 3 + 10),
        ("{ recommendations { text segment { name } } }", 100 + 100 * 2),
        (
            '{ overview(from: "2026-01-01", to: "2026-01-02") { plans { plan { lift { days } } } } }',
            1 + 50 + 20 * (1 + 1 + 21),
        ),
        ('mutation { recommendationDismiss(input: {id: "x"}) { id } }', 101),
    ],
)
def test_what_looks_at_a_whole_audience_is_dear_wherever_it_is_asked(source: str, cost: int):
    document = parse(source)
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)

    assert weigh(build_schema(schema.as_str()), document, operation, {}).fixed == cost


def test_a_plan_s_own_products_cost_less_than_the_search_for_products():
    document = parse("""
        { products { nodes { title } } ...more plans { nodes { ... { products { title } } } } }
        fragment more on Query { ... { segment(id: 1) { ...sized } found: products { nodes { title } } } }
        fragment sized on Segment { size then: size(asOf: "2025-01-01T00:00:00Z") }
    """)
    found = {"nodes": [{"title": "Rose soap"}]}
    plans = {"nodes": [{"products": [{"title": "Rose soap"}]}, {"products": []}]}

    dear = dear_keys(document)

    assert dear == DearKeys(root={"products": 10, "found": 10}, below={"size": 10, "then": 10 + 50})
    segment = {"size": 7, "then": 5}
    assert counted({"products": found, "found": found, "segment": segment, "plans": plans}, dear) == 39 + 60
    assert counted(None, dear) == 0
    assert dear_keys(parse("{ plans { nodes { ... { products { title } } } } }")) == DearKeys(root={}, below={})


@pytest.mark.parametrize("first", ["size", 'size(asOf: "2025-01-01T00:00:00Z")'])
def test_a_key_that_names_fields_of_different_prices_is_counted_as_the_dearest(first: str):
    second = {"size": 'size(asOf: "2025-01-01T00:00:00Z")'}.get(first, "size")
    dear = dear_keys(parse(f"{{ one: segment(id: 1) {{ {first} }} other: segment(id: 2) {{ {second} }} }}"))

    assert dear == DearKeys(root={}, below={"size": 10 + 50})


def test_every_dear_field_exists():
    types = build_schema(schema.as_str()).type_map
    for place in (*DEAR, *LISTS, *LENGTHS):
        kind, _, field = place.partition(".")
        assert field in getattr(types[kind], "fields", {})


def test_every_list_whose_rows_lead_on_to_pages_or_dear_fields_has_a_known_length():
    types = build_schema(schema.as_str()).type_map
    objects = {name: kind for name, kind in types.items() if isinstance(kind, GraphQLObjectType) and name[:2] != "__"}

    inner = {
        name: {field: get_named_type(each.type).name for field, each in kind.fields.items()}
        for name, kind in objects.items()
    }

    def leads_on(start: str) -> bool:
        """Whether a row of this type has, however far within, what costs more than its objects."""
        waiting, seen = [start], set()
        while waiting:
            name = waiting.pop()
            if name.endswith("Connection") or any(f"{name}.{field}" in DEAR for field in inner.get(name, {})):
                return True
            seen.add(name)
            waiting += set(inner.get(name, {}).values()) - seen
        return False

    unknown = {
        f"{name}.{field}"
        for name, kind in objects.items()
        if not name.endswith("Connection")
        for field, each in kind.fields.items()
        if is_list_type(get_nullable_type(each.type)) and leads_on(inner[name][field])
    }
    assert unknown - {*LISTS, *LENGTHS} == set()


def test_a_page_size_that_is_not_given_costs_a_whole_page():
    assert weight_of("query ($n: Int) { things(first: $n) { nodes { name } } }").fixed == 101


@pytest.mark.parametrize(("default", "cost"), [("-7", 1), ("10", 11), ("999999999999", 101), ("null", 101)])
def test_a_page_size_that_is_left_to_its_variable_s_default_costs_a_page_of_that_size(default: str, cost: int):
    source = f"query ($n: Int = {default}) {{ ...rows }} fragment rows on Query {{ things(first: $n) {{ nodes {{ name }} }} }}"

    assert weight_of(source).fixed == cost
    assert weight_of(source, n=3).fixed == 4
    assert weight_of(source, n=None).fixed == 101


@pytest.mark.parametrize(("size", "cost"), [(-7, 1), (0, 1), (1, 2), (100, 101), (101, 101), (10**12, 101)])
def test_a_page_size_in_a_variable_costs_neither_less_than_nothing_nor_more_than_a_whole_page(size: int, cost: int):
    assert weight_of("query ($n: Int) { things(first: $n) { nodes { name } } }", n=size).fixed == cost


def test_depth_aliases_and_selections_count_through_fragments():
    weight = weight_of(
        "{ a: shop { ...deep } b: shop { ...deep } } fragment deep on Shop { c: shop { shop { name } } }"
    )

    assert weight == Weight(depth=4, aliases=4, selections=8, repeats=1, fixed=6, longest_alias=1)


@pytest.mark.parametrize(
    ("source", "repeats"),
    [
        ("{ shop { name } shop { name name } name: shop { name } }", 2),
        ("{ shop { name } shop { name } node { name } }", 2),
        ("{ shop { shop { name name name } } }", 3),
        ("{ ...f } fragment f on Query { shop { name } shop { name } shop { name } shop { name } }", 4),
        ("{ ... on Query { shop { name } shop { name } } }", 2),
    ],
)
def test_the_same_field_in_one_place_is_counted_wherever_it_is(source: str, repeats: int):
    assert weight_of(source).repeats == repeats


@pytest.mark.parametrize(
    "source",
    [
        "{ shop { abcdefg: name } }",
        "{ abcdefg: shop { a: name } }",
        "{ ab: __schema { types { fields { abcdefg: name } } } }",
        "{ things { ...rows } } fragment rows on ThingConnection { ... { nodes { ab: owner { abcdefg: name } } } }",
    ],
)
def test_the_longest_alias_counts_wherever_it_is(source: str):
    assert weight_of(source).longest_alias == len("abcdefg")


def test_a_fragment_spread_twice_in_one_place_counts_once():
    twice = weight_of("{ shop { ...F ...F } } fragment F on Shop { shop { name } }")

    assert twice == weight_of("{ shop { ...F } } fragment F on Shop { shop { name } }")


def test_a_cycle_of_fragments_ends():
    assert weight_of("{ shop { ...A } } fragment A on Shop { shop { ...B } } fragment B on Shop { ...A }").depth == 2


def chain(levels: int, spread: str) -> str:
    fragments = "".join(
        f" fragment F{level} on Shop {{ {spread.format(f'...F{level + 1}')} }}" for level in range(levels)
    )
    return f"{{ shop {{ ...F0 }} }}{fragments} fragment F{levels} on Shop {{ name }}"


def calls_of(act: Callable[[], T]) -> tuple[T, int]:
    """What an act gives, and how many calls of functions it took: its work, on any machine."""
    made = 0

    def count(frame: FrameType, event: str, _: object) -> None:
        nonlocal made
        made += event == "call"

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        return act(), made
    finally:
        sys.setprofile(before)


@pytest.mark.parametrize("spread", ["{0} {0}", "a: shop {{ {0} }} b: shop {{ {0} }}"])
def test_the_walk_is_linear_in_fragment_chains(spread: str):
    """12, 24 and 48 levels: the work grows with the text, while what it stands for doubles per level."""
    Documents(SCHEMA, production=False).read(chain(2, spread))  # what is done once only
    calls = []
    for levels in (12, 24, 48):
        source = chain(levels, spread)
        assert len(source) < limits.MAX_SOURCE_LENGTH
        document, made = calls_of(partial(Documents(SCHEMA, production=False).read, source))
        calls.append(made)
        assert bool(document.errors) == ("shop" in spread)

    assert calls[2] <= 4.5 * calls[0]


def test_what_is_too_much_is_told_with_its_limit():
    errors = check(Weight(depth=11, aliases=31, selections=2**60, repeats=21, fixed=10**12, longest_alias=101))

    assert [error.message for error in errors] == [
        "The operation is too deep: 11 fields within one another, at most 10 are allowed.",
        "The operation is too aliased: 31 aliases, at most 30 are allowed.",
        "The operation is too wordy: 101 letters in an alias, at most 100 are allowed.",
        "The operation is too large: more than 1000000000 selections, at most 400 are allowed.",
        "The operation is too repetitive: 21 times the same field in one place, at most 20 are allowed.",
    ]
    assert {error.extensions["code"] for error in errors if error.extensions} == {"MAX_COST_EXCEEDED"}


@pytest.mark.parametrize(
    "source",
    [
        "{ shop " * 3000 + "}" * 3000,
        "{ " + "name " * 2000 + "}",
        "{ shop(" + "x: [" * 900 + "}",
        "#" * 60 + "\n" + "# c\n" * 60 + "{ __typename }",
        "{ __typename }" + " " * limits.MAX_SOURCE_LENGTH,
    ],
)
def test_an_outsized_document_is_refused_before_it_is_understood(source: str):
    document = Documents(SCHEMA, production=False).read(source)

    assert document.errors[0]["extensions"]["code"] == "GRAPHQL_PARSE_FAILED"


def test_a_valid_document_is_read_once_and_an_invalid_one_is_not_kept():
    documents = Documents(SCHEMA, production=False)

    assert documents.read("{ shop { name } }") is documents.read("{ shop { name } }")
    assert documents.read("{ wrong }") is not documents.read("{ wrong }")


def test_a_document_that_somebody_still_has_is_not_read_anew_when_the_cache_forgot_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("schema.execution.document.MAX_CACHED_SOURCE", 20)
    documents = Documents(SCHEMA, production=False)
    kept = documents.read("{ shop { name } }")
    documents.read("{ a: shop { name } }")

    assert documents.read("{ shop { name } }") is kept


def test_what_a_document_is_compiled_to_counts_as_its_source_in_the_cache(monkeypatch: pytest.MonkeyPatch):
    switched, other = "query ($a: Boolean!) { shop { name @skip(if: $a) } }", "{ shop { name } }"
    monkeypatch.setattr("schema.execution.document.MAX_CACHED_SOURCE", 2 * len(switched) + len(other) - 1)
    documents = Documents(SCHEMA, production=False)
    documents.read(other)
    for way in (True, False):
        selections = documents.read(switched).selections
        assert selections is not None
        selections.functions({"a": way})
        assert other in documents
    documents.read(switched)

    assert switched in documents
    assert other not in documents


def test_the_cache_forgets_what_was_not_used_for_long(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("schema.execution.document.MAX_CACHED_SOURCE", 60)
    documents = Documents(SCHEMA, production=False)
    documents.read("{ shop { name } }")
    for alias in "abcdef":
        documents.read(f"{{ {alias}: shop {{ name }} }}")

    assert "{ shop { name } }" not in documents
    assert "{ f: shop { name } }" in documents
