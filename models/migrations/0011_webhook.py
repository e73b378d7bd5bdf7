"""What leaves towards other people's systems: secrets of chat platforms by their salts, webhooks and their ledger."""

from tortoise.migrations import Migration
from tortoise.migrations.operations import RunSQL

# Secrets are derived, so that a copy of the database signs nothing (models/webhook/signature.py).
CHAT_PLATFORM = """
ALTER TABLE chat_platform RENAME COLUMN secret TO salt;
ALTER TABLE chat_platform ADD COLUMN previous_salt text, ADD COLUMN rotated_at timestamptz;
"""

WEBHOOK = """
CREATE TABLE webhook (
    id               integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    shop_id          integer NOT NULL REFERENCES shop,
    url              text NOT NULL,
    description      text,
    facts            text[] NOT NULL CHECK (cardinality(facts) > 0),
    salt             text NOT NULL,
    previous_salt    text,
    rotated_at       timestamptz,
    disabled_at      timestamptz,
    disabled_reason  text,
    failing_since    timestamptz,
    held_until       timestamptz,
    created_by       text NOT NULL,
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL
);
CREATE INDEX webhook_by_shop ON webhook (shop_id, id);
"""

# One row is one request: facts about many messages that became true together share it.
POSTING = """
CREATE TABLE posting (
    webhook_id   integer NOT NULL REFERENCES webhook ON DELETE CASCADE,
    id           bigint GENERATED ALWAYS AS IDENTITY,
    fact         text NOT NULL,
    data         jsonb NOT NULL,
    happened_at  timestamptz NOT NULL,
    state        text NOT NULL DEFAULT 'PENDING' CHECK (state IN ('PENDING', 'DELIVERED', 'FAILED')),
    attempts     smallint NOT NULL DEFAULT 0,
    not_before   timestamptz NOT NULL,
    answer       text,
    tried_at     timestamptz,
    settled_at   timestamptz,
    PRIMARY KEY (webhook_id, id),
    CHECK ((state = 'PENDING') = (settled_at IS NULL))
);
CREATE INDEX posting_waiting ON posting (webhook_id, id) WHERE state = 'PENDING';
CREATE INDEX posting_settled ON posting (settled_at) WHERE state <> 'PENDING';
"""


class Migration(Migration):  # type: ignore[no-redef]
    """Chat platforms' salts, webhooks, postings."""

    dependencies = [("models", "0005_metric"), ("models", "0003_delivery")]
    operations = [RunSQL(sql) for sql in (CHAT_PLATFORM, WEBHOOK, POSTING)]
