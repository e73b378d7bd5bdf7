"""Who should get which automated message, and when: docs/automation.md once more, in plain Python.

It imports nothing of the project, keeps every row it was told of, and at each look decides everything from the
beginning: slow, and easy to hold against the page.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bench.shop_life.happenings import Automation, Consent, Customer, Happening, Script
from bench.shop_life.occasions import FOLLOW_LASTS, Occasion, Told, instant

OVERLAP = timedelta(minutes=2)
EXPIRES = timedelta(hours=72)
DROP_REST = timedelta(hours=24)
CONTACTS = 2

Key = tuple[int, str, str]
"""Plan, customer, reference."""

Choose = Callable[[list["Row"], int], list["Row"]]
"""Of rows that meet at one customer and instant, which ones have the given number of free contacts."""


@dataclass(slots=True)
class Row:
    """A message: what it is about, and where it stands (the ledger's words)."""

    plan: Automation
    customer: str
    occasion: str
    step: int
    nominal: datetime
    made_at: datetime
    products: tuple[str, ...]
    state: str = "PENDING"
    reason: str | None = None
    not_before: datetime | None = None
    sent_at: datetime | None = None

    @property
    def key(self) -> Key:
        """Its identity in the ledger."""
        return (self.plan.number, self.customer, f"{self.occasion}:{self.step}")


class Expected:
    """The ledger as it should be. Tell it what arrives, and let it look."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._customers: Mapping[str, Customer] = {each.id: each for each in script.customers}
        self._told = Told(script)
        self._blocked: set[str] = set()
        self._watermark: dict[int, datetime] = {}
        self._contacts: dict[tuple[str, date], int] = {}
        self.rows: dict[Key, Row] = {}

    def hear(self, at: datetime, what: Happening) -> None:
        """Take in what became known at an instant."""
        if isinstance(what, Consent):
            self._hear_consent(what)
        else:
            self._told.hear(at, what)

    def _hear_consent(self, what: Consent) -> None:
        if not what.blocks:
            self._blocked.discard(what.customer)
            return
        self._blocked.add(what.customer)
        for row in self.rows.values():
            if row.customer == what.customer and row.state == "PENDING":
                row.state, row.reason, row.not_before = "SUPPRESSED", "BLOCKED", None

    def look(self, now: datetime, choose: Choose) -> list[Row]:
        """One sweep at an instant: make what is due, send what may go; the rows that this changed."""
        for plan in self._script.plans:
            if plan.end is not None and now >= plan.end:
                self._expire(plan)
            elif now >= plan.start:
                self._make(plan, now)
        due = [row for row in self.rows.values() if row.state == "PENDING" and (row.not_before or now) <= now]
        for customer in {row.customer for row in due}:
            self._send([row for row in due if row.customer == customer], now, choose)
        return due

    def _expire(self, plan: Automation) -> None:
        for row in self.rows.values():
            if row.plan is plan and row.state == "PENDING":
                row.state, row.reason, row.not_before = "EXPIRED", "DEADLINE", None

    # Making rows: rules 1 to 8 of a sweep.

    def _make(self, plan: Automation, now: datetime) -> None:
        since = self._watermark.get(plan.number, plan.start)
        for customer in self._script.customers:
            if self._in_segment(plan, customer):
                self._make_for(plan, customer.id, since, now)
        self._watermark[plan.number] = now

    def _make_for(self, plan: Automation, customer: str, since: datetime, now: datetime) -> None:
        found: list[tuple[Occasion, int, datetime]] = []
        for occasion in self._told.occasions(plan, customer, now):
            steps = [
                (number, nominal)
                for number, nominal in _nominals(plan, occasion)
                if self._is_due(plan, occasion, nominal, since, now)
                and not self._had(plan, customer, occasion.name, number)
            ]
            if occasion.holds and steps:
                found.append((occasion, *steps[-1]))
        if plan.trigger == "PRICE_DROP":
            found = self._deepest(plan, customer, found, now)
        for occasion, step, nominal in found:
            row = Row(plan, customer, occasion.name, step, nominal, now, occasion.products)
            quiet_ends = self._quiet_ends(plan, customer, now)
            if quiet_ends is not None:
                row.reason, row.not_before = "LOCAL_HOUR", quiet_ends
            self.rows[row.key] = row

    def _is_due(self, plan: Automation, occasion: Occasion, nominal: datetime, since: datetime, now: datetime) -> bool:
        due = max(nominal, occasion.arrived)
        is_new = nominal > since or occasion.arrived > since - OVERLAP
        begun = nominal if plan.trigger == "LIVE_REMINDER" else occasion.happened
        return (
            is_new
            and due <= now
            and plan.start <= begun
            and due < nominal + EXPIRES
            and (plan.end is None or due < plan.end)
        )

    def _had(self, plan: Automation, customer: str, occasion: str, step: int) -> bool:
        """Rule 7: whether a row of the same occasion has this step or a later one."""
        same = self._same_occasion(plan, customer, occasion)
        return any(
            row.step >= step and same(row.occasion)
            for row in self.rows.values()
            if row.plan is plan and row.customer == customer
        )

    def _same_occasion(self, plan: Automation, customer: str, occasion: str) -> Callable[[str], bool]:
        if plan.trigger == "ABANDONED_CART":
            ended = self._told.cart_ended(customer)
            return lambda other: ended is None or instant(other) > ended
        if plan.trigger == "WELCOME_FOLLOWER":
            return lambda other: abs(instant(other) - instant(occasion)) < FOLLOW_LASTS
        return lambda other: other == occasion

    def _deepest(
        self, plan: Automation, customer: str, found: list[tuple[Occasion, int, datetime]], now: datetime
    ) -> list[tuple[Occasion, int, datetime]]:
        recent = any(
            row.plan is plan and row.customer == customer and now - row.made_at < DROP_REST
            for row in self.rows.values()
        )
        return [] if recent or not found else [max(found, key=lambda each: each[0].rank)]

    def _in_segment(self, plan: Automation, customer: Customer) -> bool:
        known = self._told.known[customer.id]
        if not known.events and not known.orders:
            return False
        if plan.segment == "FEMALE":
            return customer.gender == "FEMALE"
        return known.follows if plan.segment == "FOLLOWS" else True

    # Sending what is due.

    def _send(self, rows: list[Row], now: datetime, choose: Choose) -> None:
        """Let a customer's rows go, within the contacts that are left of their day."""
        customer = rows[0].customer
        day = now.astimezone(self._zone(customer)).date()
        ready = [row for row in rows if self._may_go(row, now)]
        marketing = [row for row in ready if row.plan.trigger != "ORDER_CONFIRMATION"]
        free = CONTACTS - self._contacts.get((customer, day), 0)
        going = marketing if len(marketing) <= free else choose(marketing, free)
        self._contacts[customer, day] = self._contacts.get((customer, day), 0) + len(going)
        for row in ready:
            if row in going or row.plan.trigger == "ORDER_CONFIRMATION":
                row.state, row.reason, row.not_before, row.sent_at = "SENT", None, None, now
                row.products = self._products_now(row, now) or ()
            else:
                row.reason, row.not_before = "CONTACT_LIMIT", self._next_day(row, now)

    def _may_go(self, row: Row, now: datetime) -> bool:
        refusal = self._refusal(row, now)
        if refusal is not None:
            (row.state, row.reason), row.not_before = refusal, None
            return False
        quiet_ends = self._quiet_ends(row.plan, row.customer, now)
        if quiet_ends is not None:
            row.reason, row.not_before = "LOCAL_HOUR", quiet_ends
        return quiet_ends is None

    def _refusal(self, row: Row, now: datetime) -> tuple[str, str | None] | None:
        if now >= row.nominal + EXPIRES:
            return ("EXPIRED", "DEADLINE")
        products = self._products_now(row, now)
        if products is None:
            return ("REASON_GONE", "OCCASION_OVER")
        if row.plan.needs_product and not products:
            return ("REASON_GONE", "NO_PRODUCT")
        return ("SUPPRESSED", "BLOCKED") if row.customer in self._blocked else None

    def _products_now(self, row: Row, now: datetime) -> tuple[str, ...] | None:
        """What the message is about when it is sent; None when its reason is gone."""
        if row.plan.trigger == "ABANDONED_CART":
            ended, cart = self._told.cart_ended(row.customer), self._told.cart(row.customer)
            holds = ended is not None and instant(row.occasion) > ended and cart is not None and not cart.is_empty
            return cart.products if cart and holds else None
        for occasion in self._told.occasions(row.plan, row.customer, now):
            if occasion.name == row.occasion:
                return occasion.products if occasion.holds else None
        if row.plan.trigger == "WELCOME_FOLLOWER":  # an earlier follow became known meanwhile
            return () if self._told.known[row.customer].follows else None
        return None

    def _zone(self, customer: str) -> ZoneInfo:
        return ZoneInfo(self._customers[customer].time_zone)

    def _next_day(self, row: Row, now: datetime) -> datetime:
        """The customer's next day, at the local time of day at which the row was made, or the quiet hours that it was made in ended."""
        zone = self._zone(row.customer)
        tomorrow = now.astimezone(zone).date() + timedelta(days=1)
        begun = self._quiet_ends(row.plan, row.customer, row.made_at) or row.made_at
        return _local(tomorrow, begun.astimezone(zone).time(), zone)

    def _quiet_ends(self, plan: Automation, customer: str, now: datetime) -> datetime | None:
        """When the quiet hours that `now` falls into end; None outside them."""
        if plan.quiet is None or plan.trigger == "ORDER_CONFIRMATION":
            return None
        begins, ends = plan.quiet
        zone = self._zone(customer)
        local = now.astimezone(zone)
        at = local.time()
        inside = begins <= at < ends if begins <= ends else at >= begins or at < ends
        if not inside:
            return None
        return _local(local.date() + timedelta(days=1 if at >= ends else 0), ends, zone)


def _nominals(plan: Automation, occasion: Occasion) -> list[tuple[int, datetime]]:
    """Each step's number and nominal time, in the order in which they come due."""
    sign = -1 if plan.trigger == "LIVE_REMINDER" else 1
    return [(number, occasion.happened + sign * step) for number, step in enumerate(plan.steps, start=1)]


def _local(day: date, at: time, zone: ZoneInfo) -> datetime:
    """A local time as an instant; one that summer time skips is the next minute that exists."""
    local = datetime.combine(day, at, zone)
    while local.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != local.replace(tzinfo=None):
        local = local.replace(second=0, microsecond=0) + timedelta(minutes=1)
    return local.astimezone(UTC)
