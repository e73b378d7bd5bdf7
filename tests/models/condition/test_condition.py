"""The JSON form: what is accepted comes back the same; what is not is refused at its place, whole."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis.strategies import integers

from models.condition import Scope, compile_condition, parse, read_stored, reader, stored
from models.condition.document import MAX_CONDITIONS, MAX_DEPTH, leaves_of, write
from models.condition.reader import MAX_PROBLEMS
from models.condition.tree import AllOf, Definition, Measure, Moment, MomentIn, OrderAmount, OrderCount
from models.errors import Refused
from tests.histories import case_of

SCOPE = Scope(time_zone="America/Mexico_City", currency="USD", country="MX")


def problems(conditions: Any) -> list[str]:
    """Why the conditions are refused, each as `path: message`."""
    with pytest.raises(Refused) as refused:
        parse(conditions, SCOPE)
    return [f"{'.'.join(problem.field)}: {problem.message}" for problem in refused.value.problems]


def test_what_was_meant_is_looked_for_only_as_long_as_it_is_told(monkeypatch: pytest.MonkeyPatch):
    asked = []

    def nothing_near(word: str, *_: Any, **__: Any) -> list[str]:
        asked.append(word)
        return []

    monkeypatch.setattr(reader, "get_close_matches", nothing_near)

    assert len(problems({"orders": {f"minimum{number}": 2 for number in range(1_000)}})) == MAX_PROBLEMS
    assert len(asked) == MAX_PROBLEMS


@given(seed=integers(0, 2**32))
def test_whatever_the_language_can_say_is_stored_and_read_back_the_same(seed: int):
    for definition in case_of(seed).definitions:
        assert read_stored(stored(definition)) == definition


def test_the_average_of_two_orders_in_sixty_days_reads_as_written():
    conditions = {
        "all": [
            {"orders": {"withinDays": 60, "min": 2}},
            {"averageOrder": {"withinDays": 60, "above": 3000, "currency": "USD"}},
        ]
    }
    definition = parse(conditions, SCOPE)

    assert definition.conditions == AllOf(
        (OrderCount(60, 2), OrderAmount(Measure.AVERAGE_ORDER, "USD", 60, above=3000))
    )
    assert write(definition.conditions) == conditions
    assert stored(definition) == {"version": 1, "timeZone": "America/Mexico_City", "conditions": conditions}


@pytest.mark.parametrize(
    ("leaf", "problem"),
    [
        ({"orders": {"withinDays": 0, "min": 1}}, "orders.withinDays: must be 1–3650"),
        ({"orders": {"withinDays": 1_000_000, "min": 1}}, "orders.withinDays: must be 1–3650"),
        ({"orders": {"withinDays": 30.0, "min": 1}}, "orders.withinDays: must be 1–3650"),
        ({"orders": {"withinDays": True, "min": 1}}, "orders.withinDays: must be 1–3650"),
        ({"spent": {"withinDays": 0, "min": 1, "currency": "USD"}}, "spent.withinDays: must be 1–3650"),
        ({"followed": {"withinDays": 0}}, "followed.withinDays: must be 1–3650"),
        ({"viewed": {"withinDays": 0}}, "viewed.withinDays: must be 1–3650"),
        ({"unsubscribed": {"withinDays": 0}}, "unsubscribed.withinDays: must be 1–3650"),
        ({"orders": {"max": -1}}, "orders.max: must be 0–1000000"),
        ({"orders": {"min": "2"}}, "orders.min: must be 0–1000000"),
        ({"orders": {"min": 3, "max": 2}}, "orders.max: must not be less than min"),
        ({"orders": {"withinDays": 30}}, "orders: needs min or max"),
        ({"orders": {"min": None, "max": None}}, "orders: needs min or max"),
        ({"orders": 2}, "orders: must be an object"),
        ({"orders": {"minimum": 2, "max": 3}}, 'orders.minimum: is not known here; did you mean "min"?'),
        ({"spent": {"min": 1}}, "spent.currency: is missing"),
        ({"spent": {"min": 1, "currency": "EUR"}}, "spent.currency: must be the shop's currency, USD"),
        ({"spent": {"min": 5, "below": 5, "currency": "USD"}}, "spent.below: must be more than min"),
        ({"spent": {"min": 5, "above": 5, "currency": "USD"}}, "spent.above: cannot be used together with min"),
        ({"spent": {"max": 5, "below": 5, "currency": "USD"}}, "spent.below: cannot be used together with max"),
        ({"spent": {"min": 5, "max": 4, "currency": "USD"}}, "spent.max: must not be less than min"),
        ({"spent": {"above": 5, "max": 5, "currency": "USD"}}, "spent.max: must be more than above"),
        ({"spent": {"above": 5, "below": 5, "currency": "USD"}}, "spent.below: must be more than above"),
        ({"spent": {"currency": "USD"}}, "spent: needs min or above or max or below"),
        ({"spent": 5}, "spent: must be an object"),
        ({"averageOrder": {"above": 10**15 + 1, "currency": "USD"}}, "averageOrder.above: must be 0–1000000000000000"),
        ({"age": {}}, "age: needs min or max"),
        ({"age": {"min": 35, "max": 25}}, "age.max: must not be less than min"),
        ({"age": {"max": 131}}, "age.max: must be 0–130"),
        ({"gender": []}, "gender: must list one or more of FEMALE, MALE, OTHER"),
        ({"gender": "FEMALE"}, "gender: must list one or more of FEMALE, MALE, OTHER"),
        ({"gender": ["FEMALE", "female"]}, "gender.1: must be one of FEMALE, MALE, OTHER"),
        ({"region": ["MX-JAL", "Jalisco"]}, "region.1: must be an ISO 3166-2 code such as MX-JAL"),
        ({"region": ["US-CA"]}, "region.0: must be a region of the shop's country, MX"),
        ({"region": [f"MX-{n}" for n in range(101)]}, "region: must list 1–100 regions"),
        ({"region": []}, "region: must list 1–100 regions"),
        ({"region": "MX-JAL"}, "region: must list 1–100 regions"),
        ({"region": ["MX-JALI"]}, "region.0: must be an ISO 3166-2 code such as MX-JAL"),
        ({"region": [7]}, "region.0: must be an ISO 3166-2 code such as MX-JAL"),
        ({"follows": "yes"}, "follows: must be true or false"),
        ({"firstOrder": {}}, "firstOrder: needs withinDays or from or to"),
        ({"firstOrder": {"from": "2026-02-30"}}, "firstOrder.from: must be a day such as 2026-03-31"),
        ({"firstOrder": {"from": "20260301"}}, "firstOrder.from: must be a day such as 2026-03-31"),
        ({"firstOrder": {"from": "2026-W10-1"}}, "firstOrder.from: must be a day such as 2026-03-31"),
        ({"firstOrder": {"from": "1899-12-31"}}, "firstOrder.from: must be a day such as 2026-03-31"),
        ({"firstOrder": {"from": 20260301}}, "firstOrder.from: must be a day such as 2026-03-31"),
        ({"lastOrder": {"to": "2201-01-01"}}, "lastOrder.to: must be a day such as 2026-03-31"),
        ({"lastOrder": {"from": "2026-03-02", "to": "2026-03-01"}}, "lastOrder.to: must not be less than from"),
        (
            {"followed": {"from": "2026-03-02", "withinDays": 2}},
            "followed.withinDays: cannot be used together with from or to",
        ),
        (
            {"followed": {"to": "2026-03-02", "withinDays": 2}},
            "followed.withinDays: cannot be used together with from or to",
        ),
        ({"viewed": {"category": "beauty"}}, "viewed.category: is not known here"),
        ({"liveWatched": {"minSeconds": 0}}, "liveWatched.minSeconds: must be 1–10000000"),
        ({"liveClicked": {"category": ""}}, "liveClicked.category: must be a text of 1–200 characters"),
        ({"liveClicked": {"category": "a\0b"}}, "liveClicked.category: must be a text of 1–200 characters"),
        ({"liveClicked": {"category": 7}}, "liveClicked.category: must be a text of 1–200 characters"),
        ({"liveClicked": {"category": "x" * 201}}, "liveClicked.category: must be a text of 1–200 characters"),
        ({"liveClicked": {"category": "a\ud800"}}, "liveClicked.category: must be a text of 1–200 characters"),
        ({"messageRead": {"plan": "12"}}, "messageRead.plan: must be 1–2147483647"),
    ],
)
def test_a_wrong_leaf_is_refused_where_it_is_wrong(leaf: dict[str, Any], problem: str):
    assert problems({"all": [{"follows": True}, {"any": [leaf, {"follows": False}]}]}) == [
        f"conditions.all.1.any.0.{problem}"
    ]


@pytest.mark.parametrize(
    "leaf",
    [
        {"orders": {"withinDays": 1, "min": 0, "max": 0}},
        {"orders": {"withinDays": 3650, "min": 1_000_000}},
        {"spent": {"min": 5, "max": 5, "currency": "USD"}},
        {"spent": {"min": 5, "below": 6, "currency": "USD"}},
        {"spent": {"above": 5, "max": 6, "currency": "USD"}},
        {"spent": {"above": 5, "below": 6, "currency": "USD"}},
        {"spent": {"min": 0, "max": 10**15, "currency": "USD"}},
        {"age": {"min": 0, "max": 130}},
        {"age": {"min": 30, "max": 30}},
        {"region": [f"MX-{number}" for number in range(100)]},
        {"followed": {"from": "2026-03-02", "to": "2026-03-02"}},
        {"followed": {"from": "1900-01-01", "to": "2200-12-31"}},
        {"viewed": {"withinDays": 1}},
        {"lastOrder": {"withinDays": 3650}},
        {"liveWatched": {"minSeconds": 10_000_000}},
        {"liveClicked": {"category": "x"}},
        {"liveClicked": {"category": "x" * 200}},
    ],
)
def test_a_leaf_at_the_very_edge_of_its_bounds_is_taken_as_it_was_written(leaf: dict[str, Any]):
    assert write(parse(leaf, SCOPE).conditions) == leaf


def test_a_region_that_is_named_twice_is_meant_once():
    assert write(parse({"region": ["MX-JAL", "MX-NLE", "MX-JAL"]}, SCOPE).conditions) == {
        "region": ["MX-JAL", "MX-NLE"]
    }


def test_a_category_is_read_without_the_spaces_around_it_as_it_is_of_events():
    """Events have none there, so that nobody would be found by one that has."""
    assert write(parse({"liveWatched": {"category": " health & beauty\n"}}, SCOPE).conditions) == {
        "liveWatched": {"category": "health & beauty"}
    }
    assert problems({"liveWatched": {"category": " "}}) == [
        "conditions.liveWatched.category: must be a text of 1–200 characters"
    ]


@pytest.mark.parametrize("node", [None, 5, [], {}, {"follows": True, "viewed": {}}, {"follows": None}])
def test_a_node_without_exactly_one_key_is_refused(node: Any):
    (problem,) = problems({"any": [node]})

    assert problem.startswith("conditions.any.0: must be an object with exactly one of: all, any, not, age,")


def test_an_unknown_condition_is_answered_with_the_nearest_known_one():
    assert problems({"not": {"order": {}}}) == ['conditions.not.order: is not a condition; did you mean "orders"?']


def test_an_empty_list_of_conditions_is_refused():
    assert problems({"all": []}) == ["conditions.all: must list at least one condition"]
    assert problems({"any": {}}) == ["conditions.any: must list at least one condition"]


def test_every_wrong_place_is_told_at_once():
    assert problems({"all": [{"age": {}}, {"orders": {"min": -1}}]}) == [
        "conditions.all.0.age: needs min or max",
        "conditions.all.1.orders.min: must be 0–1000000",
    ]


def nested(levels: int) -> dict[str, Any]:
    """A leaf inside so many negations."""
    node: dict[str, Any] = {"follows": True}
    for _ in range(levels):
        node = {"not": node}
    return node


def number_of_leaves(conditions: Any) -> int:
    """How many leaves are read."""
    return len(list(leaves_of(parse(conditions, SCOPE).conditions)))


def test_depth_is_bounded():
    assert number_of_leaves(nested(MAX_DEPTH - 1)) == 1
    for levels in (MAX_DEPTH, 50, 100_000):
        assert problems(nested(levels)) == [f"conditions: must be at most {MAX_DEPTH} levels deep"]


def test_the_number_of_conditions_is_bounded():
    at_most = {"any": [{"follows": True}] * MAX_CONDITIONS}

    assert number_of_leaves(at_most) == MAX_CONDITIONS
    for number in (MAX_CONDITIONS + 1, 1000):
        assert problems({"any": [{"follows": True}] * number}) == [
            f"conditions: must have at most {MAX_CONDITIONS} conditions"
        ]


def test_another_version_of_the_language_is_refused():
    document = stored(Definition(MomentIn(Moment.LAST_ORDER, first=date(2026, 1, 1)), "UTC"))

    with pytest.raises(Refused, match="version: must be 1"):
        read_stored({**document, "version": 2})


def test_values_never_become_part_of_the_statement():
    hostile = "'; DROP TABLE relationship; -- $1 \" \\ %s {} ’ “ 美容"
    definition = parse({"liveWatched": {"category": hostile, "minSeconds": 60}}, SCOPE)

    for as_of in (None, datetime(2026, 1, 1, tzinfo=UTC)):
        compiled = compile_condition(definition, shop_id=7, now=datetime(2026, 1, 2, tzinfo=UTC), as_of=as_of)
        assert hostile in compiled.arguments
        assert "DROP" not in compiled.sql


def test_placeholders_begin_where_they_are_told_to():
    definition = parse({"orders": {"withinDays": 60, "min": 5}}, SCOPE)
    compiled = compile_condition(definition, shop_id=7, now=datetime(2026, 1, 2, tzinfo=UTC), first_parameter=4)

    assert [f"${4 + index}::" in compiled.sql for index in range(len(compiled.arguments))] == [True, True, True]
    assert "$3::" not in compiled.sql
    assert f"${4 + len(compiled.arguments)}" not in compiled.sql
