"""What is done for one customer finds their rows by an index, in every table: no other customer's row is read."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from models import customer_export, customer_rows, erasure
from models import database as db
from tests.factories import make_customers, make_shop
from tests.query_plan import parts_of, plans_made

pytestmark = pytest.mark.usefixtures("database")

SMALL = {"shop", "webhook", "plan", "plan_content", "erasure", "tortoise_migrations"}
"""Tables that grow with shops and their plans, or with erasing itself; those of PostgreSQL as well."""


@pytest.fixture
async def explained(database: None, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The plans of all statements where nothing is read from end to end that has another way."""
    return plans_made(monkeypatch, "fetch", "fetch_one", "fetch_value", "execute", under={"enable_seqscan": "off"})


async def read_through(plans: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Large tables, and their indexes, that plans read from end to end, with the statements."""
    first = {row["name"]: (row["of"], row["key"]) for row in await db.fetch(_INDEXES)}
    return [(name, plan["Statement"]) for plan in plans for name in names_read_through(plan, first)]


def names_read_through(plan: dict[str, Any], first: Mapping[str, tuple[str, str]]) -> Iterator[str]:
    """What a plan reads through: a table by itself, or an index by no condition on its first key."""
    for part in parts_of(plan):
        if part["Node Type"] == "Seq Scan" and is_large(part["Relation Name"]):
            yield part["Relation Name"]
        index = part.get("Index Name")
        if index and index in first and is_large(first[index][0]) and first[index][1] not in part.get("Index Cond", ""):
            yield index


def is_large(table: str) -> bool:
    return table not in SMALL and not table.startswith("pg_")


_INDEXES = """
SELECT indexrelid::regclass::text AS name, indrelid::regclass::text AS of, pg_get_indexdef(indexrelid, 1, true) AS key
FROM pg_index JOIN pg_class c ON c.oid = indexrelid WHERE c.relnamespace = 'public'::regnamespace
"""


@pytest.fixture
async def crowd(database: None) -> None:
    """A hundred others with messages of two hundred plans each, of every kind that an index is for, and told to a webhook."""
    shop = await make_shop("crowd")
    await db.execute(
        "INSERT INTO delivery (plan_id, customer_id, shop_id, state, channel, slice, created_at)"
        " SELECT plan, md5(person::text)::uuid, 1, CASE plan % 3 WHEN 0 THEN 'SENT' ELSE 'HELD_OUT' END::delivery_state, 'CHAT',"
        " CASE plan % 3 WHEN 1 THEN 1 END, now() FROM generate_series(1, 200) plan, generate_series(1, 100) person"
    )
    await db.execute(
        "INSERT INTO webhook (shop_id, url, facts, salt, created_by, created_at, updated_at)"
        " VALUES ($1, 'https://x.example', '{messages.sent}', 's', 'anna', now(), now())",
        shop.id,
    )
    await db.execute(
        "INSERT INTO posting (webhook_id, fact, data, happened_at, not_before)"
        " SELECT w.id, 'messages.sent', (SELECT jsonb_build_object('messages', jsonb_agg(jsonb_build_array(1, md5((n * 10 + m)::text)::uuid)))"
        " FROM generate_series(1, 10) m), now(), now() FROM webhook w, generate_series(1, 3000) n"
    )
    await db.analyze("delivery", "posting")


@pytest.mark.usefixtures("crowd")
async def test_erasing_reads_no_large_table_through(explained: list[dict[str, Any]]):
    await make_customers(await make_shop(), 3)

    await erasure.erase("c0", secret=b"s" * 32, actor="test")

    assert await read_through(explained) == []


@pytest.mark.usefixtures("crowd")
async def test_exporting_reads_no_large_table_through(explained: list[dict[str, Any]]):
    await make_customers(await make_shop(), 3)

    await customer_export.export("c0", most_rows=10)

    assert await read_through(explained) == []


async def test_a_customer_s_messages_are_found_whatever_became_of_them():
    shop = await make_shop()
    (person,) = await make_customers(shop, 1)
    states = [row[0] for row in await db.fetch("SELECT unnest(enum_range(NULL::delivery_state))::text")]
    kinds = [
        (state, channel, slice_) for state in states for channel in ("CHAT", "EMAIL", None) for slice_ in (1, None)
    ]
    for number, (state, channel, slice_) in enumerate(kinds):
        await db.execute(
            "INSERT INTO delivery (plan_id, customer_id, shop_id, state, channel, slice, created_at)"
            " VALUES ($1, $2, $3, $4::text::delivery_state, $5, $6, now())",
            number, person, shop.id, state, channel, slice_,
        )  # fmt: skip

    assert (
        await db.fetch_value(f"SELECT count(*) FROM delivery WHERE {customer_rows.DELIVERIES}", person)
        == len(kinds)
        == 60
    )
