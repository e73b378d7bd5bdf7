"""After a restore: what may have gone out since the backup is UNKNOWN, and its plans wait for a word (R22).

What was due between the backup and now may have been sent by the database that was lost. It is never sent again
on its own. What became due after now cannot have been. The inbox is in the database: what is not in it never
reached anybody, so it goes on.
"""

from dataclasses import dataclass

from models import database, sending
from models.clock import now
from models.plan import advance

RESTORED = "RESTORED"
"""`status_reason` of plans that may have sent more than this database knows, and `reason` of such messages."""


NAMED_OUTSIDE = ("shop", "plan")
"""Tables whose numbers stand in links, return paths, Message-IDs and what chat platforms were posted."""

PASSED_OVER = 10_000
"""So many numbers of each are given to nobody: the backup does not know which were given away since."""

STOPPED_FOR = "restored from a backup"
ACTOR = "COMMAND"
"""Why and by whom all sending is stopped then, until the operator lets it go on."""


@dataclass(frozen=True, slots=True)
class Restoration:
    """What was done to make a restored database fit to send from."""

    messages: int
    """Messages that are UNKNOWN now."""
    trials: int
    """Trials that are UNKNOWN now."""
    plans: list[tuple[int, str]]
    """Plans that are PAUSED now: id and name."""


async def make_safe() -> Restoration:
    """Let nothing be repeated. Call it inside a transaction, while no worker works."""
    at = now()
    await sending.stop(STOPPED_FOR, actor=ACTOR)
    messages = await database.fetch_value(_MESSAGES, at, RESTORED)
    trials = await database.execute(
        "UPDATE trial SET state = 'UNKNOWN', settled_at = $1 WHERE state IN ('PENDING', 'COMMITTING')", at
    )
    await database.execute("UPDATE slice SET token = NULL, worker_id = NULL WHERE worker_id IS NOT NULL")
    await database.execute("DELETE FROM worker")
    plans = [(row["id"], row["name"]) for row in await database.fetch(_PLANS, at)]
    for plan_id, _ in plans:
        await advance.pause(plan_id, RESTORED)
    await _pass_over_numbers()
    return Restoration(messages, trials, plans)


async def _pass_over_numbers() -> None:
    """Let no new plan have the number of a lost one: its mails would have Message-IDs that were used, and get others' bounces.

    One by one, since the application may take numbers of a sequence and not set it.
    """
    for table in NAMED_OUTSIDE:
        await database.execute(
            "SELECT nextval(pg_get_serial_sequence($1, 'id')) FROM generate_series(1, $2::int)", table, PASSED_OVER
        )


# A slice of the inbox has no outside effect; any other was handed to somebody. One that waits for a winner comes due when
# the winner is declared, which the database that was lost may have done once the experiment's hours were over.
_MESSAGES = """
WITH lost AS (
    UPDATE delivery d SET state = 'UNKNOWN', reason = $2
    FROM slice s JOIN plan p ON p.id = s.plan_id
    WHERE d.plan_id = s.plan_id AND d.slice = s.number AND s.channel <> 'CHAT' AND (
        d.state = 'COMMITTING'
        OR d.state = 'PENDING' AND (d.not_before IS NULL OR d.not_before <= $1)
            AND (s.due_at <= $1 OR d.variant IS NULL AND p.decides_at <= $1)
    )
    RETURNING 1
)
SELECT count(*) FROM lost
"""

_PLANS = """
SELECT p.id, p.name FROM plan p
WHERE (p.status = 'ONGOING' OR p.status = 'SCHEDULED' AND coalesce(p.send_at, $1) <= $1)
  AND (p.channel <> 'CHAT' OR EXISTS (SELECT FROM chat_platform c WHERE c.shop_id = p.shop_id))
ORDER BY p.id
"""
