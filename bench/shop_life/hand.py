"""A worker's hand: at each instant it is told, it looks once at everything that is due, by the worker's own jobs.

`python -m bench.shop_life.hand` reads instants (ISO 8601) from its standard input, a line each, and answers each
with `done`. It may be killed at any moment: another that is told the same instant finishes its work.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import uuid4

from jobs.channels.bookkeeping.tally import Tally
from jobs.channels.chat import InboxChannel
from jobs.channels.http.poster import Poster
from jobs.context import Context
from jobs.deliver_slice import deliver_slice
from jobs.fire_triggers import fire_triggers
from jobs.localise_plan import localise_plan
from jobs.queue import redis_pool
from jobs.sweep import sweep
from models import database, worker
from models import slice as slices
from models.clock import clock
from models.complaints import Complaints
from settings import Settings

PATIENCE = 0.05
"""Seconds between two looks at slices that a killed hand still holds."""

AT_ONCE = 1_000


@asynccontextmanager
async def hand(settings: Settings) -> AsyncIterator[Context]:
    """What jobs are given, for chat alone."""
    redis = redis_pool(settings)
    ctx: Context = {
        "redis": redis,
        "settings": settings,
        "worker_id": uuid4(),
        "channels": {"CHAT": InboxChannel(redis)},
        "working": {},
        "tally": Tally(),
        "poster": Poster(settings.webhook_targets),
        "loading": asyncio.Semaphore(1),
        "complaints": Complaints(),
    }
    try:
        yield ctx
    finally:
        await redis.aclose()


async def look(ctx: Context, at: datetime) -> None:
    """Do all that is due at an instant, and what a killed hand left."""
    clock.freeze(at)
    ctx["worker_id"] = uuid4()
    await worker.register(ctx["worker_id"], "hand", ctx["settings"].lease)
    await sweep(ctx)
    for row in await database.fetch(_UNPINNED):
        await localise_plan(ctx, row["id"])
    await fire_triggers(ctx)
    while await database.fetch_value(_IS_WAITING, at):
        for due in await slices.due(AT_ONCE):
            await deliver_slice(ctx, due.plan_id, due.number)
        if await database.fetch_value(_IS_WAITING, at):
            await asyncio.sleep(PATIENCE)
            await sweep(ctx)
    await worker.leave(ctx["worker_id"])


async def main() -> None:
    """Look at every instant that comes in, until there are no more."""
    settings = Settings()
    async with database.connected(settings, application="rekindle hand"), hand(settings) as ctx:
        while line := await asyncio.to_thread(sys.stdin.readline):
            await look(ctx, datetime.fromisoformat(line.strip()))
            print("done", flush=True)


_UNPINNED = "SELECT id FROM plan WHERE status = 'ONGOING' AND localised_at IS NULL ORDER BY id"

_IS_WAITING = """
SELECT EXISTS (SELECT FROM slice s JOIN plan p ON p.id = s.plan_id
               WHERE p.status = 'ONGOING' AND s.done_at IS NULL AND s.due_at <= $1)
    OR EXISTS (SELECT FROM plan WHERE status = 'ONGOING' AND ends_at <= $1)
"""

if __name__ == "__main__":
    asyncio.run(main())
