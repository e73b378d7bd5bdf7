"""`.venv/bin/python server.py doctor`: looks at everything that has to be right, and says how to mend what is not."""

from collections.abc import Sequence
from contextlib import aclosing

from jobs.queue import redis_pool
from models import database
from models.errors import RekindleError
from operations.doctor import bounces, configuration, origin, postgresql, redis_server, relay
from operations.doctor.diagnosis import Diagnosis, Grade
from settings import Settings


class Unwell(RekindleError):
    """Some checks failed."""


async def examine(settings: Settings) -> Sequence[Diagnosis]:
    """Every check, in the order in which a newcomer would mend things; one that fails stops no other."""
    async with (
        database.connected(settings, pool=2, application="rekindle doctor"),
        aclosing(redis_pool(settings)) as redis,
    ):
        diagnoses = list(configuration.check(settings))
        diagnoses += [each async for each in postgresql.check(settings)]
        diagnoses += [each async for each in redis_server.check(redis)]
        diagnoses.append(await origin.check(redis))
        diagnoses += [each async for each in relay.check(settings)]
        diagnoses.append(await bounces.check(settings))
    return diagnoses


def judge(diagnoses: Sequence[Diagnosis]) -> None:
    """Raise Unwell when any check failed."""
    failed = sum(diagnosis.grade is Grade.FAIL for diagnosis in diagnoses)
    if failed:
        raise Unwell(f"{failed} of {len(diagnoses)} checks failed")
