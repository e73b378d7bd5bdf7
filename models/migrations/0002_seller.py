"""The seller's side: access and its history, weekly quotas, coupons and claims, a plan's history, trials."""

from tortoise.migrations import Migration
from tortoise.migrations.operations import RunSQL

SHOP = """
ALTER TABLE shop
    ADD COLUMN gmv_days smallint CHECK (gmv_days > 0),
    ADD COLUMN tier text,
    ADD COLUMN store_url text,
    ADD CHECK (score BETWEEN 0 AND 5),
    ADD CHECK (gmv >= 0);
"""

# The state that was last acted upon; what a shop may do is always decided by its score itself.
ACCESS = """
CREATE TABLE access (
    shop_id     integer PRIMARY KEY REFERENCES shop,
    state       text NOT NULL CHECK (state IN ('ELIGIBLE', 'FROZEN', 'REVOKED')),
    may_email   boolean NOT NULL,
    since       timestamptz NOT NULL,
    checked_on  date NOT NULL
);
CREATE INDEX access_checked ON access (checked_on);
CREATE TABLE access_change (
    shop_id     integer NOT NULL REFERENCES shop,
    id          bigint GENERATED ALWAYS AS IDENTITY,
    state_from  text,
    state_to    text NOT NULL,
    may_email   boolean NOT NULL,
    reason      text NOT NULL,
    score       numeric(3, 2),
    gmv         bigint,
    changed_at  timestamptz NOT NULL,
    PRIMARY KEY (shop_id, id)
);
"""

# One row per shop and week that took any. `used` and the plans that hold a place in the week always agree.
QUOTA = """
CREATE TABLE quota_week (
    shop_id  integer NOT NULL REFERENCES shop,
    week     date NOT NULL CHECK (extract(isodow FROM week) = 1),
    used     integer NOT NULL CHECK (used >= 0),
    PRIMARY KEY (shop_id, week)
);
CREATE TABLE quota_reward (
    shop_id             integer PRIMARY KEY REFERENCES shop,
    computed_on         date NOT NULL,
    tier                text NOT NULL,
    peers               integer NOT NULL,
    sent                bigint NOT NULL,
    read                bigint NOT NULL,
    unsubscribed        bigint NOT NULL,
    read_beaten         integer NOT NULL,
    unsubscribe_beaten  integer NOT NULL,
    CHECK (read_beaten BETWEEN 0 AND peers AND unsubscribe_beaten BETWEEN 0 AND peers)
);
"""

COUPON = """
CREATE TABLE coupon (
    id              integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    shop_id         integer NOT NULL REFERENCES shop,
    name            text NOT NULL,
    code            text NOT NULL,
    visibility      text NOT NULL CHECK (visibility IN ('REGULAR', 'TARGETED', 'PRIVATE')),
    segment_id      integer REFERENCES segment,
    percentage      smallint CHECK (percentage BETWEEN 1 AND 100),
    amount          bigint CHECK (amount > 0),
    minimum_spend   bigint NOT NULL CHECK (minimum_spend >= 0),
    product_ids     uuid[] NOT NULL DEFAULT '{}',
    starts_at       timestamptz NOT NULL,
    ends_at         timestamptz NOT NULL CHECK (ends_at > starts_at),
    total_limit     integer NOT NULL CHECK (total_limit > 0),
    customer_limit  integer NOT NULL CHECK (customer_limit > 0),
    claimed         integer NOT NULL DEFAULT 0,
    ended_at        timestamptz,
    created_by      text NOT NULL,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    UNIQUE (shop_id, code),
    CHECK (claimed BETWEEN 0 AND total_limit),
    CHECK ((percentage IS NULL) <> (amount IS NULL)),
    CHECK ((visibility = 'TARGETED') = (segment_id IS NOT NULL))
);
CREATE INDEX coupon_by_shop ON coupon (shop_id, id);
CREATE TABLE claim (
    customer_id  uuid NOT NULL,
    coupon_id    integer NOT NULL,
    number       smallint NOT NULL CHECK (number > 0),
    shop_id      integer NOT NULL,
    code         text NOT NULL,
    claimed_at   timestamptz NOT NULL,
    plan_id      integer,
    reference    text,
    order_id     uuid,
    redeemed_at  timestamptz,
    discount     bigint CHECK (discount >= 0),
    PRIMARY KEY (customer_id, coupon_id, number),
    CHECK ((order_id IS NULL) = (redeemed_at IS NULL))
);
CREATE UNIQUE INDEX claim_by_order ON claim (customer_id, order_id) WHERE order_id IS NOT NULL;
CREATE INDEX claim_by_coupon ON claim (coupon_id, claimed_at);
"""

PLAN = """
ALTER TABLE plan
    ADD COLUMN coupon_id integer REFERENCES coupon,
    ADD COLUMN button text,
    ADD COLUMN quota_week date,
    ADD COLUMN paused_at timestamptz;
CREATE INDEX plan_by_coupon ON plan (coupon_id) WHERE coupon_id IS NOT NULL;
CREATE TABLE plan_history (
    plan_id      integer NOT NULL REFERENCES plan ON DELETE CASCADE,
    id           bigint GENERATED ALWAYS AS IDENTITY,
    action       text NOT NULL,
    status_from  plan_status,
    status_to    plan_status NOT NULL,
    actor        text NOT NULL,
    reason       text,
    happened_at  timestamptz NOT NULL,
    PRIMARY KEY (plan_id, id)
);
"""

# A test mail is nobody's delivery: it has its own small ledger, outside quota, contact limit and figures.
TRIAL = """
CREATE TABLE trial (
    id            uuid PRIMARY KEY,
    shop_id       integer NOT NULL REFERENCES shop,
    plan_id       integer NOT NULL REFERENCES plan ON DELETE CASCADE,
    address       text NOT NULL,
    language      text NOT NULL,
    state         text NOT NULL CHECK (state IN ('PENDING', 'COMMITTING', 'SENT', 'FAILED', 'UNKNOWN')),
    reason        text,
    actor         text NOT NULL,
    created_at    timestamptz NOT NULL,
    committed_at  timestamptz,
    settled_at    timestamptz
);
CREATE INDEX trial_by_plan ON trial (plan_id, created_at);
CREATE INDEX trial_by_shop ON trial (shop_id, created_at);
CREATE INDEX trial_waiting ON trial (created_at) WHERE state IN ('PENDING', 'COMMITTING');
"""


class Migration(Migration):  # type: ignore[no-redef]
    """The seller's tables."""

    dependencies = [("models", "0001_foundation")]
    operations = [RunSQL(sql) for sql in (SHOP, ACCESS, QUOTA, COUPON, PLAN, TRIAL)]
