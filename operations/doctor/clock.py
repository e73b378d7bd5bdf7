"""How far the clocks of other machines are from this one's."""

from models.clock_gap import MOST_APART, machine_time
from operations.doctor.diagnosis import Diagnosis, fail, ok


def check(subject: str, theirs: float) -> Diagnosis:
    """How far another clock (seconds since 1970) is from this machine's."""
    apart = abs(machine_time().timestamp() - theirs)
    if apart > MOST_APART:
        return fail(f"{subject} clock", f"{apart:.1f} s from ours", "let both machines follow NTP")
    return ok(f"{subject} clock", f"{apart:.2f} s from ours")
