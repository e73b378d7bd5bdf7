"""Back-off: doubled while nobody is reached, one for many who notice at once, forgotten as soon as somebody is reached."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.back_off import FIRST_WAIT, LONGEST_WAIT, BackOff


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
def back_off(seconds: Seconds) -> BackOff:
    return BackOff(seconds)


def test_waits_that_follow_each_other_double_up_to_the_longest(back_off: BackOff, seconds: Seconds):
    lengths = []
    for _ in range(9):
        lengths.append(back_off.begin())
        seconds.now += back_off.left

    assert lengths == [FIRST_WAIT, 10, 20, 40, 80, 160, LONGEST_WAIT, LONGEST_WAIT, LONGEST_WAIT]


def test_many_who_notice_at_once_share_one_wait(back_off: BackOff, seconds: Seconds):
    back_off.begin()
    seconds.now += 2

    assert back_off.begin() == back_off.left == FIRST_WAIT - 2


def test_whoever_is_reached_is_left_alone_no_longer_and_the_waits_begin_anew(back_off: BackOff, seconds: Seconds):
    for _ in range(3):
        back_off.begin()
        seconds.now += back_off.left
    back_off.begin()

    back_off.end()

    assert (back_off.left, bool(back_off)) == (0, False)
    assert back_off.begin() == FIRST_WAIT


@given(st.lists(st.one_of(st.just("end"), st.floats(0, 400)), max_size=40))
def test_a_wait_is_never_longer_than_the_longest_and_is_over_when_its_seconds_are(steps: list[str | float]):
    seconds = Seconds()
    back_off = BackOff(seconds)

    for step in steps:
        if isinstance(step, str):
            back_off.end()
        else:
            assert 0 < back_off.begin() <= LONGEST_WAIT
            left = back_off.left
            seconds.now += step
            assert back_off.left == pytest.approx(max(0, left - step))
