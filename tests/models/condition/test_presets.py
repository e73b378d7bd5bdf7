"""The seven presets (R4) at the edges of their windows `(now − N days, now]`, a day being 24 hours."""

from datetime import timedelta

import pytest

from models import database
from models.condition.facts import Event, Facts, Order
from models.condition.presets import SegmentPreset
from models.identifier import customer_id
from models.segment import Segment
from models.segment.member import size
from tests.conftest import NOON
from tests.factories import make_shop
from tests.members import members_of
from tests.stored_histories import store

SECOND = timedelta(seconds=1)


def days(number: int) -> timedelta:
    """So many times 24 hours."""
    return timedelta(days=number)


def orders(*ages: timedelta) -> Facts:
    """Somebody who ordered so long ago, and did nothing else."""
    return Facts(orders=tuple(Order(NOON - age, 1000) for age in sorted(ages, reverse=True)))


def events(*done: tuple[str, timedelta]) -> Facts:
    """Somebody who did these things so long ago."""
    return Facts(events=tuple(Event(kind, NOON - age) for kind, age in done))


def both(some: Facts, more: Facts) -> Facts:
    """Somebody who did all of it."""
    return Facts(orders=some.orders + more.orders, events=some.events + more.events)


FOLLOWED = ("FOLLOWED", days(200))

INSIDE_AND_OUTSIDE: dict[SegmentPreset, tuple[list[Facts], list[Facts]]] = {
    SegmentPreset.POTENTIAL_NEW: (
        [events(("CART_ADDED", days(30) - SECOND)), events(("PRODUCT_FAVOURITED", days(30) - SECOND))],
        [
            events(("CART_ADDED", days(30))),
            events(("PRODUCT_FAVOURITED", days(30))),
            events(("PRODUCT_VIEWED", SECOND)),
            both(events(("CART_ADDED", SECOND)), orders(days(900))),
        ],
    ),
    SegmentPreset.RECENT: (
        [orders(days(30) - SECOND), orders(days(0))],
        [orders(days(30)), orders(days(30), SECOND)],
    ),
    SegmentPreset.REPEAT: (
        [orders(days(900), days(30) - SECOND)],
        [orders(days(900), days(30)), orders(days(30) - SECOND)],
    ),
    SegmentPreset.FREQUENT: (
        [orders(days(90) - SECOND, days(90) - SECOND)],
        [orders(days(90), days(90) - SECOND), orders(SECOND)],
    ),
    SegmentPreset.LAPSED: (
        [orders(days(90)), orders(days(365) - SECOND)],
        [orders(days(90) - SECOND), orders(days(365)), orders(days(200), days(90) - SECOND)],
    ),
    SegmentPreset.NEW_FOLLOWERS: (
        [
            events(("FOLLOWED", days(30) - SECOND)),
            events(("FOLLOWED", days(9)), ("UNFOLLOWED", days(8)), ("FOLLOWED", days(7))),
        ],
        [events(("FOLLOWED", days(30))), events(("FOLLOWED", days(9)), ("UNFOLLOWED", days(8)))],
    ),
    SegmentPreset.ACTIVE_FOLLOWERS: (
        [
            events(FOLLOWED, (kind, days(30) - SECOND))
            for kind in ("LIVE_WATCHED", "VIDEO_WATCHED", "PRODUCT_CARD_CLICKED")
        ],
        [
            events(FOLLOWED, ("LIVE_WATCHED", days(30))),
            events(FOLLOWED, ("PRODUCT_VIEWED", SECOND)),
            events(("LIVE_WATCHED", SECOND)),
            events(FOLLOWED, ("LIVE_WATCHED", days(2)), ("UNFOLLOWED", days(1))),
        ],
    ),
}


@pytest.mark.parametrize("preset", SegmentPreset)
@pytest.mark.usefixtures("database")
async def test_a_preset_begins_and_ends_to_the_second_where_its_window_does(preset: SegmentPreset):
    inside, outside = INSIDE_AND_OUTSIDE[preset]
    await database.execute("CREATE TABLE event_of_any_time PARTITION OF event DEFAULT")
    shop = await make_shop()
    members = {f"in {number}": facts for number, facts in enumerate(inside)}
    await store(shop, members | {f"out {number}": facts for number, facts in enumerate(outside)})
    segment = await Segment.get(shop_id=shop.id, preset=preset)

    assert await members_of(segment) == sorted(customer_id(name) for name in members)
    assert await size(segment.question()) == len(inside)
    assert await size(segment.question(NOON)) == len(inside)
