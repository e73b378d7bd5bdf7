"""A shop's made-up year, by set-based SQL: the same customers, events, orders and messages each time.

The events are there twice: as the product keeps them, and as `log_event`, the plain log (one table, an
index by kind and time) that somebody without the product would ask.

Every choice is a hash of the row's number and a salt, so nothing depends on order or on the machine.
A few customers do much and many do little. Each customer has at least one event; the roll-up is kept by
the statements that keep it when data arrives.
"""

from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta

from models import database, partition, relationship

NOW = datetime(2026, 1, 1, tzinfo=UTC)
"""When the year ends, and what time it is."""

QUARTER = (date(2025, 4, 1), date(2025, 6, 30))
"""First and last day of a quarter of it."""

BATCH = 500_000

KINDS = {
    "PRODUCT_VIEWED": 450,
    "PRODUCT_FAVOURITED": 70,
    "CART_ADDED": 90,
    "CART_REMOVED": 20,
    "CART_EMPTIED": 10,
    "CHECKOUT_STARTED": 40,
    "PRODUCT_REVIEWED": 10,
    "PRODUCT_CARD_CLICKED": 80,
    "VIDEO_WATCHED": 90,
    "VIDEO_LIKED": 20,
    "VIDEO_PRODUCT_CLICKED": 20,
    "LIVE_WATCHED": 60,
    "LIVE_CLICKED": 20,
    "FOLLOWED": 15,
    "UNFOLLOWED": 5,
}
"""How often each kind is met, of a thousand."""

CATEGORIES = ("beauty", "beauty", "fashion", "fashion", "home", "food", "toys", "books", "sports", "garden")
REGIONS = ("MX-CMX", "MX-JAL", "MX-NLE", "MX-MEX", "MX-PUE", "MX-GUA", "MX-VER", "MX-CHH", "MX-BCN", "MX-TAM", "MX-SON")
PLANS = 3


@dataclass(frozen=True, slots=True)
class Population:
    """How many of everything."""

    customers: int
    events: int
    orders: int
    messages: int

    def as_json(self) -> dict[str, int]:
        """The numbers by name."""
        return asdict(self)


async def populate(shop_id: int, size: Population) -> None:
    """Write everything, and leave the tables as autovacuum would in time."""
    await database.execute(_DICE)
    await database.execute(_CUSTOMERS, size.customers, NOW, list(REGIONS))
    months = {(at.year, at.month) for at in (NOW - timedelta(days=days) for days in range(400))}
    async with database.transaction():
        await partition.ensure(months)
    for first in range(1, size.events + 1, BATCH):
        last = min(first + BATCH - 1, size.events)
        await relationship.roll_up_events(
            _EVENTS, shop_id, first, last, size.customers, size.events, NOW, list(CATEGORIES)
        )
    await _write_orders(shop_id, size)
    await database.execute(_MESSAGES, shop_id, size.messages, size.customers, NOW, PLANS)
    await database.execute(_ANSWERED, shop_id)
    await database.execute(_LOG)
    await database.execute("CREATE INDEX log_event_by_time ON log_event (shop_id, kind, occurred_at)")
    for table in ("customer", "event", "orders", "delivery", "relationship", "log_event"):
        await database.execute(f"VACUUM (ANALYZE) {table}")


async def _write_orders(shop_id: int, size: Population) -> None:
    await database.execute(_ORDERS, shop_id, size.orders, size.customers, NOW)
    for first in range(1, size.customers + 1, BATCH // 5):
        rows = await database.fetch(
            "SELECT md5('customer ' || n)::uuid AS id FROM generate_series($1::int, $2::int) n ORDER BY 1",
            first,
            min(first + BATCH // 5 - 1, size.customers),
        )
        await relationship.roll_up_orders(shop_id, [row["id"] for row in rows])


_LOG = "CREATE TABLE log_event AS SELECT customer_id, shop_id, kind, occurred_at, category, seconds FROM event"

_DICE = """
CREATE FUNCTION dice(number bigint, salt integer) RETURNS float8 IMMUTABLE PARALLEL SAFE LANGUAGE sql AS
$$ SELECT (hashint8extended(number, salt) & 9007199254740991)::float8 / 9007199254740992.0 $$"""

_CUSTOMERS = """
INSERT INTO customer (id, external_id, name, language, region, gender, birth_date, created_at, updated_at)
SELECT md5('customer ' || n)::uuid, 'c' || n, 'Customer ' || n, 'es-MX',
       CASE WHEN dice(n, 1) < 0.95
            THEN ($3::text[])[1 + floor(cardinality($3::text[]) * power(dice(n, 2), 1.5))::int] END,
       CASE WHEN dice(n, 3) < 0.46 THEN 'FEMALE' WHEN dice(n, 3) < 0.90 THEN 'MALE'
            WHEN dice(n, 3) < 0.92 THEN 'OTHER' END,
       CASE WHEN dice(n, 4) < 0.9 THEN date '2008-01-01' - floor(16000 * power(dice(n, 5), 1.4))::int END,
       $2, $2
FROM generate_series(1, $1::int) n ORDER BY 1"""

_WEIGHTS = "".join(
    f" WHEN d < {sum(list(KINDS.values())[: index + 1]) / 1000} THEN '{kind}'" for index, kind in enumerate(KINDS)
)

# OFFSET 0 keeps a choice from being made again for each of its uses.
# Every tenth event gives the next customer a first one; the others fall mostly on few customers.
_EVENTS = f"""
INSERT INTO event (customer_id, id, shop_id, kind, occurred_at, arrived_at, category, seconds)
SELECT md5('customer ' || CASE WHEN i % 10 = 0 THEN 1 + (i / 10) % $4::int
                               ELSE 1 + floor($4::int * power(dice(i, 10), 2))::int END)::uuid,
       md5('event ' || i)::uuid, $1::int, kind::event_kind, at, at,
       CASE WHEN kind ~ '^(VIDEO|LIVE|PRODUCT_CARD)' THEN ($7::text[])[1 + floor(10 * dice(i, 12))::int] END,
       CASE WHEN kind ~ '_WATCHED$' THEN floor(-300 * ln(1 - dice(i, 13)))::int END
FROM (SELECT i, CASE WHEN i % 10 = 0 THEN 'PRODUCT_VIEWED' ELSE CASE{_WEIGHTS} ELSE 'PRODUCT_VIEWED' END END AS kind,
             $6::timestamptz - interval '365 days' * (1 - i / $5::float8) AS at
      FROM (SELECT i, dice(i, 11) AS d FROM generate_series($2::bigint, $3::bigint) i OFFSET 0) AS one OFFSET 0) AS made
ORDER BY 1, 2
ON CONFLICT DO NOTHING"""

_ORDERS = """
INSERT INTO orders (customer_id, id, shop_id, external_id, ordered_at, amount, status, cancelled_at, arrived_at)
SELECT md5('customer ' || 1 + floor($3::int * power(dice(i, 20), 2))::int)::uuid, md5('order ' || i)::uuid, $1, 'o' || i,
       at, floor(-4000 * ln(1 - dice(i, 21)))::bigint,
       CASE WHEN dice(i, 22) < 0.03 THEN 'CANCELLED' ELSE 'PLACED' END::order_status,
       CASE WHEN dice(i, 22) < 0.03 THEN least(at + interval '1 hour', $4::timestamptz) END, at
FROM (SELECT i, $4::timestamptz - interval '730 days' * dice(i, 23) AS at FROM generate_series(1, $2::bigint) i OFFSET 0) AS made
ORDER BY 1, 2"""

_MESSAGES = """
INSERT INTO delivery (plan_id, customer_id, shop_id, state, channel, language, created_at, sent_at, read_at, clicked_at)
SELECT 1 + i % $5::int, md5('customer ' || 1 + (i / $5::int) % $3::int)::uuid, $1, 'SENT', 'CHAT', 'es-MX', at, at,
       CASE WHEN dice(i, 31) < 0.45 THEN at + interval '3 hours' END,
       CASE WHEN dice(i, 31) < 0.12 THEN at + interval '3 hours' END
FROM (SELECT i, $4::timestamptz - interval '90 days' * dice(i % $5::int, 30) - interval '1 day' AS at
      FROM generate_series(1, $2::bigint) i OFFSET 0) AS made"""

_ANSWERED = """
UPDATE relationship r SET last_message_read_at = d.read_at, last_message_clicked_at = d.clicked_at
FROM (SELECT customer_id, max(read_at) AS read_at, max(clicked_at) AS clicked_at
      FROM delivery WHERE shop_id = $1 GROUP BY customer_id) AS d
WHERE r.shop_id = $1 AND r.customer_id = d.customer_id AND d.read_at IS NOT NULL"""
