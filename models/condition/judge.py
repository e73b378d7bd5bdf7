"""A leaf judged against the plain facts of one customer, sharing nothing with the compiler."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from models import money
from models.condition.facts import Event, Facts, Order
from models.condition.tree import (
    AgeIn,
    Deed,
    Did,
    Follows,
    GenderIn,
    Leaf,
    Measure,
    Moment,
    MomentIn,
    OrderAmount,
    OrderCount,
    RegionIn,
    Responded,
    Response,
)

ENGAGEMENT = (
    "PRODUCT_CARD_CLICKED",
    "VIDEO_WATCHED",
    "VIDEO_LIKED",
    "VIDEO_PRODUCT_CLICKED",
    "LIVE_WATCHED",
    "LIVE_CLICKED",
)
DONE_BY = {
    Deed.VIEWED: ("PRODUCT_VIEWED",),
    Deed.FAVOURITED: ("PRODUCT_FAVOURITED",),
    Deed.CARTED: ("CART_ADDED",),
    Deed.REVIEWED: ("PRODUCT_REVIEWED",),
    Deed.CHECKOUT_STARTED: ("CHECKOUT_STARTED",),
    Deed.CARD_CLICKED: ("PRODUCT_CARD_CLICKED",),
    Deed.VIDEO_WATCHED: ("VIDEO_WATCHED",),
    Deed.VIDEO_LIKED: ("VIDEO_LIKED",),
    Deed.VIDEO_CLICKED: ("VIDEO_PRODUCT_CLICKED",),
    Deed.LIVE_WATCHED: ("LIVE_WATCHED",),
    Deed.LIVE_CLICKED: ("LIVE_CLICKED",),
    Deed.ENGAGED: ENGAGEMENT,
}
ANSWERS = {Response.READ: "READ", Response.CLICKED: "CLICKED", Response.UNSUBSCRIBED: "UNSUBSCRIBED"}
MOMENTS = {Moment.FIRST_ORDER: "first order", Moment.LAST_ORDER: "last order", Moment.FOLLOWED: "followed"}


class Judge:
    """One customer's facts at one instant, calendar days read in `zone`."""

    def __init__(self, facts: Facts, now: datetime, zone: ZoneInfo) -> None:
        self.facts = facts
        self.now = now
        self.zone = zone

    def judge(self, leaf: Leaf) -> tuple[bool, str]:
        """Whether the leaf holds, and what was found."""
        match leaf:
            case AgeIn() | GenderIn() | RegionIn():
                return self._demographic(leaf)
            case OrderCount():
                return self._count(leaf)
            case OrderAmount():
                return self._amount(leaf)
            case MomentIn():
                return self._moment(leaf)
            case Follows():
                return self._follows(leaf)
            case Did():
                return self._did(leaf)
            case Responded():
                return self._responded(leaf)

    def _demographic(self, leaf: AgeIn | GenderIn | RegionIn) -> tuple[bool, str]:
        if isinstance(leaf, GenderIn):
            return self.facts.gender in leaf.genders, self.facts.gender or "gender not known"
        if isinstance(leaf, RegionIn):
            return self.facts.region in leaf.regions, self.facts.region or "region not known"
        if self.facts.birth_date is None:
            return False, "birth date not known"
        age = _age(self.facts.birth_date, self.now.astimezone(self.zone).date())
        return _between(age, leaf.least, leaf.most), f"{age} years old"

    def _count(self, leaf: OrderCount) -> tuple[bool, str]:
        number = len(self._standing(leaf.within_days))
        return _between(number, leaf.least, leaf.most), _times(number, "order", leaf.within_days)

    def _amount(self, leaf: OrderAmount) -> tuple[bool, str]:
        amounts = [order.amount for order in self._standing(leaf.within_days)]
        if leaf.measure is Measure.AVERAGE_ORDER:
            if not amounts:
                return False, _times(0, "order", leaf.within_days)
            holds = _compares(sum(amounts), leaf, len(amounts))
            return holds, f"average of {_money(sum(amounts) / len(amounts), leaf.currency)}{_ago(leaf.within_days)}"
        return _compares(sum(amounts), leaf, 1), f"{_money(sum(amounts), leaf.currency)}{_ago(leaf.within_days)}"

    def _moment(self, leaf: MomentIn) -> tuple[bool, str]:
        times = [order.at for order in self._standing(None)]
        if leaf.moment is Moment.FOLLOWED:
            times = [event.at for event in self.facts.events if event.kind == "FOLLOWED"]
        if not times:
            return False, "never followed" if leaf.moment is Moment.FOLLOWED else "no order"
        at = min(times) if leaf.moment is Moment.FIRST_ORDER else max(times)
        return self._lies(at, leaf), f"{MOMENTS[leaf.moment]} on {at.astimezone(self.zone):%Y-%m-%d %H:%M}"

    def _lies(self, at: datetime, leaf: MomentIn) -> bool:
        if leaf.within_days is not None:
            return at > self.now - timedelta(days=leaf.within_days)
        after_first = leaf.first is None or at >= self._start_of(leaf.first)
        return after_first and (leaf.last is None or at < self._start_of(leaf.last + timedelta(days=1)))

    def _start_of(self, day: date) -> datetime:
        return datetime.combine(day, time.min, tzinfo=self.zone)

    def _follows(self, leaf: Follows) -> tuple[bool, str]:
        followed = max((event.at for event in self.facts.events if event.kind == "FOLLOWED"), default=None)
        left = max((event.at for event in self.facts.events if event.kind == "UNFOLLOWED"), default=None)
        follows = followed is not None and (left is None or followed > left)
        return follows is leaf.value, "follows" if follows else "does not follow"

    def _did(self, leaf: Did) -> tuple[bool, str]:
        kinds = DONE_BY[leaf.deed]
        done = [
            event for event in self.facts.events if event.kind in kinds and self._recent(event.at, leaf.within_days)
        ]
        if leaf.category is not None:
            done = [event for event in done if event.category == leaf.category]
        if leaf.least_seconds is None:
            return bool(done), _times(len(done), "time", leaf.within_days)
        seconds = _seconds(done)
        return seconds >= leaf.least_seconds, f"{seconds} seconds{_ago(leaf.within_days)}"

    def _responded(self, leaf: Responded) -> tuple[bool, str]:
        number = sum(
            answer.kind == ANSWERS[leaf.response]
            and (leaf.plan is None or answer.plan == leaf.plan)
            and self._recent(answer.at, leaf.within_days)
            for answer in self.facts.answers
        )
        return number > 0, _times(number, "time", leaf.within_days)

    def _standing(self, within_days: int | None) -> list[Order]:
        return [
            order for order in self.facts.orders if order.cancelled_at is None and self._recent(order.at, within_days)
        ]

    def _recent(self, at: datetime, within_days: int | None) -> bool:
        return within_days is None or self.now - at < timedelta(days=within_days)


def _age(born: date, today: date) -> int:
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def _between(value: int, least: int | None, most: int | None) -> bool:
    return (least is None or value >= least) and (most is None or value <= most)


def _compares(total: int, leaf: OrderAmount, number: int) -> bool:
    return (
        (leaf.least is None or total >= leaf.least * number)
        and (leaf.above is None or total > leaf.above * number)
        and (leaf.most is None or total <= leaf.most * number)
        and (leaf.below is None or total < leaf.below * number)
    )


def _seconds(events: list[Event]) -> int:
    return sum(event.seconds or 0 for event in events)


def _ago(within_days: int | None) -> str:
    return f" in the past {within_days} days" if within_days else " ever"


def _times(number: int, noun: str, within_days: int | None) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}{_ago(within_days)}"


def _money(minor: float, currency: str) -> str:
    digits = money.digits(currency)
    return f"{minor / 10**digits:.{digits}f} {currency}"
