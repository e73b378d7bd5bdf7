"""Whether the database is the one that was sent from last, rather than one that was put back."""

from redis.asyncio import Redis

from models import availability, origin
from operations.doctor.diagnosis import Diagnosis, fail, ok


async def check(redis: Redis) -> Diagnosis:
    """Whether the database is the one that was sent from last."""
    try:
        differences = await origin.differences(redis)
    except availability.FAILED as error:
        return fail("origin", f"cannot be seen: {type(error).__name__}: {error}", _mend(error))
    if differences:
        return fail(
            "origin", "; ".join(differences), "nothing is sent until you run: .venv/bin/python server.py restored"
        )
    return ok("origin", "the database that was sent from last")


def _mend(error: Exception) -> str:
    if isinstance(error, TimeoutError) or availability.outage_of(error):
        return "mend what is said of PostgreSQL first"
    return ".venv/bin/python server.py migrate"
