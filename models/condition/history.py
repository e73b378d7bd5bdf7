"""Conditions about an earlier time: from orders, events and messages as they stood then, not the roll-up."""

from models.condition.gathering import Gathering
from models.condition.lowering import KINDS, Lowering, conjunction
from models.condition.tree import (
    Did,
    Measure,
    Moment,
    MomentIn,
    OrderAmount,
    OrderCount,
    Responded,
    Response,
)


class History(Lowering):
    """What happened at or before the instant counts; an order cancelled later still stood."""

    def prepare(self) -> None:
        """Name the tables that leaves may ask."""
        instant = self.instant(self.now)

        def gathering(table: str, alias: str, at: str, also: str = "") -> Gathering:
            return Gathering(table, alias, at, f"{alias}.shop_id = {self.shop} AND {alias}.{at} <= {instant}{also}")

        placed = f" AND (o.cancelled_at IS NULL OR o.cancelled_at > {instant})"
        self.placed = gathering("orders", "o", "ordered_at", placed)
        self.events = gathering("event", "e", "occurred_at")
        # Follows are few and asked of all times; windows must not make them, nor they windows, read more.
        self.followed = gathering("event", "f", "occurred_at")
        self.answers = {
            Response.READ: gathering("delivery", "d", "read_at"),
            Response.CLICKED: gathering("delivery", "k", "clicked_at"),
            Response.UNSUBSCRIBED: gathering("unsubscription", "u", "happened_at"),
        }

    def joins(self) -> str:
        """Every table that a leaf asked."""
        return "".join(asked.join() for asked in (self.placed, self.events, self.followed, *self.answers.values()))

    def universe(self) -> str:
        """The first interaction had happened."""
        return f"r.first_interaction_at <= {self.instant(self.now)}"

    def orders(self, leaf: OrderCount) -> str:
        """Counted one by one."""
        count = self.placed.ask("count(*)", self.start(leaf.within_days))
        return self.bounds(f"COALESCE({count}, 0)", ((">=", leaf.least), ("<=", leaf.most)))

    def amount(self, leaf: OrderAmount) -> str:
        """Summed one by one."""
        start = self.start(leaf.within_days)
        total = self.placed.ask("sum(o.amount)", start)
        if leaf.measure is Measure.SPENT:
            return self.bounds(f"COALESCE({total}, 0)", leaf.bounds())
        count = self.placed.ask("count(*)", start)
        return f"COALESCE({self.bounds(total, leaf.bounds(), times=count)}, false)"

    def moment(self, leaf: MomentIn) -> str:
        """The earliest or latest row of that time."""
        if leaf.moment is Moment.FOLLOWED:
            value = self._latest("FOLLOWED")
        else:
            value = self.placed.ask(
                "min(o.ordered_at)" if leaf.moment is Moment.FIRST_ORDER else "max(o.ordered_at)", None
            )
        return f"COALESCE({conjunction([f'{value} IS NOT NULL', *self.span(value, leaf)])}, false)"

    def follows(self) -> str:
        """The latest follow by then is later than the latest unfollow by then."""
        return f"COALESCE({self._latest('FOLLOWED')} > COALESCE({self._latest('UNFOLLOWED')}, '-infinity'), false)"

    def _latest(self, kind: str) -> str:
        self.followed.kinds.add(kind)
        return self.followed.ask("max(f.occurred_at)", None, f"f.kind = '{kind}'")

    def did(self, leaf: Did) -> str:
        """Any such event, or their seconds together."""
        self.events.kinds.update(KINDS[leaf.deed])
        return self.deed(self.events, leaf, *self.is_deed("e", leaf))

    def responded(self, leaf: Responded) -> str:
        """Any message with that answer by then."""
        asked = self.answers[leaf.response]
        plan = [] if leaf.plan is None else [f"{asked.alias}.plan_id = {self.parameters.add(leaf.plan, 'integer')}"]
        return f"(COALESCE({asked.ask('count(*)', self.start(leaf.within_days), *plan)}, 0) > 0)"
