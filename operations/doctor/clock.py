"""How far the clocks of other machines are from this one's."""

from datetime import UTC, datetime

from models.clock import Clock
from operations.doctor.diagnosis import Diagnosis, fail, ok

MOST_APART = 2.0
"""Seconds that two clocks may differ: tokens, leases and schedules are held against them."""


def check(subject: str, theirs: float) -> Diagnosis:
    """How far another clock (seconds since 1970) is from this machine's."""
    apart = abs(machine_time().timestamp() - theirs)
    if apart > MOST_APART:
        return fail(f"{subject} clock", f"{apart:.1f} s from ours", "let both machines follow NTP")
    return ok(f"{subject} clock", f"{apart:.2f} s from ours")


def machine_time() -> datetime:
    """The time of this machine, which CLOCK does not move."""
    return Clock().now().astimezone(UTC)
