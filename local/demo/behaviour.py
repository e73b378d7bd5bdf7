"""What one demo customer does in one shop in a year: visits, carts, orders, LIVEs, videos, follows.

Everything is drawn from the customer's own seed, so it depends on nobody else and comes out the same
however often it is told with the same `now`.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from local.demo.people import Person
from local.demo.seasons import Calendar, is_campaign
from local.demo.shops import DemoShop, Live, Product

Row = dict[str, Any]

VIDEOS = 60
"""How many short videos a shop has."""


@dataclass(frozen=True, slots=True)
class Habit:
    """A kind of customer: shares are probabilities, `visits`, `lives` and `videos` are means a year."""

    name: str
    share: int
    visits: float
    buys: float
    leaves: float
    follows: float
    lives: float
    videos: float


HABITS = (
    Habit("loyal", 9, visits=34, buys=0.27, leaves=0.15, follows=0.60, lives=7, videos=8),
    Habit("regular", 18, visits=17, buys=0.20, leaves=0.40, follows=0.40, lives=3, videos=4),
    Habit("occasional", 20, visits=9, buys=0.15, leaves=0.50, follows=0.20, lives=1, videos=2),
    Habit("one-timer", 18, visits=4, buys=0.35, leaves=0.95, follows=0.12, lives=0.3, videos=1),
    Habit("browser", 27, visits=7, buys=0.0, leaves=0.50, follows=0.15, lives=1, videos=3),
    Habit("fan", 8, visits=7, buys=0.02, leaves=0.30, follows=0.95, lives=18, videos=14),
)


@dataclass(slots=True)
class Stage:
    """What all customers of a shop share: its year, its LIVEs, its goods."""

    shop: DemoShop
    calendar: Calendar
    lives: list[Live]
    by_category: dict[str, list[Product]]


def stage_of(shop: DemoShop, now: datetime) -> Stage:
    """Set up a shop's year up to `now`."""
    goods = {name: [p for p in shop.products if p.category == name] for name in shop.categories}
    return Stage(shop, Calendar(now), shop.lives(now), goods)


@dataclass(slots=True)
class Diary:
    """Collects one customer's rows and numbers them."""

    stage: Stage
    person: Person
    random: Random
    rows: list[Row] = field(default_factory=list)

    def _external_id(self, kind: str) -> str:
        return f"{kind}-{self.person.number:05d}-{len(self.rows):04d}"

    def note(
        self,
        kind: str,
        at: datetime,
        product: Product | None = None,
        *,
        category: str | None = None,
        seconds: int | None = None,
        reference: str | None = None,
    ) -> None:
        """Add an event, unless it would happen after the year's end."""
        if at >= self.stage.calendar.now:
            return
        self.rows.append(
            {
                "type": "event",
                "externalId": self._external_id("event"),
                "kind": kind,
                "customer": self.person.external_id,
                "occurredAt": at.isoformat(timespec="seconds"),
                "product": product.external_id if product else None,
                "category": category,
                "seconds": seconds,
                "reference": reference,
            }
        )

    def order(self, at: datetime, products: list[Product]) -> None:
        """Add an order, cheaper on campaign days; one in sixteen is cancelled or refunded within three days."""
        if at >= self.stage.calendar.now:
            return
        off = self.random.choice((10, 15, 20, 30)) if is_campaign(at.date()) else 0
        undone_at = at + timedelta(seconds=self.random.randrange(600, 259_200))
        undone = self.random.random() < 0.06 and undone_at < self.stage.calendar.now
        status = self.random.choice(("CANCELLED", "CANCELLED", "REFUNDED")) if undone else "PLACED"
        self.rows.append(
            {
                "type": "order",
                "externalId": self._external_id("order"),
                "customer": self.person.external_id,
                "orderedAt": at.isoformat(timespec="seconds"),
                "amount": sum(product.price for product in products) * (100 - off) // 100,
                "currency": self.stage.shop.currency,
                "status": status,
                "cancelledAt": undone_at.isoformat(timespec="seconds") if undone else None,
                "products": [product.external_id for product in products],
            }
        )


def year_of(stage: Stage, person: Person) -> list[Row]:
    """All events and orders of one customer in one shop."""
    random = Random(f"rekindle demo year {stage.shop.external_id} {person.number}")
    diary = Diary(stage, person, random)
    habit = random.choices(HABITS, [habit.share for habit in HABITS])[0]
    joins, leaves = _stay(random, habit)
    zone = ZoneInfo(person.time_zone or stage.shop.time_zone)
    favourites = random.sample(stage.shop.products, k=min(8, len(stage.shop.products)))

    visits = [
        at
        for _ in range(_count(random, habit.visits * (leaves - joins)) + (joins > 0))
        if (at := stage.calendar.visit(random, zone, joins, leaves))
    ]
    for at in sorted(visits):
        _visit(diary, habit, at, favourites)
    _follow(diary, habit, visits)
    _watch_lives(diary, habit, joins, leaves)
    for _ in range(_count(random, habit.videos * (leaves - joins))):
        if at := stage.calendar.visit(random, zone, joins, leaves):
            _watch_video(diary, at)
    return diary.rows


def _stay(random: Random, habit: Habit) -> tuple[float, float]:
    """From which to which share of the year they come: four in ten were there before it began, and the shop grows."""
    joins = 0.0 if random.random() < 0.4 else random.random() ** 0.8 * 0.995
    if habit.name == "one-timer":
        joins = random.random() * 0.98
        return joins, min(1.0, joins + 0.06)
    return joins, random.uniform(joins, 1.0) if random.random() < habit.leaves else 1.0


def _count(random: Random, mean: float) -> int:
    """A whole number around a mean, spread like a Poisson count."""
    return max(0, round(random.gauss(mean, mean**0.5)))


def _visit(diary: Diary, habit: Habit, at: datetime, favourites: list[Product]) -> None:
    """Look at some products; some are favourited or carted, and some carts are bought."""
    random, cart = diary.random, []
    for _ in range(random.choice((1, 1, 2, 2, 3, 5))):
        product = random.choice(favourites if random.random() < 0.6 else diary.stage.shop.products)
        at += timedelta(seconds=random.randrange(15, 240))
        if random.random() < 0.12:
            diary.note("PRODUCT_CARD_CLICKED", at, product)
        diary.note("PRODUCT_VIEWED", at, product)
        if random.random() < 0.1:
            diary.note("PRODUCT_FAVOURITED", at + timedelta(seconds=9), product)
        if random.random() < 0.12:
            cart.append(product)
            diary.note("CART_ADDED", at + timedelta(seconds=12), product)
    if random.random() < habit.buys:
        if not cart:
            cart.append(product)
            diary.note("CART_ADDED", at + timedelta(seconds=12), product)
        _buy(diary, at, cart)
    elif cart:
        _abandon(diary, at, cart)


def _buy(diary: Diary, at: datetime, cart: list[Product]) -> None:
    """From the checkout to the order, and perhaps a review when it has arrived."""
    random = diary.random
    reference = f"checkout-{diary.person.number:05d}-{len(diary.rows):04d}"
    at += timedelta(seconds=random.randrange(20, 300))
    diary.note("CHECKOUT_STARTED", at, reference=reference)
    diary.order(at + timedelta(seconds=random.randrange(60, 600)), cart)
    if random.random() < 0.25:
        diary.note("PRODUCT_REVIEWED", at + timedelta(hours=random.randrange(90, 340)), random.choice(cart))


def _abandon(diary: Diary, at: datetime, cart: list[Product]) -> None:
    """Some reach the checkout, some take things out again, most just leave."""
    random = diary.random
    at += timedelta(seconds=random.randrange(30, 900))
    chance = random.random()
    if chance < 0.25:
        reference = f"checkout-{diary.person.number:05d}-{len(diary.rows):04d}"
        diary.note("CHECKOUT_STARTED", at, reference=reference)
    elif chance < 0.45:
        diary.note("CART_REMOVED", at, random.choice(cart))
    elif chance < 0.55:
        diary.note("CART_EMPTIED", at)


def _follow(diary: Diary, habit: Habit, visits: list[datetime]) -> None:
    """Follow during a visit; one in seven unfollows later, few of them come back."""
    random = diary.random
    if not visits or random.random() >= habit.follows:
        return
    at = random.choice(visits) + timedelta(seconds=random.randrange(5, 600))
    diary.note("FOLLOWED", at)
    if random.random() < 0.14:
        at += timedelta(hours=random.randrange(1, 2400))
        diary.note("UNFOLLOWED", at)
        if random.random() < 0.2:
            diary.note("FOLLOWED", at + timedelta(hours=random.randrange(1, 1200)))


def _watch_lives(diary: Diary, habit: Habit, joins: float, leaves: float) -> None:
    """Watch some of the LIVEs held while they come here: minutes mostly, at times to the end."""
    random = diary.random
    lives = diary.stage.lives
    held = lives[int(joins * len(lives)) : int(leaves * len(lives))]
    count = min(len(held), _count(random, habit.lives * (leaves - joins)))
    for live in random.sample(held, k=count):
        at = live.starts_at + timedelta(seconds=random.randrange(0, 3600))
        seconds = min(3500, int(random.lognormvariate(5.7, 1.0)) + 5)
        diary.note("LIVE_WATCHED", at, category=live.category, seconds=seconds, reference=live.external_id)
        if random.random() < 0.3:
            _click_in_live(diary, habit, live, at + timedelta(seconds=random.randrange(seconds)))


def _click_in_live(diary: Diary, habit: Habit, live: Live, at: datetime) -> None:
    """Tap a product that is shown; look at it, perhaps buy it on the spot."""
    product = diary.random.choice(diary.stage.by_category[live.category])
    diary.note("LIVE_CLICKED", at, product, category=live.category, reference=live.external_id)
    diary.note("PRODUCT_VIEWED", at + timedelta(seconds=2), product)
    if diary.random.random() < habit.buys / 2:
        diary.note("CART_ADDED", at + timedelta(seconds=20), product)
        _buy(diary, at + timedelta(seconds=20), [product])


def _watch_video(diary: Diary, at: datetime) -> None:
    """Watch a short video about one product; some like it, some go to the product."""
    random = diary.random
    number = random.randrange(VIDEOS)
    product = diary.stage.shop.products[number % len(diary.stage.shop.products)]
    reference = f"{diary.stage.shop.external_id}-video-{number:02d}"
    category, seconds = product.category, random.randrange(3, 90)
    diary.note("VIDEO_WATCHED", at, product, category=category, seconds=seconds, reference=reference)
    if random.random() < 0.2:
        diary.note("VIDEO_LIKED", at + timedelta(seconds=seconds), product, category=category, reference=reference)
    if random.random() < 0.12:
        at += timedelta(seconds=seconds)
        diary.note("VIDEO_PRODUCT_CLICKED", at, product, category=category, reference=reference)
        diary.note("PRODUCT_VIEWED", at + timedelta(seconds=1), product)
