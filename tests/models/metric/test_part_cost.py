"""A plan is taken apart without reading what happened in other shops and is not folded yet."""

import pytest

from models import database
from models.metric import part
from models.metric.day import WHOLE
from tests.factories import make_draft, make_shop
from tests.query_plan import plans_made, scans_of

pytestmark = pytest.mark.usefixtures("database")


async def test_changes_of_other_shops_that_are_not_folded_are_not_read(monkeypatch: pytest.MonkeyPatch):
    shop, other = await make_shop(), await make_shop("other")
    plan = await make_draft(shop)
    await database.execute(
        "INSERT INTO metric_delta SELECT shop, '2026-01-10', plan, 'CHAT', 'en', $5, 'clicked', 1"
        " FROM (VALUES ($1::int, $2::int, 3), ($3, $4, 20_000)) AS of (shop, plan, many), generate_series(1, many)",
        shop.id, plan.id, other.id, plan.id + 1, WHOLE,
    )  # fmt: skip
    await database.analyze("metric_delta")
    plans = plans_made(monkeypatch, "fetch", about="metric")
    [found] = await part.of_plans([plan.id])

    assert [(each.key, each.activity.clicked) for each in found.channels] == [("CHAT", 3)]
    assert {scan.get("Index Name") for made in plans for scan in scans_of("metric_delta", made)} == {
        "metric_delta_by_shop"
    }
