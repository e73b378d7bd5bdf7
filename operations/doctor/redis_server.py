"""Redis or Valkey: that it answers, never drops a key, and agrees about the time."""

from collections.abc import AsyncIterator

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from jobs.queue import refusal_of_writes
from models.availability import REDIS_UNUSABLE
from operations.doctor import clock
from operations.doctor.diagnosis import Diagnosis, fail, ok, warn

OLDEST = 6
"""Major version of the oldest Redis that is tried here."""


async def check(redis: Redis) -> AsyncIterator[Diagnosis]:
    """Everything that one connection can see."""
    try:
        about = await redis.info("server")
        seconds, micros = await redis.time()
    except REDIS_UNUSABLE as error:
        yield fail("Redis", f"cannot be reached: {error}", "start it, and see that REDIS_URL leads there")
        return
    yield _version(about)
    if refusal := await refusal_of_writes(redis):
        mend = "raise maxmemory, see that its disk has room, let REDIS_URL lead to no replica"
        yield fail("Redis writes", f"none are taken: {refusal}", mend)
    yield await _policy(redis)
    yield clock.check("Redis", seconds + micros / 1e6)


def _version(about: dict[str, str]) -> Diagnosis:
    name = "Valkey" if "valkey_version" in about else "Redis"
    version = str(about.get("valkey_version", about.get("redis_version", "0")))
    if int(version.partition(".")[0]) < OLDEST:
        return fail(name, version, f"upgrade to {OLDEST} or newer")
    return ok(name, version)


async def _policy(redis: Redis) -> Diagnosis:
    try:
        policy = (await redis.config_get("maxmemory-policy"))["maxmemory-policy"]
    except (ResponseError, KeyError):
        return warn("Redis maxmemory-policy", "cannot be read with these rights", "see that it is noeviction")
    if policy != "noeviction":
        return fail("Redis maxmemory-policy", policy, "set it to noeviction: jobs would be dropped silently")
    return ok("Redis maxmemory-policy", policy)
