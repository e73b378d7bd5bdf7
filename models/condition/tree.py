"""The condition language as values: who is in a segment, with AND, OR and NOT over whitelisted facts (R5).

Every leaf is either true or false of a customer, never unknown: what is not known of someone (no birth
date, no order) makes the leaf false, so a negation is the true complement within the shop's customers.
"""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum


class Gender(StrEnum):
    """What a customer's account says."""

    FEMALE = "FEMALE"
    MALE = "MALE"
    OTHER = "OTHER"


class Moment(StrEnum):
    """An instant a customer has at most one of."""

    FIRST_ORDER = "firstOrder"
    LAST_ORDER = "lastOrder"
    FOLLOWED = "followed"


class Deed(StrEnum):
    """Something a customer does in a shop, any number of times."""

    VIEWED = "viewed"
    FAVOURITED = "favourited"
    CARTED = "carted"
    REVIEWED = "reviewed"
    CHECKOUT_STARTED = "checkoutStarted"
    CARD_CLICKED = "cardClicked"
    VIDEO_WATCHED = "videoWatched"
    VIDEO_LIKED = "videoLiked"
    VIDEO_CLICKED = "videoClicked"
    LIVE_WATCHED = "liveWatched"
    LIVE_CLICKED = "liveClicked"
    ENGAGED = "engaged"


class Response(StrEnum):
    """What a customer did with the messages of a shop."""

    READ = "messageRead"
    CLICKED = "messageClicked"
    UNSUBSCRIBED = "unsubscribed"


class Measure(StrEnum):
    """What is measured of the money in a customer's orders."""

    SPENT = "spent"
    AVERAGE_ORDER = "averageOrder"


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every one of `members` holds."""

    members: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one of `members` holds."""

    members: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Negation:
    """`member` does not hold."""

    member: "Condition"


@dataclass(frozen=True, slots=True)
class AgeIn:
    """Between `least` and `most` whole years old, both included; someone born on 29 February turns on 1 March."""

    least: int | None = None
    most: int | None = None


@dataclass(frozen=True, slots=True)
class GenderIn:
    """The account's gender is one of these."""

    genders: tuple[Gender, ...]


@dataclass(frozen=True, slots=True)
class RegionIn:
    """The account's region (ISO 3166-2) is one of these."""

    regions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OrderCount:
    """Placed `least` to `most` orders, ever or within the window; cancelled and refunded ones do not count."""

    within_days: int | None = None
    least: int | None = None
    most: int | None = None


@dataclass(frozen=True, slots=True)
class OrderAmount:
    """The total or average of the orders, in minor units of the shop's currency, lies between the bounds.

    `least` and `most` are included, `above` and `below` are not. The total of no orders is 0; there
    is no average of no orders, so that comparing it is false.
    """

    measure: Measure
    currency: str
    within_days: int | None = None
    least: int | None = None
    above: int | None = None
    most: int | None = None
    below: int | None = None

    def bounds(self) -> tuple[tuple[str, int | None], ...]:
        """Each comparison with its bound, absent ones included."""
        return ((">=", self.least), (">", self.above), ("<=", self.most), ("<", self.below))


@dataclass(frozen=True, slots=True)
class MomentIn:
    """The moment lies within the window, or on the calendar days from `first` to `last`, both included."""

    moment: Moment
    within_days: int | None = None
    first: date | None = None
    last: date | None = None


@dataclass(frozen=True, slots=True)
class Follows:
    """Follows the shop now (`value`), or does not."""

    value: bool


@dataclass(frozen=True, slots=True)
class Did:
    """Did it at least once, ever or within the window, on content of `category` when that is given.

    `least_seconds` asks for the seconds of all such views together, not of the longest one.
    """

    deed: Deed
    within_days: int | None = None
    category: str | None = None
    least_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Responded:
    """Read, clicked or unsubscribed, ever or within the window, by way of `plan` when that is given."""

    response: Response
    within_days: int | None = None
    plan: int | None = None


Leaf = AgeIn | GenderIn | RegionIn | OrderCount | OrderAmount | MomentIn | Follows | Did | Responded
Condition = AllOf | AnyOf | Negation | Leaf


@dataclass(frozen=True, slots=True)
class Definition:
    """A whole condition, with the IANA time zone in which its calendar days and ages are read."""

    conditions: Condition
    time_zone: str
    text: str | None = field(default=None, compare=False)
    """The line that it was read from, if it was: what is wrong with it is told by its columns."""
