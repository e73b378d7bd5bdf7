"""Rests: doubled while nobody is reached, one for many who notice at once, forgotten as soon as somebody is reached."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.channels.bookkeeping.rest import FIRST_REST, LONGEST_REST, Rest


class Seconds:
    """A clock that stands where it is put."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def rest(seconds: Seconds) -> Rest:
    return Rest(seconds)


def test_rests_that_follow_each_other_double_up_to_the_longest(rest: Rest, seconds: Seconds):
    lengths = []
    for _ in range(9):
        lengths.append(rest.begin())
        seconds.now += rest.left

    assert lengths == [FIRST_REST, 10, 20, 40, 80, 160, LONGEST_REST, LONGEST_REST, LONGEST_REST]


def test_many_who_notice_at_once_share_one_rest(rest: Rest, seconds: Seconds):
    rest.begin()
    seconds.now += 2

    assert rest.begin() == rest.left == FIRST_REST - 2


def test_whoever_is_reached_rests_no_longer_and_begins_anew(rest: Rest, seconds: Seconds):
    for _ in range(3):
        rest.begin()
        seconds.now += rest.left
    rest.begin()

    rest.end()

    assert (rest.left, bool(rest)) == (0, False)
    assert rest.begin() == FIRST_REST


@given(st.lists(st.one_of(st.just("end"), st.floats(0, 400)), max_size=40))
def test_a_rest_is_never_longer_than_the_longest_and_is_over_when_its_seconds_are(steps: list[str | float]):
    seconds = Seconds()
    rest = Rest(seconds)

    for step in steps:
        if isinstance(step, str):
            rest.end()
        else:
            assert 0 < rest.begin() <= LONGEST_REST
            left = rest.left
            seconds.now += step
            assert rest.left == pytest.approx(max(0, left - step))
