"""What a refusal means, from the code and the enhanced status, and when to try again."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.mail.bounce import LONGEST_DELAY, Disposition, Refusal, is_about_plan, judge, next_try
from tests.conftest import NOON


@pytest.mark.parametrize(
    ("code", "text", "disposition", "status"),
    [
        (421, "4.3.2 going down", Disposition.RETRY, "4.3.2"),
        (450, "mailbox busy", Disposition.RETRY, "450"),
        (452, "4.2.2 mailbox full", Disposition.RETRY, "4.2.2"),
        (552, "5.2.2 mailbox full", Disposition.RETRY, "5.2.2"),
        (499, "the last code that is temporary", Disposition.RETRY, "499"),
        (500, "the first that is not", Disposition.FAIL, "500"),
        (550, "5.1.1 no such user", Disposition.SUPPRESS, "5.1.1"),
        (553, "5.1.3 bad syntax", Disposition.SUPPRESS, "5.1.3"),
        (556, "5.1.10 null MX", Disposition.SUPPRESS, "5.1.10"),
        (550, "5.7.26 unauthenticated", Disposition.PAUSE, "5.7.26"),
        (554, "5.6.0 bad content", Disposition.FAIL, "5.6.0"),
        (550, "no such user", Disposition.FAIL, "550"),
        (550, "version 15.1.1 of our terms", Disposition.FAIL, "550"),
        (450, "5.1.1 says the text, but not the code", Disposition.RETRY, "450"),
        (550, "4.2.1 says the text, but not the code", Disposition.FAIL, "550"),
    ],
)
def test_a_refusal_is_judged(code, text, disposition, status):
    assert judge(code, text) == Refusal(disposition, status)


@given(st.integers(400, 599), st.text(max_size=200))
def test_any_refusal_has_a_verdict_and_a_status_that_fits_a_column(code, text):
    refusal = judge(code, text)

    assert refusal.disposition in Disposition
    assert 3 <= len(refusal.status) <= 9 and refusal.status.isascii()


def test_tries_are_further_and_further_apart():
    delays = [next_try(attempt, NOON) - NOON for attempt in range(60)]

    assert delays[0] == timedelta(minutes=5)
    assert delays[1] == timedelta(minutes=6.5)
    assert delays == sorted(delays)
    assert delays[-1] == LONGEST_DELAY


@pytest.mark.parametrize(
    ("bounced", "left", "expected"),
    [(49, 49, False), (50, 50, True), (50, 500, True), (50, 501, False), (100, 1_000, True), (99, 1_000, False)],
)
def test_many_that_came_back_of_all_that_left_are_about_their_plan(bounced: int, left: int, expected: bool):
    assert is_about_plan(bounced, left) is expected
