"""Conditions about now: from the roll-up, and from single rows only where the roll-up cannot say it."""

from models.condition.gathering import Gathering
from models.condition.implication import Instant, Span, entails, implied, only_followers
from models.condition.lowering import LAST_DONE, Lowering, conjunction
from models.condition.tree import (
    AllOf,
    Condition,
    Deed,
    Did,
    Measure,
    Moment,
    MomentIn,
    OrderAmount,
    OrderCount,
    Responded,
    Response,
)

LATEST_ORDERS = ("r.last_order_at", "r.previous_order_at", "r.third_order_at")
MOMENTS = {
    Moment.FIRST_ORDER: "r.first_order_at",
    Moment.LAST_ORDER: "r.last_order_at",
    Moment.FOLLOWED: "r.last_followed_at",
}
INDEXED = {
    Instant.LAST_ORDER: "r.last_order_at",
    Instant.PREVIOUS_ORDER: "r.previous_order_at",
    Instant.LAST_WANTED: "GREATEST(r.last_carted_at, r.last_favourited_at)",
    Instant.LAST_ENGAGED: "r.last_engaged_at",
}
"""What the indexes of `relationship` begin with, after the shop."""

RESPONSES = {
    Response.READ: ("r.last_message_read_at", "delivery", "read_at"),
    Response.CLICKED: ("r.last_message_clicked_at", "delivery", "clicked_at"),
    Response.UNSUBSCRIBED: ("r.last_unsubscribed_at", "unsubscription", "happened_at"),
}


class RollUp(Lowering):
    """Everything stored counts as having happened by now."""

    def prepare(self) -> None:
        """The events, for what the roll-up leaves out of them: a pass for each deed and category."""
        self.events: dict[tuple[Deed, str | None], Gathering] = {}

    def joins(self) -> str:
        """The events, when category or duration matter."""
        return "".join(events.join() for events in self.events.values())

    def universe(self) -> str:
        """A first interaction is on record."""
        return "r.first_interaction_at IS NOT NULL"

    def members(self, condition: Condition) -> str:
        """The condition, led by what it implies of the instants that have indexes; what that says is not said twice."""
        spans = dict(implied(condition, self.now))
        if not only_followers(condition):
            spans.pop(Instant.LAST_ENGAGED, None)  # their index has followers only
        led = [self._within(INDEXED[instant], span) for instant, span in spans.items()]
        rest = [self.boolean(term) for term in _terms(condition) if not entails(spans, term, self.now)]
        return " AND ".join([*led, *rest])

    def _within(self, column: str, span: Span) -> str:
        terms = [f"{column} IS NOT NULL"] if span.after is None else [f"{column} > {self.instant(span.after)}"]
        if span.until is not None:
            terms.append(f"{column} <= {self.instant(span.until)}")
        return conjunction(terms)

    def since(self, column: str, within_days: int | None) -> str:
        """The nullable instant column lies within the window."""
        terms = [f"{column} IS NOT NULL"]
        if within_days is not None:
            terms.append(f"{column} > {self.cutoff(within_days)}")
        return conjunction(terms)

    def orders(self, leaf: OrderCount) -> str:
        """Ever: the count. Within a window: the latest three answer for themselves."""
        if leaf.within_days is None:
            if leaf.most == 0 and not leaf.least:
                return "r.last_order_at IS NULL"
            return self.bounds("r.order_count", ((">=", leaf.least), ("<=", leaf.most)))
        terms = [self._at_least(leaf.within_days, leaf.least)] if leaf.least else []
        if leaf.most is not None:
            terms.append(f"(NOT {self._at_least(leaf.within_days, leaf.most + 1)})")
        return conjunction(terms or ["true"])

    def _at_least(self, days: int, number: int) -> str:
        if number <= len(LATEST_ORDERS):
            return self.since(LATEST_ORDERS[number - 1], days)
        placeholder = self.parameters.add(number, "bigint")
        counted = f"(SELECT count(*) >= {placeholder} {self._orders(days)})"
        return conjunction([self.since(LATEST_ORDERS[-1], days), f"r.order_count >= {placeholder}", counted])

    def _orders(self, days: int) -> str:
        return (
            f"FROM orders o WHERE o.shop_id = {self.shop} AND o.customer_id = r.customer_id"
            f" AND o.cancelled_at IS NULL AND o.ordered_at > {self.cutoff(days)}"
        )

    def amount(self, leaf: OrderAmount) -> str:
        """Ever: the sums. Within a window: the orders of those who have any there."""
        if leaf.within_days is not None:
            return self._recent_amount(leaf, leaf.within_days)
        if leaf.measure is Measure.SPENT:
            return self.bounds("r.order_amount", leaf.bounds())
        average = self.bounds("r.order_amount", leaf.bounds(), times="r.order_count")
        return conjunction(["r.order_count > 0", average])

    def _recent_amount(self, leaf: OrderAmount, days: int) -> str:
        """The two latest orders answer for themselves; whoever has a third in the window is counted one by one."""
        cutoff = self.cutoff(days)
        is_average = leaf.measure is Measure.AVERAGE_ORDER
        both = f"r.previous_order_at > {cutoff}"
        known = self.bounds(
            f"CASE WHEN {both} THEN r.last_order_amount + r.previous_order_amount ELSE r.last_order_amount END",
            leaf.bounds(),
            times=f"CASE WHEN {both} THEN 2 ELSE 1 END" if is_average else None,
        )
        counted = (
            f"COALESCE({self.bounds('sum(o.amount)', leaf.bounds(), times='count(*)')}, false)"
            if is_average
            else self.bounds("COALESCE(sum(o.amount), 0)", leaf.bounds())
        )
        measured = (
            f"CASE WHEN r.third_order_at > {cutoff} THEN (SELECT {counted} {self._orders(days)}) ELSE {known} END"
        )
        some = self.since("r.last_order_at", days)
        return (
            f"((NOT {some}) OR {measured})"
            if not is_average and _holds_of_nothing(leaf)
            else f"({some} AND {measured})"
        )

    def moment(self, leaf: MomentIn) -> str:
        """The column of that moment."""
        column = MOMENTS[leaf.moment]
        return conjunction([f"{column} IS NOT NULL", *self.span(column, leaf)])

    def follows(self) -> str:
        """The latest follow is later than the latest unfollow."""
        return "r.follows"

    def did(self, leaf: Did) -> str:
        """The last time it was done; its category and duration from the events themselves."""
        recent = self.since(f"r.{LAST_DONE[leaf.deed]}", leaf.within_days)
        if leaf.category is None and leaf.least_seconds is None:
            return recent
        alias = f"e{len(self.events) + 1}"
        condition = " AND ".join([f"{alias}.shop_id = {self.shop}", *self.is_deed(alias, leaf)])
        made = Gathering("event", alias, "occurred_at", condition)
        return conjunction([recent, self.deed(self.events.setdefault((leaf.deed, leaf.category), made), leaf)])

    def responded(self, leaf: Responded) -> str:
        """The last answer to any message; to one plan's, that plan's rows."""
        column, table, at = RESPONSES[leaf.response]
        recent = self.since(column, leaf.within_days)
        if leaf.plan is None:
            return recent
        rows = (
            f"SELECT FROM {table} d WHERE d.plan_id = {self.parameters.add(leaf.plan, 'integer')}"
            f" AND d.shop_id = {self.shop} AND d.customer_id = r.customer_id AND {self.since(f'd.{at}', leaf.within_days)}"
        )
        return f"({recent} AND EXISTS ({rows}))"


def _holds_of_nothing(leaf: OrderAmount) -> bool:
    """Whether a total of 0, of someone without orders, meets the bounds."""
    return not leaf.least and leaf.above is None and leaf.below != 0


def _terms(condition: Condition) -> list[Condition]:
    """What is joined by AND at the top."""
    if not isinstance(condition, AllOf):
        return [condition]
    return [term for member in condition.members for term in _terms(member)]
