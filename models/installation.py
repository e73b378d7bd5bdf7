"""How the installation stands, read from the tables: what waits, what is in flight, and who works.

It is read for every look of the operator's monitoring, so it reads open slices and never a whole ledger.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from models import database
from models.worker import MessageCounts


@dataclass(frozen=True, slots=True)
class RunningWorker:
    """A worker whose lease has not run out: what it told with its last heartbeat."""

    name: str
    figures: MessageCounts


@dataclass(frozen=True, slots=True)
class Installation:
    """What the tables say at one moment. Ages are seconds."""

    queue_age: float
    """How long the longest waiting slice has been due, and in nobody's hands; 0 when none is."""
    due_slices: int
    held_slices: int
    sweep_age: float | None
    """How long ago any worker last looked at everything that may be due; None when none did."""
    workers: Sequence[RunningWorker]
    in_flight: int
    """Messages whose answer is awaited."""
    unknown: int
    """Messages of which nobody knows whether they arrived."""
    waiting: Mapping[str, int]
    """Messages that wait, by why: READY when they only wait for their turn."""
    plans: Mapping[str, int]
    """Plans by status, those of which something may still come."""
    postings: int
    """Requests that wait for webhooks of shops."""
    failing_webhooks: int
    """Webhooks that took nothing when they were last called."""


async def read(at: datetime) -> Installation:
    """How things stand at `at`, in one statement."""
    row = await database.fetch_one(_INSTALLATION, at)
    assert row is not None
    return Installation(
        queue_age=row["queue_age"],
        due_slices=row["due_slices"],
        held_slices=row["held_slices"],
        sweep_age=row["sweep_age"],
        workers=[RunningWorker(each["name"], each["figures"]) for each in database.decode(row["workers"])],
        in_flight=row["in_flight"],
        unknown=row["unknown"],
        waiting=database.decode(row["waiting"]),
        plans=database.decode(row["plans"]),
        postings=row["postings"],
        failing_webhooks=row["failing_webhooks"],
    )


# A message's reason may be a relay's own words: they are about somebody, and there is no end to them.
_INSTALLATION = """
WITH open AS (
    SELECT s.plan_id, s.number, s.worker_id, s.due_at <= $1 AND s.worker_id IS NULL AND p.status = 'ONGOING' AS is_due,
        s.due_at
    FROM slice s JOIN plan p ON p.id = s.plan_id
    WHERE s.done_at IS NULL AND p.status IN ('SCHEDULED', 'ONGOING', 'PAUSED', 'CANCELLING')
),
message AS (
    SELECT d.state, count(*) AS number,
        CASE WHEN d.reason IS NULL THEN 'READY' WHEN d.reason ~ '^[45]' THEN 'RELAY' ELSE d.reason END AS reason
    FROM open o JOIN delivery d ON d.plan_id = o.plan_id AND d.slice = o.number
    WHERE d.state = 'PENDING' GROUP BY 1, 3
)
SELECT
    (SELECT greatest(0, extract(epoch FROM $1 - min(due_at)))::float8 FROM open WHERE is_due) AS queue_age,
    (SELECT count(*) FROM open WHERE is_due) AS due_slices,
    (SELECT count(*) FROM slice WHERE worker_id IS NOT NULL) AS held_slices,
    (SELECT extract(epoch FROM clock_timestamp() - max(swept_at))::float8 FROM worker) AS sweep_age,
    (SELECT coalesce(json_agg(json_build_object('name', name, 'figures', figures) ORDER BY name), '[]')
     FROM worker WHERE lease_until > clock_timestamp()) AS workers,
    (SELECT count(*) FROM slice s JOIN delivery d ON d.plan_id = s.plan_id AND d.slice = s.number
     WHERE s.worker_id IS NOT NULL AND d.state = 'COMMITTING') AS in_flight,
    (SELECT count(*) FROM delivery WHERE state = 'UNKNOWN') AS unknown,
    (SELECT coalesce(json_object_agg(reason, number), '{}') FROM message) AS waiting,
    (SELECT coalesce(json_object_agg(status, number), '{}')
     FROM (SELECT status, count(*) AS number FROM plan
           WHERE status IN ('SCHEDULED', 'ONGOING', 'PAUSED', 'CANCELLING') GROUP BY status) p) AS plans,
    (SELECT count(*) FROM posting WHERE state = 'PENDING') AS postings,
    (SELECT count(*) FROM webhook WHERE failing_since IS NOT NULL AND disabled_at IS NULL) AS failing_webhooks
"""
