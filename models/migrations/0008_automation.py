"""Automated plans: what triggers them, LIVE sessions, prices as a history, and the indexes that find what is new."""

from tortoise.migrations import Migration
from tortoise.migrations.operations import RunSQL

# `watermark`: up to where the plan has looked. `ends_at` is the timeframe's end, `deadline` until when it may send.
PLAN = """
ALTER TABLE plan
    ADD COLUMN trigger text,
    ADD COLUMN parameters jsonb,
    ADD COLUMN ends_at timestamptz,
    ADD COLUMN watermark timestamptz,
    ADD COLUMN smart_coupon boolean NOT NULL DEFAULT false,
    ADD COLUMN quiet_from time,
    ADD COLUMN quiet_until time,
    ADD CHECK ((trigger IS NULL) = (parameters IS NULL)),
    ADD CHECK ((quiet_from IS NULL) = (quiet_until IS NULL)),
    ADD CHECK (coupon_id IS NULL OR NOT smart_coupon);
ALTER TABLE delivery ADD COLUMN expires_at timestamptz;
"""

# `arrived_at` is when the present start became known.
LIVE_SESSION = """
CREATE TABLE live_session (
    id            uuid PRIMARY KEY,
    shop_id       integer NOT NULL REFERENCES shop,
    external_id   text NOT NULL,
    title         text NOT NULL,
    starts_at     timestamptz NOT NULL,
    started_at    timestamptz,
    ended_at      timestamptz,
    cancelled_at  timestamptz,
    arrived_at    timestamptz NOT NULL,
    UNIQUE (shop_id, external_id)
);
CREATE INDEX live_session_by_start ON live_session (shop_id, starts_at);
CREATE INDEX live_session_by_arrival ON live_session (shop_id, arrived_at);
"""

# What a product cost from `changed_at` on. Products that are there begin their history with the price they have.
PRICE_CHANGE = """
CREATE TABLE price_change (
    product_id  uuid NOT NULL,
    changed_at  timestamptz NOT NULL,
    shop_id     integer NOT NULL REFERENCES shop,
    price       bigint NOT NULL CHECK (price >= 0),
    arrived_at  timestamptz NOT NULL,
    PRIMARY KEY (product_id, changed_at)
);
CREATE INDEX price_change_by_time ON price_change (shop_id, changed_at);
CREATE INDEX price_change_by_arrival ON price_change (shop_id, arrived_at);
INSERT INTO price_change (product_id, changed_at, shop_id, price, arrived_at)
SELECT id, updated_at, shop_id, price, updated_at FROM product WHERE price IS NOT NULL;
ALTER TABLE product ADD COLUMN repurchase_days smallint;
"""

# By both times, since a step is due at the later of when it happened plus its delay, and when it arrived.
WHAT_IS_NEW = """
CREATE INDEX event_triggering ON event (shop_id, kind, occurred_at)
    WHERE kind IN ('CART_ADDED', 'CHECKOUT_STARTED', 'FOLLOWED');
CREATE INDEX event_triggering_late ON event (shop_id, kind, arrived_at)
    WHERE kind IN ('CART_ADDED', 'CHECKOUT_STARTED', 'FOLLOWED');
CREATE INDEX event_by_product ON event (shop_id, product_id, occurred_at) INCLUDE (customer_id, kind)
    WHERE kind IN ('PRODUCT_VIEWED', 'PRODUCT_FAVOURITED', 'CART_ADDED');
CREATE INDEX orders_by_time ON orders (shop_id, ordered_at);
CREATE INDEX orders_by_arrival ON orders (shop_id, arrived_at);
"""


class Migration(Migration):  # type: ignore[no-redef]
    """What automated plans need."""

    dependencies = [("models", "0005_metric"), ("models", "0003_delivery")]
    operations = [RunSQL(sql) for sql in (PLAN, LIVE_SESSION, PRICE_CHANGE, WHAT_IS_NEW)]
