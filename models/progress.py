"""How far a plan has come: its sums, at one moment, with a version that rises with every change."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from models import database, live, sending
from models.delivery import DeliveryCount, DeliveryState, MessageChannel


@dataclass(frozen=True, slots=True)
class Progress:
    """A plan's figures at one moment; the states add up to `recipients` (R23).

    `version` is the number of transactions that PostgreSQL had finished at that moment: two snapshots
    that differ have different versions, and the newer one's is higher.
    """

    plan_id: int
    status: str
    status_reason: str | None
    version: int
    is_resolved: bool
    counts: Sequence[DeliveryCount]
    may_repeat: int = 0
    """Recipients whose message was tried again although it may have arrived (B2)."""
    is_stopped: bool = False
    """Whether the operator has stopped all sending, whatever the plan's own status."""

    def total(self, *states: DeliveryState) -> int:
        """Recipients in any of these states."""
        return sum(count.count for count in self.counts if count.state in states)

    @property
    def recipients(self) -> int:
        """Everyone in the ledger so far, whatever became of them."""
        return sum(count.count for count in self.counts)

    @property
    def is_final(self) -> bool:
        """Whether nothing will change any more."""
        return self.status in ("SENT", "ENDED", "CANCELLED", "DELETED")

    def by_reason(self) -> dict[tuple[DeliveryState, str], int]:
        """Recipients per (state, reason), where there is a reason."""
        sums: Counter[tuple[DeliveryState, str]] = Counter()
        for count in self.counts:
            if count.reason is not None:
                sums[count.state, count.reason] += count.count
        return dict(sums)


async def progress(plan_id: int) -> Progress | None:
    """The plan's progress, all from one statement and so from one snapshot; None when there is no such plan."""
    return (await progress_of([plan_id])).get(plan_id)


async def progress_of(plan_ids: Sequence[int]) -> dict[int, Progress]:
    """The progress of each of these plans that exists, all from one snapshot."""
    by_plan: dict[int, list[database.Record]] = {}
    for row in await database.fetch(_PROGRESS, list(plan_ids)):
        by_plan.setdefault(row["plan_id"], []).append(row)
    return {plan_id: _progress(plan_id, rows) for plan_id, rows in by_plan.items()}


def _count(row: database.Record) -> DeliveryCount:
    channel = MessageChannel(row["channel"]) if row["channel"] else None
    return DeliveryCount(DeliveryState(row["state"]), row["reason"], channel, row["language"], row["count"])


def _progress(plan_id: int, rows: Sequence[database.Record]) -> Progress:
    counts = [_count(row) for row in rows if row["state"] is not None]
    first = rows[0]
    return Progress(
        plan_id, first["status"], first["status_reason"], first["version"], first["resolved_at"] is not None, counts,
        first["may_repeat"], first["is_stopped"],
    )  # fmt: skip


# What was sent is most of a ledger, and is not counted: its sums are in the roll-up by day, kept in the commit that
# changes them (models/metric/day.py), so one snapshot sees both alike. What waits or is on its way is in slices that are
# not done or that somebody holds (each is looked into by itself, whatever the planner knows of their number); all that
# ended otherwise has an index of its own. Until a shop's roll-up has been made for the first time, its ledger is counted.
_PROGRESS = f"""
WITH asked AS MATERIALIZED (
    SELECT p.id, p.shop_id, p.status, p.status_reason, p.resolved_at,
           NOT EXISTS (SELECT FROM metric_rebuild r WHERE r.shop_id = p.shop_id) AS is_rolled_up,
           (SELECT count(*) FROM delivery r WHERE r.plan_id = p.id AND r.may_repeat) AS may_repeat
    FROM plan p WHERE p.id = ANY($1::int[])
),
counted AS (
    SELECT m.plan_id, 'SENT'::delivery_state AS state, NULL AS reason,
           nullif(m.channel, '') AS channel, nullif(m.language, '') AS language, sum(m.sent)::bigint AS count
    FROM (
        SELECT plan_id, channel, language, sent FROM metric_day WHERE plan_id = ANY($1::int[]) AND sent <> 0
        UNION ALL
        SELECT plan_id, channel, language, amount FROM metric_delta
        WHERE shop_id IN (SELECT shop_id FROM asked) AND plan_id = ANY($1::int[]) AND fact = 'sent'
    ) m JOIN asked a ON a.id = m.plan_id AND a.is_rolled_up
    GROUP BY m.plan_id, m.channel, m.language
    UNION ALL
    SELECT plan_id, state, reason, channel, language, count(*)
    FROM asked a JOIN delivery d ON d.plan_id = a.id AND d.state = 'SENT'
    WHERE NOT a.is_rolled_up GROUP BY plan_id, state, reason, channel, language
    UNION ALL
    SELECT plan_id, state, reason, channel, language, count(*)
    FROM delivery WHERE plan_id = ANY($1::int[]) AND state NOT IN ('SENT', 'PENDING', 'COMMITTING')
    GROUP BY plan_id, state, reason, channel, language
    UNION ALL
    SELECT s.plan_id, d.state, d.reason, d.channel, d.language, count(*)
    FROM slice s CROSS JOIN LATERAL (
        SELECT state, reason, channel, language FROM delivery
        WHERE plan_id = s.plan_id AND slice = s.number AND state IN ('PENDING', 'COMMITTING') OFFSET 0) d
    WHERE s.plan_id = ANY($1::int[]) AND (s.done_at IS NULL OR s.worker_id IS NOT NULL)
    GROUP BY s.plan_id, d.state, d.reason, d.channel, d.language
)
SELECT a.id AS plan_id, a.status, a.status_reason, a.resolved_at, seen.version, {sending.STOPPED} AS is_stopped,
       a.may_repeat, c.state, c.reason, c.channel, c.language, c.count
FROM {live.VERSION} seen CROSS JOIN asked a LEFT JOIN counted c ON c.plan_id = a.id AND c.count <> 0
ORDER BY c.count DESC, c.state, c.reason, c.channel, c.language
"""
