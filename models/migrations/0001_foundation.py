"""Shops, customers and what they did, segments, plans and the delivery ledger."""

from tortoise.migrations import Migration
from tortoise.migrations.operations import RunSQL

SHOP = """
CREATE TABLE shop (
    id                integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    external_id       text NOT NULL UNIQUE,
    name              text NOT NULL,
    currency          text NOT NULL,
    time_zone         text NOT NULL,
    default_language  text NOT NULL,
    country           text,
    score             numeric(3, 2),
    gmv               bigint,
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL
);
"""

# Distinct language tags in use: a plan decides once per tag, not once per customer, which text they get.
LANGUAGE = """
CREATE TABLE language (tag text PRIMARY KEY);
"""

CUSTOMER = """
CREATE TABLE customer (
    id           uuid PRIMARY KEY,
    external_id  text NOT NULL,
    name         text,
    email        text,
    email_key    bytea,
    language     text,
    time_zone    text,
    country      text,
    region       text,
    gender       text,
    birth_date   date,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL
);
CREATE TABLE suppression (
    email_key   bytea PRIMARY KEY,
    reason      text NOT NULL,
    created_at  timestamptz NOT NULL
);
"""

PRODUCT = """
CREATE TABLE product (
    id           uuid PRIMARY KEY,
    shop_id      integer NOT NULL REFERENCES shop,
    external_id  text NOT NULL,
    title        text NOT NULL,
    category     text,
    price        bigint,
    image_url    text,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    UNIQUE (shop_id, external_id)
);
"""

# No foreign key to customer on what arrives from outside: rows come in any order.
ORDER = """
CREATE TYPE order_status AS ENUM ('PLACED', 'CANCELLED', 'REFUNDED');
CREATE TABLE orders (
    customer_id   uuid NOT NULL,
    id            uuid NOT NULL,
    shop_id       integer NOT NULL,
    external_id   text NOT NULL,
    ordered_at    timestamptz NOT NULL,
    amount        bigint NOT NULL CHECK (amount >= 0),
    status        order_status NOT NULL,
    cancelled_at  timestamptz,
    product_ids   uuid[] NOT NULL DEFAULT '{}',
    arrived_at    timestamptz NOT NULL,
    PRIMARY KEY (customer_id, id),
    CHECK ((status = 'PLACED') = (cancelled_at IS NULL))
);
CREATE INDEX orders_by_customer ON orders (shop_id, customer_id, ordered_at) INCLUDE (amount, cancelled_at);
CREATE INDEX orders_by_id ON orders (id);
"""

EVENT = """
CREATE TYPE event_kind AS ENUM (
    'PRODUCT_VIEWED', 'PRODUCT_FAVOURITED', 'PRODUCT_REVIEWED', 'PRODUCT_CARD_CLICKED',
    'CART_ADDED', 'CART_REMOVED', 'CART_EMPTIED', 'CHECKOUT_STARTED',
    'FOLLOWED', 'UNFOLLOWED',
    'VIDEO_WATCHED', 'VIDEO_LIKED', 'VIDEO_PRODUCT_CLICKED',
    'LIVE_WATCHED', 'LIVE_CLICKED'
);
CREATE TABLE event (
    customer_id  uuid NOT NULL,
    id           uuid NOT NULL,
    shop_id      integer NOT NULL,
    kind         event_kind NOT NULL,
    occurred_at  timestamptz NOT NULL,
    arrived_at   timestamptz NOT NULL,
    product_id   uuid,
    reference    text,
    category     text,
    seconds      integer CHECK (seconds >= 0),
    PRIMARY KEY (customer_id, id, occurred_at)
) PARTITION BY RANGE (occurred_at);
CREATE INDEX event_by_customer ON event (shop_id, customer_id, kind, occurred_at);
CREATE INDEX event_by_category ON event (shop_id, kind, category, occurred_at) INCLUDE (customer_id, seconds)
    WHERE category IS NOT NULL;
"""

# The indexes hold what segments ask most; models/condition/implication.py knows what they begin with. Each column in
# one makes its updates dearer: viewing, reviewing, checking out and reading change none of them.
# One row per (shop, customer): the roll-up that segments read, and what the customer allows this shop.
# NULL first_interaction_at = known to the shop's list, but outside its universe (R26).
RELATIONSHIP = """
CREATE TYPE consent AS ENUM ('NEVER', 'SUBSCRIBED', 'UNSUBSCRIBED');
CREATE TABLE relationship (
    shop_id                integer NOT NULL,
    customer_id            uuid NOT NULL,
    first_interaction_at   timestamptz,
    order_count            integer NOT NULL DEFAULT 0,
    order_amount           bigint NOT NULL DEFAULT 0,
    first_order_at         timestamptz,
    last_order_at          timestamptz,
    previous_order_at      timestamptz,
    third_order_at         timestamptz,
    last_order_amount      bigint,
    previous_order_amount  bigint,
    last_viewed_at         timestamptz,
    last_favourited_at     timestamptz,
    last_carted_at         timestamptz,
    last_reviewed_at       timestamptz,
    last_checkout_at       timestamptz,
    last_card_clicked_at   timestamptz,
    last_video_watched_at  timestamptz,
    last_video_liked_at    timestamptz,
    last_video_clicked_at  timestamptz,
    last_live_watched_at   timestamptz,
    last_live_clicked_at   timestamptz,
    last_engaged_at        timestamptz,
    last_followed_at       timestamptz,
    last_unfollowed_at     timestamptz,
    follows                boolean NOT NULL GENERATED ALWAYS AS (
        last_followed_at IS NOT NULL
        AND (last_unfollowed_at IS NULL OR last_followed_at > last_unfollowed_at)
    ) STORED,
    last_message_read_at     timestamptz,
    last_message_clicked_at  timestamptz,
    last_unsubscribed_at     timestamptz,
    chat_blocked_at        timestamptz,
    email_consent          consent NOT NULL DEFAULT 'NEVER',
    email_consent_source   text,
    email_consent_at       timestamptz,
    PRIMARY KEY (shop_id, customer_id)
) WITH (fillfactor = 80);
CREATE INDEX relationship_by_last_order ON relationship (shop_id, last_order_at)
    INCLUDE (previous_order_at, first_order_at)
    WHERE first_interaction_at IS NOT NULL AND last_order_at IS NOT NULL;
CREATE INDEX relationship_by_previous_order ON relationship (shop_id, previous_order_at)
    INCLUDE (customer_id, last_order_at, third_order_at, last_order_amount, previous_order_amount)
    WHERE first_interaction_at IS NOT NULL AND previous_order_at IS NOT NULL;
CREATE INDEX relationship_by_last_wanted
    ON relationship (shop_id, (GREATEST(last_carted_at, last_favourited_at)))
    INCLUDE (customer_id, last_carted_at, last_favourited_at, first_order_at, last_order_at, follows)
    WHERE first_interaction_at IS NOT NULL AND GREATEST(last_carted_at, last_favourited_at) IS NOT NULL;
CREATE INDEX relationship_followers ON relationship (shop_id, last_engaged_at)
    INCLUDE (customer_id, last_followed_at)
    WHERE first_interaction_at IS NOT NULL AND follows;
"""

SEGMENT = """
CREATE TABLE segment (
    id           integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    shop_id      integer NOT NULL REFERENCES shop,
    preset       text,
    name         text NOT NULL,
    definition   jsonb NOT NULL,
    version      integer NOT NULL DEFAULT 1,
    archived_at  timestamptz,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    UNIQUE (shop_id, preset)
);
CREATE TABLE segment_version (
    segment_id  integer NOT NULL REFERENCES segment,
    version     integer NOT NULL,
    definition  jsonb NOT NULL,
    changed_by  text NOT NULL,
    changed_at  timestamptz NOT NULL,
    PRIMARY KEY (segment_id, version)
);
CREATE TABLE segment_size (
    segment_id   integer NOT NULL REFERENCES segment,
    day          date NOT NULL,
    version      integer NOT NULL,
    size         bigint NOT NULL,
    measured_at  timestamptz NOT NULL,
    PRIMARY KEY (segment_id, day)
);
"""

PLAN = """
CREATE TYPE plan_status AS ENUM (
    'DRAFT', 'SCHEDULED', 'ONGOING', 'PAUSED', 'SENT', 'ENDED', 'CANCELLING', 'CANCELLED', 'DELETED'
);
CREATE TYPE plan_channel AS ENUM ('CHAT', 'EMAIL', 'CHAT_THEN_EMAIL');
CREATE TABLE plan (
    id              integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    shop_id         integer NOT NULL REFERENCES shop,
    kind            text NOT NULL DEFAULT 'ONE_TIME',
    name            text NOT NULL,
    channel         plan_channel NOT NULL,
    status          plan_status NOT NULL DEFAULT 'DRAFT',
    status_reason   text,
    segment_id      integer REFERENCES segment,
    definition      jsonb,
    template        text,
    content         jsonb NOT NULL DEFAULT '{}',
    product_ids     uuid[] NOT NULL DEFAULT '{}',
    send_at         timestamptz,
    deadline        timestamptz,
    localised_at    timestamptz,
    resolve_cursor  uuid,
    resolved_at     timestamptz,
    created_by      text NOT NULL,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    submitted_at    timestamptz,
    started_at      timestamptz,
    finished_at     timestamptz
);
CREATE INDEX plan_by_shop ON plan (shop_id, id);
CREATE INDEX plan_alive ON plan (id) WHERE status IN ('SCHEDULED', 'ONGOING', 'CANCELLING');
CREATE TABLE plan_content (
    plan_id    integer NOT NULL REFERENCES plan ON DELETE CASCADE,
    channel    text NOT NULL,
    language   text NOT NULL,
    subject    text,
    preheader  text,
    text       text NOT NULL,
    html       text,
    variables  text[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (plan_id, channel, language)
);
"""

# The ledger. Its key is the promise: one row per (plan, customer, reference), in the database.
DELIVERY = """
CREATE TYPE delivery_state AS ENUM (
    'PENDING', 'COMMITTING', 'SENT', 'FAILED', 'UNKNOWN',
    'SUPPRESSED', 'EXPIRED', 'CANCELLED', 'HELD_OUT', 'REASON_GONE'
);
CREATE TABLE delivery (
    plan_id      integer NOT NULL,
    customer_id  uuid NOT NULL,
    reference    text NOT NULL DEFAULT '',
    shop_id      integer NOT NULL,
    state        delivery_state NOT NULL,
    channel      text,
    language     text,
    reason       text,
    slice        integer,
    not_before   timestamptz,
    attempt      smallint NOT NULL DEFAULT 0,
    contact_day  date,
    created_at   timestamptz NOT NULL,
    sent_at      timestamptz,
    read_at      timestamptz,
    clicked_at   timestamptz,
    frozen       jsonb,
    PRIMARY KEY (plan_id, customer_id, reference)
) WITH (fillfactor = 85);
CREATE INDEX delivery_inbox ON delivery (customer_id, sent_at DESC)
    WHERE channel = 'CHAT' AND state = 'SENT';
CREATE INDEX delivery_slice ON delivery (plan_id, slice) WHERE slice IS NOT NULL;
CREATE INDEX delivery_waiting ON delivery (customer_id) WHERE slice IS NOT NULL;

CREATE TABLE worker (
    id           uuid PRIMARY KEY,
    name         text NOT NULL,
    started_at   timestamptz NOT NULL,
    lease_until  timestamptz NOT NULL
);
CREATE TABLE slice (
    plan_id    integer NOT NULL REFERENCES plan ON DELETE CASCADE,
    number     integer NOT NULL,
    channel    text NOT NULL,
    due_at     timestamptz NOT NULL,
    token      uuid,
    worker_id  uuid,
    done_at    timestamptz,
    PRIMARY KEY (plan_id, number)
);
CREATE INDEX slice_due ON slice (due_at) WHERE done_at IS NULL;
CREATE TABLE contact (
    customer_id  uuid NOT NULL,
    day          date NOT NULL,
    slot         smallint NOT NULL CHECK (slot IN (1, 2)),
    plan_id      integer NOT NULL,
    reference    text NOT NULL DEFAULT '',
    PRIMARY KEY (customer_id, day, slot)
);
"""

# Every refusal to be written to, kept when the customer comes back: segments and figures ask when, and of which plan.
UNSUBSCRIPTION = """
CREATE TABLE unsubscription (
    customer_id  uuid NOT NULL,
    shop_id      integer NOT NULL,
    channel      text NOT NULL,
    happened_at  timestamptz NOT NULL,
    plan_id      integer,
    PRIMARY KEY (customer_id, shop_id, channel, happened_at)
);
"""

IDEMPOTENCY = """
CREATE TABLE idempotency (
    actor         text NOT NULL,
    mutation      text NOT NULL,
    key           text NOT NULL,
    request_hash  bytea NOT NULL,
    response      jsonb,
    created_at    timestamptz NOT NULL,
    PRIMARY KEY (actor, mutation, key)
);
"""

IMPORT = """
CREATE TABLE import_job (
    id            uuid PRIMARY KEY,
    shop_id       integer NOT NULL REFERENCES shop,
    source        text NOT NULL,
    fingerprint   text NOT NULL,
    byte_offset   bigint NOT NULL DEFAULT 0,
    line_number   bigint NOT NULL DEFAULT 0,
    accepted      bigint NOT NULL DEFAULT 0,
    refused       bigint NOT NULL DEFAULT 0,
    started_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    finished_at   timestamptz,
    UNIQUE (shop_id, fingerprint)
);
"""


class Migration(Migration):  # type: ignore[no-redef]
    """The first schema."""

    initial = True
    operations = [
        RunSQL(sql)
        for sql in (
            SHOP,
            LANGUAGE,
            CUSTOMER,
            PRODUCT,
            ORDER,
            EVENT,
            RELATIONSHIP,
            SEGMENT,
            PLAN,
            DELIVERY,
            UNSUBSCRIPTION,
            IDEMPOTENCY,
            IMPORT,
        )
    ]
