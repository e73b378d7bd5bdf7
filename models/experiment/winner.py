"""Winners of experiments: how each variant was answered, which is the best, and declaring it, once (B7).

Only the test share counts, to which customers were drawn by lot: the rest all got the winner, later.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from models import database, experiment, sending
from models.clock import now
from models.experiment import NAMES, ExperimentMetric, interval
from models.metric import attribution
from models.plan.history import SYSTEM


@dataclass(frozen=True, slots=True)
class Result:
    """A variant's messages in the test, and how they were answered.

    `buyers` placed a standing order within the window of attribution after their message was sent, credited to it or
    not; `gmv` is what all of those orders amount to, in minor units.
    """

    variant: int
    delivered: int = 0
    read: int = 0
    clicked: int = 0
    buyers: int = 0
    gmv: int = 0

    def answered(self, metric: ExperimentMetric) -> int:
        """How many messages were answered so that it counts."""
        return {
            ExperimentMetric.READ: self.read,
            ExperimentMetric.CLICK: self.clicked,
            ExperimentMetric.ORDER: self.buyers,
        }[metric]

    def rate(self, metric: ExperimentMetric) -> Fraction:
        """Answered of delivered; 0 of none."""
        return Fraction(self.answered(metric), max(self.delivered, 1))


@dataclass(frozen=True, slots=True)
class ExperimentVerdict:
    """The best variant, and how surely it is: how often chance alone would put it so far before the next best.

    `p_value` is None when there is nothing to compare yet.
    """

    best: int
    p_value: float | None

    @property
    def is_significant(self) -> bool:
        """Whether chance alone would hardly do it (5 %)."""
        return self.p_value is not None and self.p_value < 1 - interval.LEVEL


def ranked(results: Sequence[Result], metric: ExperimentMetric) -> list[Result]:
    """The results, best first; of those that are equal, and without any data, the first variant is before the others."""
    return sorted(results, key=lambda result: (-result.rate(metric), result.variant))


def verdict(results: Sequence[Result], metric: ExperimentMetric) -> ExperimentVerdict:
    """Which variant is the best, and how surely.

    Its rate is held against that of the next best, and the chance multiplied by how many it might have been
    (Bonferroni): of four equal variants one always looks best.
    """
    best, second = ranked(results, metric)[:2]
    if not best.delivered or not second.delivered:
        return ExperimentVerdict(best.variant, None)
    chance = interval.p_value(best.answered(metric), best.delivered, second.answered(metric), second.delivered)
    return ExperimentVerdict(best.variant, min(1.0, chance * (len(results) - 1)))


async def results(plan_ids: Sequence[int]) -> list[list[Result]]:
    """The results of each of these plans by variant, none for one without an experiment; all from one statement."""
    found: dict[int, list[Result]] = {}
    for row in await database.fetch(_RESULTS, list(plan_ids), attribution.WINDOW):
        found.setdefault(row["plan_id"], []).append(Result(*list(row)[1:]))
    return [found.get(plan_id, []) for plan_id in plan_ids]


async def due() -> list[int]:
    """Plans whose winner is to be declared."""
    rows = await database.fetch(
        "SELECT id FROM plan p WHERE p.decides_at IS NOT NULL AND p.winner IS NULL AND"
        f" {_DECIDABLE.format(at='$1')} ORDER BY decides_at, id",
        now(),
    )
    return [row["id"] for row in rows]


async def declare(plan_id: int) -> int | None:
    """Declare a plan's winner and let the rest of its audience have it; which, or None when it was not to be declared.

    Compare-and-set: of several at once one declares, and a plan that was paused or cancelled meanwhile has no winner.
    """
    plan = await database.fetch_one("SELECT experiment FROM plan WHERE id = $1", plan_id)
    tried = experiment.read(database.decode(plan["experiment"])) if plan else None
    if tried is None:
        return None
    [found] = await results([plan_id])
    best = verdict(found, tried.metric).best
    declared: int | None = await database.fetch_value(_DECLARE, plan_id, best, now(), SYSTEM, NAMES[best])
    return best if declared is not None else None


_DECIDABLE = f"""p.decides_at <= {{at}} AND p.status IN ('ONGOING', 'SENT') AND p.resolved_at IS NOT NULL
    AND NOT {sending.STOPPED}"""
"""Condition over `plan p`: its experiment's hours are over, and nothing keeps its messages from having gone out."""

IS_TRIED = """coalesce(d.was_tried,
    bucket('variant:' || p.id, d.customer_id) < 100 * (p.experiment ->> 'percent')::integer)"""
"""Condition over `plan p` and `delivery d`: the message belongs to the test, whoever its customer has become since."""

_RESULTS = f"""
SELECT p.id AS plan_id, v.variant, count(d.customer_id) AS delivered, count(d.read_at) AS read,
    count(d.clicked_at) AS clicked, count(*) FILTER (WHERE b.orders > 0) AS buyers,
    coalesce(sum(b.amount), 0)::bigint AS gmv
FROM plan p
CROSS JOIN LATERAL generate_series(0, jsonb_array_length(p.experiment -> 'variants')) AS v(variant)
LEFT JOIN delivery d ON d.plan_id = p.id AND d.variant = v.variant AND d.state = 'SENT'
    AND {IS_TRIED}
LEFT JOIN LATERAL (
    SELECT count(*) AS orders, sum(o.amount) AS amount FROM orders o
    WHERE o.shop_id = d.shop_id AND o.customer_id = d.customer_id
      AND o.ordered_at >= d.sent_at AND o.ordered_at < d.sent_at + $2::interval AND o.cancelled_at IS NULL
) b ON d.customer_id IS NOT NULL
WHERE p.id = ANY($1::int[]) AND p.experiment IS NOT NULL
GROUP BY p.id, v.variant
ORDER BY p.id, v.variant
"""

# Slices of those who wait for the winner are never due before this.
_DECLARE = (
    """
WITH declared AS (
    UPDATE plan p SET winner = $2, decided_at = $3, updated_at = $3
    WHERE p.id = $1 AND p.winner IS NULL AND """
    + _DECIDABLE.format(at="$3")
    + """ RETURNING p.id, p.status
),
woken AS (
    UPDATE slice s SET due_at = $3 FROM declared
    WHERE s.plan_id = declared.id AND s.due_at = 'infinity' AND s.done_at IS NULL
)
INSERT INTO plan_history (plan_id, action, status_from, status_to, actor, reason, happened_at)
SELECT id, 'DECIDE', status, status, $4, $5, $3 FROM declared
RETURNING plan_id
"""
)
