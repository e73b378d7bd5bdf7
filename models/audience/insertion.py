"""The statement that puts a range of a plan's audience into the ledger, in steps of one CTE each.

Who of the range belongs to the segment (`member`), what decides how they are reached (`reach`), when and by which
channel and why perhaps not (`chosen`, `choice`), who gets a contact of today (`reserved`), what that makes of each of
them (`outcome`, `decided`), and how those who wait are cut into slices (`waiting`, `sliced`). All of it is written at
once, so a recipient is in the ledger with everything that is known of them, or not at all.
"""

from datetime import datetime, time
from typing import NamedTuple
from uuid import UUID

from models import contact, local_hour, quiet_hours, reach
from models.experiment import holdout
from models.placeholder import Json, placeholders
from models.slice.loading import NEXT_DAY


class Arguments(NamedTuple):
    """What the statement is given, in the order of its parameters; those of the segment's condition come after them."""

    plan: int
    shop: int
    now: datetime
    after: UUID
    through: UUID
    wanted: str
    """The plan's channel: CHAT, EMAIL, or CHAT_THEN_EMAIL."""
    shop_zone: str
    languages: Json
    """For every language tag that customers have, which of the plan's languages they get (R14)."""
    default_language: str
    send_at: datetime
    slice_size: int
    local_time: time | None
    """The hour of each customer's own day at which the plan goes (B3); None: when it is due."""
    not_before: datetime
    """Local hours before this instant are tomorrow's."""
    is_expired: bool
    """Whether the plan's deadline has passed: then nobody is written to."""
    by_platform: bool
    """Whether the shop's chat goes to a platform of its own: then it waits in slices, as mail does."""
    holdout_percent: int | None
    control_percent: int | None
    control_period: datetime
    variants: int
    tried_below: int
    """Customers below this bucket get a variant; the others wait for the winner (B7)."""
    decides_at: datetime | None
    quiet: Json | None
    """The shop's quiet hours (models/quiet_hours.py)."""
    is_paced: bool
    """Whether the shop sends at a rate: then its chat waits in slices as well."""


FIRST_OF_SEGMENT = len(Arguments._fields) + 1
"""The number of the first parameter of the segment's condition."""

_PARAMETERS = placeholders(Arguments)

_VARIANT = """CASE WHEN {variants} = 1 THEN 0 ELSE (
            SELECT CASE WHEN b < {tried_below} THEN b % {variants} END
            FROM (SELECT bucket('variant:' || {plan}, m.customer_id) AS b) AS v
        ) END"""
"""A customer's variant; none for those who wait for the winner."""

_HELD_OUT = holdout.reason(
    "customer_id", plan="{plan}", percent="{holdout_percent}", shop="{shop}",
    control="{control_percent}", period="{control_period}",
)  # fmt: skip

_PARTS = {
    "quiet_of_customer": quiet_hours.OF_CUSTOMER.format(quiet="{quiet}", customer="c"),
    "is_blocked": reach.IS_BLOCKED,
    "email_refusal": reach.EMAIL_REFUSAL,
    "variant": _VARIANT,
    "channel": reach.chosen("{wanted}::plan_channel"),
    "refusal": reach.refusal("{wanted}::plan_channel"),
    "first_hour": local_hour.FIRST.format(hour="{local_time}", earliest="earliest", zone="time_zone"),
    "held_out": _HELD_OUT,
    "quiet_until": quiet_hours.UNTIL.format(at="goes_at", zone="time_zone", hours="quiet"),
    "contact_zone": contact.ZONE,
    "reservation": contact.broadcast_reservation("candidate", "{now}"),
    "next_day": NEXT_DAY.format(table="outcome"),
}

_NAMES = {**_PARAMETERS, **{name: part.format(**_PARAMETERS) for name, part in _PARTS.items()}}


def statement(members: str) -> str:
    """The statement over `members`, the SQL of a segment's condition: its `customer_id`s.

    Its row has `recipients`, how many were put into the ledger, and `sent`, how many of them have it in their inbox.
    """
    return _INSERT.format(**_NAMES, members=members)


_INSERT = """
WITH member AS MATERIALIZED (
    SELECT m.customer_id FROM ({members}) m WHERE m.customer_id > {after} AND m.customer_id <= {through}
      AND m.customer_id NOT IN (
        SELECT d.customer_id FROM delivery d
        WHERE d.plan_id = {plan} AND d.customer_id > {after} AND d.customer_id <= {through})
),
reach AS (
    SELECT m.customer_id, c.name, coalesce({languages} ->> c.language, {default_language}) AS language,
        coalesce(c.time_zone, {shop_zone}) AS time_zone, {contact_zone} AS contact_zone,
        CASE WHEN {quiet} IS NOT NULL THEN {quiet_of_customer} END AS quiet,
        {is_blocked} AS is_blocked, {email_refusal} AS email_refusal, {variant} AS variant
    FROM member m
    JOIN relationship r ON r.shop_id = {shop} AND r.customer_id = m.customer_id
        AND r.customer_id > {after} AND r.customer_id <= {through}
    LEFT JOIN customer c ON c.id = m.customer_id AND c.id > {after} AND c.id <= {through}
    LEFT JOIN suppression u ON u.email_key = c.email_key
),
timed AS (
    SELECT *, CASE WHEN variant IS NULL THEN {decides_at} END AS decided_at FROM reach
),
chosen AS (
    SELECT {plan} AS plan_id, customer_id, '' AS reference, name, language, time_zone, variant,
        ({now} AT TIME ZONE contact_zone)::date AS day,
        {channel} AS channel, {refusal} AS refusal,
        coalesce({local_time}, ({send_at} AT TIME ZONE {shop_zone})::time) AS hour,
        quiet, greatest({now}, decided_at, CASE WHEN {local_time} IS NOT NULL THEN {first_hour} END) AS goes_at,
        {held_out} AS held_out
    FROM (SELECT *, greatest({not_before}, decided_at) AS earliest FROM timed) AS t
),
choice AS MATERIALIZED (
    SELECT *, quiet_until IS NOT NULL AS is_quiet, nullif(coalesce(quiet_until, goes_at), {now}) AS due_at
    FROM (SELECT *, CASE WHEN {quiet} IS NOT NULL THEN {quiet_until} END AS quiet_until FROM chosen) AS c
),
candidate AS (
    SELECT * FROM choice
    WHERE channel = 'CHAT' AND refusal IS NULL AND held_out IS NULL AND variant IS NOT NULL AND due_at IS NULL
      AND NOT {is_expired} AND NOT {by_platform} AND NOT {is_paced}
),
{reservation},
outcome AS (
    SELECT a.*,
        CASE WHEN a.refusal IS NOT NULL THEN 'SUPPRESSED' WHEN a.held_out IS NOT NULL THEN 'HELD_OUT'
             WHEN {is_expired} THEN 'EXPIRED'
             WHEN a.is_reserved THEN 'SENT' ELSE 'PENDING' END::delivery_state AS state,
        CASE WHEN a.refusal IS NOT NULL THEN a.refusal WHEN a.held_out IS NOT NULL THEN a.held_out
             WHEN {is_expired} THEN 'DEADLINE'
             WHEN a.variant IS NULL THEN 'AWAITING_WINNER'
             WHEN a.is_quiet THEN 'QUIET_HOURS'
             WHEN a.due_at IS NOT NULL THEN 'LOCAL_HOUR'
             WHEN a.channel = 'CHAT' AND NOT a.is_reserved AND NOT {by_platform} AND NOT {is_paced}
             THEN 'CONTACT_LIMIT' END AS reason
    FROM (SELECT *, customer_id IN (SELECT customer_id FROM reserved) AS is_reserved FROM choice OFFSET 0) AS a
),
decided AS (
    SELECT *,
        CASE WHEN reason = 'CONTACT_LIMIT' THEN {next_day} WHEN state = 'PENDING' THEN due_at END AS not_before
    FROM outcome
),
waiting AS (
    SELECT *, dense_rank() OVER (ORDER BY channel, not_before, variant IS NULL, place) AS rank
    FROM (SELECT *, (row_number() OVER (
            PARTITION BY channel, not_before, variant IS NULL ORDER BY customer_id) - 1) / {slice_size} AS place
          FROM decided WHERE state = 'PENDING') AS w
),
numbered AS (
    UPDATE plan SET slices_numbered = greatest(slices_numbered, taken.number) + needed.slices
    FROM (SELECT max(rank) AS slices FROM waiting) AS needed,
        (SELECT coalesce(max(number), 0) AS number FROM slice WHERE plan_id = {plan}) AS taken
    WHERE id = {plan} AND needed.slices > 0
    RETURNING slices_numbered - needed.slices AS before
),
sliced AS (
    SELECT decided.*, NULL::bigint AS place, NULL::bigint AS rank, NULL::bigint AS slice
    FROM decided WHERE state <> 'PENDING'
    UNION ALL
    SELECT waiting.*, (SELECT before FROM numbered) + rank FROM waiting
),
delivered AS (
    INSERT INTO delivery (plan_id, customer_id, reference, shop_id, state, channel, language, reason,
                          slice, not_before, contact_day, created_at, sent_at, variant, frozen)
    SELECT plan_id, customer_id, reference, {shop}, state, channel, language, reason,
        slice, not_before, CASE WHEN state = 'SENT' THEN day END, {now},
        CASE WHEN state = 'SENT' THEN {now} END, CASE WHEN state <> 'HELD_OUT' THEN variant END,
        CASE WHEN state = 'SENT' AND name IS NOT NULL AND EXISTS (
            SELECT FROM plan_content t WHERE t.plan_id = {plan} AND 'name' = ANY(t.variables)
        ) THEN jsonb_build_object('name', name) END
    FROM sliced
    ORDER BY customer_id
),
slices AS (
    INSERT INTO slice (plan_id, number, channel, due_at)
    SELECT {plan}, (SELECT before FROM numbered) + rank,
        CASE WHEN min(channel) = 'CHAT' AND {by_platform} THEN 'PLATFORM' ELSE min(channel) END,
        CASE WHEN bool_or(variant IS NULL) THEN 'infinity' ELSE min(coalesce(not_before, {now})) END
    FROM waiting GROUP BY rank
)
SELECT count(*) AS recipients, count(*) FILTER (WHERE state = 'SENT') AS sent FROM decided
"""
