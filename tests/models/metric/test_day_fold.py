"""Changes that are not folded into the days yet are seen all the same."""

import pytest

from models import database as db
from models.metric import day as metric_day
from tests.models.metric.daily import ZONE, rows, send_one
from tests.outreach import Place


@pytest.fixture
async def place(database: None) -> Place:
    return await Place.make(time_zone=ZONE)


async def test_what_is_not_folded_is_seen_all_the_same(place: Place):
    await send_one(place)

    assert sum((await rows(place.shops[0].id)).values()) == 1
    assert await metric_day.is_due()
    assert await metric_day.fold() == 1
    assert not await metric_day.is_due()
    assert sum((await rows(place.shops[0].id)).values()) == 1


async def test_a_change_that_counts_for_nothing_leaves_nothing_to_fold(place: Place):
    await send_one(place)
    await metric_day.fold_all()
    await db.execute("UPDATE delivery SET attempt = attempt + 1")
    await db.execute("UPDATE delivery SET state = 'COMMITTING' WHERE state = 'PENDING'")

    assert not await metric_day.is_due()
