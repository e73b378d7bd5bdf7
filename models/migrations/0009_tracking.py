"""What a message earned: touches told from machines, replies and conversations, and figures rolled up by day.

`metric_fact` says what counts, when and for which message. Triggers write every change of it to `metric_delta` in
the commit that makes it; models/metric/day.py folds those into `metric_day`.
"""

from tortoise.migrations import Migration
from tortoise.migrations.operations import RunSQL

LEDGER = """
ALTER TABLE delivery
    ADD COLUMN replied_at timestamptz,
    ADD COLUMN machine_read_at timestamptz,
    ADD COLUMN machine_clicked_at timestamptz;
ALTER TABLE shop ADD COLUMN mail_tracking boolean;
"""

NO_PRODUCT = "'00000000-0000-0000-0000-000000000000'::uuid"

# The first open of a mail and the first click on each of its links, a person's and a machine's apart.
TOUCH = f"""
CREATE TABLE touch (
    plan_id      integer NOT NULL,
    customer_id  uuid NOT NULL,
    reference    text NOT NULL DEFAULT '',
    kind         text NOT NULL CHECK (kind IN ('OPEN', 'CLICK')),
    product_id   uuid NOT NULL DEFAULT {NO_PRODUCT},
    toucher      text NOT NULL CHECK (toucher IN ('PERSON', 'MACHINE')),
    sign         text,
    touched_at   timestamptz NOT NULL,
    PRIMARY KEY (plan_id, customer_id, reference, kind, product_id, toucher),
    CHECK ((toucher = 'MACHINE') = (sign IS NOT NULL))
);
"""

CONVERSATION = """
CREATE TABLE conversation (
    customer_id  uuid NOT NULL,
    shop_id      integer NOT NULL,
    opened_at    timestamptz NOT NULL,
    last_at      timestamptz NOT NULL,
    last_author  text NOT NULL CHECK (last_author IN ('SHOPPER', 'SELLER')),
    size         integer NOT NULL CHECK (size > 0),
    PRIMARY KEY (customer_id, shop_id)
);
CREATE INDEX conversation_by_shop ON conversation (shop_id, last_at, customer_id);
CREATE TABLE remark (
    customer_id  uuid NOT NULL,
    shop_id      integer NOT NULL,
    number       integer NOT NULL CHECK (number > 0),
    author       text NOT NULL CHECK (author IN ('SHOPPER', 'SELLER')),
    actor        text NOT NULL,
    text         text NOT NULL,
    plan_id      integer,
    reference    text,
    written_at   timestamptz NOT NULL,
    PRIMARY KEY (customer_id, shop_id, number)
);
"""

FACTS = (
    "sent",
    "read",
    "clicked",
    "machine_read",
    "machine_clicked",
    "replied",
    "unsubscribed",
    "claimed",
    "redeemed",
    "orders",
    "gmv",
)

_KEY = "shop_id, day, plan_id, channel, language, product_id"

METRIC = f"""
CREATE TABLE metric_day (
    shop_id     integer NOT NULL,
    day         date NOT NULL,
    plan_id     integer NOT NULL,
    channel     text NOT NULL,
    language    text NOT NULL,
    product_id  uuid NOT NULL,
    {", ".join(f"{fact} {'bigint' if fact == 'gmv' else 'integer'} NOT NULL DEFAULT 0" for fact in FACTS)},
    PRIMARY KEY (shop_id, day, product_id, plan_id, channel, language)
);
CREATE INDEX metric_day_by_plan ON metric_day (plan_id, day);
CREATE TABLE metric_delta (
    shop_id     integer NOT NULL,
    day         date NOT NULL,
    plan_id     integer NOT NULL,
    channel     text NOT NULL,
    language    text NOT NULL,
    product_id  uuid NOT NULL,
    fact        text NOT NULL,
    amount      bigint NOT NULL
);
CREATE INDEX metric_delta_by_shop ON metric_delta (shop_id);
CREATE TABLE metric_rebuild (
    shop_id  integer PRIMARY KEY REFERENCES shop ON DELETE CASCADE,
    since    xid8 NOT NULL
);
"""


def _fact(key: str, fact: str, amount: str, product: str = NO_PRODUCT) -> str:
    """The columns of a fact: `key` names the row with shop and plan, and the one with channel and language."""
    owner, said = key.split()
    return (
        f"SELECT {owner}.shop_id, (f.at AT TIME ZONE s.time_zone)::date AS day, {owner}.plan_id,"
        f" coalesce({said}.channel, '') AS channel, coalesce({said}.language, '') AS language,"
        f" {product} AS product_id, {fact} AS fact, {amount} AS amount"
    )


_MESSAGE = "delivery d ON d.plan_id = {0}.plan_id AND d.customer_id = {0}.customer_id AND d.reference = {0}.reference"

# What a machine alone did counts as a machine's until a person does the same.
MESSAGES = f"""
{_fact("d d", "f.fact", "1::bigint")}
FROM {{delivery}} d JOIN shop s ON s.id = d.shop_id
CROSS JOIN LATERAL (VALUES
    ('sent', d.sent_at), ('read', d.read_at), ('clicked', d.clicked_at), ('replied', d.replied_at),
    ('machine_read', CASE WHEN d.read_at IS NULL THEN d.machine_read_at END),
    ('machine_clicked', CASE WHEN d.clicked_at IS NULL THEN d.machine_clicked_at END)) AS f (fact, at)
WHERE d.state = 'SENT' AND f.at IS NOT NULL"""

# An order counts whole, and again for each product in it.
ORDERS = f"""
{_fact("a d", "f.fact", "f.amount", "p.product_id")}
FROM {{attribution}} a JOIN {{orders}} o ON o.customer_id = a.customer_id AND o.id = a.order_id
JOIN shop s ON s.id = a.shop_id JOIN {_MESSAGE.format("a")}
CROSS JOIN LATERAL (SELECT {NO_PRODUCT} UNION SELECT unnest(o.product_ids)) AS p (product_id)
CROSS JOIN LATERAL (VALUES ('orders', o.ordered_at, 1), ('gmv', o.ordered_at, o.amount)) AS f (fact, at, amount)
WHERE o.status = 'PLACED'"""

CLAIMS = f"""
{_fact("c d", "f.fact", "1")}
FROM {{claim}} c JOIN shop s ON s.id = c.shop_id JOIN {_MESSAGE.format("c")}
CROSS JOIN LATERAL (VALUES ('claimed', c.claimed_at), ('redeemed', c.redeemed_at)) AS f (fact, at)
WHERE f.at IS NOT NULL"""

CLICKS = f"""
{_fact("d d", "'clicked'", "1", "t.product_id")}
FROM {{touch}} t JOIN {_MESSAGE.format("t")} JOIN shop s ON s.id = d.shop_id
CROSS JOIN LATERAL (SELECT t.touched_at AS at) f
WHERE t.kind = 'CLICK' AND t.toucher = 'PERSON' AND t.product_id <> {NO_PRODUCT}"""

# The language is that of the plan's latest message to the customer by then.
UNSUBSCRIPTIONS = f"""
{_fact("u l", "'unsubscribed'", "1").replace("l.channel", "u.channel")}
FROM {{unsubscription}} u JOIN shop s ON s.id = u.shop_id
LEFT JOIN LATERAL (
    SELECT d.language FROM delivery d WHERE d.plan_id = u.plan_id AND d.customer_id = u.customer_id
      AND d.created_at <= u.happened_at ORDER BY d.created_at DESC, d.reference DESC LIMIT 1) l ON true
CROSS JOIN LATERAL (SELECT u.happened_at AS at) f
WHERE u.plan_id IS NOT NULL"""

SOURCES = (MESSAGES, ORDERS, CLAIMS, CLICKS, UNSUBSCRIPTIONS)

VIEWS = f"""
CREATE VIEW metric_fact AS
{" UNION ALL ".join(SOURCES)};
CREATE VIEW metric AS
SELECT {_KEY}, {", ".join(FACTS)} FROM metric_day
UNION ALL
SELECT {_KEY}, {", ".join(f"CASE WHEN fact = '{fact}' THEN amount{'' if fact == 'gmv' else '::integer'} ELSE 0 END" for fact in FACTS)} FROM metric_delta;
""".format(
    delivery="delivery",
    attribution="attribution",
    orders="orders",
    claim="claim",
    touch="touch",
    unsubscription="unsubscription",
)


def _noted(name: str, table: str, event: str, facts: str, **others: str) -> str:
    """A trigger that writes what a statement changed of `facts`, summed, to metric_delta."""
    new = facts.format(**{table: "new_rows"}, **others)
    old = facts.format(**{table: "old_rows"}, **others)
    took, gave = event in ("UPDATE", "DELETE"), event in ("UPDATE", "INSERT")
    changes = [f"SELECT {_KEY}, fact, amount FROM ({new}) n"] * gave
    changes += [f"SELECT {_KEY}, fact, -amount AS amount FROM ({old}) o"] * took
    referencing = " ".join(["OLD TABLE AS old_rows"] * took + ["NEW TABLE AS new_rows"] * gave)
    return f"""
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO metric_delta ({_KEY}, fact, amount)
    SELECT {_KEY}, fact, sum(amount) FROM ({" UNION ALL ".join(changes)}) c GROUP BY {_KEY}, fact HAVING sum(amount) <> 0;
    RETURN NULL;
END $$;
CREATE TRIGGER {name} AFTER {event} ON {table} REFERENCING {referencing} FOR EACH STATEMENT EXECUTE FUNCTION {name}();
"""


# No trigger on orders that are inserted: nothing can be credited before they are there.
TRIGGERS = "".join((
    _noted("metric_message_sent", "delivery", "INSERT", MESSAGES),
    _noted("metric_message_changed", "delivery", "UPDATE", MESSAGES),
    _noted("metric_order_credited", "attribution", "INSERT", ORDERS, orders="orders"),
    _noted("metric_order_changed", "orders", "UPDATE", ORDERS, attribution="attribution"),
    _noted("metric_coupon_claimed", "claim", "INSERT", CLAIMS),
    _noted("metric_coupon_redeemed", "claim", "UPDATE", CLAIMS),
    _noted("metric_link_clicked", "touch", "INSERT", CLICKS),
    _noted("metric_click_retracted", "touch", "DELETE", CLICKS),
    _noted("metric_customer_left", "unsubscription", "INSERT", UNSUBSCRIPTIONS),
))  # fmt: skip

# Another time zone moves every day's border. Who wrote by the old one ends before the rebuilding begins.
TIME_ZONE = """
CREATE FUNCTION metric_zone_changed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO metric_rebuild VALUES (NEW.id, pg_current_xact_id())
    ON CONFLICT (shop_id) DO UPDATE SET since = excluded.since;
    RETURN NULL;
END $$;
CREATE TRIGGER metric_zone_changed AFTER UPDATE OF time_zone ON shop
    FOR EACH ROW WHEN (OLD.time_zone IS DISTINCT FROM NEW.time_zone) EXECUTE FUNCTION metric_zone_changed();
INSERT INTO metric_rebuild SELECT id, pg_current_xact_id() FROM shop;
"""


class Migration(Migration):  # type: ignore[no-redef]
    """Tracking, conversations and figures by day."""

    dependencies = [("models", "0005_metric"), ("models", "0003_delivery")]
    operations = [RunSQL(sql) for sql in (LEDGER, TOUCH, CONVERSATION, METRIC, VIEWS, TRIGGERS, TIME_ZONE)]
