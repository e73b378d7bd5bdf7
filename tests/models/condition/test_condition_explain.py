"""The plain evaluation: what decides, what was found, and times that must not be got wrong."""

from datetime import UTC, date, datetime, timedelta

import pytest

from models.condition.explain import explain, in_universe
from models.condition.facts import Answer, Event, Facts, Order
from models.condition.tree import (
    AgeIn,
    AllOf,
    AnyOf,
    Condition,
    Deed,
    Definition,
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

NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)


def holds(condition: Condition, facts: Facts, *, now: datetime = NOW, zone: str = "UTC") -> bool:
    """Whether the condition holds of the facts."""
    return explain(Definition(condition, zone), facts, now).holds


def found(condition: Condition, facts: Facts, *, zone: str = "UTC") -> str:
    """What was found of the condition."""
    return explain(Definition(condition, zone), facts, NOW).found


def test_a_window_includes_now_and_excludes_its_start():
    for at, inside in (
        (NOW, True),
        (NOW - timedelta(days=30) + timedelta(microseconds=1), True),
        (NOW - timedelta(days=30), False),
    ):
        assert holds(OrderCount(30, 1), Facts(orders=(Order(at, 100),))) is inside


@pytest.mark.parametrize(
    ("today", "born", "age"),
    [
        (date(2026, 2, 28), date(2000, 2, 29), 25),
        (date(2026, 3, 1), date(2000, 2, 29), 26),
        (date(2024, 2, 29), date(2000, 2, 29), 24),
        (date(2024, 2, 29), date(1999, 3, 1), 24),
        (date(2024, 2, 29), date(1999, 2, 28), 25),
    ],
)
def test_who_is_born_on_a_leap_day_turns_on_the_first_of_march(today: date, born: date, age: int):
    noon = datetime(today.year, today.month, today.day, 12, tzinfo=UTC)

    assert holds(AgeIn(age, age), Facts(birth_date=born), now=noon)


def test_a_birthday_begins_at_midnight_of_the_shop():
    evening = datetime(2026, 1, 14, 18, tzinfo=UTC)
    person = Facts(birth_date=date(2000, 1, 15))

    assert not holds(AgeIn(least=26), person, now=evening)
    assert holds(AgeIn(least=26), person, now=evening, zone="Asia/Jakarta")


def test_the_days_on_which_summer_time_begins_and_ends_have_23_and_25_hours():
    spring = MomentIn(Moment.FIRST_ORDER, first=date(2025, 3, 9), last=date(2025, 3, 9))
    autumn = MomentIn(Moment.FIRST_ORDER, first=date(2025, 11, 2), last=date(2025, 11, 2))
    for day, start, hours in (
        (spring, datetime(2025, 3, 9, 5, tzinfo=UTC), 23),
        (autumn, datetime(2025, 11, 2, 4, tzinfo=UTC), 25),
    ):
        end = start + timedelta(hours=hours)
        for at, inside in ((start, True), (end - timedelta(microseconds=1), True), (end, False)):
            assert holds(day, Facts(orders=(Order(at, 1),)), zone="America/New_York") is inside


def test_a_day_without_midnight_begins_at_its_first_minute():
    day = MomentIn(Moment.LAST_ORDER, first=date(2018, 11, 4))
    start = datetime(2018, 11, 4, 3, tzinfo=UTC)

    assert holds(day, Facts(orders=(Order(start, 1),)), zone="America/Sao_Paulo")
    assert not holds(day, Facts(orders=(Order(start - timedelta(microseconds=1), 1),)), zone="America/Sao_Paulo")


def test_an_average_of_no_orders_meets_no_bound_and_their_total_is_zero():
    assert not holds(OrderAmount(Measure.AVERAGE_ORDER, "USD", most=100), Facts())
    assert holds(OrderAmount(Measure.SPENT, "USD", most=0), Facts())


def test_an_average_is_compared_without_rounding():
    two = Facts(orders=(Order(NOW, 3000), Order(NOW, 3001)))

    assert holds(OrderAmount(Measure.AVERAGE_ORDER, "USD", above=3000), two)
    assert not holds(OrderAmount(Measure.AVERAGE_ORDER, "USD", least=3001), two)
    assert found(OrderAmount(Measure.AVERAGE_ORDER, "USD", least=3001), two) == "average of 30.00 USD ever"


def test_an_amount_is_explained_in_the_currencys_main_unit():
    once = Facts(orders=(Order(NOW, 150_050),))

    assert found(OrderAmount(Measure.SPENT, "RSD", least=1), once) == "1500.50 RSD ever"
    assert found(OrderAmount(Measure.SPENT, "IQD", least=1), once) == "150.050 IQD ever"


def test_a_cancelled_order_stood_until_it_was_cancelled():
    person = Facts(orders=(Order(NOW - timedelta(days=9), 100, cancelled_at=NOW - timedelta(days=1)),))

    assert not holds(OrderCount(least=1), person)
    assert holds(OrderCount(least=1), person.as_of(NOW - timedelta(days=2)))
    assert not holds(OrderCount(least=1), person.as_of(NOW - timedelta(days=1)))


def test_seconds_of_several_lives_count_together():
    person = Facts(
        events=(
            Event("LIVE_WATCHED", NOW, "beauty", 400),
            Event("LIVE_WATCHED", NOW, "beauty", 200),
            Event("LIVE_WATCHED", NOW, "food", 900),
            Event("LIVE_WATCHED", NOW, "beauty", None),
        )
    )

    assert holds(Did(Deed.LIVE_WATCHED, category="beauty", least_seconds=600), person)
    assert not holds(Did(Deed.LIVE_WATCHED, category="beauty", least_seconds=601), person)
    assert found(Did(Deed.LIVE_WATCHED, category="beauty", least_seconds=601), person) == "600 seconds ever"


def test_who_follows_again_follows():
    person = Facts(events=(Event("FOLLOWED", NOW), Event("UNFOLLOWED", NOW - timedelta(days=1))))

    assert holds(Follows(value=True), person)
    assert not holds(Follows(value=True), person.as_of(NOW - timedelta(days=1)))


def test_answers_count_for_their_own_plan():
    person = Facts(answers=(Answer("READ", NOW, 1), Answer("UNSUBSCRIBED", NOW, None)))

    assert holds(Responded(Response.READ), person) and not holds(Responded(Response.CLICKED), person)
    assert holds(Responded(Response.READ, plan=1), person)
    assert not holds(Responded(Response.READ, plan=2), person)
    assert holds(Responded(Response.UNSUBSCRIBED), person)
    assert not holds(Responded(Response.UNSUBSCRIBED, plan=1), person)


def test_nobody_without_interaction_is_in_any_segment_whatever_it_negates():
    nobody = Facts(events=(Event("UNFOLLOWED", NOW), Event("CART_EMPTIED", NOW), Event("CART_REMOVED", NOW)))

    assert holds(Negation(Follows(value=True)), nobody)
    assert not in_universe(nobody)
    assert in_universe(Facts(orders=(Order(NOW, 1, NOW),)))
    assert in_universe(Facts(events=(*nobody.events, Event("PRODUCT_VIEWED", NOW))))


def test_a_gender_and_a_region_are_told_as_they_are_known_and_not_known_are_none_of_those_asked_for():
    someone, nobody = Facts(gender=Gender.OTHER, region="MX-JAL"), Facts()

    for condition, told, unknown in (
        (GenderIn((Gender.FEMALE, Gender.OTHER)), Gender.OTHER, "gender not known"),
        (RegionIn(("MX-NLE", "MX-JAL")), "MX-JAL", "region not known"),
    ):
        assert (holds(condition, someone), found(condition, someone)) == (True, told)
        assert (holds(condition, nobody), found(condition, nobody)) == (False, unknown)
    assert not holds(GenderIn((Gender.FEMALE,)), someone)
    assert not holds(RegionIn(("MX-NLE",)), someone)


def test_of_what_was_done_only_the_deed_and_the_window_that_are_asked_for_count():
    old, new = NOW - timedelta(days=30), NOW - timedelta(days=29)
    events = (Event("LIVE_WATCHED", old, "beauty", 500), Event("LIVE_WATCHED", new, "beauty", 100))
    person = Facts(events=(*events, Event("VIDEO_WATCHED", NOW, "beauty", 900)), answers=(Answer("READ", old, 1),))

    assert found(Did(Deed.LIVE_WATCHED, 30), person) == "1 time in the past 30 days"
    assert found(Did(Deed.LIVE_WATCHED, 31, least_seconds=1), person) == "600 seconds in the past 31 days"
    assert found(Did(Deed.ENGAGED), person) == "3 times ever"
    assert holds(Did(Deed.LIVE_WATCHED, 30, least_seconds=100), person)
    assert not holds(Did(Deed.LIVE_WATCHED, 30, least_seconds=101), person)
    assert not holds(Did(Deed.LIVE_WATCHED, 29), person)
    assert (holds(Responded(Response.READ, 31), person), holds(Responded(Response.READ, 30), person)) == (True, False)


def test_the_failed_parts_of_an_and_and_the_fulfilled_parts_of_an_or_decide():
    tree = AllOf(
        (
            OrderCount(least=1),
            AnyOf((Follows(value=True), OrderCount(least=3))),
            Negation(AnyOf((OrderCount(least=2), AgeIn(least=18)))),
        )
    )
    reason = explain(Definition(tree, "UTC"), Facts(orders=(Order(NOW, 1), Order(NOW, 1))), NOW)

    assert reason.holds is False
    assert [(leaf.path, leaf.holds, leaf.decides, leaf.found) for leaf in reason.leaves()] == [
        ("conditions.all[0]", True, False, "2 orders ever"),
        ("conditions.all[1].any[0]", False, True, "does not follow"),
        ("conditions.all[1].any[1]", False, True, "2 orders ever"),
        ("conditions.all[2].not.any[0]", True, True, "2 orders ever"),
        ("conditions.all[2].not.any[1]", False, False, "birth date not known"),
    ]


def test_what_was_found_of_somebody_who_did_nothing_says_so():
    for condition, told in (
        (OrderCount(90, 1), "0 orders in the past 90 days"),
        (OrderAmount(Measure.AVERAGE_ORDER, "USD", least=1), "0 orders ever"),
        (OrderAmount(Measure.SPENT, "USD", 90, least=1), "0.00 USD in the past 90 days"),
        (MomentIn(Moment.FIRST_ORDER, 30), "no order"),
        (MomentIn(Moment.FOLLOWED, 30), "never followed"),
        (Follows(value=True), "does not follow"),
        (Did(Deed.VIEWED, 7), "0 times in the past 7 days"),
        (Responded(Response.READ), "0 times ever"),
        (AgeIn(least=18), "birth date not known"),
    ):
        assert (holds(condition, Facts()), found(condition, Facts())) == (False, told)


@pytest.mark.parametrize(
    ("condition", "holding"),
    [
        (OrderCount(least=2), (False, True, True)),
        (OrderCount(most=2), (True, True, False)),
        (OrderCount(least=2, most=2), (False, True, False)),
    ],
)
def test_a_number_of_orders_includes_both_its_bounds(condition: Condition, holding: tuple[bool, ...]):
    for number, held in zip((1, 2, 3), holding, strict=True):
        assert holds(condition, Facts(orders=(Order(NOW, 1),) * number)) is held


def test_a_moment_is_told_on_the_clock_of_the_shop_and_a_span_of_days_may_be_open_at_either_end():
    day = date(2026, 1, 14)
    person = Facts(orders=(Order(datetime(2026, 1, 13, 18, tzinfo=UTC), 1),), events=(Event("FOLLOWED", NOW),))

    assert found(MomentIn(Moment.FIRST_ORDER, 9), person, zone="Asia/Jakarta") == "first order on 2026-01-14 01:00"
    assert found(MomentIn(Moment.FOLLOWED, 9), person) == "followed on 2026-01-15 12:00"
    assert found(Follows(value=True), person) == "follows"
    for first, last, inside in ((None, day, True), (day, None, True), (None, date(2026, 1, 13), False)):
        assert holds(MomentIn(Moment.LAST_ORDER, first=first, last=last), person, zone="Asia/Jakarta") is inside


@pytest.mark.parametrize("measure", Measure)
@pytest.mark.parametrize(
    ("bound", "at_less", "at_equal", "at_more"),
    [
        ("least", False, True, True),
        ("above", False, False, True),
        ("most", True, True, False),
        ("below", True, False, False),
    ],
)
def test_a_bound_of_money_holds_on_its_own_side_and_at_itself_only_where_it_says_so(
    measure: Measure, bound: str, at_less: bool, at_equal: bool, at_more: bool
):
    number = 2 if measure is Measure.AVERAGE_ORDER else 1
    condition = OrderAmount(measure, "USD", **{bound: 500})

    for total, holding in ((500 * number - 1, at_less), (500 * number, at_equal), (500 * number + 1, at_more)):
        orders = (Order(NOW, total),) if number == 1 else (Order(NOW, total - 100), Order(NOW, 100))
        assert holds(condition, Facts(orders=orders)) is holding


def test_the_first_and_the_last_order_are_told_apart_and_a_window_excludes_its_start():
    old, new = NOW - timedelta(days=30), NOW - timedelta(days=1)
    both = Facts(orders=(Order(new, 1), Order(old, 1)))

    assert holds(MomentIn(Moment.LAST_ORDER, 30), both)
    assert not holds(MomentIn(Moment.FIRST_ORDER, 30), both)
    assert holds(MomentIn(Moment.FIRST_ORDER, 31), both)


def test_only_a_follow_is_when_somebody_followed():
    events = (Event("FOLLOWED", NOW - timedelta(days=9)), Event("UNFOLLOWED", NOW))

    assert not holds(MomentIn(Moment.FOLLOWED, 9), Facts(events=events))
    assert holds(MomentIn(Moment.FOLLOWED, 10), Facts(events=events))
    assert not holds(MomentIn(Moment.FOLLOWED, 10), Facts(events=events[1:]))


@pytest.mark.parametrize(
    ("done", "follows"),
    [
        ([], False),
        ([("FOLLOWED", 1)], True),
        ([("FOLLOWED", 2), ("UNFOLLOWED", 1)], False),
        ([("UNFOLLOWED", 2), ("FOLLOWED", 1)], True),
        ([("FOLLOWED", 3), ("UNFOLLOWED", 2), ("FOLLOWED", 1)], True),
        ([("UNFOLLOWED", 3), ("FOLLOWED", 2), ("UNFOLLOWED", 1)], False),
        ([("FOLLOWED", 1), ("UNFOLLOWED", 1)], False),
        ([("UNFOLLOWED", 1)], False),
        ([("PRODUCT_FAVOURITED", 1)], False),
    ],
)
def test_who_follows_is_what_was_done_last(done: list[tuple[str, int]], follows: bool):
    facts = Facts(events=tuple(Event(kind, NOW - timedelta(days=days)) for kind, days in done))

    assert holds(Follows(value=True), facts) is follows
    assert holds(Follows(value=False), facts) is not follows
