"""What is known of one customer in one shop, as plain values."""

from dataclasses import dataclass, replace
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class Order:
    """One order; `amount` in minor units, `cancelled_at` also when it was refunded."""

    at: datetime
    amount: int
    cancelled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """One thing done, by its kind of the import format."""

    kind: str
    at: datetime
    category: str | None = None
    seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What was done with one message: `kind` is READ, CLICKED or UNSUBSCRIBED."""

    kind: str
    at: datetime
    plan: int | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that conditions ask about. What is None is not known."""

    birth_date: date | None = None
    gender: str | None = None
    region: str | None = None
    orders: tuple[Order, ...] = ()
    events: tuple[Event, ...] = ()
    answers: tuple[Answer, ...] = ()

    def as_of(self, instant: datetime) -> "Facts":
        """What had happened at or before `instant`; an order that was cancelled later still stands."""
        return replace(
            self,
            orders=tuple(_then(order, instant) for order in self.orders if order.at <= instant),
            events=tuple(event for event in self.events if event.at <= instant),
            answers=tuple(answer for answer in self.answers if answer.at <= instant),
        )


def _then(order: Order, instant: datetime) -> Order:
    if order.cancelled_at is not None and order.cancelled_at > instant:
        return replace(order, cancelled_at=None)
    return order
