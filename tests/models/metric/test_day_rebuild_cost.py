"""Making a shop's days anew holds each known row against its own key, however many products a plan led to on a day."""

from datetime import date

import pytest

from models import database as db
from models.metric import day as metric_day
from tests.factories import make_shop
from tests.query_plan import parts_of, plans_made

pytestmark = pytest.mark.usefixtures("database")


async def test_what_is_gone_is_found_by_whole_keys(monkeypatch: pytest.MonkeyPatch):
    shop = await make_shop()
    await db.execute(
        "INSERT INTO metric_day (shop_id, day, plan_id, channel, language, product_id, clicked)"
        " SELECT $1, $2::date + n % 30, n % 60, 'CHAT', 'en', gen_random_uuid(), 1 FROM generate_series(1, 60000) n",
        shop.id, date(2026, 1, 1),
    )  # fmt: skip
    await db.analyze("metric_day")
    plans = plans_made(monkeypatch, "execute", about="metric_fact")
    await metric_day.rebuild(shop.id)

    parts = [part for plan in plans for part in parts_of(plan)]
    (join,) = (part for part in parts if part.get("Join Type", "").endswith("Anti"))
    assert "Join Filter" not in join
    assert await db.fetch_value("SELECT count(*) FROM metric_day") == 0
