"""Contact limit: at most two marketing messages per customer and day, held by a primary key (R18).

A contact is (customer, day of the customer's own calendar, slot 1 or 2). Whose time zone nobody told has the same
day for all shops, or shops of different zones would write to them twice each at the same hour. To reserve one is to insert
it: whoever the database returns may proceed. Rows are inserted in customer order, so that two plans
that meet at the same customers wait for each other instead of deadlocking. What does not go after all
gives its contact back.

Automated plans go before broadcasts (B6), also where both are due in different queues: a broadcast leaves to an automated
message that is due the contact that it needs. What is due later, rests, or waits for its shop's rate, holds nobody back.
"""

from models import send_rate
from models.trigger import TRIGGERS

MOST_AHEAD = 50
"""Slices of automated plans that a broadcast is held against, longest due first: those of a backlog are not all read."""

ZONE = "coalesce(c.time_zone, (SELECT time_zone FROM shop ORDER BY id LIMIT 1))"
"""The time zone of the day for which contacts of the customer `c` count: their own, or else that of the oldest shop."""


_NOT_MARKETING = ", ".join(f"'{trigger.code}'" for trigger in TRIGGERS.values() if not trigger.is_marketing)


def broadcast_reservation(candidates: str, at: str) -> str:
    """CTEs of `reservation` for a plan that goes once, which leaves to automated messages due `at` what they need (B6).

    Where one is due to a customer, a broadcast takes the first slot alone, so of several at once one goes. What is due is
    read slice by slice and looked up by `IN`, as below: mostly there is none, and then nothing is read. The other way
    round, each candidate's messages would be looked up, those of past years among them.
    """
    has_room = send_rate.HAS_ROOM.format(shop="p.shop_id", at=at)
    leaves_room = f"""(customer_id NOT IN (SELECT customer_id FROM ahead)
            OR customer_id NOT IN (SELECT customer_id FROM ahead WHERE messages > 1)
            AND NOT EXISTS (SELECT FROM contact t WHERE t.customer_id = {candidates}.customer_id
                            AND t.day = {candidates}.day AND t.slot = 2))"""
    return f"""
    urgent_slice AS MATERIALIZED (
        SELECT s.plan_id, s.number FROM slice s JOIN plan p ON p.id = s.plan_id
        WHERE s.done_at IS NULL AND s.due_at <= {at} AND p.status = 'ONGOING' AND p.trigger NOT IN ({_NOT_MARKETING})
          AND {has_room}
        ORDER BY s.due_at LIMIT {MOST_AHEAD}
    ),
    ahead AS MATERIALIZED (
        SELECT customer_id, count(*) AS messages FROM (
            SELECT d.customer_id, d.customer_id IN (SELECT customer_id FROM {candidates}) AS is_candidate
            FROM urgent_slice u
            CROSS JOIN LATERAL (
                SELECT customer_id FROM delivery
                WHERE plan_id = u.plan_id AND slice = u.number AND state = 'PENDING' AND contact_day IS NULL
                  AND (not_before IS NULL OR not_before <= {at}) AND expires_at > {at} OFFSET 0) AS d
            OFFSET 0) AS w
        WHERE is_candidate GROUP BY customer_id
    ),
    {reservation(candidates, first=leaves_room, second="customer_id NOT IN (SELECT customer_id FROM ahead)")}
    """


def reservation(candidates: str, *, first: str = "true", second: str = "true") -> str:
    """CTEs `first_slot`, `second_slot` and `reserved` (customer_id, reference) over a CTE of candidates.

    `candidates` names a CTE with plan_id, customer_id, reference and day. Those of it that meet the condition `first` may
    have the first slot, those that meet `second` the other; which found a free one end up in `reserved`. Look them up by
    `IN`, which PostgreSQL always hashes: it believes that nearly no row comes out of an INSERT, and would join them by
    looking at every pair.
    """
    return f"""
    first_slot AS (
        INSERT INTO contact (customer_id, day, slot, plan_id, reference)
        SELECT customer_id, day, 1, plan_id, reference FROM {candidates} WHERE {first}
        ORDER BY customer_id, reference
        ON CONFLICT DO NOTHING RETURNING customer_id, reference
    ),
    second_slot AS (
        INSERT INTO contact (customer_id, day, slot, plan_id, reference)
        SELECT customer_id, day, 2, plan_id, reference FROM {candidates}
        WHERE (customer_id, reference) NOT IN (SELECT customer_id, reference FROM first_slot) AND {second}
        ORDER BY customer_id, reference
        ON CONFLICT DO NOTHING RETURNING customer_id, reference
    ),
    reserved AS (SELECT * FROM first_slot UNION ALL SELECT * FROM second_slot)
    """


def both_slots(customer: str, at: str) -> str:
    """Joins of `second` and `first`, the customer `c`'s contacts of the day that `at` is to them; who has `first` has both.

    Joined by their key, so that PostgreSQL looks up the contacts of a few customers and reads those of many in one pass.
    They lie on three days at most, wherever somebody is; and few have a second one.
    """
    at_utc = f"({at}::timestamptz AT TIME ZONE 'UTC')::date"
    around = f"BETWEEN {at_utc} - 1 AND {at_utc} + 1"
    return f"""LEFT JOIN contact second ON second.customer_id = {customer} AND second.slot = 2
        AND second.day = ({at}::timestamptz AT TIME ZONE {ZONE})::date AND second.day {around}
    LEFT JOIN contact first ON first.customer_id = second.customer_id AND first.slot = 1
        AND first.day = second.day AND first.day {around}"""


def unused(messages: str, condition: str = "true", *, moved: str = "false") -> str:
    """CTE `unused`: frees the contacts of the messages in the CTE `messages` that meet `condition`, as `m`.

    `messages` has plan_id, customer_id, reference, may_repeat and contact_day, the day of the contact that each had
    reserved. What may have arrived at an earlier try keeps it, unless it has `moved` to another day.
    """
    return f"""
    unused AS (
        DELETE FROM contact c USING {messages} m
        WHERE m.contact_day IS NOT NULL AND {condition} AND (NOT m.may_repeat OR {moved})
          AND c.customer_id = m.customer_id AND c.day = m.contact_day
          AND c.plan_id = m.plan_id AND c.reference = m.reference
    )
    """
