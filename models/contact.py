"""Contact limit: at most two marketing messages per customer and day, held by a primary key (R18).

A contact is (customer, day of the customer's own calendar, slot 1 or 2). Whose time zone nobody told has the same
day for all shops, or shops of different zones would write to them twice each at the same hour. To reserve one is to insert
it: whoever the database returns may proceed. Rows are inserted in customer order, so that two plans
that meet at the same customers wait for each other instead of deadlocking. What does not go after all
gives its contact back.
"""

MAX_PER_DAY = 2

ZONE = "coalesce(c.time_zone, (SELECT time_zone FROM shop ORDER BY id LIMIT 1))"
"""The time zone of the day for which contacts of the customer `c` count: their own, or else that of the oldest shop."""


def reservation(candidates: str) -> str:
    """CTEs `first_slot`, `second_slot` and `reserved` (customer_id, reference) over a CTE of candidates.

    `candidates` names a CTE with plan_id, customer_id, reference and day; its rows that found a free slot
    end up in `reserved`. Look them up by `IN`, which PostgreSQL always hashes: it believes that nearly no row
    comes out of an INSERT, and would join them by looking at every pair.
    """
    return f"""
    first_slot AS (
        INSERT INTO contact (customer_id, day, slot, plan_id, reference)
        SELECT customer_id, day, 1, plan_id, reference FROM {candidates} ORDER BY customer_id, reference
        ON CONFLICT DO NOTHING RETURNING customer_id, reference
    ),
    second_slot AS (
        INSERT INTO contact (customer_id, day, slot, plan_id, reference)
        SELECT customer_id, day, 2, plan_id, reference FROM {candidates}
        WHERE (customer_id, reference) NOT IN (SELECT customer_id, reference FROM first_slot)
        ORDER BY customer_id, reference
        ON CONFLICT DO NOTHING RETURNING customer_id, reference
    ),
    reserved AS (SELECT * FROM first_slot UNION ALL SELECT * FROM second_slot)
    """


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
