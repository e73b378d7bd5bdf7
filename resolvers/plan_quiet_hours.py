"""An automated plan's own quiet hours, as clients write them: two hours of the customer's day, such as 22:00."""

import re
from datetime import time

from models.errors import ErrorCode, refuse
from resolvers.change import given_or

_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


def read(begin: str | None, end: str | None) -> tuple[time, time] | None:
    """From when until when; None without either. One alone is refused."""
    if begin is None and end is None:
        return None
    return _clock(begin, "quietFrom"), _clock(end, "quietUntil")


def changed(known: tuple[time, time] | None, begin: str | None, end: str | None) -> tuple[time, time] | None:
    """Each half that is left out stays. Null ends the other half too, unless that is given: then it lacks its end."""
    ends = None in (begin, end)
    known_begin, known_end = (None, None) if known is None or ends else (f"{half:%H:%M}" for half in known)
    return read(given_or(begin, known_begin), given_or(end, known_end))


def _clock(written: str | None, field: str) -> time:
    found = _CLOCK.fullmatch(written or "")
    if found is None:
        raise refuse(field, "Quiet hours have a beginning and an end, such as 22:00 and 08:00.", ErrorCode.INVALID)
    return time(int(found[1]), int(found[2]))
