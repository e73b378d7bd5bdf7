"""Who is in a segment, as distributions (R27): age, gender, region, language, orders, lifetime value."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from models import database, money
from models.clock import now
from models.condition.lowering import years_before
from models.segment.member import Question
from models.shop import Shop

AGES = (18, 25, 35, 45, 55, 65)
ORDERS = (1, 2, 3, 5, 10, 20, 50)
VALUES = tuple(step * 10**power for power in range(1, 7) for step in (1, 2, 5))
"""Where bands of age, orders and lifetime value (in major units) begin; below the first lies one more."""

MOST_SHARES = 50
"""Regions and languages told apart; smaller ones are counted together."""


@dataclass(frozen=True, slots=True)
class Band:
    """Members from `least` to below `below`, None where the band is open; both None: not known."""

    least: int | None
    below: int | None
    count: int


@dataclass(frozen=True, slots=True)
class Share:
    """Members with this value; None: not known."""

    value: str | None
    count: int


@dataclass(frozen=True, slots=True)
class Profile:
    """Distributions over the same members; each adds up to `size` but for the shares beyond the fifty largest."""

    size: int
    ages: list[Band]
    genders: list[Share]
    regions: list[Share]
    languages: list[Share]
    orders: list[Band]
    lifetime_values: list[Band]


async def profile(shop: Shop, question: Question) -> Profile:
    """The distributions of who meets the question, live, in one statement; amounts in minor units of the shop."""
    scale = 10 ** money.digits(shop.currency)
    values = [scale * value for value in VALUES]
    today = now().astimezone(ZoneInfo(shop.time_zone)).date()
    too_young = [years_before(today, age) + timedelta(days=1) for age in reversed(AGES)]
    arguments: list[Any] = [shop.id, too_young, list(ORDERS), values]
    statement = _PROFILE.format(members=question.compiled(arguments))
    found: dict[int, list[tuple[Any, int]]] = {bit: [] for bit in _BITS}
    total = 0
    for row in await database.fetch_planned(statement, *arguments):
        if row["set"] == _EVERYTHING:
            total = row["count"]
        else:
            found[row["set"]].append((row["value"], row["count"]))
    age, gender, region, language, orders, value = (found[bit] for bit in _BITS)
    return Profile(
        size=total,
        ages=_bands(age, AGES),
        genders=_shares(gender),
        regions=_shares(region),
        languages=_shares(language),
        orders=_bands(orders, ORDERS),
        lifetime_values=_bands(value, values),
    )


def _bands(counts: Sequence[tuple[str | None, int]], edges: Sequence[int]) -> list[Band]:
    """Bands that have members, in order, the unknown last."""
    found = []
    for number, count in sorted((int(number), count) for number, count in counts if number is not None):
        least = edges[number - 1] if number else 0
        found.append(Band(least, edges[number] if number < len(edges) else None, count))
    return found + [Band(None, None, count) for number, count in counts if number is None]


def _shares(counts: Sequence[tuple[str | None, int]]) -> list[Share]:
    """The largest shares, in order of size, then of value."""
    ordered = sorted(counts, key=lambda each: (-each[1], each[0] is None, each[0] or ""))
    return [Share(value, count) for value, count in ordered[:MOST_SHARES]]


_BITS = (0b011111, 0b101111, 0b110111, 0b111011, 0b111101, 0b111110)
_EVERYTHING = 0b111111

# Born on a day of $2, someone is just too young for the age of that place. No year is taken out of a birth date: that of
# the calendar's first day, which some systems write of whom they know none, is infinite to PostgreSQL.
_PROFILE = """
WITH seen AS (
    SELECT (cardinality($2::date[]) - width_bucket(c.birth_date, $2::date[]))::text AS age,
           c.gender, c.region, c.language,
           width_bucket(r.order_count, $3::int[])::text AS orders,
           width_bucket(r.order_amount, $4::bigint[])::text AS value
    FROM ({members}) AS member
    JOIN relationship r ON r.shop_id = $1::integer AND r.customer_id = member.customer_id
    LEFT JOIN customer c ON c.id = member.customer_id
)
SELECT grouping(age, gender, region, language, orders, value) AS set,
       coalesce(age, gender, region, language, orders, value) AS value, count(*) AS count
FROM seen
GROUP BY GROUPING SETS ((age), (gender), (region), (language), (orders), (value), ())
"""
