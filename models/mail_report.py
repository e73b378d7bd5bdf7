"""Reports of mail systems, applied to the ledger: what bounced has failed, who complains is unsubscribed (R19, R21).

A report that comes again, late or in another order changes nothing it did not change before. It also proves what
nobody could know: a mail of unknown outcome that is reported about did leave.
"""

from uuid import UUID

from models import consent, customer, database, delivery, erasure
from models.clock import now
from models.mail import bounce
from models.mail.report import Outcome, Report
from models.mail.return_path import ReturnKey, occasion
from models.plan import advance
from models.webhook import fact

COMPLAINT = "complaint"
"""The source of an unsubscription by complaint."""


async def take(report: Report) -> bool:
    """Let a report have its consequences; whether it changed anything.

    FAILED: the message becomes FAILED with its status and its contact is free again; a bad address (5.1.x) is
    never written to again, and what waits for it is withdrawn. A full mailbox or another passing trouble only
    ends this message; when many of a plan's mails come back, it pauses and says why.
    COMPLAINT: the customer is unsubscribed from the shop. All but FAILED prove an arrival.
    """
    reference = await _reference(report.about)
    if reference is None:
        return False
    plan_id, customer_id = report.about.plan_id, report.about.customer_id
    if report.outcome is Outcome.FAILED:
        status = report.status or ""
        changed = await database.despite_deadlocks(lambda: _fail(plan_id, customer_id, reference, status))
        if changed and status not in bounce.OF_RECIPIENTS:
            await _weigh(plan_id, status)
        return changed
    arrived = bool(await database.execute(_ARRIVED, plan_id, customer_id, reference, now()))
    if report.outcome is Outcome.COMPLAINT:
        return await database.despite_deadlocks(lambda: _complain(plan_id, customer_id, reference)) or arrived
    return arrived


async def _reference(about: ReturnKey) -> str | None:
    """The reference of the mail that a report is about; None when there is no such mail (any more)."""
    rows = await database.fetch(
        "SELECT reference FROM delivery WHERE plan_id = $1 AND customer_id = $2 AND channel = 'EMAIL'",
        about.plan_id,
        about.customer_id,
    )
    return next((row["reference"] for row in rows if occasion(row["reference"]) == about.occasion), None)


async def _fail(plan_id: int, customer_id: UUID, reference: str, status: str) -> bool:
    at = now()
    async with database.transaction():
        row = await database.fetch_one(_FAIL, plan_id, customer_id, reference, status, at)
        if row is None:
            return False
        await database.execute(_FREE, plan_id, customer_id, reference)
        if bounce.is_hard(status) and row["address"]:
            await customer.suppress([row["address"]], reason="BOUNCED", at=at)
            await delivery.suppress_addresses([customer_id])
    return True


async def _complain(plan_id: int, customer_id: UUID, reference: str) -> bool:
    """Unsubscribe who complains, if the mail is still theirs: who was erased meanwhile is nobody's customer."""
    async with database.transaction():
        await erasure.hold()
        shop_id = await database.fetch_value("SELECT shop_id FROM plan WHERE id = $1", plan_id)
        await consent.hold_exclusively(shop_id)
        if not await database.fetch_value(_HOLD, plan_id, customer_id, reference):
            return False
        return await consent.unsubscribe(shop_id, customer_id, source=COMPLAINT, plan_id=plan_id)


async def _weigh(plan_id: int, status: str) -> None:
    """Pause a running plan whose mails come back again and again; what left before it was resumed counts no more."""
    of_recipients = sorted(bounce.OF_RECIPIENTS)
    bounced = await database.fetch_value(_BOUNCED, plan_id, of_recipients)
    if not bounced or bounced % bounce.MANY_BOUNCES:
        return
    if bounce.is_about_plan(bounced, bounced + await database.fetch_value(_STAYED, plan_id)):
        await advance.pause(plan_id, f"BOUNCES:{status}")


# In flight, or waiting for another try, a copy was taken all the same: who reports about it has seen it, so it has left.
# `address` is the key of the one that it went to, or null where the customer has another by now.
_FAIL = (
    """
WITH known AS (
    SELECT sent_at FROM delivery WHERE plan_id = $1 AND customer_id = $2 AND reference = $3 FOR NO KEY UPDATE
),
failed AS (
UPDATE delivery d SET state = 'FAILED', reason = $4, not_before = NULL, contact_day = NULL,
    sent_at = coalesce(d.sent_at, $5::timestamptz)
FROM known
WHERE d.plan_id = $1 AND d.customer_id = $2 AND d.reference = $3 AND d.channel = 'EMAIL'
  AND (d.state IN ('SENT', 'UNKNOWN', 'COMMITTING') OR (d.state = 'PENDING' AND d.attempt > 0))
RETURNING d.plan_id, d.customer_id, d.reference, d.shop_id, d.state, d.channel, d.language, d.reason,
    (SELECT c.email_key FROM customer c WHERE c.id = d.customer_id
     AND (c.email_changed_at IS NULL OR c.email_changed_at <= coalesce(known.sent_at, d.created_at))) AS address
),
"""
    + fact.telling("failed", "$5::timestamptz")
    + " SELECT address FROM failed"
)

_HOLD = "SELECT true FROM delivery WHERE plan_id = $1 AND customer_id = $2 AND reference = $3 FOR KEY SHARE"

_FREE = "DELETE FROM contact WHERE customer_id = $2 AND plan_id = $1 AND reference = $3"

_ARRIVED = (
    f"""
WITH arrived AS (
UPDATE delivery SET state = 'SENT', reason = NULL, sent_at = $4
WHERE plan_id = $1 AND customer_id = $2 AND reference = $3 AND channel = 'EMAIL'
  AND {delivery.MAY_HAVE_ARRIVED}
RETURNING plan_id, customer_id, reference, shop_id, state, channel, language, reason
),
"""
    + fact.telling("arrived", "$4::timestamptz")
    + " SELECT FROM arrived"
)

_SINCE = """(SELECT coalesce(max(h.happened_at), '-infinity') FROM plan_history h
     WHERE h.plan_id = $1 AND h.action IN ('RESUME', 'RETRY'))"""

_BOUNCED = f"""
SELECT count(*) FROM plan p JOIN delivery d ON d.plan_id = p.id
WHERE p.id = $1 AND p.status = 'ONGOING' AND d.state = 'FAILED' AND d.channel = 'EMAIL' AND d.sent_at >= {_SINCE}
  AND d.reason <> ALL($2::text[])
"""

_STAYED = f"""
SELECT count(*) FROM delivery d
WHERE d.plan_id = $1 AND d.state = 'SENT' AND d.channel = 'EMAIL' AND d.sent_at >= {_SINCE}
"""
