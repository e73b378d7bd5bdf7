"""How a segment's plans did by the end of yesterday equals what plain Python counts (R7)."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models import database as db
from models.clock import Clock
from models.segment import performance
from models.segment.performance import Performance
from tests.outreach import START, Bought, Outreach, Place, Sent, at, outreach
from tests.stored_histories import rolled_back


@pytest.fixture
async def place(database: None) -> Place:
    return await Place.make()


def segment_of(place: Place) -> int:
    """The segment that both plans of the first shop go to."""
    (segment_id,) = {plan.segment_id for plan in place.plans[:2]}
    assert segment_id is not None
    return segment_id


def counted(history: Outreach, days: int) -> Performance:
    """The performance of the first shop's segment by the midnight after so many days, by loops."""
    end = days * 24
    delivered = [sent for sent in history.sent if sent.plan < 2 and sent.state == "SENT" and sent.sent < end]
    credited = [order for plan in (0, 1) for order in history.credited(plan)]
    standing = [order for order in credited if order.hour < end and order.status == "PLACED"]
    return Performance(
        until=at(end),
        currency="USD",
        plans=2 if days else 0,
        delivered=len(delivered) if days else 0,
        read=sum(sent.read is not None and sent.read < end for sent in delivered),
        clicked=sum(sent.clicked is not None and sent.clicked < end for sent in delivered),
        orders=len(standing),
        gmv=sum(order.amount for order in standing),
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=outreach(), days=st.integers(0, 20), minutes=st.integers(0, 24 * 60 - 1))
async def test_performance_equals_what_plain_python_counts_until_midnight(
    place: Place, clock: Clock, history: Outreach, days: int, minutes: int
):
    clock.freeze(START + timedelta(days=days, minutes=minutes))
    async with rolled_back():
        await place.store(history)
        found = await performance.of_segments([segment_of(place)])

    assert found == [counted(history, days)]


async def test_what_happened_on_several_days_is_added_up(place: Place, clock: Clock):
    days = {"ana": 1, "ben": 30, "cleo": 60}
    history = Outreach(
        sent=[Sent(0, name, "SENT", None, "CHAT", "en", hour, hour + 1, hour + 2) for name, hour in days.items()],
        bought=[Bought(0, name, hour + 3, 0, 100, "PLACED", None) for name, hour in days.items()],
    )
    clock.freeze(START + timedelta(days=9))
    async with rolled_back():
        await place.store(history)
        (found,) = await performance.of_segments([segment_of(place)])

    assert found is not None
    assert (found.delivered, found.read, found.clicked, found.orders, found.gmv) == (3, 3, 3, 3, 300)


async def test_midnight_is_that_of_the_shop(place: Place, clock: Clock):
    await db.execute("UPDATE shop SET time_zone = 'Asia/Tokyo'")
    clock.freeze(at(14))
    (before,) = await performance.of_segments([segment_of(place)])
    clock.freeze(at(15))
    (after,) = await performance.of_segments([segment_of(place)])

    assert before is not None
    assert after is not None
    assert (before.until, before.plans) == (at(-9), 0)
    assert (after.until, after.plans) == (at(15), 2)


async def test_a_segment_without_plans_has_no_rates_and_an_unknown_one_no_performance(place: Place):
    other = await db.fetch_value("SELECT id FROM segment WHERE preset = 'LAPSED' ORDER BY id LIMIT 1")
    empty, missing = await performance.of_segments([other, 2_000_000_000])

    assert missing is None
    assert empty is not None
    assert (empty.plans, empty.delivered, empty.gmv) == (0, 0, 0)
    assert [empty.read_rate, empty.click_rate, empty.order_rate] == [None] * 3
