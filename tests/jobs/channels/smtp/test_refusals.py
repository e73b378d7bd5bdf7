"""What relays refuse: when it is about the plan, and when only about its recipients."""

from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from jobs.channels.smtp.refusals import BY_POLICY, IN_A_ROW, MANY_PLANS, Refusals
from models.delivery import DeliveryState
from models.intent import Settlement
from models.slice import Waiting

SENT = (DeliveryState.SENT, None)
BY_THEIR_POLICY = (DeliveryState.PENDING, "5.7.1")
FAILED = (DeliveryState.FAILED, "554")
LATER = (DeliveryState.PENDING, "4.2.1")


def answer(kind: tuple[DeliveryState, str | None], plan_id: int = 1, *, suppresses: bool = False) -> Settlement:
    """What became of a mail of a plan; nothing else matters here."""
    message = cast("Any", Waiting)._make([plan_id, *[None] * (len(Waiting._fields) - 1)])
    return Settlement(message, 1, *kind, suppresses=suppresses)


def test_some_who_take_no_mail_from_strangers_among_many_who_do_pause_nothing():
    refusals = Refusals()
    answers = [SENT] * 29 + [BY_THEIR_POLICY]

    assert not any(refusals.are_about_plan(answer(each)) for each in answers * 40)


def test_a_tenth_refused_by_policy_is_about_the_plan():
    refusals = Refusals()
    answers = ([SENT] * 9 + [BY_THEIR_POLICY]) * BY_POLICY

    told = [refusals.are_about_plan(answer(each)) for each in answers]

    assert told.index(True) == len(answers) - 1


def test_the_few_of_a_small_plan_are_counted_at_each_try():
    refusals = Refusals()

    told = [refusals.are_about_plan(answer(BY_THEIR_POLICY)) for _ in range(BY_POLICY)]

    assert told == [False] * (BY_POLICY - 1) + [True]


def test_so_many_failures_in_a_row_are_about_the_plan_and_one_less_is_not():
    refusals = Refusals()

    told = [refusals.are_about_plan(answer(FAILED)) for _ in range(IN_A_ROW)]

    assert told == [False] * (IN_A_ROW - 1) + [True]


def test_a_mail_that_was_taken_begins_the_row_anew():
    refusals = Refusals()
    answers = [*[FAILED] * (IN_A_ROW - 1), SENT, *[FAILED] * (IN_A_ROW - 1)]

    assert not any(refusals.are_about_plan(answer(each)) for each in answers)
    assert refusals.are_about_plan(answer(FAILED))


def test_a_refused_plan_is_counted_anew_when_it_goes_on():
    refusals = Refusals()
    for _ in range(IN_A_ROW):
        refusals.are_about_plan(answer(FAILED))

    assert not any(refusals.are_about_plan(answer(FAILED)) for _ in range(IN_A_ROW - 1))


@given(st.lists(st.sampled_from([SENT, FAILED, LATER]), max_size=3 * IN_A_ROW))
def test_failures_are_about_the_plan_when_none_was_taken_between_so_many(kinds):
    refusals, row = Refusals(), 0
    for kind in kinds:
        row = 0 if kind is SENT else row + (kind is FAILED)
        assert refusals.are_about_plan(answer(kind)) is (row == IN_A_ROW)
        row %= IN_A_ROW


def test_addresses_that_are_bad_are_about_nobody_else():
    refusals = Refusals()

    assert not any(
        refusals.are_about_plan(answer((DeliveryState.FAILED, "5.1.1"), suppresses=True)) for _ in range(200)
    )


def test_plans_that_were_not_heard_of_for_long_are_forgotten():
    refusals = Refusals()
    for _ in range(BY_POLICY - 1):
        refusals.are_about_plan(answer(BY_THEIR_POLICY))
    for plan_id in range(2, MANY_PLANS + 2):
        refusals.are_about_plan(answer(SENT, plan_id))

    assert not refusals.are_about_plan(answer(BY_THEIR_POLICY))


def test_as_many_plans_as_are_remembered_keep_their_counts_and_the_one_heard_of_last_stays_longest():
    refusals = Refusals()
    for _ in range(BY_POLICY - 1):
        refusals.are_about_plan(answer(BY_THEIR_POLICY))
    for plan_id in range(2, MANY_PLANS + 1):
        refusals.are_about_plan(answer(SENT, plan_id))
    refusals.are_about_plan(answer(LATER))
    refusals.are_about_plan(answer(SENT, MANY_PLANS + 1))

    assert refusals.are_about_plan(answer(BY_THEIR_POLICY))
