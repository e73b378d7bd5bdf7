"""A shop's overview equals what plain Python counts in the same history, day by day in its own zone (R23)."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models import database
from models.errors import Refused
from models.metric.activity import Activity
from models.metric.day import FACTS
from models.metric.overview import overview
from models.metric.part import Part
from tests.models.metric.products import clicked_often, rows_read, store_clicks
from tests.outreach import Left, Outreach, Place, Sent, at, outreach
from tests.stored_histories import rolled_back

ZONE = ZoneInfo("America/St_Johns")
"""Half an hour off, so that no hour of the history is a midnight there by accident of UTC."""


@dataclass(frozen=True)
class Fact:
    """Something that counts on a day: what, how much, and for which message, or which product."""

    day: date
    name: str
    amount: int
    plan: int
    channel: str
    language: str
    product: UUID | None = None


@pytest.fixture
async def place(database: None) -> Place:
    return await Place.make(time_zone=str(ZONE))


def day(hour: int) -> date:
    return at(hour).astimezone(ZONE).date()


def facts(history: Outreach) -> list[Fact]:
    """Everything that counts for the first shop."""
    return [fact for of in (of_messages, of_orders, of_answers, of_leaving) for fact in of(history) if fact.plan < 2]


def of_messages(history: Outreach) -> Iterator[Fact]:
    for sent in history.sent:
        for name, hour in sent.moments.items():
            if sent.state == "SENT" and hour is not None:
                yield of_message(sent, hour, name)


def of_orders(history: Outreach) -> Iterator[Fact]:
    for order in history.bought:
        plan = history.plan_of(order)
        if plan is not None and order.status == "PLACED":
            for product in (None, *set(order.products)):
                for name, amount in (("orders", 1), ("gmv", order.amount)):
                    yield of_message(history.message(plan, order.customer), order.hour, name, amount, product)


def of_answers(history: Outreach) -> Iterator[Fact]:
    for touched, sent in history.answered(history.touched):
        if touched.by == "PERSON" and sent.state == "SENT":
            yield of_message(sent, touched.hour, "clicked", product=touched.product)
    for claimed, sent in history.answered(history.claimed):
        for name, hour in (("claimed", claimed.hour), ("redeemed", claimed.redeemed)):
            if hour is not None:
                yield of_message(sent, hour, name)


def of_leaving(history: Outreach) -> Iterator[Fact]:
    known = set()
    for left in sorted(history.left, key=lambda each: each.hour):
        if left.plan is not None and (left.plan, left.customer) not in known:
            known.add((left.plan, left.customer))
            yield Fact(day(left.hour), "unsubscribed", 1, left.plan, "EMAIL", language_of(history, left))


def of_message(sent: Sent, hour: int, name: str, amount: int = 1, product: UUID | None = None) -> Fact:
    return Fact(day(hour), name, amount, sent.plan, sent.channel, sent.language, product)


def language_of(history: Outreach, left: Left) -> str:
    """The language of the plan's message to who left."""
    had = [sent.language for sent in history.sent if (sent.plan, sent.customer) == (left.plan, left.customer)]
    return had[0] if had else ""


def summed(found: Iterable[Fact]) -> Activity:
    sums: Counter[str] = Counter()
    for fact in found:
        sums[fact.name] += fact.amount
    return Activity(*(sums[name] for name in FACTS))


def parted(found: Iterable[Fact], part: Callable[[Fact], Any]) -> dict[Any, Activity]:
    """The sums of each part, but for what is all zeros."""
    parts: dict[Any, list[Fact]] = {}
    for fact in found:
        if part(fact) not in ("", None):
            parts.setdefault(part(fact), []).append(fact)
    return {key: sums for key, some in parts.items() if (sums := summed(some)) != Activity()}


def keyed(parts: Sequence[Part[Any]]) -> dict[Any, Activity]:
    """What was found of each part."""
    return {part.key: part.activity for part in parts}


PERIODS = st.tuples(st.integers(-3, 25), st.integers(1, 20))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=outreach(), period=PERIODS)
async def test_the_overview_equals_what_plain_python_counts(place: Place, history: Outreach, period: tuple[int, int]):
    first = date(2026, 1, 1) + timedelta(days=period[0])
    last = first + timedelta(days=period[1] - 1)
    async with rolled_back():
        await place.store(history)
        found = await overview(place.shops[0], first, last)

    counted = facts(history)
    whole = [fact for fact in counted if fact.product is None]
    inside = [fact for fact in whole if first <= fact.day <= last]
    earlier = [fact for fact in whole if first - timedelta(days=period[1]) <= fact.day < first]
    days = [first + timedelta(days=number) for number in range(period[1])]
    assert [each.day for each in found.days] == days
    assert [each.activity for each in found.days] == [summed(f for f in inside if f.day == each) for each in days]
    assert found.total == summed(inside)
    assert found.before == summed(earlier)
    assert keyed(found.channels) == parted(inside, lambda fact: fact.channel)
    assert keyed(found.languages) == parted(inside, lambda fact: fact.language)
    assert keyed(found.plans) == parted(inside, lambda fact: place.plans[fact.plan].id)
    of_products = [fact for fact in counted if first <= fact.day <= last]
    assert keyed(found.products) == parted(of_products, lambda fact: fact.product)


@pytest.mark.parametrize(
    ("first", "last", "field", "message"),
    [
        (date(2026, 1, 2), date(2026, 1, 1), "to", "must not be before `from`"),
        (date(2025, 1, 1), date(2026, 1, 2), "to", "must be at most 366 days from `from` on, both included"),
        (date(1999, 12, 31), date(2000, 1, 1), "from", "must be 2000-01-01 or later"),
    ],
)
async def test_a_period_that_cannot_be_shown_is_refused(
    place: Place, first: date, last: date, field: str, message: str
):
    with pytest.raises(Refused) as refused:
        await overview(place.shops[0], first, last)

    assert [(problem.field, problem.message) for problem in refused.value.problems] == [((field,), message)]


async def test_the_twenty_plans_that_sent_most_are_told_and_of_those_as_busy_the_most_clicked_and_the_oldest(
    place: Place,
):
    await database.execute(
        "INSERT INTO delivery (plan_id, customer_id, shop_id, state, channel, language, created_at, sent_at, read_at,"
        " clicked_at) SELECT plan, gen_random_uuid(), $1, 'SENT', 'CHAT', 'en', $2, $2, $2,"
        " CASE WHEN plan = 121 THEN $2::timestamptz END"
        " FROM generate_series(100, 121) AS plan, generate_series(1, 1 + plan % 2)",
        place.shops[0].id,
        at(0),
    )

    found = await overview(place.shops[0], day(0), day(0))

    assert [part.key for part in found.plans] == [121, *range(101, 121, 2), *range(100, 118, 2)]
    assert found.total.sent == 33


async def test_of_a_shop_many_of_whose_products_were_clicked_only_those_that_are_named_are_read(
    place: Place, monkeypatch: pytest.MonkeyPatch
):
    await store_clicks(place.shops[0].id, place.plans[0].id)
    read = rows_read(monkeypatch)
    found = await overview(place.shops[0], date(2026, 1, 1), date(2026, 1, 31))

    assert [(part.key, part.activity.clicked) for part in found.products] == clicked_often()
    assert len(read) == len(clicked_often())


async def test_366_days_are_shown_and_a_day_without_anything_is_a_day_of_zeros(place: Place):
    found = await overview(place.shops[0], date(2025, 1, 1), date(2026, 1, 1))

    assert len(found.days) == 366
    assert {each.activity for each in found.days} == {Activity()}
    assert found.total == found.before == Activity()
    assert [*found.channels, *found.languages, *found.plans, *found.products] == []
    assert found.currency == "USD"
