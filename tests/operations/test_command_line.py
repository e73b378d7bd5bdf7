"""What every command is told before it begins: one clock for all processes."""

from datetime import timedelta

import pytest

from models.clock import shift_of
from operations.command_line import with_fixed_clock
from operations.trouble import CannotRun
from settings import Settings


def test_an_instant_becomes_a_shift_that_all_processes_share():
    fixed = with_fixed_clock(Settings(clock="1998-06-30T00:00:00Z"))

    first, second = shift_of(fixed.clock), shift_of(fixed.clock)
    assert first == second
    assert first < timedelta(days=-9000)


@pytest.mark.parametrize("clock", [None, ""])
def test_without_a_setting_the_clock_is_not_moved(clock: str | None):
    assert with_fixed_clock(Settings(clock=clock)).clock is None


@pytest.mark.parametrize("clock", ["yesterday", "1998-13-01T00:00:00Z", "P1X"])
def test_a_clock_that_is_none_is_refused_by_name(clock: str):
    with pytest.raises(CannotRun, match="CLOCK"):
        with_fixed_clock(Settings(clock=clock))
