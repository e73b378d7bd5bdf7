"""A way to each row of one customer that reads no others: for erasing and exporting in a large installation."""

from tortoise.migrations import Migration
from tortoise.migrations.operations import RunSQL

# Of the ledger, what `delivery_inbox` and `delivery_waiting` leave out: few rows, so sending pays nothing for it.
# One that a lost connection left half-made is made anew.
NO_DELIVERY_INDEX = "DROP INDEX IF EXISTS delivery_elsewhere"
DELIVERY_INDEX = """
CREATE INDEX CONCURRENTLY delivery_elsewhere ON delivery (customer_id)
WHERE slice IS NULL AND (channel IS DISTINCT FROM 'CHAT' OR state <> 'SENT')
"""

# What was posted to a webhook or given up is not posted again: who it was about is forgotten then.
POSTING = """
UPDATE posting SET data = '{}' WHERE state <> 'PENDING' AND data <> '{}';
CREATE OR REPLACE FUNCTION posting_customers(data jsonb) RETURNS text[] IMMUTABLE PARALLEL SAFE LANGUAGE sql AS $$
    SELECT CASE WHEN data ? 'customer' THEN ARRAY[data ->> 'customer']
        ELSE ARRAY(SELECT message ->> 1 FROM jsonb_array_elements(data -> 'messages') AS message) END
$$;
CREATE INDEX IF NOT EXISTS posting_about ON posting USING gin (posting_customers(data)) WHERE state = 'PENDING';
"""

TRIAL = "CREATE INDEX IF NOT EXISTS trial_by_address ON trial (lower(address))"

# Kept answers that name customers.
IDEMPOTENCY = """
CREATE INDEX IF NOT EXISTS idempotency_about_customers ON idempotency (mutation)
WHERE mutation IN ('customersUpsert', 'ordersUpsert', 'eventsUpsert', 'couponRedeem', 'conversationAnswer')
"""


class Migration(Migration):  # type: ignore[no-redef]
    """Indexes by customer; not in one transaction, since one is built beside those who write."""

    dependencies = [("models", "0015_retention")]
    atomic = False
    operations = [RunSQL(sql, atomic=False) for sql in (NO_DELIVERY_INDEX, DELIVERY_INDEX, POSTING, TRIAL, IDEMPOTENCY)]
