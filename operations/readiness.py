"""`/health` and `/ready`: whether this process lives, and how each part of the installation does.

A part that this process cannot answer without makes it not ready (503), so that a balancer sends requests
elsewhere. Any other part that is not well is told, and the answer stays 200: taking the API away would not
bring a worker back.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError
from starlette.requests import Request
from starlette.responses import JSONResponse

from jobs.queue import refusal_of_writes
from models import availability, database, migration, origin, sending, worker
from settings import Settings

ANSWER_WITHIN = 2.0
"""Seconds a part has to answer before it counts as down."""

FRESH = 1.0
"""Seconds for which one look serves whoever asks: /ready asks nobody who they are, and looks in many tables."""

SWEEPS_MISSED = 3
"""So many sweeps without an end mean that nobody looks any more."""

NEEDED = ("database", "migrations", "redis")
"""Parts without which the API answers nothing useful."""

ENGINES = ("database", "redis")
"""Parts that are down where they do not answer. What the database would tell of the others cannot be seen then."""

UNSEEN = "cannot be seen"
"""Why a part counts as not well that could not be looked at: how it does nobody knows."""

TAKES_NO_WRITES = "takes no writes"
"""Why an engine that answers is not well. What only reads is answered all the same."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the installation: whether it is well, and in a word why not."""

    name: str
    is_well: bool
    why: str = ""

    @property
    def word(self) -> str:
        """As /ready tells it."""
        return "up" if self.is_well else self.why or "down"


class Readiness:
    """Looks at all parts, once a second at most and once at a time, however many ask."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = asyncio.Lock()
        self._looked_at = float("-inf")
        self._seen: Sequence[Part] = ()

    async def ready(self, request: Request) -> JSONResponse:
        """How each part does: 200 when this process can answer, 503 with the same body when it cannot."""
        parts = await self.parts(request.app.state.queue)
        can_answer = all(part.is_well or part.why == TAKES_NO_WRITES for part in parts if part.name in NEEDED)
        is_well = all(part.is_well for part in parts)
        status = "ready" if is_well else "degraded" if can_answer else "not ready"
        return JSONResponse(
            {"status": status, "parts": {part.name: part.word for part in parts}},
            status_code=200 if can_answer else 503,
            headers={"Cache-Control": "no-store"},
        )

    async def parts(self, redis: Redis) -> Sequence[Part]:
        """Every part, in the order in which they are told, as it was within the last second."""
        loop = asyncio.get_running_loop()
        async with self._lock:
            if loop.time() - self._looked_at > FRESH:
                self._seen = await self._look(redis)
                self._looked_at = loop.time()
            return self._seen

    async def _look(self, redis: Redis) -> Sequence[Part]:
        answers, redis_part = await asyncio.gather(
            _asked("database", _database), _asked("redis", lambda: _redis(redis))
        )
        if not (answers.is_well or answers.why):
            unseen = ("migrations", "worker", "sweep", "relay", "sending")
            return [answers, redis_part, *(Part(name, is_well=False, why=UNSEEN) for name in unseen)]
        rest = await asyncio.gather(
            _asked("migrations", _migrations),
            _asked("worker", self._worker),
            _asked("sweep", self._sweep),
            _asked("relay", self._relay),
            _asked("sending", lambda: _sending(redis)),
        )
        return [answers, redis_part, *rest]

    async def _worker(self) -> str:
        return "" if await worker.living() else "no worker beats"

    async def _sweep(self) -> str:
        age = await worker.swept_ago()
        limit = max(self._settings.sweep_interval * SWEEPS_MISSED, self._settings.lease)
        return "" if age is not None and age < limit else "no sweep lately"

    async def _relay(self) -> str:
        failing = await worker.failing_relays()
        return f"{', '.join(failing)} cannot be reached" if failing else ""


async def alive(_request: Request) -> JSONResponse:
    """Whether this process answers at all; it asks nobody else, so that an outage elsewhere restarts nothing here."""
    return JSONResponse({"status": "up"}, headers={"Cache-Control": "no-store"})


async def _asked(name: str, ask: Callable[[], Coroutine[Any, Any, str]]) -> Part:
    """A part by what it answers: an empty text when it is well, else why not."""
    try:
        why = await _within(ANSWER_WITHIN, ask())
    except (*availability.FAILED, RedisError):
        return Part(name, is_well=False, why="" if name in ENGINES else UNSEEN)
    return Part(name, not why, why)


async def _within(seconds: float, asking: Coroutine[Any, Any, str]) -> str:
    """What is answered in time, else TimeoutError at once: of a server that stands still the driver waits, cancelled,
    for the end of its statement.
    """
    task = asyncio.create_task(asking)
    task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
    try:
        done, _ = await asyncio.wait([task], timeout=seconds)
    finally:
        task.cancel()
    if not done:
        raise TimeoutError
    return task.result()


async def _database() -> str:
    return TAKES_NO_WRITES if await database.fetch_value("SHOW transaction_read_only") == "on" else ""


async def _redis(redis: Redis) -> str:
    return TAKES_NO_WRITES if await refusal_of_writes(redis) else ""


async def _sending(redis: Redis) -> str:
    if await sending.is_stopped():
        return "stopped"
    return "held: the database was restored" if await origin.differences(redis) else ""


async def _migrations() -> str:
    missing = await migration.unapplied()
    return f"{len(missing)} to apply" if missing else ""
