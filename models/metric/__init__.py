"""What each plan brought: its figures and rates, from the ledger and from the orders credited to it (R23).

What the words mean is told in docs/figures.md. Everything is counted when it is asked for, so a running
plan's figures are of this moment.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from models import database
from models.delivery import DeliveryState
from models.metric.rate import Rates, rate

HELD_BACK = (
    DeliveryState.SUPPRESSED,
    DeliveryState.EXPIRED,
    DeliveryState.CANCELLED,
    DeliveryState.HELD_OUT,
    DeliveryState.REASON_GONE,
)
"""States of messages that never left and will not leave."""


@dataclass(frozen=True, slots=True)
class DeliveryOutcome:
    """How many recipients of a plan share a state and a reason."""

    state: DeliveryState
    reason: str | None
    count: int


@dataclass(frozen=True, slots=True)
class Earned:
    """What standing orders credited to messages amount to, and what cancelled and refunded ones took back.

    Amounts are in minor units; `buyers` are the distinct customers of the standing orders.
    """

    orders: int
    buyers: int
    gmv: int
    orders_taken_back: int
    gmv_taken_back: int


@dataclass(frozen=True, slots=True)
class PlanFigures(Rates):
    """What a plan brought. `recipients` = delivered + failed + unknown + held back + still to go.

    `machine_read` and `machine_clicked` are messages that only machines opened or clicked; they are in no rate (B8).
    """

    plan_id: int
    currency: str
    outcomes: Sequence[DeliveryOutcome]
    read: int
    clicked: int
    machine_read: int
    machine_clicked: int
    replied: int
    unsubscribed: int
    claimed: int
    redeemed: int
    earned: Earned

    @property
    def recipients(self) -> int:
        """Everyone in the plan's ledger."""
        return sum(outcome.count for outcome in self.outcomes)

    @property
    def delivered(self) -> int:
        """Messages in the inbox, or taken by the relay and not bounced."""
        return self._count(DeliveryState.SENT)

    @property
    def orders(self) -> int:
        """Standing orders credited to it."""
        return self.earned.orders

    @property
    def unknown(self) -> int:
        """Messages that may have arrived."""
        return self._count(DeliveryState.UNKNOWN)

    @property
    def to_go(self) -> int:
        """Messages that wait or are on their way; those that wait for a reason are in `waiting` too."""
        return self._count(DeliveryState.PENDING, DeliveryState.COMMITTING)

    @property
    def failed(self) -> list[DeliveryOutcome]:
        """What was refused for good, by code, the most frequent first."""
        return self._outcomes(DeliveryState.FAILED)

    @property
    def held_back(self) -> list[DeliveryOutcome]:
        """What was kept from going, by state and reason, the most frequent first."""
        return self._outcomes(*HELD_BACK)

    @property
    def waiting(self) -> list[DeliveryOutcome]:
        """What is still to go but waits for a reason, such as the contact limit, the most frequent first."""
        return [outcome for outcome in self._outcomes(DeliveryState.PENDING) if outcome.reason is not None]

    @property
    def delivery_rate(self) -> float | None:
        """Delivered of all recipients."""
        return rate(self.delivered, self.recipients)

    @property
    def unsubscribe_rate(self) -> float | None:
        """Unsubscribed of delivered."""
        return rate(self.unsubscribed, self.delivered)

    @property
    def reply_rate(self) -> float | None:
        """Replied to of delivered."""
        return rate(self.replied, self.delivered)

    def _count(self, *states: DeliveryState) -> int:
        return sum(outcome.count for outcome in self.outcomes if outcome.state in states)

    def _outcomes(self, *states: DeliveryState) -> list[DeliveryOutcome]:
        return [outcome for outcome in self.outcomes if outcome.state in states]


TOUCHES = ("read", "clicked", "machine_read", "machine_clicked", "replied")
"""How a delivered message may be met."""


async def of_plans(plan_ids: Sequence[int]) -> list[PlanFigures | None]:
    """The figures of each of these plans, None for one that does not exist; all from one statement."""
    by_plan: dict[int, list[database.Record]] = {}
    for row in await database.fetch(_FIGURES, list(plan_ids)):
        by_plan.setdefault(row["plan_id"], []).append(row)
    return [_figures(by_plan[plan_id]) if plan_id in by_plan else None for plan_id in plan_ids]


def _figures(rows: Sequence[database.Record]) -> PlanFigures:
    first = rows[0]
    return PlanFigures(
        plan_id=first["plan_id"],
        currency=first["currency"],
        outcomes=list(_outcomes(rows)),
        **{touch: sum(row[touch] for row in rows if row["state"] == DeliveryState.SENT) for touch in TOUCHES},
        unsubscribed=first["unsubscribed"],
        claimed=first["claimed"],
        redeemed=first["redeemed"],
        earned=Earned(
            orders=first["orders"],
            buyers=first["buyers"],
            gmv=first["gmv"],
            orders_taken_back=first["orders_taken_back"],
            gmv_taken_back=first["gmv_taken_back"],
        ),
    )


def _outcomes(rows: Iterable[database.Record]) -> Iterable[DeliveryOutcome]:
    for row in rows:
        if row["state"] is not None:
            yield DeliveryOutcome(DeliveryState(row["state"]), row["reason"], row["count"])


# Each part is summed before it is joined, so that no row is counted for every row of another part.
_FIGURES = """
WITH ledger AS (
    SELECT plan_id, state, reason, count(*) AS count, count(read_at) AS read, count(clicked_at) AS clicked,
           count(machine_read_at) FILTER (WHERE read_at IS NULL) AS machine_read,
           count(machine_clicked_at) FILTER (WHERE clicked_at IS NULL) AS machine_clicked, count(replied_at) AS replied
    FROM delivery WHERE plan_id = ANY($1::int[]) GROUP BY plan_id, state, reason
),
earned AS (
    SELECT a.plan_id,
           count(*) FILTER (WHERE o.status = 'PLACED') AS orders,
           count(DISTINCT o.customer_id) FILTER (WHERE o.status = 'PLACED') AS buyers,
           sum(o.amount) FILTER (WHERE o.status = 'PLACED')::bigint AS gmv,
           count(*) FILTER (WHERE o.status <> 'PLACED') AS orders_taken_back,
           sum(o.amount) FILTER (WHERE o.status <> 'PLACED')::bigint AS gmv_taken_back
    FROM attribution a JOIN orders o ON o.customer_id = a.customer_id AND o.id = a.order_id
    WHERE a.plan_id = ANY($1::int[]) GROUP BY a.plan_id
),
gone AS (
    SELECT plan_id, count(DISTINCT customer_id) AS count
    FROM unsubscription WHERE plan_id = ANY($1::int[]) GROUP BY plan_id
),
claimed AS (
    SELECT plan_id, count(*) AS count, count(redeemed_at) AS redeemed FROM claim WHERE plan_id = ANY($1::int[]) GROUP BY plan_id
)
SELECT p.id AS plan_id, s.currency, l.state, l.reason, l.count, l.read, l.clicked,
       l.machine_read, l.machine_clicked, l.replied, coalesce(g.count, 0) AS unsubscribed,
       coalesce(c.count, 0) AS claimed, coalesce(c.redeemed, 0) AS redeemed,
       coalesce(e.orders, 0) AS orders, coalesce(e.buyers, 0) AS buyers, coalesce(e.gmv, 0) AS gmv,
       coalesce(e.orders_taken_back, 0) AS orders_taken_back, coalesce(e.gmv_taken_back, 0) AS gmv_taken_back
FROM plan p JOIN shop s ON s.id = p.shop_id
LEFT JOIN ledger l ON l.plan_id = p.id
LEFT JOIN earned e ON e.plan_id = p.id
LEFT JOIN gone g ON g.plan_id = p.id
LEFT JOIN claimed c ON c.plan_id = p.id
WHERE p.id = ANY($1::int[])
ORDER BY l.count DESC, l.state, l.reason
"""
