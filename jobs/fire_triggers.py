"""Job: let every automated plan look at what came due, and set what it made going.

Every worker's own timer does so, whatever becomes of Redis; it is a job as well, so that news can be acted
upon at once. A plan that another is looking at is passed over.
"""

import asyncio

from jobs.context import Context
from jobs.queue import nudge_due_slices
from models import live
from models.bugs import Bugs
from models.trigger import fire

AT_ONCE = 4
"""Plans that a worker looks at side by side, so that one with much to do holds up no other."""


async def fire_triggers(ctx: Context, shop_id: int | None = None) -> None:
    """One look of every plan, or of those of a shop that has news. Safe to run many times at once.

    A bug met at one plan is raised once all others have had their look.
    """
    turns, bugs = asyncio.Semaphore(AT_ONCE), Bugs()

    async def look(plan_id: int) -> None:
        async with turns:
            with bugs.kept():
                if await fire.fire(plan_id, life=ctx["settings"].plan_deadline):
                    await nudge_due_slices(ctx["redis"], plan_id)
                    await live.plan_changed(ctx["redis"], plan_id)

    async with asyncio.TaskGroup() as group:
        for plan_id in await fire.running(shop_id):
            group.create_task(look(plan_id))
    bugs.check()
