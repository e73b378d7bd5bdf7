"""The audience benchmark's questions as SQL written by hand over the log of events, orders and messages.

$1 is the shop, $2 the time.
"""

from bench.population import QUARTER

SCAN = "SELECT sum(order_amount) FROM relationship WHERE shop_id = $1"
"""Every roll-up row, once."""

_PLACED = "FROM orders WHERE shop_id = $1 AND cancelled_at IS NULL"
_FOLLOWERS = """
    SELECT customer_id, max(occurred_at) FILTER (WHERE kind = 'FOLLOWED') AS followed,
           max(occurred_at) FILTER (WHERE kind = 'UNFOLLOWED') AS unfollowed
    FROM log_event WHERE shop_id = $1 AND kind IN ('FOLLOWED', 'UNFOLLOWED') GROUP BY customer_id"""

BY_HAND = {
    "POTENTIAL_NEW": """
        SELECT count(*) FROM (
            SELECT DISTINCT customer_id FROM log_event
            WHERE shop_id = $1 AND kind IN ('CART_ADDED', 'PRODUCT_FAVOURITED') AND occurred_at > $2::timestamptz - interval '30 days'
        ) AS e WHERE NOT EXISTS (
            SELECT FROM orders o WHERE o.shop_id = $1 AND o.customer_id = e.customer_id AND o.cancelled_at IS NULL)""",
    "RECENT": f"""
        SELECT count(*) FROM (
            SELECT {_PLACED} GROUP BY customer_id HAVING min(ordered_at) > $2::timestamptz - interval '30 days') AS m""",
    "REPEAT": f"""
        SELECT count(*) FROM (
            SELECT {_PLACED} GROUP BY customer_id
            HAVING count(*) >= 2 AND max(ordered_at) > $2::timestamptz - interval '30 days') AS m""",
    "FREQUENT": f"""
        SELECT count(*) FROM (
            SELECT {_PLACED} AND ordered_at > $2::timestamptz - interval '90 days' GROUP BY customer_id HAVING count(*) > 1) AS m""",
    "LAPSED": f"""
        SELECT count(*) FROM (
            SELECT {_PLACED} AND ordered_at > $2::timestamptz - interval '365 days' GROUP BY customer_id
            HAVING max(ordered_at) <= $2::timestamptz - interval '90 days') AS m""",
    "NEW_FOLLOWERS": f"""
        SELECT count(*) FROM ({_FOLLOWERS}) AS f
        WHERE followed > $2::timestamptz - interval '30 days' AND (unfollowed IS NULL OR followed > unfollowed)""",
    "ACTIVE_FOLLOWERS": f"""
        SELECT count(*) FROM ({_FOLLOWERS}) AS f
        WHERE followed IS NOT NULL AND (unfollowed IS NULL OR followed > unfollowed) AND customer_id IN (
            SELECT customer_id FROM log_event
            WHERE shop_id = $1 AND occurred_at > $2::timestamptz - interval '30 days' AND kind IN (
                'PRODUCT_CARD_CLICKED', 'VIDEO_WATCHED', 'VIDEO_LIKED', 'VIDEO_PRODUCT_CLICKED',
                'LIVE_WATCHED', 'LIVE_CLICKED'))""",
    "a": f"""
        SELECT count(*) FROM (
            SELECT {_PLACED} AND ordered_at > $2::timestamptz - interval '60 days' GROUP BY customer_id
            HAVING count(*) >= 2 AND avg(amount) > 3000) AS m""",
    "b": """
        SELECT count(*) FROM (
            SELECT customer_id FROM log_event
            WHERE shop_id = $1 AND kind = 'LIVE_WATCHED' AND category = 'beauty'
              AND occurred_at > $2::timestamptz - interval '90 days'
            GROUP BY customer_id HAVING sum(seconds) >= 600
        ) AS e WHERE NOT EXISTS (
            SELECT FROM orders o WHERE o.shop_id = $1 AND o.customer_id = e.customer_id AND o.cancelled_at IS NULL)""",
    "c": f"""
        SELECT count(*) FROM (
            SELECT DISTINCT customer_id FROM log_event
            WHERE shop_id = $1 AND kind = 'CART_ADDED' AND occurred_at > $2::timestamptz - interval '7 days'
        ) AS e JOIN customer c ON c.id = e.customer_id
        LEFT JOIN ({_FOLLOWERS}) AS f ON f.customer_id = e.customer_id
        WHERE c.gender = 'FEMALE' AND c.region IN ('MX-CMX', 'MX-JAL', 'MX-NLE')
          AND c.birth_date <= date '2001-01-01' AND c.birth_date > date '1991-01-01'
          AND (f.followed IS NULL OR f.followed <= f.unfollowed)""",
    "d": f"""
        SELECT count(*) FROM (
            SELECT customer_id FROM delivery WHERE shop_id = $1 AND read_at > $2::timestamptz - interval '30 days'
            EXCEPT
            SELECT customer_id FROM delivery WHERE shop_id = $1 AND clicked_at > $2::timestamptz - interval '30 days'
        ) AS d JOIN (
            SELECT customer_id {_PLACED} GROUP BY customer_id HAVING sum(amount) BETWEEN 20000 AND 100000
        ) AS o ON o.customer_id = d.customer_id""",
    "e": f"""
        SELECT count(*) FROM (
            SELECT customer_id {_PLACED} GROUP BY customer_id
            HAVING min(ordered_at) >= '{QUARTER[0]} 00:00+00' AND min(ordered_at) < '{QUARTER[1]} 00:00+00'::timestamptz
                + interval '1 day' AND max(ordered_at) <= $2::timestamptz - interval '90 days'
        ) AS o WHERE EXISTS (
            SELECT FROM log_event e WHERE e.shop_id = $1 AND e.customer_id = o.customer_id
              AND e.kind = 'PRODUCT_FAVOURITED' AND e.occurred_at > $2::timestamptz - interval '14 days')""",
}
"""By the case's name."""
