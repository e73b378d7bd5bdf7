"""What a cart is judged by is looked up once for each occasion."""

import json
from typing import Any

import pytest

from models import database as db
from models.trigger.dry_run import dry_run
from tests.automation import LIFE, Life, make_automated
from tests.factories import make_shop
from tests.query_plan import scans_of

pytestmark = pytest.mark.usefixtures("database")


async def test_when_a_cart_last_ended_is_looked_up_once(monkeypatch: pytest.MonkeyPatch):
    life = Life(shop := await make_shop())
    await life.people("ana")
    await life.goods("soap")
    plan = await make_automated(shop, "ABANDONED_CART")
    await life.did("CART_ADDED", 0, product="soap")
    life.go(200)
    plans: list[dict[str, Any]] = []
    fetch = db.fetch_planned

    async def explained(sql: str, *arguments: Any) -> Any:
        plans.append(json.loads(await db.fetch_value(f"EXPLAIN (FORMAT JSON) {sql}", *arguments))[0]["Plan"])
        return await fetch(sql, *arguments)

    monkeypatch.setattr(db, "fetch_planned", explained)
    tried = await dry_run(shop, plan, days=1, life=LIFE)

    assert tried.messages == 1
    assert len([scan for plan in plans for scan in scans_of("orders", plan)]) == 1
