"""Facts of customers, written to the database as they arrive."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from models import database, order, relationship
from models.condition.facts import Answer, Facts
from models.event import EventKind, EventRow, Events
from models.identifier import customer_id, external_uuid
from models.order import Order, Status
from models.shop import Shop

ANSWERED = """
UPDATE relationship r SET
    last_message_read_at = (
        SELECT max(read_at) FROM delivery d WHERE d.shop_id = r.shop_id AND d.customer_id = r.customer_id),
    last_message_clicked_at = (
        SELECT max(clicked_at) FROM delivery d WHERE d.shop_id = r.shop_id AND d.customer_id = r.customer_id),
    last_unsubscribed_at = (
        SELECT max(happened_at) FROM unsubscription u WHERE u.shop_id = r.shop_id AND u.customer_id = r.customer_id)
"""

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
COLUMNS = {
    "customer": "id external_id region gender birth_date created_at updated_at",
    "delivery": "plan_id customer_id shop_id state created_at read_at clicked_at",
    "unsubscription": "customer_id shop_id channel happened_at plan_id",
}
Row = tuple[Any, ...]


@asynccontextmanager
async def rolled_back() -> AsyncIterator[None]:
    """A transaction of which nothing remains."""
    async with database.transaction() as opened:
        yield
        await opened.rollback()


async def store(shop: Shop, customers: Mapping[str, Facts]) -> None:
    """Write customers, given by external id, with their orders, events and answers, and the roll-up.

    Of whom nothing else is known there is no row yet: what they did may arrive before it.
    """
    ids = {name: customer_id(name) for name in customers}
    known = [name for name, facts in customers.items() if facts.birth_date or facts.gender or facts.region]
    await copy("customer", [_customer(ids[name], name, customers[name]) for name in known])
    orders = [row for name, facts in customers.items() for row in _orders(shop, ids[name], facts)]
    if orders:
        await order.upsert(shop, orders, at=EPOCH)
        await relationship.roll_up_orders(shop.id, list(ids.values()))
    events = [row for name, facts in customers.items() for row in _events(name, facts)]
    for part in (events[::2], events[1::2]):
        done = Events(shop)
        for row in part:
            done.add(row)
        await done.insert(EPOCH)
    await copy("delivery", [row for name, facts in customers.items() for row in _sent(shop.id, ids[name], facts)])
    await copy("unsubscription", [row for name, facts in customers.items() for row in _left(shop.id, ids[name], facts)])
    await database.execute(ANSWERED)


async def copy(table: str, rows: list[Row]) -> None:
    """Write rows as they are."""
    if rows:
        async with database.connection() as raw:
            await raw.copy_records_to_table(table, records=rows, columns=COLUMNS[table].split())


def _customer(key: UUID, name: str, facts: Facts) -> Row:
    return key, name, facts.region, facts.gender, facts.birth_date, EPOCH, EPOCH


def _orders(shop: Shop, key: UUID, facts: Facts) -> Iterator[Order]:
    for index, placed in enumerate(facts.orders):
        name = f"{key} {index}"
        status: Status = "CANCELLED" if placed.cancelled_at else "PLACED"
        yield Order(
            external_uuid("order", shop.external_id, name),
            name,
            key,
            placed.at,
            placed.amount,
            status,
            placed.cancelled_at,
            (),
        )


def _events(name: str, facts: Facts) -> Iterator[EventRow]:
    for index, done in enumerate(facts.events):
        yield EventRow.model_construct(
            external_id=f"{name} {index}",
            kind=EventKind(done.kind),
            customer=name,
            occurred_at=done.at,
            category=done.category,
            seconds=done.seconds,
            product=None,
            reference=None,
        )


def _sent(shop: int, key: UUID, facts: Facts) -> list[Row]:
    sent = [answer for answer in facts.answers if answer.kind != "UNSUBSCRIBED"]
    times = {
        plan: {answer.kind: answer.at for answer in sent if answer.plan == plan} for plan in {a.plan for a in sent}
    }
    return [(plan, key, shop, "SENT", EPOCH, at.get("READ"), at.get("CLICKED")) for plan, at in times.items()]


def _left(shop: int, key: UUID, facts: Facts) -> list[Row]:
    left: list[Answer] = [answer for answer in facts.answers if answer.kind == "UNSUBSCRIBED"]
    return [(key, shop, "CHAT", answer.at, answer.plan) for answer in left]
