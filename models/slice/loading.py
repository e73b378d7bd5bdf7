"""The statement that loads a slice: who of it goes now, decided set-based; chat to the inbox is SENT by it.

Of an automated plan's messages it also asks whether they have expired, whether their reason still stands, and
what they speak of (docs/automation.md), in the same statement: what is sent had its reason when it was sent.
"""

from datetime import datetime
from functools import cache
from typing import NamedTuple
from uuid import UUID

from models import contact, delivery, local_hour, quiet_hours, reach
from models.coupon.choice import ChosenCoupons
from models.placeholder import placeholders
from models.product import MOST_SHOWN
from models.trigger import TRIGGERS, Trigger, TriggerCode
from models.trigger.statement import standing
from models.webhook import fact

NEXT_DAY = "local_instant(({{now}} AT TIME ZONE {table}.time_zone)::date + 1 + {table}.hour, {table}.time_zone)"
"""When what is over the contact limit goes: at the plan's hour of the customer's next day (R18)."""


class Arguments(NamedTuple):
    """What the statement is given, in the order of its parameters; with a trigger the slice's `ChosenCoupons` come after them."""

    plan: int
    slice: int
    now: datetime
    token: UUID
    channel: str
    most: int | None
    """How many of the slice are looked at; None: all that are due."""


_PARAMETERS = placeholders(Arguments)
_PARAMETERS_WITH_COUPONS = placeholders(Arguments, ChosenCoupons)


@cache
def statement(code: TriggerCode | None) -> str:
    """The statement for slices of a one-time plan, or of plans with this trigger."""
    kind = _ONE_TIME if code is None else _automated(TRIGGERS[code])
    parts = {name: part.format(**_PARAMETERS, **kind) for name, part in _PARTS.items()}
    return _LOAD.format(**_PARAMETERS, **kind, **parts)


_ONE_TIME = {
    "occasion": "",
    "over": "NULL::text",
    "said": "NULL::jsonb",
    "hour": "held.hour",
    "hour_until": local_hour.UNTIL.format(at=_PARAMETERS["now"]),
    "own_quiet_from": "NULL::timestamptz",
    "is_marketing": "true",
    "about": "NULL::jsonb",
    "reservation": contact.broadcast_reservation("candidate", _PARAMETERS["now"]),
}


def _automated(trigger: Trigger) -> dict[str, str]:
    """What an automated plan puts into the statement: it asks each occasion, and says what it finds."""
    facts = standing(
        trigger.occasions, shop="held.shop_id", customer="d.customer_id", about="(d.frozen -> 'about')",
        at=_PARAMETERS["now"], parameters="held.parameters",
    )  # fmt: skip
    return {
        "occasion": _OCCASION.format(facts=facts, most_shown=MOST_SHOWN, **_PARAMETERS_WITH_COUPONS),
        "over": _OVER.format(**_PARAMETERS),
        "said": _SAID,
        "hour": _HOUR_MADE,
        "hour_until": _OWN_QUIET_UNTIL.format(**_PARAMETERS) if trigger.is_marketing else "NULL::timestamptz",
        "own_quiet_from": _OWN_QUIET_FROM.format(**_PARAMETERS) if trigger.is_marketing else "NULL::timestamptz",
        "is_marketing": "true" if trigger.is_marketing else "false",
        "reservation": contact.reservation("candidate"),
        "about": "jsonb_build_object('about', d.frozen -> 'about')",
    }


# Of what was made in the plan's own quiet hours the hour at which they ended: at its own it would never go.
_HOUR_MADE = """(coalesce(CASE WHEN held.quiet_from IS NOT NULL THEN quiet_until(
            d.created_at, coalesce(c.time_zone, held.time_zone), held.quiet_from, held.quiet_until) END, d.created_at)
            AT TIME ZONE coalesce(c.time_zone, held.time_zone))::time"""

_OWN_QUIET_UNTIL = "CASE WHEN own_from IS NOT NULL THEN quiet_until({now}, time_zone, own_from, own_until) END"

_OWN_QUIET_FROM = "CASE WHEN own_from IS NOT NULL THEN quiet_from({now}, time_zone, own_from) END"

_OCCASION = """
    LEFT JOIN LATERAL ({facts}) AS occasion ON true
    LEFT JOIN LATERAL (
        SELECT count(*) AS count, (array_agg(p.title ORDER BY u.place))[1] AS first,
            (array_agg(p.id ORDER BY u.place))[:{most_shown}] AS ids
        FROM unnest(occasion.product_ids) WITH ORDINALITY AS u(id, place)
        JOIN product p ON p.id = u.id AND p.shop_id = held.shop_id) AS shown ON true
    LEFT JOIN unnest({customers}, {references}, {coupons}, {gives}, {explanations})
        AS chosen(customer_id, reference, coupon_id, gives, considered)
        ON chosen.customer_id = d.customer_id AND chosen.reference = d.reference"""

_OVER = """CASE WHEN d.expires_at <= {now} THEN 'DEADLINE'
             WHEN occasion.stands IS NULL THEN 'OCCASION_OVER'
             WHEN shown.count = 0 AND held.speaks_of_products THEN 'NO_PRODUCT' END"""

_SAID = """coalesce(occasion.said, jsonb_build_object()) || jsonb_strip_nulls(jsonb_build_object(
            'product', shown.first,
            'productCount', nullif(shown.count, 0),
            'productIds', to_jsonb(shown.ids),
            'startsAt', to_char(occasion.instant AT TIME ZONE coalesce(c.time_zone, held.time_zone), 'HH24:MI'),
            'couponId', chosen.coupon_id,
            'coupon', chosen.gives,
            'considered', chosen.considered))"""

_PARTS = {
    "quiet_of_shop": quiet_hours.OF_SHOP.format(shop="p.shop_id"),
    "quiet_of_customer": quiet_hours.OF_CUSTOMER.format(quiet="held.quiet", customer="c"),
    "refusal": "coalesce({over}, " + reach.refusal_by("{channel}") + ")",
    "earliest": local_hour.EARLIEST.format(plan="held", message="d"),
    "quiet_until": quiet_hours.UNTIL.format(at="{now}", zone="time_zone", hours="quiet"),
    "quiet_from": quiet_hours.FROM.format(at="{now}", zone="time_zone", hours="quiet"),
    "contact_zone": contact.ZONE,
    "put_off": delivery.IS_PUT_OFF,
    "unused": contact.unused(
        "heard",
        "(coalesce(m.hour_until, m.quiet_until) IS NOT NULL OR m.refusal IS NOT NULL OR m.contact_day <> m.day)",
        moved="m.contact_day <> m.day",
    ),
    "next_day": NEXT_DAY.format(table="x"),
    "told": fact.telling("loaded", "{now}"),
}

_LOAD = """
WITH held AS (
    SELECT s.plan_id, p.shop_id, h.time_zone, p.parameters, p.winner, p.decides_at, p.local_hours_from,
        p.quiet_from, p.quiet_until,
        {quiet_of_shop} AS quiet,
        coalesce(p.local_time, (coalesce(p.send_at, {now}) AT TIME ZONE h.time_zone)::time) AS hour,
        EXISTS (SELECT FROM plan_content t WHERE t.plan_id = p.id
                AND t.variables && ARRAY['product', 'productCount']) AS speaks_of_products
    FROM slice s JOIN plan p ON p.id = s.plan_id JOIN shop h ON h.id = p.shop_id
    WHERE s.plan_id = {plan} AND s.number = {slice} AND s.token = {token} AND p.status = 'ONGOING'
    FOR SHARE OF s
),
ready AS MATERIALIZED (
    SELECT d.plan_id, d.customer_id, d.reference, d.contact_day, d.may_repeat, c.name, c.email, c.email_key,
        {hour} AS hour, d.not_before, {earliest} AS earliest, CASE WHEN {put_off} THEN d.reason END AS put_off,
        held.winner, held.quiet_from AS own_from, held.quiet_until AS own_until,
        coalesce(c.time_zone, held.time_zone) AS time_zone,
        {contact_zone} AS contact_zone, ({now} AT TIME ZONE {contact_zone})::date AS day,
        {over} AS over, {said} AS said, {about} AS about, {quiet_of_customer} AS quiet, {refusal} AS refusal
    FROM held JOIN delivery d ON d.plan_id = held.plan_id AND d.slice = {slice}
    LEFT JOIN relationship r ON r.shop_id = held.shop_id AND r.customer_id = d.customer_id
    LEFT JOIN customer c ON c.id = d.customer_id
    LEFT JOIN suppression u ON u.email_key = c.email_key {occasion}
    WHERE d.state = 'PENDING' AND (d.not_before IS NULL OR d.not_before <= {now})
      AND coalesce(d.variant, held.winner) IS NOT NULL
    ORDER BY d.customer_id, d.reference
    LIMIT {most}
    FOR NO KEY UPDATE OF d
),
heard AS MATERIALIZED (
    SELECT *, {hour_until} AS hour_until, CASE WHEN {is_marketing} THEN {quiet_until} END AS quiet_until,
        least(CASE WHEN {is_marketing} THEN {quiet_from} END, {own_quiet_from}) AS quiet_from
    FROM ready
),
candidate AS (
    SELECT * FROM heard
    WHERE refusal IS NULL AND coalesce(hour_until, quiet_until) IS NULL AND contact_day IS DISTINCT FROM day
      AND {is_marketing}
),
{reservation},
{unused},
decided AS (
    SELECT r.*, r.refusal IS NULL AND coalesce(r.hour_until, r.quiet_until) IS NULL AND (NOT {is_marketing} OR
        r.contact_day = r.day OR (r.customer_id, r.reference) IN (SELECT customer_id, reference FROM reserved)) AS goes
    FROM heard r
),
loaded AS (
    UPDATE delivery d SET
        state = CASE WHEN x.over = 'DEADLINE' AND x.put_off IS NOT NULL THEN 'FAILED'
                     WHEN x.over = 'DEADLINE' THEN 'EXPIRED' WHEN x.over IS NOT NULL THEN 'REASON_GONE'
                     WHEN x.refusal IS NOT NULL THEN 'SUPPRESSED'
                     WHEN x.goes AND {channel} = 'CHAT' THEN 'SENT' ELSE 'PENDING' END::delivery_state,
        reason = CASE WHEN x.goes THEN NULL WHEN x.over = 'DEADLINE' THEN coalesce(x.put_off, x.over)
                      WHEN x.refusal IS NOT NULL THEN x.refusal
                      WHEN x.hour_until IS NOT NULL THEN coalesce(x.put_off, 'LOCAL_HOUR')
                      WHEN x.quiet_until IS NOT NULL THEN 'QUIET_HOURS' ELSE 'CONTACT_LIMIT' END,
        contact_day = CASE WHEN {is_marketing} AND (x.goes OR x.may_repeat AND x.contact_day = x.day) THEN x.day END,
        variant = coalesce(d.variant, x.winner),
        not_before = CASE WHEN x.goes OR x.refusal IS NOT NULL THEN NULL
                          ELSE coalesce(x.hour_until, x.quiet_until, {next_day}) END,
        sent_at = CASE WHEN x.goes AND {channel} = 'CHAT' THEN {now} ELSE d.sent_at END,
        frozen = nullif(coalesce(x.about, jsonb_build_object()) || coalesce(x.said, jsonb_build_object())
                        || jsonb_strip_nulls(jsonb_build_object('name', x.name)), jsonb_build_object())
    FROM decided x
    WHERE d.plan_id = x.plan_id AND d.customer_id = x.customer_id AND d.reference = x.reference
    RETURNING d.plan_id, d.shop_id, d.channel, d.reason, d.customer_id, d.reference, d.state, d.attempt, d.language,
        d.variant, x.day AS contact_day, x.name, x.email, x.email_key, x.goes, x.said,
        least(local_instant((x.day + 1)::timestamp, x.contact_zone), x.quiet_from) AS goes_until
),
{told}
SELECT * FROM loaded
"""
