"""Parameters of triggers: what is given is held against their bounds, what is left out has its default (R9)."""

from datetime import timedelta
from typing import Any

import pytest

from models.errors import Refused
from models.trigger import TRIGGERS
from models.trigger.fragment import MOST_STEPS
from models.trigger.kind import OccasionQuery, Parameter, ParameterKind, Trigger, TriggerCode, steps
from models.trigger.parameter import delays, problems, read, told

COUNTED = Trigger(
    code=TriggerCode.PRICE_DROP,
    description="A trigger with a parameter of each kind",
    parameters=[
        steps("", (60, 1440), least=30, greatest=43_200, most=3),
        Parameter("percent", ParameterKind.NUMBER, "", 10, 5, 90),
        Parameter("fromNothing", ParameterKind.NUMBER, "", 0, None, 7),
        Parameter("isLoud", ParameterKind.BOOLEAN, "", default=False),
        Parameter("kinds", ParameterKind.CHOICES, "", ("VIEW", "CART"), most=2, options=("VIEW", "CART", "LIKE")),
    ],
    occasions=OccasionQuery("", ""),
)
DESCENDING = Trigger(COUNTED.code, "", COUNTED.parameters, COUNTED.occasions, steps_descend=True)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"steps": [30]},
        {"steps": [43_200, 30, 31]},
        {"percent": 5},
        {"percent": 90},
        {"fromNothing": 0},
        {"isLoud": True},
        {"kinds": ["LIKE"]},
        {"kinds": ["LIKE", "VIEW"]},
    ],
)
def test_what_lies_within_its_bounds_is_taken_as_it_was_given_and_the_rest_has_its_defaults(given: dict[str, Any]):
    defaults = {"steps": [60, 1440], "percent": 10, "fromNothing": 0, "isLoud": False, "kinds": ["VIEW", "CART"]}

    stored = read(COUNTED, given)

    expected = {**defaults, **given}
    assert stored == {**expected, "steps": sorted(minutes * 60 for minutes in expected["steps"])}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"steps": []}, "must be 1–3 different values"),
        ({"steps": [30, 31, 32, 33]}, "must be 1–3 different values"),
        ({"steps": [30, 30]}, "must be 1–3 different values"),
        ({"steps": [60, 29]}, "must be 30–43,200, not 29"),
        ({"steps": [43_201]}, "must be 30–43,200, not 43201"),
        ({"steps": [60.5]}, "must be 30–43,200, not 60.5"),
        ({"percent": 4}, "must be 5–90, not 4"),
        ({"percent": 91}, "must be 5–90, not 91"),
        ({"fromNothing": -1}, "must be 0–7, not -1"),
        ({"isLoud": 1}, "must be true or false"),
        ({"kinds": []}, "must be 1–2 different values"),
        ({"kinds": ["VIEW", "CART", "LIKE"]}, "must be 1–2 different values"),
        ({"kinds": ["VIEW", "VIEW"]}, "must be 1–2 different values"),
        ({"kinds": ["VIEW", "BUY"]}, "must be of VIEW, CART, LIKE, not BUY"),
        (
            {"watchedDays": 3},
            "PRICE_DROP has no such parameter; there are: steps, percent, fromNothing, isLoud, kinds.",
        ),
    ],
)
def test_what_does_not_fit_is_refused_at_its_name_and_says_what_would(given: dict[str, Any], message: str):
    with pytest.raises(Refused) as refused:
        read(COUNTED, given)

    (name,) = given
    assert [(each.field, each.message, each.rule) for each in refused.value.problems] == [
        (("parameters", name), message, "R9")
    ]


def test_all_that_does_not_fit_is_told_at_once_and_nothing_of_what_does():
    found = problems(COUNTED, {"steps": [1], "percent": 50, "isLoud": "yes"})

    assert [each.field for each in found] == [("parameters", "steps"), ("parameters", "isLoud")]


def test_steps_come_due_in_the_order_in_which_they_are_stored():
    """Hours after what happened grow; hours before what will happen shrink."""
    given = {"steps": [60, 30, 1440]}

    assert delays(read(COUNTED, given)) == [timedelta(minutes=30), timedelta(hours=1), timedelta(days=1)]
    assert delays(read(DESCENDING, given)) == [timedelta(days=1), timedelta(hours=1), timedelta(minutes=30)]


def test_parameters_are_told_as_they_were_given_and_less_than_a_minute_as_its_fraction():
    assert told(read(COUNTED, {"steps": [30, 60], "percent": 20})) == {
        "steps": [30, 60], "percent": 20, "fromNothing": 0, "isLoud": False, "kinds": ["VIEW", "CART"],
    }  # fmt: skip
    assert told({"steps": [0, 15, 90], "percent": 5}) == {"steps": [0, 0.25, 1.5], "percent": 5}


@pytest.mark.parametrize("code", TriggerCode)
def test_every_trigger_takes_what_it_tells_of_its_own_defaults(code: TriggerCode):
    stored = read(TRIGGERS[code], {})

    assert read(TRIGGERS[code], told(stored)) == stored


@pytest.mark.parametrize("trigger", TRIGGERS.values(), ids=TRIGGERS)
def test_no_trigger_has_more_steps_than_references_tell_apart(trigger: Trigger):
    assert trigger.by_name["steps"].most <= MOST_STEPS
