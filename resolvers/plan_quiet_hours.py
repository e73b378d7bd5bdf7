"""An automated plan's own quiet hours, as clients give them: two hours of the customer's day."""

from datetime import time

from models.errors import ErrorCode, refuse
from resolvers.change import given_or


def read(begin: time | None, end: time | None) -> tuple[time, time] | None:
    """From when until when; None without either. One alone is refused."""
    if begin is None and end is None:
        return None
    return _given(begin, "quietFrom"), _given(end, "quietUntil")


def changed(known: tuple[time, time] | None, begin: time | None, end: time | None) -> tuple[time, time] | None:
    """Each half that is left out stays. Null ends the other half too, unless that is given: then it lacks its end."""
    ends = None in (begin, end)
    known_begin, known_end = (None, None) if known is None or ends else known
    return read(given_or(begin, known_begin), given_or(end, known_end))


def _given(half: time | None, field: str) -> time:
    if half is None:
        raise refuse(field, "Quiet hours have a beginning and an end, such as 22:00 and 08:00.", ErrorCode.INVALID)
    return half
