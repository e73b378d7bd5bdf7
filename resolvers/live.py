"""When a subscription looks again: once at first, then whenever it is nudged, but not too often.

All subscribers of a process look together: whoever was nudged at the same moment shares one statement.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import date, datetime
from itertools import chain
from uuid import UUID

from strawberry.dataloader import DataLoader

from models import message, progress
from models.message import Inbox
from models.metric.overview import Overview, overview
from models.progress import Progress
from models.segment import member
from models.segment.member import Question
from models.shop import Shop
from resolvers.shared import Recent, Shared, Together

BREATH = 0.25
"""Least seconds between two looks: whatever happens meanwhile is seen in one."""

TOGETHER = 1_000
"""Inboxes that one statement reads at most."""

LARGE = 10_000
"""Customers of a segment that is counted once a second at most: nobody sees one more or less of them sooner."""

KEPT = 1.0
"""Seconds for which such a size is told."""

SNAPSHOT = 20
"""Newest messages that a subscription begins with, and most that one event carries."""


async def looks(changed: asyncio.Event, *, every: float) -> AsyncIterator[None]:
    """Yield at once, then after each nudge, and at the latest after `every` seconds without one.

    Whoever looks slowly misses nothing: nudges that come meanwhile are one nudge.
    """
    while True:
        changed.clear()
        yield
        await asyncio.sleep(BREATH)
        # Before Python 3.12 wait_for makes a task of its own, which thousands of idle subscribers would keep.
        with suppress(TimeoutError):
            async with asyncio.timeout(every):
                await changed.wait()


async def _inboxes(keys: list[tuple[UUID, datetime]]) -> list[Inbox]:
    since: dict[UUID, datetime] = {}
    for customer_id, instant in keys:
        since[customer_id] = min(instant, since.get(customer_id, instant))
    found = await message.inboxes(since, SNAPSHOT)
    return [found[customer_id] for customer_id, _ in keys]


async def _overview(key: tuple[Shop, date, date]) -> Overview:
    return await overview(*key)


def _is_large(question: Question, size: int) -> bool:
    return size >= LARGE and question.as_of is None


class Readings:
    """What the callers of one process read together: who asks for the same at the same time shares a statement.

    Nothing is older than the question but the size of a large segment, which is kept for a second. `inbox` takes a
    shopper and an instant: messages sent before it may be missing from what it gives.
    """

    def __init__(self) -> None:
        self.inbox = DataLoader(_inboxes, cache=False, max_batch_size=TOGETHER)
        self.overview = Shared(_overview)
        self.progress = Together(self._progress)
        self.size = Together(self._sizes)
        self._progress_of = Shared(progress.progress_of, rests_after=BREATH)
        self._sizes_of = Recent(member.sizes, worth_keeping=_is_large, seconds=KEPT)

    async def _progress(self, plan_ids: list[int]) -> list[Progress | None]:
        found = await self._progress_of.load(tuple(sorted(set(plan_ids))))
        return [found.get(plan_id) for plan_id in plan_ids]

    async def _sizes(self, questions: list[Question]) -> list[int]:
        """Each shop's in a statement of its own, so that none waits for another's."""
        by_shop: dict[int, list[Question]] = defaultdict(list)
        for question in questions:
            by_shop[question.shop_id].append(question)
        sizes = await asyncio.gather(*(self._sizes_of.load(asked) for asked in by_shop.values()))
        found = dict(zip(chain.from_iterable(by_shop.values()), chain.from_iterable(sizes), strict=True))
        return [found[question] for question in questions]
