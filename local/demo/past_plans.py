"""What the demo shop sent before: past plans with their readers, clickers, repliers, coupons and the orders that followed.

Each plan goes through the verbs of any other, with the clock turned back to its day, in one transaction, so that no
worker meets it half-way. How it was met is drawn from the customer's own bucket, so it is the same every time. Orders
of the told year that fell into the days after a touch are credited, as they would have been; and some readers buy
because of what they read, which those who were held out cannot: that is the lift.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson

from local.demo.behaviour import Row
from local.demo.fill import insist
from models import audience, database
from models.clock import clock, now
from models.condition import SegmentPreset, compile_condition, stored
from models.coupon import Coupon
from models.coupon.terms import CouponTerms, CouponVisibility
from models.identifier import product_id
from models.ingest import ingest
from models.metric import attribution
from models.metric import day as metric_day
from models.plan import Plan, PlanChannel, PlanDraft, advance, wording
from models.scenario import SCENARIOS
from models.segment import Segment
from models.segment.definition import define
from models.shop import Shop
from models.template import content_of, template

ACTOR = "demo history"
"""Who made these plans."""

DEADLINE = timedelta(hours=72)


@dataclass(frozen=True, slots=True)
class Past:
    """A plan of so many days ago: `read` is a share of who got it, `clicked` and `bought` are shares of who read it.

    Nobody would have `bought` without it. `held_out` percent of its audience get nothing.
    """

    days_ago: int
    scenario: str
    audience: SegmentPreset
    channel: PlanChannel
    read: float
    clicked: float
    bought: float
    held_out: int = 0
    products: tuple[int, ...] = ()
    percentage: int | None = None


PAST = (
    Past(82, "NEW_ARRIVAL", SegmentPreset.ACTIVE_FOLLOWERS, PlanChannel.CHAT, 0.52, 0.24, 0.08, 0, (1, 7, 12)),
    Past(67, "SEASONAL_SALE", SegmentPreset.REPEAT, PlanChannel.CHAT_THEN_EMAIL, 0.49, 0.31, 0.14, 0, (3, 18), 15),
    Past(53, "BEST_SELLERS", SegmentPreset.POTENTIAL_NEW, PlanChannel.CHAT, 0.38, 0.17, 0.16, 30, (2, 5, 9, 14)),
    Past(41, "WIN_BACK", SegmentPreset.LAPSED, PlanChannel.CHAT_THEN_EMAIL, 0.31, 0.15, 0.18, 20),
    Past(27, "PROMOTE_LIVE", SegmentPreset.ACTIVE_FOLLOWERS, PlanChannel.CHAT, 0.57, 0.35, 0.20, 30),
    Past(19, "LIMITED_TIME", SegmentPreset.FREQUENT, PlanChannel.CHAT_THEN_EMAIL, 0.55, 0.33, 0.26, 30, (4, 21), 10),
    Past(11, "BUY_AGAIN", SegmentPreset.REPEAT, PlanChannel.EMAIL, 0.36, 0.20, 0.10, 0, (6, 11)),
    Past(5, "FOLLOWERS_TO_CUSTOMERS", SegmentPreset.NEW_FOLLOWERS, PlanChannel.CHAT, 0.61, 0.28, 0.08),
)
"""A quarter of a year; the order is that of time."""


WAY = ("PRODUCT_VIEWED", "CART_ADDED", "CHECKOUT_STARTED")
"""What a reader does before they buy, a minute each."""


async def ensure_past_plans(shop: Shop, *, secret: bytes) -> None:
    """Let the shop have its past, unless it has; two starts at once make it once."""
    async with database.transaction():
        await database.fetch("SELECT FROM shop WHERE id = $1 FOR NO KEY UPDATE", shop.id)
        if await Plan.exists(shop_id=shop.id, created_by=ACTOR):
            return
        present = now()
        for past in PAST:
            turned = present - timedelta(days=past.days_ago, hours=present.hour - 11, minutes=present.minute) - now()
            clock.move(turned)
            try:
                plan = await _send(shop, past)
            finally:
                clock.move(-turned)
            await _meet(shop, plan, past, present, secret)
        await database.execute(_TELL_EVENTS_AT_ONCE, shop.id)
        await database.execute(_TELL_ORDERS_AT_ONCE, shop.id)
        await database.execute(_ROLL_UP, shop.id)
        await metric_day.rebuild(shop.id)


async def _send(shop: Shop, past: Past) -> Plan:
    """Draft, submit and send one plan at the present of the clock."""
    segment = await Segment.get(shop_id=shop.id, preset=past.audience)
    draft = PlanDraft(
        name=template(past.scenario, "en").title,
        channel=past.channel,
        segment_id=segment.id,
        content=content_of(past.scenario),
        template=past.scenario,
        product_ids=[product_id(shop.external_id, f"{shop.external_id}-p{number:02d}") for number in past.products],
        button=SCENARIOS[past.scenario].destination,
        coupon_id=await _coupon(shop, past),
        holdout_percent=past.held_out,
    )
    plan = await Plan.draft(shop, draft, actor=ACTOR)
    await plan.submit(shop, send_at=None, deadline_after=DEADLINE, actor=ACTOR)
    await wording.pin(plan.id)
    await _resolve_as_of(shop, plan, segment)
    for statement in (_FREE_CONTACTS, _ARRIVE, _END_SLICES):
        await database.execute(statement, plan.id)
    await advance.finish(plan.id)
    return plan


async def _meet(shop: Shop, plan: Plan, past: Past, present: datetime, secret: bytes) -> None:
    """Let a plan that was sent be read, clicked, answered and bought after, until `present`."""
    await database.execute(_READ, plan.id, present, int(past.read * 10_000), int(past.clicked * 10_000))
    await database.execute(_REPLY, plan.id, present)
    await _bring(shop, plan, past, present, secret)
    await database.execute(_CREDIT, plan.id, attribution.WINDOW)
    if plan.coupon_id is not None:
        await database.execute(_CLAIM, plan.id, plan.coupon_id)
        await database.execute(_COUNT_CLAIMS, plan.coupon_id)


async def _bring(shop: Shop, plan: Plan, past: Past, present: datetime, secret: bytes) -> None:
    """Let some of the plan's readers look at a product, put it into their cart and buy it, within two days."""
    rows: list[Row] = []
    for buyer in await database.fetch(_BUYERS, plan.id, present, int(past.bought * 10_000)):
        customer, product, at = buyer["customer"], buyer["product"], buyer["at"]
        rows += [
            {
                "type": "event", "externalId": f"past-{plan.id}-{kind}-{customer}", "customer": customer, "kind": kind,
                "occurredAt": (at + timedelta(minutes=minutes)).isoformat(), "product": product,
            }
            for minutes, kind in enumerate(WAY, start=-len(WAY))
        ]  # fmt: skip
        rows.append({
            "type": "order", "externalId": f"past-{plan.id}-{customer}", "customer": customer, "orderedAt": at.isoformat(),
            "amount": buyer["price"], "currency": shop.currency, "status": "PLACED", "products": [product],
        })  # fmt: skip
    insist(await ingest(shop, rows, secret=secret))


async def _resolve_as_of(shop: Shop, plan: Plan, segment: Segment) -> None:
    """Resolve the audience that the segment was at the time of the clock.

    A plan resolves by the roll-up, which knows what came afterwards: nobody who bought after a "win back" would ever
    be won back. So everybody is resolved, and who was no member then by the shop's history is left out.
    """
    everybody = orjson.dumps(stored(define(shop, text="orders >= 0"))).decode()
    pinned = await database.fetch_value(_WIDEN, plan.id, everybody)
    while (done := await audience.resolve_range(plan.id)) is not None and not done.is_last:
        pass
    at = now()
    members = compile_condition(segment.condition(), shop_id=segment.shop_id, now=at, as_of=at, first_parameter=2)
    await database.execute(_LEAVE_OUT.format(members=members.sql), plan.id, *members.arguments)
    await database.execute("UPDATE plan SET definition = $2 WHERE id = $1", plan.id, pinned)


async def _coupon(shop: Shop, past: Past) -> int | None:
    if past.percentage is None:
        return None
    at = now()
    terms = CouponTerms(
        name=f"{past.percentage} % for friends", visibility=CouponVisibility.PRIVATE, starts_at=at,
        ends_at=at + timedelta(days=14), total_limit=5_000, percentage=past.percentage,
    )  # fmt: skip
    return (await Coupon.open(shop, terms, actor=ACTOR)).id


# Platforms tell what happens when it happens. What was filled in today would else have come months late, and an
# automated plan that is tried on the past would have answered it all today.
_TELL_EVENTS_AT_ONCE = """
UPDATE event SET arrived_at = occurred_at
WHERE shop_id = $1 AND arrived_at > occurred_at AND kind IN ('CART_ADDED', 'CHECKOUT_STARTED', 'FOLLOWED')"""

_TELL_ORDERS_AT_ONCE = "UPDATE orders SET arrived_at = ordered_at WHERE shop_id = $1 AND arrived_at > ordered_at"

_WIDEN = """
UPDATE plan p SET definition = $2 FROM plan before WHERE p.id = $1 AND before.id = p.id RETURNING before.definition"""

_LEAVE_OUT = "DELETE FROM delivery WHERE plan_id = $1 AND customer_id NOT IN ({members})"

_FREE_CONTACTS = "DELETE FROM contact WHERE plan_id = $1"

# Mails leave within ten minutes; one in a hundred has no mailbox any more.
_ARRIVE = """
UPDATE delivery d SET slice = NULL, contact_day = NULL,
    state = CASE WHEN bucket('bounce ' || $1::int, d.customer_id) < 100 THEN 'FAILED' ELSE 'SENT' END::delivery_state,
    reason = CASE WHEN bucket('bounce ' || $1::int, d.customer_id) < 100 THEN '5.1.1' END,
    sent_at = p.started_at + bucket('leave ' || $1::int, d.customer_id) / 10000.0 * interval '10 minutes'
FROM plan p WHERE p.id = $1 AND d.plan_id = p.id AND d.state = 'PENDING'"""

_END_SLICES = (
    "UPDATE slice s SET done_at = p.started_at + interval '10 minutes' FROM plan p WHERE p.id = $1 AND s.plan_id = p.id"
)

# Most read within hours and some days later; mail programs open some mails ahead of their readers.
_READ = """
UPDATE delivery d SET read_at = m.read_at,
    clicked_at = CASE WHEN bucket('click ' || $1::int, d.customer_id) < $4 AND m.read_at < $2::timestamptz - interval '1 hour'
                      THEN m.read_at + bucket('linger ' || $1::int, d.customer_id) / 10000.0 * interval '9 minutes' END,
    machine_read_at = CASE WHEN d.channel = 'EMAIL' AND bucket('scan ' || $1::int, d.customer_id) < 1200
                           THEN d.sent_at + interval '1 second' END
FROM (
    SELECT customer_id, CASE WHEN at < $2::timestamptz THEN at END AS read_at
    FROM (SELECT customer_id, CASE WHEN bucket('read ' || $1::int, customer_id) < $3 THEN
              sent_at - ln(1 - bucket('wait ' || $1::int, customer_id) / 10001.0) * interval '11 hours' END AS at
          FROM delivery WHERE plan_id = $1 AND state = 'SENT') AS waited
) m
WHERE d.plan_id = $1 AND d.customer_id = m.customer_id AND d.state = 'SENT'"""

# Each buys one of the plan's products, or of the shop's when it shows none.
_BUYERS = """
WITH goods AS (
    SELECT g.external_id, g.price, row_number() OVER (ORDER BY g.external_id) - 1 AS number, count(*) OVER () AS size
    FROM plan p JOIN product g ON g.shop_id = p.shop_id
    WHERE p.id = $1 AND (g.id = ANY(p.product_ids) OR p.product_ids = '{}')
),
moved AS (
    SELECT c.external_id AS customer, bucket('choose ' || $1::int, c.id) AS choice,
           coalesce(d.clicked_at, d.read_at) + interval '10 minutes'
               + bucket('think ' || $1::int, c.id) / 10000.0 * interval '46 hours' AS at
    FROM delivery d JOIN customer c ON c.id = d.customer_id
    WHERE d.plan_id = $1 AND d.read_at IS NOT NULL AND bucket('buy ' || $1::int, c.id) < $3
)
SELECT m.customer, date_trunc('second', m.at) AS at, g.external_id AS product, g.price
FROM moved m JOIN goods g ON g.number = m.choice % g.size
WHERE m.at < $2::timestamptz - interval '1 minute' ORDER BY m.customer"""

_REPLY = """
WITH replied AS (
    UPDATE delivery SET replied_at = read_at + interval '4 minutes'
    WHERE plan_id = $1 AND channel = 'CHAT' AND read_at < $2::timestamptz - interval '1 hour'
      AND bucket('reply ' || $1::int, customer_id) < 220
    RETURNING customer_id, shop_id, reference, replied_at
),
opened AS (
    INSERT INTO conversation AS known (customer_id, shop_id, opened_at, last_at, last_author, size)
    SELECT customer_id, shop_id, replied_at, replied_at, 'SHOPPER', 1 FROM replied
    ON CONFLICT (customer_id, shop_id) DO UPDATE SET last_at = excluded.last_at, size = known.size + 1
    RETURNING customer_id, shop_id, size
)
INSERT INTO remark (customer_id, shop_id, number, author, actor, text, plan_id, reference, written_at)
SELECT r.customer_id, r.shop_id, o.size, 'SHOPPER', 'CUSTOMER::' || c.external_id,
       ('{❤️,😍,🙏,👍,😊}'::text[])[1 + bucket('say', r.customer_id) % 5], $1, r.reference, r.replied_at
FROM replied r JOIN opened o USING (customer_id, shop_id) JOIN customer c ON c.id = r.customer_id"""

# Told in time, these orders would have been credited so (models/metric/attribution.py). A later plan takes none from an earlier one
# but those that it was touched nearer to, so plans are told in their order and the last touch wins.
_CREDIT = """
WITH bought AS (
    SELECT o.customer_id, o.id, o.shop_id, d.plan_id, d.reference, t.kind, t.at, o.ordered_at
    FROM delivery d CROSS JOIN LATERAL (
        VALUES (d.clicked_at, 'CLICK'), (d.read_at, 'READ')) AS t (at, kind)
    JOIN orders o ON o.customer_id = d.customer_id AND o.shop_id = d.shop_id
        AND o.ordered_at >= t.at AND o.ordered_at < t.at + $2::interval
    WHERE d.plan_id = $1 AND d.state = 'SENT' AND t.at IS NOT NULL
)
INSERT INTO attribution AS known (customer_id, order_id, shop_id, plan_id, reference, touch, touched_at, within, decided_at)
SELECT DISTINCT ON (customer_id, id) customer_id, id, shop_id, plan_id, reference, kind, at, $2, ordered_at
FROM bought ORDER BY customer_id, id, at DESC, kind
ON CONFLICT (customer_id, order_id) DO UPDATE SET plan_id = excluded.plan_id, reference = excluded.reference,
    touch = excluded.touch, touched_at = excluded.touched_at
WHERE known.touched_at < excluded.touched_at"""

# Who clicked and then bought uses the coupon for it; of the others who clicked a third claims it all the same.
_CLAIM = """
INSERT INTO claim (customer_id, coupon_id, number, shop_id, code, claimed_at, plan_id, reference, order_id, redeemed_at, discount)
SELECT d.customer_id, $2, 1, d.shop_id, upper(substr(md5($2::int || ' ' || d.customer_id), 1, 16)), d.clicked_at + interval '1 minute',
       d.plan_id, d.reference, o.id, o.ordered_at, o.amount * c.percentage / 100
FROM delivery d JOIN coupon c ON c.id = $2
LEFT JOIN LATERAL (
    SELECT o.id, o.ordered_at, o.amount FROM attribution a JOIN orders o ON o.customer_id = a.customer_id AND o.id = a.order_id
    WHERE a.customer_id = d.customer_id AND a.plan_id = d.plan_id AND o.status = 'PLACED'
      AND o.ordered_at > d.clicked_at + interval '1 minute'
    ORDER BY o.ordered_at LIMIT 1) o ON true
WHERE d.plan_id = $1 AND d.clicked_at IS NOT NULL
  AND (o.id IS NOT NULL OR bucket('claim ' || $1::int, d.customer_id) < 3333)"""

_COUNT_CLAIMS = "UPDATE coupon SET claimed = (SELECT count(*) FROM claim WHERE coupon_id = $1) WHERE id = $1"

_ROLL_UP = """
UPDATE relationship r SET last_message_read_at = d.read_at, last_message_clicked_at = d.clicked_at
FROM (SELECT customer_id, max(read_at) AS read_at, max(clicked_at) AS clicked_at
      FROM delivery WHERE shop_id = $1 AND read_at IS NOT NULL GROUP BY customer_id) d
WHERE r.shop_id = $1 AND r.customer_id = d.customer_id"""
