"""Live news: Redis carries nudges between processes, PostgreSQL holds what they are about.

A nudge only says where to look again, so a lost one costs delay, never data. Each process keeps one
Redis listener; each subscriber has a queue that holds at most one nudge per topic, because whoever
looks again sees everything that happened until then.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any
from uuid import UUID

import orjson
from redis.asyncio import Redis

from models.availability import REDIS_UNUSABLE
from models.complaints import Complaints

log = logging.getLogger(__name__)

CHANNEL = "rekindle:live"
INBOX = "inbox"
"""Channel of all nudges, and the topic of those about inboxes."""

RECONNECT_DELAY = 1.0
"""Seconds before Redis is listened to again once it was lost."""

VERSION = (
    "(SELECT pg_snapshot_xmax(s)::text::bigint - (SELECT count(*) FROM pg_snapshot_xip(s)) AS version"
    " FROM pg_current_snapshot() s)"
)
"""SQL of one row: a number that rises with every change, read in the statement whose answer it is the version of.

Finished transactions = ids given out, less those still running. A transaction that starts changes neither term's
difference, one that ends raises it: exactly when something new can be seen.
"""


def plan_topic(plan_id: int) -> str:
    """Topic of a plan's progress."""
    return f"plan:{plan_id}"


async def plan_changed(redis: Redis, plan_id: int) -> None:
    """Nudge whoever watches this plan. Call after the commit; failure is only a delay, so it is logged."""
    await _publish(redis, {"topic": plan_topic(plan_id)})


async def inbox_changed(redis: Redis, after: UUID, through: UUID) -> None:
    """Nudge the shoppers with ids in (after, through]: one message per range, however many got something."""
    await _publish(redis, {"topic": INBOX, "after": str(after), "through": str(through)})


async def _publish(redis: Redis, nudge: dict[str, str]) -> None:
    try:
        await asyncio.wait_for(redis.publish(CHANNEL, orjson.dumps(nudge)), timeout=2)
    except REDIS_UNUSABLE as error:
        log.warning("live nudge lost: %s", error)


class Listener:
    """One Redis subscription for the whole process, handed out to any number of subscribers.

    Use `run()` as a task for the life of the process, and `watch(...)` per subscriber. After every
    reconnection all subscribers are nudged, since something may have been missed.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._plans: dict[str, set[asyncio.Event]] = defaultdict(set)
        self._shoppers: dict[UUID, set[asyncio.Event]] = defaultdict(set)
        self._complaints = Complaints()

    async def run(self) -> None:
        """Listen until cancelled, reconnecting whenever Redis is lost."""
        while True:
            try:
                await self._listen()
            except REDIS_UNUSABLE as error:
                if self._complaints.is_due(error):
                    log.warning("live listener lost Redis: %s", error)
                await asyncio.sleep(RECONNECT_DELAY)

    async def _listen(self) -> None:
        async with self._redis.pubsub(ignore_subscribe_messages=True) as subscription:
            await subscription.subscribe(CHANNEL)
            self._complaints.end()
            self._nudge_all()
            async for message in subscription.listen():
                try:
                    self._dispatch(orjson.loads(message["data"]))
                except (ValueError, KeyError, TypeError, AttributeError) as error:  # the last: a UUID of a number
                    log.warning("a live nudge says nothing readable, so all look again: %r", error)
                    self._nudge_all()

    def _dispatch(self, nudge: Mapping[str, str]) -> None:
        if nudge["topic"] != INBOX:
            for event in self._plans.get(nudge["topic"], ()):
                event.set()
            return
        after, through = UUID(nudge["after"]), UUID(nudge["through"])
        for customer_id, events in self._shoppers.items():
            if after < customer_id <= through:
                for event in events:
                    event.set()

    def _nudge_all(self) -> None:
        for table in (self._plans, self._shoppers):
            for events in table.values():
                for event in events:
                    event.set()

    def watch_plan(self, plan_id: int) -> AbstractAsyncContextManager[asyncio.Event]:
        """An event that is set whenever the plan may have changed."""
        return _watching(self._plans, plan_topic(plan_id))

    def watch_inbox(self, customer_id: UUID) -> AbstractAsyncContextManager[asyncio.Event]:
        """An event that is set whenever something may have reached this shopper's inbox."""
        return _watching(self._shoppers, customer_id)


@asynccontextmanager
async def _watching(table: dict[Any, set[asyncio.Event]], key: Any) -> AsyncIterator[asyncio.Event]:
    event = asyncio.Event()
    table[key].add(event)
    try:
        yield event
    finally:
        table[key].discard(event)
        if not table[key]:
            del table[key]
