"""Occasions are of one customer at one shop: what others do there, and what they do elsewhere, changes none."""

import pytest

from models import database as db
from models.identifier import customer_id
from tests.automation import Life, make_automated
from tests.factories import make_shop
from tests.occasions import OCCASIONS, do
from tests.rows import price_row, tell

pytestmark = pytest.mark.usefixtures("database")


@pytest.mark.parametrize("is_elsewhere", [False, True])
@pytest.mark.parametrize("code", OCCASIONS)
async def test_an_occasion_is_ended_by_nobody_else_and_from_no_other_shop(code: str, is_elsewhere: bool):
    kind, endings, due = OCCASIONS[code]
    life = Life(shop := await make_shop())
    neighbour = Life(await make_shop("other")) if is_elsewhere else life
    for each in {life, neighbour}:
        await each.people("ana", "ben")
        await each.goods("soap", price=1000, priceChangedAt="2026-01-01T00:00:00Z")
    plan = await make_automated(shop, code)
    life.go(1)
    await do(life, kind, 1, "ana")
    for ending in endings:
        await do(neighbour, ending, 0 if ending == "FOLLOWED" else 2, "ana" if is_elsewhere else "ben")
    await tell(shop, price_row("soap", changedAt=life.at(2).isoformat(), price=500))
    await life.look(plan, 1 + due)
    found = await db.fetch(
        "SELECT state::text FROM delivery WHERE plan_id = $1 AND customer_id = $2", plan.id, customer_id("ana")
    )
    assert [row["state"] for row in found] == ["SENT"]
