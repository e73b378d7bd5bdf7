"""What content rules refused (R13), counted, so that the platform sees who tries again and again."""

from tortoise.migrations import Migration
from tortoise.migrations.operations import RunSQL

VIOLATION = """
CREATE TABLE violation (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    shop_id      integer NOT NULL REFERENCES shop (id),
    plan_id      integer REFERENCES plan (id),
    way          text NOT NULL,
    words        text NOT NULL,
    field        text NOT NULL,
    text         text NOT NULL,
    actor        text NOT NULL,
    count        integer NOT NULL DEFAULT 1,
    first_at     timestamptz NOT NULL,
    last_at      timestamptz NOT NULL,
    UNIQUE NULLS NOT DISTINCT (shop_id, plan_id, way, words)
);
CREATE INDEX violation_by_time ON violation (last_at, id);
"""


class Migration(Migration):  # type: ignore[no-redef]
    """Refused texts."""

    dependencies = [("models", "0005_metric"), ("models", "0003_delivery")]
    operations = [RunSQL(VIOLATION)]
