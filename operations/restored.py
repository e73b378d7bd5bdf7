"""`.venv/bin/python server.py restored`: make a database that was restored fit to send from, without repeating anything."""

from contextlib import aclosing

from models import database, origin, restoration, worker
from models.errors import RekindleError
from models.restoration import Restoration
from settings import Settings

NO_NEED = (
    "this database is the one that was sent from last, as far as can be told; if you put a snapshot back all the"
    " same, say --anyway"
)
WORKING = "a worker works on this database: stop all workers first, and wait for their leases to end"

NOTHING_LOST = "Taken for the one to send from. Nothing was changed; workers go on by themselves."


class NotRestored(RekindleError):
    """The command was not carried out, and nothing was changed; the message says why."""


async def restored(settings: Settings, *, nothing_lost: bool, anyway: bool) -> list[str]:
    """Do it, and say what was done and what is to be done; lines to print.

    `nothing_lost`: the operator knows that no commit is missing (an upgrade, a synchronous standby), so that only
    the database's identity is taken over. `anyway`: although it seems to be the one it always was.
    """
    from jobs.queue import redis_pool

    async with (
        database.connected(settings, application="rekindle restored"),
        aclosing(redis_pool(settings)) as redis,
    ):
        differences = await origin.differences(redis)
        if not differences and not anyway:
            raise NotRestored(NO_NEED)
        if await worker.living():
            raise NotRestored(WORKING)
        async with database.transaction():
            done = None if nothing_lost else await restoration.make_safe()
            await origin.adopt(redis)
    return [*(f"This database is not the one that was sent from: {each}." for each in differences), *_told(done)]


def _told(done: Restoration | None) -> list[str]:
    if done is None:
        return [NOTHING_LOST]
    lines = [
        f"{done.messages} messages and {done.trials} trials may have gone out since the backup: they are UNKNOWN now.",
        f"{len(done.plans)} plans may have gone further than this database knows: they are PAUSED now.",
        *(f"  plan {number}: {name}" for number, name in done.plans),
    ]
    return [
        *lines,
        "All sending is stopped. What to do before it goes on:",
        "  1. Write again what the platform wrote since the backup: consent first, then customers, orders, events.",
        "  2. Compare with the relay's log since the backup; Message-IDs begin with the plan's number.",
        "  3. Cancel what went out (planCancel), resume what did not (planResume). A plan that is resumed goes on",
        "     with recipients that the backup did not have yet: better cancel one whose audience was being chosen.",
        "  4. Plans submitted since the backup are drafts again, or gone: tell their sellers.",
        "  5. .venv/bin/python server.py resume-sending",
    ]
