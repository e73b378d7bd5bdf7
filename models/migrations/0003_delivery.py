"""Delivery: local time, repeats on request, what workers tell of themselves, and shops' own chat platforms."""

from tortoise.migrations import Migration
from tortoise.migrations.operations import RunSQL

# A local time that summer time skips becomes the next minute that exists. The search runs only then.
LOCAL_TIME = """
CREATE FUNCTION after_gap(wanted timestamp, zone text) RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT minute AT TIME ZONE zone
    FROM generate_series(date_trunc('minute', wanted), wanted + interval '25 hours', interval '1 minute') AS minute
    WHERE minute >= wanted AND (minute AT TIME ZONE zone) AT TIME ZONE zone = minute ORDER BY minute LIMIT 1
$$;
CREATE FUNCTION local_instant(wanted timestamp, zone text) RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN (wanted AT TIME ZONE zone) AT TIME ZONE zone = wanted THEN wanted AT TIME ZONE zone
                ELSE after_gap(wanted, zone) END
$$;
ALTER TABLE plan ADD COLUMN local_time time;
"""

# Who holds a slice, or held it when it was withdrawn: only there can a message be in flight.
LEDGER = """
CREATE INDEX slice_held ON slice (worker_id) WHERE worker_id IS NOT NULL;
ALTER TABLE delivery ADD COLUMN may_repeat boolean NOT NULL DEFAULT false;
"""

WORKER = """
ALTER TABLE worker ADD COLUMN swept_at timestamptz, ADD COLUMN figures jsonb NOT NULL DEFAULT '[]';
"""

CHAT_PLATFORM = """
CREATE TABLE chat_platform (
    shop_id     integer PRIMARY KEY REFERENCES shop,
    url         text NOT NULL,
    secret      text NOT NULL,
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL
);
"""


class Migration(Migration):  # type: ignore[no-redef]
    """What delivery needs beyond the first schema."""

    dependencies = [("models", "0002_seller")]
    operations = [RunSQL(sql) for sql in (LOCAL_TIME, LEDGER, WORKER, CHAT_PLATFORM)]
