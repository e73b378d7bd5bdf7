"""What a cart is judged by is looked up once for each occasion."""

import pytest

from models.trigger.dry_run import dry_run
from tests.automation import LIFE, Life, make_automated
from tests.factories import make_shop
from tests.query_plan import plans_made, scans_of

pytestmark = pytest.mark.usefixtures("database")


async def test_when_a_cart_last_ended_is_looked_up_once(monkeypatch: pytest.MonkeyPatch):
    life = Life(shop := await make_shop())
    await life.people("ana")
    await life.goods("soap")
    plan = await make_automated(shop, "ABANDONED_CART")
    await life.did("CART_ADDED", 0, product="soap")
    life.go(200)
    plans = plans_made(monkeypatch, "fetch_planned")
    tried = await dry_run(shop, plan, days=1, life=LIFE)

    assert tried.messages == 1
    assert len([scan for plan in plans for scan in scans_of("orders", plan)]) == 1
