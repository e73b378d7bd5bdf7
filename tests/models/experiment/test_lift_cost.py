"""What lift reads grows with the orders of its time, and no statement answers for more plans than can be compared in time."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from models import database as db
from models.experiment import lift
from models.plan import Plan
from models.shop import Shop
from tests.factories import make_draft, make_shop
from tests.query_plan import plans_made, scans_of

pytestmark = pytest.mark.usefixtures("database")

JANUARY = datetime(2026, 1, 1, tzinfo=UTC)


async def make_compared(shop: Shop, customers: int) -> Plan:
    """A plan that began in January and held out every tenth of so many customers."""
    plan = await make_draft(shop, holdout_percent=10)
    await db.execute("UPDATE plan SET started_at = $2 WHERE id = $1", plan.id, JANUARY)
    await db.execute(
        "INSERT INTO delivery (plan_id, customer_id, reference, shop_id, state, created_at)"
        " SELECT $1, md5(n::text)::uuid, '', $2,"
        " (CASE WHEN n % 10 = 0 THEN 'HELD_OUT' ELSE 'SENT' END)::delivery_state, $3"
        " FROM generate_series(1, $4::int) n",
        plan.id, shop.id, JANUARY, customers,
    )  # fmt: skip
    return plan


async def store_orders(shop: Shop, customers: int) -> None:
    """One order of each of so many customers, a minute after the other."""
    await db.execute(
        "INSERT INTO orders (customer_id, id, shop_id, external_id, ordered_at, amount, status, arrived_at)"
        " SELECT md5(n::text)::uuid, gen_random_uuid(), $1, 'any', $2::timestamptz + n * interval '1 minute', 7, 'PLACED', $2"
        " FROM generate_series(1, $3::int) n",
        shop.id, JANUARY, customers,
    )  # fmt: skip


async def test_orders_are_read_once_for_a_plan_and_not_once_for_each_of_its_customers(monkeypatch: pytest.MonkeyPatch):
    shop = await make_shop()
    plan = await make_compared(shop, 2_000)
    await store_orders(shop, 100)
    await db.analyze("orders")  # of the ledger nothing is known: it looks as if few had been written to
    plans = plans_made(monkeypatch, "fetch", "fetch_planned", about="FROM orders", analyze=True)
    [found] = await lift.of_plans([(plan.id, 14)])

    assert [scan["Actual Loops"] for plan in plans for scan in scans_of("orders", plan)] == [1]
    assert found is not None
    assert (found.comparison.treated.buyers, found.comparison.held_out.buyers) == (90, 10)


async def test_more_plans_than_one_statement_answers_for_are_each_answered():
    shop = await make_shop()
    plans = [await make_compared(shop, 20 + 10 * number) for number in range(lift.AT_ONCE + 1)]
    await store_orders(shop, 20)
    statements: list[int] = []
    fetch = db.fetch_planned

    async def counted(sql: str, *arguments: Any, **how: Any) -> Any:
        if how.get("in_passes"):
            statements.append(len(arguments[0]))
        return await fetch(sql, *arguments, **how)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(db, "fetch_planned", counted)
        found = await lift.of_plans([(plan.id, 14) for plan in plans])
    whole = await lift.of_shop(shop, date(2026, 1, 1), date(2026, 1, 31))

    assert statements == [lift.AT_ONCE, 1]
    heads = [each and each.comparison.treated.heads + each.comparison.held_out.heads for each in found]
    assert heads == [20 + 10 * number for number in range(lift.AT_ONCE + 1)]
    assert (whole.plans, whole.comparison.treated.buyers) == (len(plans), 18 * len(plans))
