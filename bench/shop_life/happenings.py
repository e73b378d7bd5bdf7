"""What can happen in a shop's life, as its platform tells it, and the plans that answer it (docs/automation.md)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta


@dataclass(frozen=True, slots=True)
class Event:
    """Something a customer did; `kind` as in the API."""

    id: str
    kind: str
    customer: str
    at: datetime
    product: str | None = None
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """An order as it stands; told again with `cancelled_at` when it is cancelled."""

    id: str
    customer: str
    at: datetime
    products: tuple[str, ...]
    cancelled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Live:
    """A LIVE as it stands: planned, moved, started, ended or cancelled."""

    id: str
    starts_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    cancelled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Price:
    """What a product costs from an instant on, in minor units."""

    product: str
    at: datetime
    price: int


@dataclass(frozen=True, slots=True)
class Consent:
    """A customer blocks the shop's chat, or lets it write again."""

    customer: str
    blocks: bool


Happening = Event | Order | Live | Price | Consent


@dataclass(frozen=True, slots=True)
class Arrival:
    """That a happening became known to the server at an instant."""

    at: datetime
    what: Happening


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer and what is known of them from the beginning."""

    id: str
    time_zone: str
    gender: str


@dataclass(frozen=True, slots=True)
class Automation:
    """An automated plan; `steps` in the order in which they come due, `segment` one of None, FEMALE, FOLLOWS."""

    number: int
    trigger: str
    steps: tuple[timedelta, ...]
    start: datetime
    end: datetime | None = None
    segment: str | None = None
    quiet: tuple[time, time] | None = None
    watched_days: int = 30
    minimum_drop: int = 10
    watched_by: tuple[str, ...] = ("VIEWED", "FAVOURITED", "CARTED")
    followers_only: bool = True
    needs_product: bool = False


@dataclass(frozen=True, slots=True)
class Script:
    """All that happens, in the order of its arrival, and the instants at which the server looks what is due."""

    time_zone: str
    customers: Sequence[Customer]
    products: Sequence[str]
    plans: Sequence[Automation]
    arrivals: Sequence[Arrival]
    looks: Sequence[datetime]
