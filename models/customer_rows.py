"""Where the rows of one customer are, in every table that speaks of customers, and a way to them that reads no other.

Most tables have an index that begins with the customer. Of those that do not, each is large and written all day, so
they have a way of their own instead of one more index: a shop's or a plan's rows are looked up by their key.
"""

from collections.abc import Collection

from models import database

PERSON = "customer_id = $1"


def messages_of(customer: str) -> str:
    """The condition of a customer's messages in the ledger: its three parts are those of three indexes, and let none out."""
    return f"""customer_id = {customer} AND (
    channel = 'CHAT' AND state = 'SENT'
    OR slice IS NOT NULL
    OR slice IS NULL AND (channel IS DISTINCT FROM 'CHAT' OR state <> 'SENT'))"""


DELIVERIES = messages_of("$1")

WAYS = {
    "customer": "id = $1",
    "delivery": DELIVERIES,
    "relationship": f"shop_id = ANY(ARRAY(SELECT id FROM shop)) AND {PERSON}",
    "touch": f"plan_id = ANY(ARRAY(SELECT plan_id FROM delivery WHERE {DELIVERIES})) AND {PERSON}",
}
"""By table: SQL of the condition of the rows of customer $1. A touch is of a message in the ledger."""


def way(table: str) -> str:
    """The condition of customer $1's rows in a table."""
    return WAYS.get(table, PERSON)


async def tables(*, but: Collection[str]) -> list[str]:
    """The tables with a `customer_id`, but for some. Whoever adds one need not think of this."""
    return [row["relname"] for row in await database.fetch(_TABLES, list(but))]


# A partitioned table counts as one.
_TABLES = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public'
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'customer_id' AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> ALL($1::text[]) ORDER BY c.relname
"""
