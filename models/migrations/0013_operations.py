"""Operations: who this database is, what its owner does for the application, and what workers tell of relays."""

from tortoise.migrations import Migration
from tortoise.migrations.operations import RunSQL

# One row: who this database is (models/origin.py).
ORIGIN = """
CREATE TABLE IF NOT EXISTS origin (
    is_here   boolean PRIMARY KEY DEFAULT true CHECK (is_here),
    cluster   text NOT NULL,
    timeline  integer NOT NULL,
    database  bigint NOT NULL,
    relation  bigint NOT NULL,
    kept_at   timestamptz NOT NULL
);
"""

# The role that runs API and workers owns no table, so the owner makes and drops partitions for it, and nothing else.
PARTITION = """
CREATE OR REPLACE FUNCTION make_event_partition(month date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    name text := 'event_' || to_char(month, 'YYYY_MM');
BEGIN
    IF month <> date_trunc('month', month)::date THEN
        RAISE EXCEPTION '% is not the first day of a month', month;
    END IF;
    EXECUTE format(
        'CREATE TABLE %I (LIKE event INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES)', name
    );
    EXECUTE format(
        'ALTER TABLE event ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', name,
        month::timestamp AT TIME ZONE 'UTC', (month + interval '1 month')::timestamp AT TIME ZONE 'UTC'
    );
END
$$;
CREATE OR REPLACE FUNCTION drop_event_partition(name text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid
        WHERE inhparent = 'event'::regclass AND c.relname = name AND c.relnamespace = 'public'::regnamespace
    ) THEN
        RAISE EXCEPTION '% is no partition of event', name;
    END IF;
    EXECUTE format('DROP TABLE %I', name);
END
$$;
"""

WORKER = """ALTER TABLE worker ADD COLUMN IF NOT EXISTS failing text[] NOT NULL DEFAULT '{}';"""


class Migration(Migration):  # type: ignore[no-redef]
    """What operators need of the schema."""

    dependencies = [("models", "0005_metric"), ("models", "0003_delivery")]
    operations = [RunSQL(sql) for sql in (ORIGIN, PARTITION, WORKER)]
