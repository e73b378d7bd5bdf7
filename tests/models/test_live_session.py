"""LIVE sessions as they are written: moved, begun, over, called off."""

from datetime import timedelta

import pytest

from models import database as db
from models.clock import now
from models.ingest import ingest
from tests.factories import make_shop
from tests.rows import SECRET, live_row, tell

pytestmark = pytest.mark.usefixtures("database")


async def stored() -> db.Record:
    """The one LIVE there is."""
    (row,) = await db.fetch("SELECT * FROM live_session")
    return row


async def test_a_field_left_out_stays_and_null_empties_it():
    shop = await make_shop()
    await tell(shop, live_row(cancelledAt="2026-01-14T00:00:00Z"))
    await tell(shop, live_row(title="Summer LIVE"))
    assert (await stored())["cancelled_at"] is not None
    await tell(shop, live_row(cancelledAt=None))
    row = await stored()
    assert (row["title"], row["cancelled_at"]) == ("Spring LIVE", None)


async def test_only_another_start_or_being_on_again_counts_as_having_just_arrived(clock):
    shop = await make_shop()
    await tell(shop, live_row())
    arrived = (await stored())["arrived_at"]
    clock.move(timedelta(hours=1))
    await tell(shop, live_row(title="Summer LIVE"))
    assert (await stored())["arrived_at"] == arrived
    await tell(shop, live_row(startsAt="2026-01-15T20:00:00Z"))
    assert (await stored())["arrived_at"] == arrived + timedelta(hours=1)
    clock.move(timedelta(hours=1))
    await tell(shop, live_row(startsAt="2026-01-15T20:00:00Z", cancelledAt="2026-01-15T12:00:00Z"))
    assert (await stored())["arrived_at"] == arrived + timedelta(hours=1)
    await tell(shop, live_row(startsAt="2026-01-15T20:00:00Z", cancelledAt=None))
    assert (await stored())["arrived_at"] == arrived + timedelta(hours=2)


async def test_a_start_in_two_years_or_an_end_in_the_future_is_refused_and_nothing_is_kept():
    shop = await make_shop()
    far, ahead = (now() + timedelta(days=367)).isoformat(), (now() + timedelta(minutes=6)).isoformat()
    results = await ingest(shop, [live_row(startsAt=far), live_row(endedAt=ahead)], secret=SECRET)
    assert [result.problems[0].field for result in results] == [("startsAt",), ("endedAt",)]
    assert await db.fetch_value("SELECT count(*) FROM live_session") == 0


async def test_the_same_external_id_in_two_shops_is_two_sessions():
    await tell(await make_shop("bloom"), live_row())
    await tell(await make_shop("cedar"), live_row())
    assert await db.fetch_value("SELECT count(DISTINCT id) FROM live_session") == 2
