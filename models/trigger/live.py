"""Reminders of LIVE sessions, before they start (R9)."""

from models.trigger.fragment import REREAD
from models.trigger.kind import OccasionQuery, Parameter, ParameterKind, Trigger, TriggerCode, steps

# At most a chunk of customers per LIVE, in the order of the key: the lowest of several such lists are the lowest of all.
STARTING = OccasionQuery(
    candidates=f"""
SELECT r.customer_id, 'live:' || l.external_id, step.number, l.starts_at - step.delay, l.starts_at - step.delay,
    greatest(l.starts_at - step.delay, l.arrived_at), jsonb_build_object('live', l.id)
FROM step CROSS JOIN LATERAL (
    SELECT id, external_id, starts_at, arrived_at FROM live_session
    WHERE shop_id = {{shop}} AND starts_at > {{watermark}} + step.delay AND starts_at <= {{now}} + step.delay
    UNION ALL
    SELECT id, external_id, starts_at, arrived_at FROM live_session
    WHERE shop_id = {{shop}} AND arrived_at > {{watermark}} - {REREAD} AND arrived_at <= {{now}}
      AND starts_at <= {{watermark}} + step.delay AND starts_at > arrived_at) AS l
CROSS JOIN LATERAL (
    SELECT customer_id FROM relationship
    WHERE shop_id = {{shop}} AND customer_id > {{after}} AND first_interaction_at IS NOT NULL
      AND (follows OR NOT ({{parameters}} ->> 'followersOnly')::boolean)
    ORDER BY customer_id LIMIT {{chunk}}) AS r""",
    facts="""
SELECT NULL::uuid[] AS product_ids, NULL::jsonb AS said, planned.starts_at AS instant
FROM live_session AS planned
WHERE planned.id = ({about} ->> 'live')::uuid AND planned.starts_at > {at}
  AND (planned.started_at IS NULL OR planned.started_at > {bound})
  AND (planned.ended_at IS NULL OR planned.ended_at > {bound})
  AND (planned.cancelled_at IS NULL OR planned.cancelled_at > {bound})
  AND (NOT ({parameters} ->> 'followersOnly')::boolean OR EXISTS (
      SELECT FROM relationship WHERE shop_id = {shop} AND customer_id = {customer} AND follows))""",
)

LIVE_REMINDER = Trigger(
    TriggerCode.LIVE_REMINDER,
    "A LIVE is about to start. Who is reminded follows the shop, or is in the segment. A LIVE that is moved is the "
    "same LIVE: nobody is reminded twice by the same step.",
    (
        steps("Minutes before the start.", (30,), least=1, greatest=1_440, most=5),
        Parameter(
            "followersOnly", ParameterKind.BOOLEAN,
            "Whether only followers are reminded; without, a segment is required.", default=True,
        ),
    ),
    STARTING,
    has_products=False,
    steps_descend=True,
)  # fmt: skip
