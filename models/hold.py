"""Holds: the time in which a plan may not send though it has begun, since it is paused or all sending is stopped.

Where a pause and a stop overlap, or follow each other at once, nothing could leave from the beginning of the one to the
end of the other: that is one hold, however many of them it is made of.
"""

BEGAN = """greatest({plan}.started_at, (
    SELECT max(b.happened_at) FROM plan_history b WHERE b.plan_id = {plan}.id AND b.action = 'RETRY'))"""
"""Since when a plan runs, the last time: what was held before a retry held nothing of it. An SQL value."""

SINCE = f"""(
    WITH part AS MATERIALIZED (
        SELECT greatest(h.since, {BEGAN}) AS since, h.until FROM (
            SELECT {{since}} AS since, {{at}} AS until
            UNION ALL SELECT stopped_at, coalesce(resumed_at, {{at}}) FROM sending_stop
            UNION ALL SELECT e.happened_at, coalesce((
                SELECT n.happened_at FROM plan_history n
                WHERE n.plan_id = e.plan_id AND n.id > e.id AND n.status_from = 'PAUSED' ORDER BY n.id LIMIT 1), {{at}})
            FROM plan_history e WHERE e.plan_id = {{plan}}.id AND e.action = 'PAUSE'
        ) h WHERE h.until >= {BEGAN}
    )
    SELECT max(since) FROM part
    WHERE NOT EXISTS (SELECT FROM part earlier WHERE earlier.since < part.since AND earlier.until >= part.since))"""
"""Since when a plan has been held that a hold from `since` to `at` is the last part of. An SQL value."""
