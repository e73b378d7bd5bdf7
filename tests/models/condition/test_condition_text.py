"""The text form: it says what the JSON form says, both ways, and points at what it does not understand."""

from contextlib import suppress
from datetime import date

import pytest
from babel.numbers import list_currencies
from hypothesis import given
from hypothesis.strategies import integers, sampled_from, text

from models.condition import Scope, parse
from models.condition.phrase import write_text
from models.condition.text import MAX_LENGTH, read_text
from models.condition.tree import (
    AgeIn,
    AllOf,
    AnyOf,
    Condition,
    Deed,
    Did,
    Follows,
    Gender,
    GenderIn,
    Measure,
    Moment,
    MomentIn,
    Negation,
    OrderAmount,
    OrderCount,
    RegionIn,
    Responded,
    Response,
)
from models.errors import Refused
from tests.histories import case_of

SCOPE = Scope(time_zone="UTC", currency="USD", country="MX")


def read(line: str) -> Condition:
    """The tree of a line."""
    return read_text(line, SCOPE).conditions


def problems(line: str, scope: Scope = SCOPE) -> list[str]:
    """Why a line is refused."""
    with pytest.raises(Refused) as refused:
        read_text(line, scope)
    assert {problem.field for problem in refused.value.problems} == {("text",)}
    return [problem.message for problem in refused.value.problems]


def without_single(condition: Condition) -> Condition:
    """The same tree, with AND and OR of one condition replaced by that condition."""
    match condition:
        case AllOf((member,)) | AnyOf((member,)):
            return without_single(member)
        case AllOf(members):
            return AllOf(tuple(without_single(member) for member in members))
        case AnyOf(members):
            return AnyOf(tuple(without_single(member) for member in members))
        case Negation(member):
            return Negation(without_single(member))
        case _:
            return condition


@given(seed=integers(0, 2**32))
def test_whatever_the_language_can_say_is_printed_and_read_back_the_same(seed: int):
    for definition in case_of(seed).definitions:
        line = write_text(definition.conditions)

        assert read_text(line, Scope(definition.time_zone)).conditions == without_single(definition.conditions), line


@pytest.mark.parametrize(
    ("line", "condition"),
    [
        ("orders >= 2", OrderCount(None, 2)),
        ("orders > 2", OrderCount(None, 3)),
        ("orders < 2", OrderCount(None, None, 1)),
        ("orders(within: 60d) in 2..5", OrderCount(60, 2, 5)),
        ("orders(within: 2w) = 0", OrderCount(14, 0, 0)),
        ("age in 25..34", AgeIn(25, 34)),
        ("gender = female", GenderIn((Gender.FEMALE,))),
        ("gender in (female, OTHER)", GenderIn((Gender.FEMALE, Gender.OTHER))),
        ("region in (MX-JAL, MX-NLE)", RegionIn(("MX-JAL", "MX-NLE"))),
        ("average_order > 30 USD", OrderAmount(Measure.AVERAGE_ORDER, "USD", above=3000)),
        ("average_order > 30", OrderAmount(Measure.AVERAGE_ORDER, "USD", above=3000)),
        ("spent(within: 90d) in 200..<1000.50 usd", OrderAmount(Measure.SPENT, "USD", 90, least=20000, below=100050)),
        (
            "first_order in 2026-01-01..2026-03-31",
            MomentIn(Moment.FIRST_ORDER, None, date(2026, 1, 1), date(2026, 3, 31)),
        ),
        ("last_order in ..2026-03-31", MomentIn(Moment.LAST_ORDER, None, None, date(2026, 3, 31))),
        ("followed within 30d", MomentIn(Moment.FOLLOWED, 30)),
        ("FOLLOWS", Follows(value=True)),
        ("follows = false", Follows(value=False)),
        ("follows = TRUE", Follows(value=True)),
        ("carted within 7d", Did(Deed.CARTED, 7)),
        ("live_watched(within: 90d, category: beauty, seconds: 600)", Did(Deed.LIVE_WATCHED, 90, "beauty", 600)),
        ('live_clicked(category: "it\'s \\"50%\\" \\\\")', Did(Deed.LIVE_CLICKED, None, 'it\'s "50%" \\')),
        ("message_read(plan: 12, within: 30d)", Responded(Response.READ, 30, 12)),
        ("unsubscribed", Responded(Response.UNSUBSCRIBED)),
    ],
)
def test_each_condition_has_its_words(line: str, condition: Condition):
    assert read(line) == condition
    assert read(write_text(condition)) == condition


def test_a_plan_has_the_name_it_is_given_wherever_it_stands():
    read_it = Responded(Response.READ, None, 12)
    condition = AnyOf((AllOf((read_it, Negation(read_it))), AllOf((Negation(AnyOf((read_it, Follows(value=True)))),))))

    assert write_text(condition, plan_name='"Plan {}"'.format) == (
        '(message_read(plan: "Plan 12") and not message_read(plan: "Plan 12"))'
        ' or not (message_read(plan: "Plan 12") or follows)'
    )
    assert write_text(AllOf((read_it,)), plan_name='"Plan {}"'.format) == 'message_read(plan: "Plan 12")'


def test_and_binds_more_than_or_and_not_most():
    follows, viewed, carted = Follows(value=True), Did(Deed.VIEWED), Did(Deed.CARTED)

    assert read("follows or viewed and not carted") == AnyOf((follows, AllOf((viewed, Negation(carted)))))
    assert read("(follows or viewed) AND carted") == AllOf((AnyOf((follows, viewed)), carted))
    assert read("not (follows and viewed)") == Negation(AllOf((follows, viewed)))


def test_the_line_of_the_manual_is_the_json_of_the_manual():
    conditions = {
        "all": [
            {"orders": {"withinDays": 60, "min": 2}},
            {"averageOrder": {"above": 3000, "currency": "USD"}},
            {"not": {"follows": True}},
        ]
    }

    assert read_text("orders(within: 60d) >= 2 and average_order > 30 USD and not follows", SCOPE) == parse(
        conditions, SCOPE
    )


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("", 'column 1: expected "(", "not", a name, not the end'),
        ("orders >= 2 and", 'column 16: expected "(", "not", a name, not the end'),
        ("order >= 2", 'column 1: "order" is not a condition; did you mean "orders"?'),
        ("follows and folows", 'column 13: "folows" is not a condition; did you mean "follows"?'),
        (
            "follows adn viewed",
            'column 9: expected "(", "and", "in", "or", "within", a comparison, the end, not "adn"; did you mean "and"?',
        ),
        ("viewed nott carted", 'column 8: expected "(", "and", "in", "or", "within", a comparison, the end, not "nott"'),
        (
            "follows ADN viewed",
            'column 9: expected "(", "and", "in", "or", "within", a comparison, the end, not "ADN"; did you mean "and"?',
        ),
        ("viewed within " + "x" * 31 + " y", 'column 15: expected a window such as 30d, not "' + "x" * 30 + '"'),
        ("\nfolows", 'line 2, column 1: "folows" is not a condition; did you mean "follows"?'),
        ("orders(witin: 3d) >= 2", 'column 8: "witin" is not an argument; did you mean "within"?'),
        ("viewed(within: 30d, within: 20d)", 'column 21: "within" is said twice'),
        ("viewed(within: 30d) within 20d", "column 1: its window is said twice"),
        ("first_order(within: 30d) within 20d", "column 1: its window is said twice"),
        ("orders >= 999999999999999999999999", "column 1: orders.min: must be 0–1000000"),
        ("spent > 999999999999999999999999 USD", "column 1: spent.above: must be 0–1000000000000000"),
        ("orders(within: 60) >= 2", "column 8: a window is written in days or weeks, such as 30d or 2w"),
        ("follows and orders(within: 0d) >= 2", "column 13: orders.within: must be 1–3650"),
        ("follows and\n  orders(within: 1000000d) >= 2", "line 2, column 3: orders.within: must be 1–3650"),
        ("viewed or not orders(within: 0d) >= 2", "column 15: orders.within: must be 1–3650"),
        ("orders", "column 1: orders needs a comparison, such as >= 2 or in 2..5"),
        ("orders >= 2.5", "column 1: a whole number is needed here"),
        ("orders >= 2 USD", "column 1: orders is a number without a unit"),
        ("orders in 5..2", "column 1: orders.max: must not be less than min"),
        ("spent > 30.555 USD", "column 1: USD has 2 decimals"),
        ("spent > 30 EUR", "column 1: spent.currency: must be the shop's currency, USD"),
        ("viewed >= 2", "column 1: viewed is compared with nothing; it takes a window, such as within 30d"),
        ("viewed(category: beauty)", "column 1: viewed.category: is not known here"),
        ("follows(within: 30d)", "column 1: follows takes no arguments"),
        ("gender(within: 30d) = female", "column 1: gender takes no arguments"),
        ("gender", "column 1: gender needs = or a list, such as in (female, other)"),
        ("gender >= female", "column 1: gender needs = or a list, such as in (female, other)"),
        ("region within 30d", "column 1: region needs = or a list, such as in (MX-JAL, MX-NLE)"),
        ("spent > much", "column 1: spent needs a comparison, such as > 30 USD"),
        ("first_order", "column 1: first_order needs a window or days, such as within 30d or in 2026-01-01..2026-03-31"),
        ("first_order = 2", "column 1: first_order needs a window or days, such as within 30d or in 2026-01-01..2026-03-31"),
        ('message_read(plan: "a")', "column 1: message_read.plan: must be 1–2147483647"),
        ("follows within 1d", "column 1: follows stands alone, or is followed by = true or = false"),
        ("follows = maybe", "column 1: follows stands alone, or is followed by = true or = false"),
        ("region in (US-CA)", "column 1: region[0]: must be a region of the shop's country, MX"),
        ("gender = lady", "column 1: gender[0]: must be one of FEMALE, MALE, OTHER"),
        ("first_order within 30", 'column 20: expected a window such as 30d, not "30"'),
        ('live_watched(category: "beauty)', 'column 24: expected a name, a number, a text in quotes, a window such as 30d, not ""beauty)"'),
        ("follows; drop table shop", 'column 8: expected "(", ")", "and", "in", "or", "within", a comparison, not ";"'),
        ("not " * 20 + "follows", "must be at most 20 levels deep"),
        ("not " * 2000 + "follows", "must be at most 20 levels deep"),
        (" or ".join(["follows"] * 101), "must have at most 100 conditions"),
        ("x" * (MAX_LENGTH + 1), f"must be at most {MAX_LENGTH} characters"),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_refused_with_its_column(line: str, problem: str):
    assert problems(line) == [problem]


def test_a_text_may_be_as_long_and_as_deep_as_is_said_and_not_more():
    assert read("follows".ljust(MAX_LENGTH)) == Follows(value=True)
    assert problems("follows".ljust(MAX_LENGTH + 1)) == [f"must be at most {MAX_LENGTH} characters"]
    assert isinstance(read("not " * 19 + "follows"), Negation)
    assert problems("not " * 20 + "follows") == ["must be at most 20 levels deep"]
    assert MAX_LENGTH == 10_000


def nested(levels: int) -> str:
    """A condition inside so many brackets, each an OR in an AND or an AND in an OR."""
    line = "follows"
    for level in range(levels):
        line = f"({line} {'and' if level % 2 else 'or'} viewed)"
    return line


def test_and_and_or_nest_as_deep_as_not():
    assert isinstance(read(nested(19)), AnyOf)
    for levels in (20, 700):
        assert problems(nested(levels)) == ["must be at most 20 levels deep"]


def test_brackets_may_nest_deeply_when_they_say_nothing():
    assert read("(" * 3000 + "follows" + ")" * 3000) == Follows(value=True)


def test_an_amount_needs_a_currency_when_the_shop_has_none():
    assert problems("spent > 30", Scope("UTC")) == ["column 1: a currency is needed, such as 30 USD"]


def test_yen_have_no_decimals_and_dinars_three():
    assert read_text("spent > 30 JPY", Scope("UTC")).conditions == OrderAmount(Measure.SPENT, "JPY", above=30)
    assert read_text("spent > 30.125 KWD", Scope("UTC")).conditions == OrderAmount(Measure.SPENT, "KWD", above=30125)
    assert write_text(OrderAmount(Measure.SPENT, "KWD", above=30125)) == "spent > 30.125 KWD"


def test_dinars_that_nobody_writes_decimals_of_have_their_minor_unit_all_the_same():
    assert read_text("spent > 1500.50 RSD", Scope("UTC")).conditions == OrderAmount(Measure.SPENT, "RSD", above=150_050)
    assert read_text("spent > 2000 IQD", Scope("UTC")).conditions == OrderAmount(Measure.SPENT, "IQD", above=2_000_000)


@given(amount=integers(0, 10**15), currency=sampled_from(sorted(list_currencies())))
def test_an_amount_in_any_currency_is_read_back_as_it_was_written(amount: int, currency: str):
    condition = OrderAmount(Measure.SPENT, currency, least=amount)

    assert read_text(write_text(condition), Scope("UTC")).conditions == condition


@given(line=text(max_size=40) | text(alphabet=sampled_from(list('()<>=.:," \\d0123456789')), max_size=30))
def test_any_text_is_read_or_refused(line: str):
    with suppress(Refused):
        write_text(read(line))
