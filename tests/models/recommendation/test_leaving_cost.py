"""Who left a shop is found without reading who left the other shops of the installation."""

from datetime import UTC, datetime, timedelta

import pytest

from models import database as db
from models.recommendation import figure
from tests.factories import make_shop
from tests.query_plan import plans_made, scans_of

pytestmark = pytest.mark.usefixtures("database")

NOW = datetime(2026, 1, 15, tzinfo=UTC)


async def test_who_left_a_shop_is_found_by_the_shop_and_the_time(monkeypatch: pytest.MonkeyPatch):
    shop, other = await make_shop(), await make_shop("other")
    for owner, count in ((shop, 20), (other, 20_000)):
        await db.execute(
            "INSERT INTO unsubscription (customer_id, shop_id, channel, happened_at)"
            " SELECT gen_random_uuid(), $1, 'EMAIL', $2::timestamptz - n * interval '1 second' FROM generate_series(1, $3::int) n",
            owner.id, NOW, count,
        )  # fmt: skip
    await db.analyze("unsubscription")
    plans = plans_made(monkeypatch, "fetch_one")
    found = await figure.gather(shop, NOW, timedelta(days=28))

    (scan,) = (scan for plan in plans for scan in scans_of("unsubscription", plan))
    assert found.unsubscribed == 20
    assert scan["Index Name"] == "unsubscription_by_shop"
