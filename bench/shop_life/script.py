"""Invents a shop's life from a seed: visits, carts, orders, follows, LIVEs, prices, and how late each is told.

What goes wrong in real shops is in it: rows that come late, twice, out of order or a little from the future; events of
years ago; carts that are emptied and begun again; LIVEs that are moved and called off; prices that fall and rise
within the hour; blocked chats; a server that did not look for a day.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from random import Random

from bench.shop_life.happenings import (
    Arrival,
    Automation,
    Consent,
    Customer,
    Event,
    Happening,
    Live,
    Order,
    Price,
    Script,
)

BEGINS = datetime(2026, 3, 2, 6, tzinfo=UTC)
"""Two changes to summer time lie in the weeks that follow: 8 March in America, 29 March in Europe."""

ZONES = ("Europe/Berlin", "America/New_York", "Asia/Jakarta", "America/Sao_Paulo", "Pacific/Auckland", "Asia/Kolkata")
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def script(seed: int, *, days: int, customers: int, visits_a_day: float = 1.0, look_every: timedelta = HOUR) -> Script:
    """The life of a shop of so many customers over so many days; the same for the same arguments."""
    return _Author(Random(seed), days, customers, visits_a_day, look_every).write()


class _Author:
    """Writes one script; every choice comes from one random source."""

    def __init__(self, dice: Random, days: int, customers: int, visits_a_day: float, look_every: timedelta) -> None:
        self._dice = dice
        self._days = days
        self._ends = BEGINS + days * DAY
        self._visits_a_day = visits_a_day
        self._look_every = look_every
        self._products = [f"p{number}" for number in range(12)]
        self._customers = [
            Customer(f"c{number}", dice.choice(ZONES), dice.choice(("FEMALE", "MALE"))) for number in range(customers)
        ]
        self._count = 0
        self._arrivals: list[Arrival] = []

    def write(self) -> Script:
        """All of it, in the order of arrival."""
        for customer in self._customers:
            self._live(customer.id)
        for product in self._products:
            self._price(product)
        for number in range(self._days // 2):
            self._broadcast(f"live{number}")
        arrivals = sorted(self._arrivals, key=lambda each: each.at)
        return Script("Europe/Berlin", self._customers, self._products, self._plans(), arrivals, list(self._looks()))

    def _happens(self, odds: float) -> bool:
        return self._dice.random() < odds

    def _between(self, low: timedelta, high: timedelta) -> timedelta:
        return low + timedelta(microseconds=self._dice.randrange((high - low) // timedelta(microseconds=1)))

    def _name(self, kind: str) -> str:
        self._count += 1
        return f"{kind}{self._count}"

    def _tell(self, at: datetime, what: Happening) -> None:
        """Let the server hear of what happened at `at`: soon, late, very late, twice, or a little early."""
        late = self._dice.choices(
            (self._between(timedelta(0), MINUTE), self._between(MINUTE, 6 * HOUR), self._between(6 * HOUR, 6 * DAY)),
            (90, 8, 2),
        )[0]
        if self._happens(0.02):
            late = -self._between(timedelta(0), 4 * MINUTE)
        arrived = max(at + late, BEGINS)
        self._arrivals.append(Arrival(arrived, what))
        if self._happens(0.03):
            self._arrivals.append(Arrival(arrived + self._between(MINUTE, DAY), what))

    def _event(self, kind: str, customer: str, at: datetime, product: str | None = None) -> None:
        self._tell(at, Event(self._name("e"), kind, customer, at, product))

    def _live(self, customer: str) -> None:
        """One customer's weeks: some history of years ago, then visit after visit."""
        if self._happens(0.1):
            self._event("CART_ADDED", customer, BEGINS - self._between(300 * DAY, 900 * DAY), self._products[0])
        at = BEGINS + self._between(timedelta(0), DAY)
        while at < self._ends:
            at = self._visit(customer, at)
            at += timedelta(days=self._dice.expovariate(self._visits_a_day))

    def _visit(self, customer: str, at: datetime) -> datetime:
        """A few minutes in the shop; when they end."""
        wanted = self._dice.sample(self._products, self._dice.randint(1, 4))
        for product in wanted:
            at += self._between(timedelta(seconds=5), 5 * MINUTE)
            self._event(self._dice.choice(("PRODUCT_VIEWED", "PRODUCT_FAVOURITED")), customer, at, product)
        if self._happens(0.15):
            at += self._between(timedelta(seconds=5), MINUTE)
            self._event(self._dice.choice(("FOLLOWED", "FOLLOWED", "UNFOLLOWED")), customer, at)
        if self._happens(0.02):
            told = at + self._between(timedelta(seconds=5), MINUTE)
            self._arrivals.append(Arrival(max(told, BEGINS), Consent(customer, blocks=self._happens(0.6))))
        return self._shop(customer, at, wanted) if self._happens(0.6) else at

    def _shop(self, customer: str, at: datetime, wanted: list[str]) -> datetime:
        """Fill a cart, take out of it, check out, buy: each as far as it goes."""
        for product in wanted:
            at += self._between(timedelta(seconds=5), 10 * MINUTE)
            self._event("CART_ADDED", customer, at, None if self._happens(0.05) else product)
        if self._happens(0.2):
            at += self._between(timedelta(seconds=5), 3 * HOUR)
            self._event("CART_REMOVED", customer, at, self._dice.choice(wanted))
        if self._happens(0.1):
            at += self._between(timedelta(seconds=5), 3 * HOUR)
            self._event("CART_EMPTIED", customer, at)
        if self._happens(0.4):
            at = self._check_out(customer, at, wanted)
        if self._happens(0.35):
            at += self._between(MINUTE, 4 * HOUR)
            self._buy(customer, at, tuple(wanted))
        return at

    def _check_out(self, customer: str, at: datetime, wanted: list[str]) -> datetime:
        reference = self._name("checkout")
        for _ in range(self._dice.choice((1, 1, 2))):
            at += self._between(MINUTE, HOUR)
            product = self._dice.choice((None, wanted[0]))
            self._tell(at, Event(self._name("e"), "CHECKOUT_STARTED", customer, at, product, reference))
        return at

    def _buy(self, customer: str, at: datetime, products: tuple[str, ...]) -> None:
        order = Order(self._name("o"), customer, at, products)
        self._tell(at, order)
        if self._happens(0.15):
            cancelled = at + self._between(HOUR, 3 * DAY)
            told = max(each.at for each in self._arrivals if each.what == order)
            self._arrivals.append(
                Arrival(max(told, cancelled) + self._between(MINUTE, HOUR), replace(order, cancelled_at=cancelled))
            )

    def _price(self, product: str) -> None:
        """One product's prices: a first one long ago, then falls and rises, some taken back within the hour."""
        price = self._dice.randrange(1_000, 9_000)
        self._tell_price(Price(product, BEGINS - self._between(DAY, 30 * DAY), price))
        at = BEGINS + self._between(timedelta(0), 4 * DAY)
        while at < self._ends:
            lower = max(100, price * self._dice.choice((60, 80, 89, 91, 97)) // 100)
            self._tell_price(Price(product, at, lower))
            if self._happens(0.1):
                self._tell_price(Price(product, at, lower + 5))
            if self._happens(0.5):
                at += self._dice.choice((self._between(MINUTE, HOUR), self._between(HOUR, 2 * DAY)))
                self._tell_price(Price(product, at, price))
            else:
                price = lower
            at += self._between(DAY, 6 * DAY)

    def _tell_price(self, price: Price) -> None:
        late = self._between(timedelta(0), MINUTE) if self._happens(0.9) else self._between(MINUTE, 2 * DAY)
        self._arrivals.append(Arrival(max(price.at, BEGINS) + late, price))

    def _broadcast(self, name: str) -> None:
        """A LIVE: planned days ahead, perhaps moved, then held, called off or forgotten."""
        told = BEGINS + self._between(timedelta(0), self._days * DAY)
        live = Live(name, told + self._between(10 * MINUTE, 4 * DAY))
        self._arrivals.append(Arrival(told, live))
        for _ in range(self._dice.choice((0, 0, 1, 3))):
            told += self._between(MINUTE, max(2 * MINUTE, live.starts_at - told))
            live = replace(live, starts_at=told + self._between(10 * MINUTE, 2 * DAY))
            self._arrivals.append(Arrival(told, live))
        if self._happens(0.2):
            told += self._between(MINUTE, max(2 * MINUTE, live.starts_at - told))
            self._arrivals.append(Arrival(told, replace(live, cancelled_at=told)))
        elif self._happens(0.8):
            started = max(told + MINUTE, live.starts_at - self._between(timedelta(0), 5 * MINUTE))
            live = replace(live, started_at=started)
            self._arrivals.append(Arrival(started + self._between(timedelta(0), MINUTE), live))
            ended = started + self._between(10 * MINUTE, 2 * HOUR)
            self._arrivals.append(Arrival(ended + MINUTE, replace(live, ended_at=ended)))

    def _plans(self) -> list[Automation]:
        later, middle = BEGINS + 2 * DAY, BEGINS + 0.6 * self._days * DAY
        day, night = (time(22), time(8)), (time(1), time(6))
        return [
            Automation(1, "ABANDONED_CART", (HOUR, 12 * HOUR, 24 * HOUR), BEGINS, needs_product=True),
            Automation(2, "ABANDONED_CART", (2 * HOUR,), later, middle, segment="FEMALE"),
            Automation(3, "INCOMPLETE_CHECKOUT", (HOUR, 6 * HOUR), BEGINS, quiet=day),
            Automation(4, "WELCOME_FOLLOWER", (timedelta(0), DAY), BEGINS),
            Automation(5, "LIVE_REMINDER", (3 * HOUR, 30 * MINUTE), BEGINS),
            Automation(6, "LIVE_REMINDER", (HOUR,), later, segment="FEMALE", followers_only=False),
            Automation(7, "PRICE_DROP", (30 * MINUTE,), BEGINS, needs_product=True),
            Automation(8, "PRICE_DROP", (timedelta(0),), BEGINS, watched_days=3, watched_by=("CARTED",)),
            Automation(9, "THANK_YOU", (DAY,), BEGINS, segment="FOLLOWS", quiet=night),
            Automation(10, "ORDER_CONFIRMATION", (timedelta(0),), BEGINS),
            Automation(11, "REPURCHASE_REMINDER", (7 * DAY, 9 * DAY), BEGINS),
        ]

    def _looks(self) -> Iterator[datetime]:
        """When the server looks: regularly, but for two times when it was down, for half a day and for three."""
        at = BEGINS
        down = {self._dice.randrange(1, self._days * 12): length for length in (14 * HOUR, 74 * HOUR)}
        number = 0
        while at < self._ends + DAY:
            number += 1
            at += self._look_every * self._dice.uniform(0.5, 1.5) + down.get(number, timedelta(0))
            yield at
