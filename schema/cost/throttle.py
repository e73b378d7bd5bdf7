"""Throttling: a leaky bucket of cost points per caller, in Redis, so that every process sees the same one.

A caller's bucket holds `THROTTLE_POINTS` and is filled again with `THROTTLE_REFILL` points a second. An
operation takes its requested cost before it runs; what it then did not use is given back with the
caller's next one. Without Redis nothing is held back: each operation's own limits still hold, and a
server that can answer from PostgreSQL should.
"""

import asyncio
import logging
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from models.availability import REDIS_UNUSABLE

log = logging.getLogger(__name__)

ANSWER_WITHIN = 1.0
"""Seconds Redis has to answer before an operation goes on without it."""

LOOKS = 10
"""Into how many parts that time is divided.

Where this process is busy itself, a part is one turn of its loop, however long that takes. In as many turns an answer that
Redis gave in time has been read, whereas a time limit would be over before it was looked at: a caller whose documents
keep the process busy would have nobody throttled.
"""

PAUSE = 2.0
"""Seconds without asking Redis after it did not answer, so that not every operation waits for it."""

KEY = "rekindle:throttle"

MAX_OWED = 10_000
"""Callers whose unused points a process remembers."""

TAKE = """
local size, refill, cost, returned = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local clock = redis.call('TIME')
local now = clock[1] + clock[2] / 1000000
local bucket = redis.call('HMGET', KEYS[1], 'points', 'at')
local points = size
if bucket[1] then
    points = math.min(size, bucket[1] + returned + math.max(0, now - bucket[2]) * refill)
end
local taken = 0
if points >= cost then
    taken = 1
    points = points - cost
end
redis.call('HSET', KEYS[1], 'points', string.format('%.3f', points), 'at', string.format('%.6f', now))
redis.call('PEXPIRE', KEYS[1], math.ceil(1000 * size / refill) + 1000)
return {taken, string.format('%.3f', points)}
"""
"""Takes `cost` points from a bucket that has them, in one step, by the clock of Redis. A full bucket is none."""


class Throttle:
    """Takes points from callers' buckets."""

    def __init__(self, *, points: int, refill: int) -> None:
        self.points = points
        self.refill = refill
        self._owed: dict[str, int] = {}
        self._not_before = 0.0

    async def take(self, redis: Redis, caller: str, cost: int) -> "Bucket | None":
        """Take `cost` points from the caller's bucket; None when Redis does not answer, and then all is allowed."""
        if time.monotonic() < self._not_before:
            return None
        try:
            return await _in_time(self._take(redis, caller, cost))
        except REDIS_UNUSABLE as error:
            self._not_before = time.monotonic() + PAUSE
            log.warning("nobody is throttled for %.0f s, since Redis does not answer: %r", PAUSE, error)
            return None

    async def _take(self, redis: Redis, caller: str, cost: int) -> "Bucket":
        returned = self._owed.pop(caller, 0)
        numbers = (str(number) for number in (self.points, self.refill, cost, returned))
        try:
            taken, left = await redis.eval(TAKE, 1, f"{KEY}:{caller}", *numbers)  # type: ignore[misc] # a coroutine
        except BaseException:
            self.give_back(caller, returned)  # if the bucket has them all the same: it holds no more than its size
            raise
        return Bucket(self, caller, bool(taken), float(left))

    def give_back(self, caller: str, points: int) -> None:
        """Return points that an operation took and did not use, with the caller's next operation."""
        if not points:
            return
        if len(self._owed) >= MAX_OWED:
            self._owed.clear()
        self._owed[caller] = self._owed.get(caller, 0) + points


async def _in_time(asking: Coroutine[Any, Any, "Bucket"]) -> "Bucket":
    task = asyncio.create_task(asking)
    try:
        for _ in range(LOOKS):
            await asyncio.wait({task}, timeout=ANSWER_WITHIN / LOOKS)
            if task.done():
                return await task
        raise TimeoutError
    finally:
        if task.cancel():
            await asyncio.gather(task, return_exceptions=True)


@dataclass(slots=True)
class Bucket:
    """A caller's bucket as it was left: whether the points were there, and how many there are now."""

    throttle: Throttle
    caller: str
    allowed: bool
    left: float

    def give_back(self, points: int) -> dict[str, Any]:
        """Return unused points; the bucket's status then."""
        self.throttle.give_back(self.caller, points)
        self.left += points
        return self.status()

    def wait_for(self, cost: int) -> float:
        """Seconds until it holds `cost` points."""
        return max(0.1, round((cost - self.left) / self.throttle.refill, 1))

    def status(self) -> dict[str, Any]:
        """As `extensions.cost.throttleStatus` tells it."""
        return {
            "maximumAvailable": self.throttle.points,
            "currentlyAvailable": min(self.throttle.points, int(self.left)),
            "restoreRate": self.throttle.refill,
        }
