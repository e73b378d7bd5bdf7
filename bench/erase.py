"""Erasing customers in a large installation, against erasing as many in one of a tenth of its size.

What is done for one customer must not grow with the others, so each case compares the larger installation (ours) with
the `smaller`: how many pages of PostgreSQL are looked at for each customer, and how long each takes, one after the
other. Everybody has ten events and two messages, half of them an order; both installations have as many shops and plans.
"""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from bench.outreach import draft
from bench.place import scratch_database
from bench.population import NOW
from bench.report import Case, Machine, Report, measured_on
from bench.rounds import seconds_of
from bench.shop import SHOP
from models import database, erasure, partition
from models.clock import clock
from models.identifier import customer_id
from models.ingest import ingest_shops
from models.shop import Shop

SIZES = {
    "small": (1_000, 100, 20, 20),
    "full": (1_000_000, 1_000, 200, 2_000),
}
"""Customers, how many of them are erased, shops, plans."""

SECRET = b"of the benchmark, 32 bytes of it"


async def measure(size: str) -> Report:
    """Pages and seconds for each customer, in both installations."""
    customers, erased, shops, plans = SIZES[size]
    clock.freeze(NOW)
    larger, machine = await _measured(customers, erased, shops, plans)
    smaller, _ = await _measured(customers // 10, erased, shops, plans)
    numbers = {"customers": customers, "erased": erased, "shops": shops, "plans": plans}
    cases = [Case(f"{unit} a customer", "smaller", larger[unit], smaller[unit], unit) for unit in ("pages", "s")]
    return Report("erase", numbers, cases, machine)


async def _measured(customers: int, erased: int, shops: int, plans: int) -> tuple[dict[str, float], Machine]:
    async with scratch_database() as url:
        names = [f"person-{number}" for number in range(erased)]
        await _fill(customers, [customer_id(name) for name in names], shops, plans)
        async with database.connection() as raw:
            machine = await measured_on(raw)
        before = await _pages(url)
        seconds = await seconds_of(lambda: _erase(names))
        pages = await _pages(url) - before
        return {"pages": pages / erased, "s": seconds / erased}, machine


async def _erase(names: Sequence[str]) -> None:
    for name in names:
        found = await erasure.erase(name, secret=SECRET, actor="bench")
        assert found.done_at is not None


async def _pages(url: str) -> int:
    """Pages looked at in this database so far; a session tells of its own when it ends."""
    await database.disconnect()
    await database.connect(url, application="rekindle bench")
    found: int = await database.fetch_value(
        "SELECT blks_hit + blks_read FROM pg_stat_database WHERE datname = current_database()"
    )
    return found


async def _fill(customers: int, people: Sequence[UUID], shops: int, plans: int) -> None:
    """Everybody, those who will be erased among them, in one shop of many and with messages of many plans."""
    await ingest_shops([SHOP, *({**SHOP, "externalId": f"shop-{number}"} for number in range(1, shops))])
    shop = await Shop.get(external_id="bench")
    await database.execute("INSERT INTO language VALUES ('en') ON CONFLICT DO NOTHING")
    for number in range(plans):
        await draft(shop, f"Plan {number}")
    async with database.transaction():
        await partition.ensure({(at.year, at.month) for at in (NOW - timedelta(days=days) for days in range(400))})
    await database.execute("CREATE TABLE somebody (n integer, id uuid)")
    await database.execute(_OTHERS, customers)
    await database.execute(_PEOPLE, list(people))
    await database.execute("ALTER TABLE delivery DISABLE TRIGGER USER")  # figures of days are not looked at here
    for statement in (_CUSTOMERS, _RELATIONSHIPS, _EVENTS, _ORDERS):
        await database.execute(statement, shop.id, NOW)
    await database.execute(_MESSAGES, shop.id, NOW, plans)
    await database.execute("ALTER TABLE delivery ENABLE TRIGGER USER")
    await database.execute(_TOUCHES)
    await database.execute(_CONTACTS, NOW - timedelta(days=35))
    await database.execute("DROP TABLE somebody")
    for table in ("customer", "event", "orders", "delivery", "relationship", "touch", "contact"):
        await database.execute(f"VACUUM (ANALYZE) {table}")


_OTHERS = "INSERT INTO somebody SELECT n, md5('customer ' || n)::uuid FROM generate_series(1, $1::int) n"

_PEOPLE = "INSERT INTO somebody SELECT n, id FROM unnest($1::uuid[]) WITH ORDINALITY AS p(id, n)"

_CUSTOMERS = """
INSERT INTO customer (id, external_id, name, email, email_key, language, created_at, updated_at)
SELECT id, id, 'Customer', id || '@example.com', sha256(id::text::bytea), 'en', $2, $2 FROM somebody WHERE $1 > 0"""

_RELATIONSHIPS = """
INSERT INTO relationship (shop_id, customer_id, first_interaction_at, order_count, email_consent)
SELECT $1, id, $2, n % 2, 'SUBSCRIBED' FROM somebody"""

_EVENTS = """
INSERT INTO event (customer_id, id, shop_id, kind, occurred_at, arrived_at)
SELECT id, gen_random_uuid(), $1, 'PRODUCT_VIEWED', at, at
FROM (SELECT id, $2::timestamptz - t * interval '30 days' AS at FROM generate_series(10, 1, -1) t, somebody OFFSET 0) AS made"""

_ORDERS = """
INSERT INTO orders (customer_id, id, shop_id, external_id, ordered_at, amount, status, arrived_at)
SELECT id, gen_random_uuid(), $1, gen_random_uuid(), $2::timestamptz - interval '20 days', 1000, 'PLACED', $2
FROM somebody WHERE n % 2 = 1"""

# Chat and mail, each customer's of two plans; a third was read.
_MESSAGES = """
INSERT INTO delivery (plan_id, customer_id, shop_id, state, channel, language, created_at, sent_at, read_at, slice)
SELECT 1 + (n::bigint * 7919 + turn) % $3::int, id, $1, 'SENT', CASE turn WHEN 0 THEN 'CHAT' ELSE 'EMAIL' END, 'en', at, at,
       CASE WHEN (n + turn) % 3 = 0 THEN at END, CASE turn WHEN 1 THEN 1 END
FROM (SELECT n, id, turn, $2::timestamptz - interval '1 day' * (1 + (n + turn) % 90) AS at
      FROM somebody, generate_series(0, 1) turn OFFSET 0) AS made"""

_TOUCHES = """
INSERT INTO touch (plan_id, customer_id, kind, toucher, touched_at)
SELECT plan_id, customer_id, 'OPEN', 'PERSON', read_at FROM delivery WHERE read_at IS NOT NULL AND channel = 'EMAIL'"""

_CONTACTS = """
INSERT INTO contact (customer_id, day, slot, plan_id)
SELECT customer_id, sent_at::date, 1, plan_id FROM delivery WHERE sent_at > $1 ON CONFLICT DO NOTHING"""
