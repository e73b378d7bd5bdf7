"""How large segments were: once a day, again when the definition changes, and not for ever."""

from datetime import date, timedelta

import pytest

from models import database as db
from models.clock import Clock, now
from models.errors import Refused
from models.segment import Segment
from models.segment import size as segment_size
from models.segment.definition import define
from models.segment.size import MAX_DAYS, Size
from tests.factories import make_customers, make_shop


async def history(segment_id: int, days: int) -> list[Size]:
    [sizes] = await segment_size.histories([(segment_id, days)])
    return sizes


async def test_every_segment_is_measured_once_a_day(database: None, clock: Clock):
    shop = await make_shop()
    await make_customers(shop, 3)
    repeat = await Segment.get(shop_id=shop.id, preset="REPEAT")
    assert await segment_size.due()
    assert await segment_size.measure_due() == 7
    assert not await segment_size.due()
    first = now()
    clock.move(timedelta(days=1))
    await make_customers(shop, 2, prefix="later")
    assert await segment_size.measure_due() == 7

    assert await history(repeat.id, 30) == [
        Size(date(2026, 1, 15), 3, 1, first),
        Size(date(2026, 1, 16), 5, 1, now()),
    ]
    assert [size.size for size in await history(repeat.id, 1)] == [5]
    assert [len(sizes) for sizes in await segment_size.histories([(repeat.id, 1), (0, 9), (repeat.id, 9)])] == [1, 0, 2]


async def test_a_changed_definition_is_measured_again_on_the_same_day(database: None):
    shop = await make_shop()
    await make_customers(shop, 3)
    own = await Segment.make(shop, "Mine", define(shop, text="orders >= 2"), actor="me")
    await segment_size.measure_due()
    await own.edit(shop, name=None, definition=define(shop, text="orders >= 9"), actor="me")
    assert await segment_size.measure_due() == 1

    assert [(size.size, size.version) for size in await history(own.id, 1)] == [(0, 2)]


async def test_who_was_slow_to_measure_an_earlier_definition_replaces_no_later_size(database: None):
    shop = await make_shop()
    await make_customers(shop, 3)
    own = await Segment.make(shop, "Mine", define(shop, text="orders >= 2"), actor="me")
    slow = await Segment.get(id=own.id)
    await own.edit(shop, name=None, definition=define(shop, text="orders >= 9"), actor="me")
    await segment_size.measure([own])

    await segment_size.measure([slow])

    assert [(size.size, size.version) for size in await history(own.id, 1)] == [(0, 2)]


async def test_a_segment_that_cannot_be_measured_keeps_no_other_from_it_and_is_told_afterwards(
    database: None, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(segment_size, "BATCH", 3)
    shop = await make_shop()
    await make_customers(shop, 3)
    odd, *sound = await Segment.filter(shop_id=shop.id).order_by("id")
    await db.execute("UPDATE segment SET definition = '{}' WHERE id = $1", odd.id)

    with pytest.raises(Refused, match="version"):
        await segment_size.measure_due()

    assert [len(await history(each.id, 1)) for each in sound] == [1] * 6
    assert await history(odd.id, 1) == []
    assert await segment_size.due()


async def test_archived_segments_are_not_measured_and_old_sizes_are_forgotten(database: None, clock: Clock):
    shop = await make_shop()
    own = await Segment.make(shop, "Mine", define(shop, text="orders >= 2"), actor="me")
    await own.archive()
    assert await segment_size.measure_due() == 7
    clock.move(timedelta(days=MAX_DAYS - 1))
    assert await segment_size.forget() == 0
    clock.move(timedelta(days=1))

    assert await segment_size.forget() == 7
    assert await history(own.id, MAX_DAYS) == []
