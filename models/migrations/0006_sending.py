"""Sending as operators and shops steer it: stopped as a whole, quiet hours, rates; and repeats of what failed."""

from tortoise.migrations import Migration
from tortoise.migrations.operations import RunSQL

# A stop is a row until it is taken back, and remains as the record of it. There is one at a time.
STOP = """
CREATE TABLE sending_stop (
    id          integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    reason      text NOT NULL,
    stopped_at  timestamptz NOT NULL,
    stopped_by  text NOT NULL,
    resumed_at  timestamptz,
    resumed_by  text,
    CHECK ((resumed_at IS NULL) = (resumed_by IS NULL))
);
CREATE UNIQUE INDEX sending_stop_now ON sending_stop ((true)) WHERE resumed_at IS NULL;
"""

# The functions have no FROM, so that PostgreSQL writes them into statements over many rows. Region '' is everywhere; a region without hours (NULL) has no quiet time. `until` may lie before `since`: over midnight.
QUIET_HOURS = """
CREATE TABLE quiet_hours (
    shop_id  integer NOT NULL REFERENCES shop,
    region   text NOT NULL DEFAULT '',
    since    time,
    until    time,
    PRIMARY KEY (shop_id, region),
    CHECK ((since IS NULL) = (until IS NULL)),
    CHECK (since <> until)
);
CREATE FUNCTION quiet_until(at timestamptz, zone text, since time, until time)
RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN since < until AND (at AT TIME ZONE zone)::time >= since AND (at AT TIME ZONE zone)::time < until
        THEN local_instant((at AT TIME ZONE zone)::date + until, zone)
        WHEN since > until AND (at AT TIME ZONE zone)::time >= since
        THEN local_instant((at AT TIME ZONE zone)::date + 1 + until, zone)
        WHEN since > until AND (at AT TIME ZONE zone)::time < until
        THEN local_instant((at AT TIME ZONE zone)::date + until, zone)
    END
$$;
CREATE FUNCTION quiet_from(at timestamptz, zone text, since time)
RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN local_instant((at AT TIME ZONE zone)::date + since, zone) > at
                THEN local_instant((at AT TIME ZONE zone)::date + since, zone)
                ELSE local_instant((at AT TIME ZONE zone)::date + 1 + since, zone) END
$$;
"""

# Up to `paid_until` the shop's messages have used up its rate; what it has not used for a while is lost.
SEND_RATE = """
CREATE TABLE send_rate (
    shop_id     integer PRIMARY KEY REFERENCES shop,
    per_minute  integer NOT NULL CHECK (per_minute > 0),
    paid_until  timestamptz NOT NULL
);
"""

# Chosen for no UPDATE by state: nothing changes rows only because they are UNKNOWN.
UNKNOWN = """
CREATE INDEX delivery_unknown ON delivery (plan_id) WHERE state = 'UNKNOWN';
"""


class Migration(Migration):  # type: ignore[no-redef]
    """What operators and shops say of sending."""

    dependencies = [("models", "0003_delivery"), ("models", "0005_metric")]
    operations = [RunSQL(sql) for sql in (STOP, QUIET_HOURS, SEND_RATE, UNKNOWN)]
