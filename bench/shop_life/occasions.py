"""Occasions: what the platform told of a shop's customers, and what each trigger makes of it (docs/automation.md)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from bench.shop_life.happenings import Automation, Event, Live, Order, Price, Script

CART_LASTS = timedelta(days=30)
FOLLOW_LASTS = timedelta(days=90)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
WATCHED = {"VIEWED": "PRODUCT_VIEWED", "FAVOURITED": "PRODUCT_FAVOURITED", "CARTED": "CART_ADDED"}


@dataclass(frozen=True, slots=True)
class Occasion:
    """One occasion of a trigger for one customer, as it stands now."""

    name: str
    happened: datetime
    arrived: datetime
    holds: bool
    products: tuple[str, ...] = ()
    rank: tuple[float, float, tuple[int, ...]] = (0.0, 0.0, ())
    """Of several price drops the greatest counts."""


@dataclass(slots=True)
class Known:
    """What a customer did, by kind; `stored` has the instant at which each became known."""

    events: dict[str, Event] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)
    stored: dict[str, datetime] = field(default_factory=dict)

    def of(self, *kinds: str) -> list[Event]:
        """Events of these kinds, the earliest first."""
        return sorted((each for each in self.events.values() if each.kind in kinds), key=lambda each: each.at)

    def latest(self, *kinds: str) -> datetime | None:
        """The instant of the latest event of these kinds."""
        return max((each.at for each in self.of(*kinds)), default=None)

    @property
    def follows(self) -> bool:
        """Whether the latest word is that they follow."""
        followed, left = self.latest("FOLLOWED"), self.latest("UNFOLLOWED")
        return followed is not None and (left is None or followed > left)


@dataclass(frozen=True, slots=True)
class Cart:
    """A customer's cart: when its episode began, its latest addition, and what is in it, the newest first."""

    start: datetime
    last: Event
    products: tuple[str, ...]
    has_unnamed: bool

    @property
    def is_empty(self) -> bool:
        """Whether nothing is in it."""
        return not self.products and not self.has_unnamed


class Told:
    """Every row that the platform sent, and the occasions that follow from all of them."""

    def __init__(self, script: Script) -> None:
        self.known = {each.id: Known() for each in script.customers}
        self._lives: dict[str, tuple[Live, datetime]] = {}
        self._prices: dict[str, dict[datetime, tuple[int, datetime]]] = {}

    def hear(self, at: datetime, what: Event | Order | Live | Price) -> None:
        """Store what became known at an instant."""
        if isinstance(what, Event):
            known = self.known[what.customer]
            if what.id not in known.events:
                known.events[what.id] = what
                known.stored[what.id] = at
        elif isinstance(what, Order):
            known = self.known[what.customer]
            known.orders[what.id] = what
            known.stored.setdefault(what.id, at)
        elif isinstance(what, Live):
            before = self._lives.get(what.id)
            moved = before is None or before[0].starts_at != what.starts_at
            self._lives[what.id] = (what, at if moved or before is None else before[1])
        else:
            self._hear_price(at, what)

    def _hear_price(self, at: datetime, what: Price) -> None:
        history = self._prices.setdefault(what.product, {})
        before = history.get(what.at)
        if before is None or before[0] != what.price:
            history[what.at] = (what.price, at)

    def occasions(self, plan: Automation, customer: str, now: datetime) -> Iterable[Occasion]:
        """A plan's occasions for one customer, as they stand now."""
        known = self.known[customer]
        if plan.trigger == "ABANDONED_CART":
            return self._carts(customer, known)
        if plan.trigger == "INCOMPLETE_CHECKOUT":
            return self._checkouts(customer, known)
        if plan.trigger == "WELCOME_FOLLOWER":
            return _follows(known)
        if plan.trigger == "LIVE_REMINDER":
            return self._live_sessions(plan, known, now)
        if plan.trigger == "PRICE_DROP":
            return self._drops(plan, known)
        return _orders(plan, known)

    def cart_ended(self, customer: str) -> datetime | None:
        """E: the latest of what ends an episode; None when nothing was ever added."""
        known = self.known[customer]
        last = known.latest("CART_ADDED")
        if last is None:
            return None
        ends = [last - CART_LASTS, *(order.at for order in known.orders.values())]
        emptied = known.latest("CART_EMPTIED")
        return max([*ends, emptied] if emptied else ends)

    def cart(self, customer: str) -> Cart | None:
        """The cart whose episode goes on, if any."""
        known = self.known[customer]
        ended = self.cart_ended(customer)
        if ended is None:
            return None
        added = [each for each in known.of("CART_ADDED") if each.at > ended]
        if not added:
            return None
        removed = [each for each in known.of("CART_REMOVED") if each.at > ended]
        kept = {
            each.product: each.at
            for each in added
            if each.product is not None
            and not any(gone.product == each.product and gone.at >= _last(added, each.product) for gone in removed)
        }
        products = tuple(sorted(kept, key=lambda product: kept[product], reverse=True))
        return Cart(added[0].at, added[-1], products, any(each.product is None for each in added))

    def _carts(self, customer: str, known: Known) -> Iterator[Occasion]:
        cart = self.cart(customer)
        if cart is not None:
            arrived = known.stored[cart.last.id]
            yield Occasion(f"cart:{_micros(cart.start)}", cart.last.at, arrived, not cart.is_empty, cart.products)

    def _checkouts(self, customer: str, known: Known) -> Iterator[Occasion]:
        started = known.of("CHECKOUT_STARTED")
        cart = self.cart(customer)
        for reference in {each.reference for each in started if each.reference is not None}:
            own = [each for each in started if each.reference == reference]
            last = own[-1]
            holds = (
                not any(order.at >= last.at for order in known.orders.values())
                and not any(each.at >= last.at for each in known.of("CART_EMPTIED"))
                and not any(each.reference != reference and each.at > last.at for each in started)
            )
            named = tuple(dict.fromkeys(each.product for each in reversed(own) if each.product))
            products = cart.products if cart and cart.products else named
            yield Occasion(f"checkout:{reference}", last.at, known.stored[last.id], holds, products)

    def _live_sessions(self, plan: Automation, known: Known, now: datetime) -> Iterator[Occasion]:
        for live, arrived in self._lives.values():
            is_over = live.started_at or live.ended_at or live.cancelled_at
            holds = now < live.starts_at and not is_over and (known.follows or not plan.followers_only)
            yield Occasion(f"live:{live.id}", live.starts_at, arrived, bool(holds))

    def _drops(self, plan: Automation, known: Known) -> Iterator[Occasion]:
        kinds = {WATCHED[each] for each in plan.watched_by}
        for product, history in self._prices.items():
            instants = sorted(history)
            for before_at, at in pairwise(instants):
                before, (price, arrived) = history[before_at][0], history[at]
                watched = [
                    each.at
                    for each in known.events.values()
                    if each.kind in kinds
                    and each.product == product
                    and at - timedelta(days=plan.watched_days) < each.at <= at
                ]
                if not watched or not _is_low(price, before, plan):
                    continue
                bought = any(product in order.products and order.at >= max(watched) for order in known.orders.values())
                holds = _is_low(history[instants[-1]][0], before, plan) and not bought
                rank = ((before - price) / before, at.timestamp(), tuple(-byte for byte in product.encode()))
                yield Occasion(f"price:{product}:{_micros(at)}", at, arrived, holds, (product,), rank)


def _follows(known: Known) -> Iterator[Occasion]:
    instants = [each.at for each in known.of("FOLLOWED")]
    for each in known.of("FOLLOWED"):
        if not any(each.at - FOLLOW_LASTS <= other < each.at for other in instants):
            yield Occasion(f"follow:{_micros(each.at)}", each.at, known.stored[each.id], known.follows)


def _orders(plan: Automation, known: Known) -> Iterator[Occasion]:
    for order in known.orders.values():
        later = any(other.at > order.at and other.cancelled_at is None for other in known.orders.values())
        holds = order.cancelled_at is None and not (plan.trigger == "REPURCHASE_REMINDER" and later)
        products = tuple(dict.fromkeys(order.products))
        yield Occasion(f"order:{order.id}", order.at, known.stored[order.id], holds, products)


def _is_low(price: int, before: int, plan: Automation) -> bool:
    return price * 100 <= before * (100 - plan.minimum_drop)


def _last(added: list[Event], product: str | None) -> datetime:
    return max(each.at for each in added if each.product == product)


def _micros(at: datetime) -> int:
    return (at - EPOCH) // timedelta(microseconds=1)


def instant(occasion: str) -> datetime:
    """The instant that a cart's or follow's name holds."""
    return EPOCH + timedelta(microseconds=int(occasion.partition(":")[2]))
