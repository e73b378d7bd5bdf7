"""Turns of threads: quick while somebody asks for it, and as they were afterwards."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.ingest.quick_turns import TURN, quick_turns


def test_turns_stay_quick_until_the_last_of_several_imports_ends():
    before = sys.getswitchinterval()
    first, second = quick_turns(), quick_turns()

    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert sys.getswitchinterval() == pytest.approx(TURN)
    second.__exit__(None, None, None)
    assert sys.getswitchinterval() == before


@given(microseconds=st.integers(1, 10**6))
def test_quick_turns_give_back_any_interval_to_the_microsecond(microseconds: int):
    before = sys.getswitchinterval()
    try:
        sys.setswitchinterval((microseconds + 0.5) / 1e6)
        usual = sys.getswitchinterval()
        with quick_turns():
            pass
        assert sys.getswitchinterval() == usual
    finally:
        sys.setswitchinterval(before + 5e-7)
