"""Batches of rows: each row told of, those that hold written together, nobody else's data touched."""

import asyncio
from typing import Any

import pytest

from models import consent, relationship
from models import database as db
from models.identifier import customer_id
from models.ingest import ingest
from tests.factories import make_customers, make_resolved, make_shop
from tests.outside import Outside
from tests.rows import SECRET, customer_row, event_row, order_row, product_row
from tests.rows import consent as said

pytestmark = pytest.mark.usefixtures("database")

TABLES = ("customer", "language", "product", "orders", "event", "relationship")


async def everything() -> dict[str, list[Any]]:
    """All that rows can change, versions included."""
    return {table: await db.fetch(f"SELECT xmin, {table}::text AS row FROM {table} ORDER BY row") for table in TABLES}


MIXED = [
    event_row(),
    order_row(products=["p1"]),
    product_row(),
    customer_row(language="es", emailConsent=said("SUBSCRIBED", "2026-01-01")),
]


async def test_each_row_is_told_of_and_those_that_hold_are_written():
    rows = [*MIXED, None, {**order_row("o2"), "amount": -1}, event_row("e2", occurredAt="2030-01-01")]
    results = await ingest(await make_shop(), rows, secret=SECRET)
    told = [[(".".join(problem.field), problem.code.value) for problem in result.problems] for result in results]
    assert [result.index for result in results] == list(range(7))
    assert told == [[], [], [], [], [("", "INVALID")], [("amount", "INVALID")], [("occurredAt", "IN_FUTURE")]]
    assert [len(rows) for rows in (await everything()).values()] == [1, 1, 1, 1, 1, 1]


@pytest.mark.parametrize("rows", [[], [None], [{}]])
async def test_a_batch_of_nothing_writes_nothing(rows):
    shop = await make_shop()
    assert len(await ingest(shop, rows, secret=SECRET)) == len(rows)
    assert [len(rows) for rows in (await everything()).values()] == [0] * 6


async def test_the_same_batch_again_changes_nothing():
    shop = await make_shop()
    await ingest(shop, MIXED, secret=SECRET)
    before = await everything()
    await ingest(shop, MIXED, secret=SECRET)
    assert await everything() == before


async def test_a_batch_that_fails_leaves_nothing(monkeypatch):
    async def fail(*arguments: Any) -> None:
        raise ZeroDivisionError

    shop = await make_shop()
    before = await everything()
    monkeypatch.setattr(relationship, "roll_up_events", fail)
    with pytest.raises(ZeroDivisionError):
        await ingest(shop, MIXED, secret=SECRET)
    assert await everything() == before


async def test_a_batch_inside_a_transaction_goes_with_it():
    shop = await make_shop()
    before = await everything()

    async def write_and_fail() -> None:
        async with db.transaction():
            await ingest(shop, MIXED, secret=SECRET)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await write_and_fail()
    assert await everything() == before


async def test_a_shop_knows_nothing_of_what_happened_in_another():
    bloom, cedar = await make_shop("bloom"), await make_shop("cedar")
    await ingest(bloom, MIXED, secret=SECRET)
    before = await db.fetch("SELECT xmin, * FROM relationship")
    await ingest(cedar, [event_row(occurredAt="2026-01-02"), order_row(amount=5)], secret=SECRET)
    assert await db.fetch("SELECT xmin, * FROM relationship WHERE shop_id = $1", bloom.id) == before
    amounts = await db.fetch("SELECT order_amount FROM relationship ORDER BY shop_id")
    assert [row["order_amount"] for row in amounts] == [1000, 5]


async def test_amounts_beyond_64_bits_stop_at_the_largest():
    rows = [order_row(f"o{number}", amount=10**15) for number in range(9_300)]
    await ingest(await make_shop(), rows, secret=SECRET)
    assert await db.fetch_value("SELECT order_amount FROM relationship") == 2**63 - 1


async def test_a_withdrawn_consent_withdraws_what_waits():
    shop = await make_shop()
    people = await make_customers(shop, 3)
    plan = await make_resolved(shop, channel="EMAIL")
    refusal = customer_row("c1", emailConsent=said("UNSUBSCRIBED", "2026-01-15"))
    await ingest(shop, [refusal], secret=SECRET)
    found = await db.fetch("SELECT customer_id, state, reason FROM delivery WHERE plan_id = $1", plan.id)
    told = {row["customer_id"]: (row["state"], row["reason"]) for row in found}
    assert told == {
        people[0]: ("PENDING", None),
        people[1]: ("SUPPRESSED", "NO_CONSENT"),
        people[2]: ("PENDING", None),
    }


async def test_a_withdrawn_consent_waits_for_a_range_that_read_the_old_one():
    shop = await make_shop()
    await ingest(shop, MIXED, secret=SECRET)
    refusal = ingest(shop, [customer_row(emailConsent=said("UNSUBSCRIBED", "2026-01-15"))], secret=SECRET)
    outside = Outside()
    async with db.transaction():
        await consent.hold(shop.id)
        writing = outside.begin(refusal)
        done, _ = await asyncio.wait([writing], timeout=0.2)
        held = await db.fetch_value("SELECT email_consent FROM relationship WHERE customer_id = $1", customer_id("c1"))
    await writing
    assert (len(done), held) == (0, "SUBSCRIBED")
    assert await db.fetch_value("SELECT email_consent FROM relationship") == "UNSUBSCRIBED"
