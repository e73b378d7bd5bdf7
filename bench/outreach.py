"""The shop with customers, and plans to them: one at a time, or a year of them."""

from datetime import datetime, timedelta
from uuid import UUID

from bench.shop import make_shop
from models import audience, database
from models.clock import now
from models.identifier import customer_id
from models.plan import Plan, PlanChannel, PlanDraft, wording
from models.segment import Segment
from models.shop import Shop


async def shop_with_customers(count: int) -> Shop:
    """The shop `bench`, where each of `count` customers (`c0` …) ordered twice yesterday."""
    shop = await make_shop()
    names = [f"c{number}" for number in range(count)]
    ids = [customer_id(name) for name in names]
    at = now()
    await database.execute("INSERT INTO language VALUES ('en') ON CONFLICT DO NOTHING")
    await database.execute(
        "INSERT INTO customer (id, external_id, name, language, created_at, updated_at)"
        " SELECT id, name, name, 'en', $3, $3 FROM unnest($1::uuid[], $2::text[]) AS t(id, name)",
        ids, names, at,
    )  # fmt: skip
    await database.execute(
        "INSERT INTO relationship (shop_id, customer_id, first_interaction_at, order_count, order_amount,"
        " first_order_at, last_order_at, previous_order_at)"
        " SELECT $1, id, $3, 2, 2000, $3, $3, $3 FROM unnest($2::uuid[]) AS t(id)",
        shop.id, ids, at - timedelta(days=1),
    )  # fmt: skip
    return shop


async def draft(shop: Shop, name: str) -> Plan:
    """A plan to everyone who ordered twice."""
    segment = await Segment.get(shop_id=shop.id, preset="REPEAT")
    content = {"texts": {"en": {"text": "Hi {name}, greetings from {shop}"}}}
    wanted = PlanDraft(name=name, channel=PlanChannel.CHAT, segment_id=segment.id, content=content)
    return await Plan.draft(shop, wanted, actor="bench")


async def send(shop: Shop, name: str) -> None:
    """A plan whose messages are all in the inboxes."""
    plan = await draft(shop, name)
    await plan.submit(shop, send_at=None, deadline_after=timedelta(hours=72))
    await wording.pin(plan.id)
    while (done := await audience.resolve_range(plan.id)) is not None and not done.is_last:
        pass


async def year_of_plans(shop: Shop, *, plans: int, messages: int, customers: int, until: datetime) -> None:
    """A year of sent plans to the customers of bench/population.py, how they were met, and orders credited to them.

    Plans go out evenly over the year, in turn by chat and by email; reads and orders follow within days.
    """
    segment = await Segment.get(shop_id=shop.id, preset="REPEAT")
    await database.execute(_PRODUCTS, shop.id, PRODUCTS)
    ids = [row["id"] for row in await database.fetch(_PLANS, shop.id, segment.id, plans, until)]
    size = messages // plans
    for number, plan_id in enumerate(ids):
        await database.execute(_MESSAGES, plan_id, shop.id, size, customers, number * size, list(LANGUAGES))
        await database.execute(_ORDERS, plan_id, shop.id, until, PRODUCTS)
        await database.execute(_CREDITS, plan_id, shop.id)
    for table in ("plan", "delivery", "orders", "attribution"):
        await database.execute(f"VACUUM (ANALYZE) {table}")


PRODUCTS = 100
LANGUAGES = ("en", "es", "id", "ja", "th", "vi")

_PRODUCTS = """
INSERT INTO product (id, shop_id, external_id, title, price, created_at, updated_at)
SELECT md5('product ' || n)::uuid, $1, 'p' || n, 'Product ' || n, 1999, now(), now() FROM generate_series(1, $2::int) n"""

_PLANS = """
INSERT INTO plan (shop_id, name, channel, status, segment_id, created_by, created_at, updated_at, submitted_at, started_at,
                  resolved_at, finished_at)
SELECT $1, 'Plan ' || n, CASE WHEN n % 2 = 0 THEN 'CHAT' ELSE 'EMAIL' END::plan_channel, 'SENT', $2, 'bench',
       at, at, at, at, at, at
FROM (SELECT n, $4::timestamptz - (n - 0.5) * interval '365 days' / $3::int AS at FROM generate_series(1, $3::int) n) AS made
ORDER BY n RETURNING id"""

# One in twelve never went: no consent, refused by a relay, or held out. Half are read, a tenth of the mails by machines alone; a third of the readers click, each after a while of its own.
_MESSAGES = """
INSERT INTO delivery (plan_id, customer_id, shop_id, state, reason, channel, language, created_at, sent_at, read_at,
                      clicked_at, machine_read_at)
SELECT $1, customer_id, $2, state, reason, channel, language, at, CASE WHEN state = 'SENT' THEN at END,
       CASE WHEN state = 'SENT' THEN read_at END,
       CASE WHEN state = 'SENT' AND dice(i, 41) < 0.3 THEN read_at + interval '1 minute' END,
       CASE WHEN state = 'SENT' AND channel = 'EMAIL' AND dice(i, 42) < 0.1 THEN at + interval '1 second' END
FROM (
    SELECT *, CASE WHEN fate < 0.03 THEN 'HELD_OUT' WHEN fate < 0.06 THEN 'SUPPRESSED' WHEN fate < 0.08 THEN 'FAILED'
                   ELSE 'SENT' END::delivery_state AS state,
           CASE WHEN fate < 0.03 THEN 'HOLDOUT' WHEN fate < 0.06 THEN 'NO_CONSENT' WHEN fate < 0.08 THEN '5.1.1' END AS reason
    FROM (SELECT i, md5('customer ' || 1 + i % $4::int)::uuid AS customer_id, p.channel::text AS channel,
                 ($6::text[])[1 + floor(6 * power(dice(i, 43), 2))::int] AS language, p.started_at AS at,
                 CASE WHEN dice(i, 44) < 0.5 THEN p.started_at - ln(1 - dice(i, 45)) * interval '20 hours' END AS read_at,
                 dice(i, 46) AS fate
          FROM plan p, generate_series($5::bigint + 1, $5::bigint + $3::bigint) i WHERE p.id = $1 OFFSET 0) AS made
) AS fated
ORDER BY customer_id"""

_ORDERS = """
INSERT INTO orders (customer_id, id, shop_id, external_id, ordered_at, amount, status, cancelled_at, product_ids, arrived_at)
SELECT customer_id, id, $2, id::text, at, 1000 + floor(9000 * dice(n, 51))::int,
       CASE WHEN dice(n, 52) < 0.04 THEN 'CANCELLED' ELSE 'PLACED' END::order_status,
       CASE WHEN dice(n, 52) < 0.04 THEN at + interval '1 hour' END,
       ARRAY[md5('product ' || 1 + floor($4::int * power(dice(n, 53), 2))::int)::uuid], at
FROM (SELECT customer_id, row_number() OVER (ORDER BY customer_id) AS n,
             md5('credited ' || $1::int || customer_id)::uuid AS id,
             read_at + dice(hashtextextended(customer_id::text, $1::int), 54) * interval '4 days' AS at
      FROM delivery WHERE plan_id = $1 AND read_at IS NOT NULL
        AND dice(hashtextextended(customer_id::text, $1::int), 55) < 0.05) AS made
WHERE at < $3"""

_CREDITS = """
INSERT INTO attribution (customer_id, order_id, shop_id, plan_id, reference, touch, touched_at, within, decided_at)
SELECT d.customer_id, o.id, $2, $1, '', 'READ', d.read_at, interval '5 days', o.ordered_at
FROM delivery d JOIN orders o ON o.customer_id = d.customer_id AND o.id = md5('credited ' || $1::int || d.customer_id)::uuid
WHERE d.plan_id = $1 ORDER BY 1, 2"""

EVERYONE = (UUID(int=0), UUID(int=2**128 - 1))
"""A range of ids with every shopper in it."""
