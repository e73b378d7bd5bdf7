"""Experiments: holdouts, variants and their winner, and what sellers dismissed of what was recommended to them."""

from tortoise.migrations import Migration
from tortoise.migrations.operations import RunSQL

# The same as models/experiment/bucket.py: the first four bytes of a digest, scaled to 0–9999.
BUCKET = """
CREATE FUNCTION bucket(salt text, customer_id uuid) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT ((('x' || encode(substr(sha256((salt || ':' || customer_id::text)::bytea), 1, 4), 'hex'))::bit(32)::bigint
             * 10000) >> 32)::integer
$$;
"""

# A plan without a share at all (NULL) holds nobody out, not even the shop's control group.
HOLDOUT = """
ALTER TABLE plan ADD COLUMN holdout_percent smallint DEFAULT 0 CHECK (holdout_percent BETWEEN 0 AND 50);
CREATE TABLE holdout (
    shop_id          integer PRIMARY KEY REFERENCES shop,
    plan_percent     smallint NOT NULL CHECK (plan_percent BETWEEN 0 AND 50),
    control_percent  smallint NOT NULL CHECK (control_percent BETWEEN 0 AND 50),
    control_since    timestamptz NOT NULL,
    changed_by       text NOT NULL,
    changed_at       timestamptz NOT NULL
);
"""

# Variant 0 is the plan's own content; a message without a variant waits for the winner.
VARIANT = """
ALTER TABLE plan
    ADD COLUMN experiment jsonb,
    ADD COLUMN decides_at timestamptz,
    ADD COLUMN winner smallint,
    ADD COLUMN decided_at timestamptz,
    ADD CHECK ((winner IS NULL) = (decided_at IS NULL));
CREATE INDEX plan_undecided ON plan (decides_at) WHERE decides_at IS NOT NULL AND winner IS NULL;
CREATE INDEX plan_with_experiment ON plan (shop_id) WHERE experiment IS NOT NULL;
ALTER TABLE plan_content
    ADD COLUMN variant smallint NOT NULL DEFAULT 0,
    DROP CONSTRAINT plan_content_pkey,
    ADD PRIMARY KEY (plan_id, channel, language, variant);
ALTER TABLE delivery ADD COLUMN variant smallint DEFAULT 0;
ALTER TABLE trial ADD COLUMN variant smallint NOT NULL DEFAULT 0;
CREATE VIEW plan_coupon AS
    SELECT shop_id, id AS plan_id, 0 AS variant, coupon_id FROM plan WHERE coupon_id IS NOT NULL
    UNION ALL
    SELECT p.shop_id, p.id, v.number::integer,
        CASE WHEN v.variant ? 'couponId' THEN (v.variant ->> 'couponId')::integer ELSE p.coupon_id END
    FROM plan p CROSS JOIN LATERAL jsonb_array_elements(p.experiment -> 'variants')
        WITH ORDINALITY AS v(variant, number)
    WHERE p.experiment IS NOT NULL;
"""

RECOMMENDATION = """
CREATE TABLE recommendation_dismissal (
    shop_id       integer NOT NULL REFERENCES shop,
    kind          text NOT NULL,
    subject       text NOT NULL,
    severity      double precision NOT NULL,
    dismissed_by  text NOT NULL,
    dismissed_at  timestamptz NOT NULL,
    PRIMARY KEY (shop_id, kind, subject)
);
"""


class Migration(Migration):  # type: ignore[no-redef]
    """Experiments and recommendations."""

    dependencies = [("models", "0005_metric"), ("models", "0003_delivery")]
    operations = [RunSQL(sql) for sql in (BUCKET, HOLDOUT, VARIANT, RECOMMENDATION)]
