"""Orders: their time and customer are fixed, and what has ended stays ended, in whatever order rows come."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import database as db
from models.errors import ErrorCode
from models.identifier import customer_id, external_uuid, product_id
from models.ingest import ingest
from models.order import Order, settle, succeed
from models.shop import Shop
from tests.factories import make_shop
from tests.rows import SECRET, order_row

DAY = datetime(2026, 1, 1, tzinfo=UTC)


def an_order(status: Any = "PLACED", days: int | None = None, amount: int = 1000, **fields: Any) -> Order:
    """An order, ended so many days after it was placed."""
    values = {"customer_id": customer_id("c1"), "ordered_at": DAY, "external_id": "o1", "product_ids": (), **fields}
    ended = None if days is None else DAY + timedelta(days=days)
    return Order(external_uuid("order", "bloom", "o1"), amount=amount, status=status, cancelled_at=ended, **values)


def test_what_has_ended_stays_ended_since_its_first_end():
    placed, cancelled, refunded = an_order(), an_order("CANCELLED", 3), an_order("REFUNDED", 5)
    assert succeed(cancelled, placed) == cancelled
    assert succeed(refunded, cancelled) == an_order("REFUNDED", 3)
    assert succeed(placed, refunded) == refunded


def test_rows_of_an_order_come_to_the_same_end_in_any_order():
    rows = [an_order(), an_order("CANCELLED", 3), an_order("CANCELLED", 2), an_order("REFUNDED", 5)]
    for arrival in permutations(rows):
        orders, refused = settle(enumerate(arrival), {})
        assert list(orders.values()) == [an_order("REFUNDED", 2)]
        assert refused == {}


def test_the_last_amount_counts():
    orders, _ = settle(enumerate([an_order(amount=5), an_order(amount=7)]), {})
    assert [order.amount for order in orders.values()] == [7]


def test_another_customer_or_time_is_a_conflict_and_the_first_row_stands():
    first, other = an_order(), an_order(customer_id=customer_id("c2"), ordered_at=DAY + timedelta(seconds=1))
    orders, refused = settle(enumerate([first, other, first]), {})
    assert list(orders.values()) == [first]
    assert [[(p.field, p.code) for p in problems] for problems in refused.values()] == [
        [(("customer",), ErrorCode.CONFLICT), (("orderedAt",), ErrorCode.CONFLICT)]
    ]


def test_a_conflict_with_what_is_stored_is_refused_by_its_number():
    orders, refused = settle([(7, an_order())], {an_order().id: (customer_id("c2"), DAY)})
    assert (orders, list(refused)) == ({}, [7])


@given(st.lists(st.sampled_from([an_order(), an_order("CANCELLED", 1), an_order("REFUNDED", 2)]), min_size=1))
def test_an_order_never_goes_back(rows):
    ended = [order.cancelled_at for order in rows if order.cancelled_at]
    orders, _ = settle(enumerate(rows), {})
    (order,) = orders.values()
    assert (order.status == "PLACED") == (not ended)
    assert order.cancelled_at == min(ended, default=None)


async def write(shop: Shop, *rows: dict[str, Any]) -> list[list[tuple[str, str]]]:
    """Ingest rows; the (field, code) of each row's problems."""
    results = await ingest(shop, rows, secret=SECRET)
    return [[(".".join(problem.field), problem.code.value) for problem in result.problems] for result in results]


async def stored() -> list[tuple[Any, ...]]:
    """All orders as stored."""
    rows = await db.fetch("SELECT external_id, customer_id, amount, status, cancelled_at FROM orders ORDER BY 1, 2")
    return [tuple(row) for row in rows]


ENDED = {"status": "CANCELLED", "cancelledAt": "2026-01-03"}


@pytest.mark.usefixtures("database")
async def test_an_order_is_stored_with_its_products():
    shop = await make_shop()
    assert await write(shop, order_row(products=["p1", "p2"]), order_row("o2", products=None)) == [[], []]
    assert await stored() == [(name, customer_id("c1"), 1000, "PLACED", None) for name in ("o1", "o2")]
    found = await db.fetch("SELECT product_ids FROM orders ORDER BY external_id")
    assert [row[0] for row in found] == [[product_id("bloom", "p1"), product_id("bloom", "p2")], []]


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("rows", list(permutations([order_row(), order_row(**ENDED), order_row(amount=1000)])))
async def test_batches_of_one_order_come_to_the_same_end_in_any_order(rows):
    shop = await make_shop()
    for row in rows:
        assert await write(shop, row) == [[]]
    assert await stored() == [("o1", customer_id("c1"), 1000, "CANCELLED", datetime(2026, 1, 3, tzinfo=UTC))]


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("rows", list(permutations([ENDED, {"status": "REFUNDED", "cancelledAt": "2026-01-05"}, {}])))
async def test_a_stored_order_that_ended_twice_has_its_last_end_since_the_first(rows):
    shop = await make_shop()
    for row in rows:
        assert await write(shop, order_row(**row)) == [[]]
    assert [row[3:] for row in await stored()] == [("REFUNDED", datetime(2026, 1, 3, tzinfo=UTC))]


@pytest.mark.usefixtures("database")
async def test_a_stored_order_keeps_its_customer_and_time_and_a_refusal_changes_nothing():
    shop = await make_shop()
    await write(shop, order_row())
    before = await db.fetch("SELECT xmin, * FROM orders"), await db.fetch("SELECT xmin, * FROM relationship")
    assert await write(shop, order_row(customer="c2"), order_row(orderedAt="2026-01-02", amount=5)) == [
        [("customer", "CONFLICT")],
        [("orderedAt", "CONFLICT")],
    ]
    assert (await db.fetch("SELECT xmin, * FROM orders"), await db.fetch("SELECT xmin, * FROM relationship")) == before


@pytest.mark.usefixtures("database")
async def test_a_refused_order_does_not_hold_up_the_others_of_its_batch():
    shop = await make_shop()
    await write(shop, order_row())
    assert await write(shop, order_row(customer="c2"), order_row("o2", "c2")) == [[("customer", "CONFLICT")], []]
    assert [row[:2] for row in await stored()] == [("o1", customer_id("c1")), ("o2", customer_id("c2"))]


@pytest.mark.usefixtures("database")
async def test_the_same_order_id_in_two_shops_is_two_orders():
    assert await write(await make_shop("bloom"), order_row()) == [[]]
    assert await write(await make_shop("cedar"), order_row(customer="c2")) == [[]]
    assert len(await stored()) == 2
