"""Trials: a plan's email sent to a few named addresses before it is submitted (R11).

Each has its own small ledger row, sent at most once like any message, and counts for nothing: no quota,
no contact limit, no figures. It carries the sample's values, so it tells nothing about a customer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from models import access, customer, database, erasure, experiment, language, preview, sender, sending
from models.advisory_lock import AdvisoryLock
from models.clock import now
from models.content.variable import VARIABLES
from models.delivery import DeliveryState, MessageChannel
from models.errors import ErrorCode, Problem, Refused, refuse
from models.mail import MailForm
from models.mail.envelope import Envelope
from models.mail.header import address as read_address
from models.plan import Plan, PlanAction, PlanChannel, permission
from models.shop import Shop
from settings import Settings

MOST_ADDRESSES = 5
"""Addresses that are asked for at once."""

MOST_A_DAY = 50
"""Trials of a shop within 24 hours: enough to look at plans, too few to write to customers."""

GIVEN_UP = timedelta(hours=1)
"""A trial that could not be sent for so long has failed; one in flight for so long is of unknown outcome."""

AT_ONCE = 20
"""Trials that one job takes."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One mail to one address; it is never held back or cancelled, so that `state` is one of the first five."""

    id: UUID
    plan_id: int
    address: str
    language: str
    variant: int
    state: DeliveryState
    reason: str | None
    created_at: datetime
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class TrialLetter:
    """What goes over the wire: the envelope, and the body without its final dot."""

    envelope: Envelope
    body: bytes


async def ask(
    shop: Shop, plan: Plan, addresses: Sequence[str], *, tag: str | None, actor: str, secret: bytes,
    variant: str | None = None,
) -> list[Trial]:  # fmt: skip
    """Note that the plan's email is wanted at these addresses (1–5), in the language `tag` or the shop's own.

    Of an experiment it is the variant of this name, the first when there is none.

    Refused, and nothing noted, when one of them is no address or bounces, the plan or the shop sends no email,
    or the shop has asked too often today. `secret` is the key of address digests.
    """
    at = now()
    if MessageChannel.EMAIL not in plan.channel.channels:
        raise refuse("id", f"A trial is an email, and this plan goes by {plan.channel}.", rule="R11")
    chosen = language.choose(
        language.canonical(tag) if tag else None, list(plan.content.get("texts") or {}), plan.default_language(shop)
    )
    number = preview.variant_number(plan, variant or experiment.NAMES[0])
    await preview.preview(shop, plan, channel=MessageChannel.EMAIL, tag=chosen, variant=experiment.NAMES[number])
    async with database.transaction():
        await erasure.hold()
        permission.require(await access.hold(shop.id), PlanAction.SUBMIT, PlanChannel.EMAIL)
        await _check(shop.id, addresses, at, secret)
        spelled = [read_address(each).value for each in addresses]  # as customers' are, who may be erased
        rows = await database.fetch(
            _ASK, [uuid4() for _ in addresses], spelled, shop.id, plan.id, chosen, actor, at, number
        )
    return [_trial(row) for row in rows]


async def of_plans(plan_ids: Sequence[int]) -> list[list[Trial]]:
    """Each plan's latest trials (at most 50), newest first."""
    found: dict[int, list[Trial]] = {plan_id: [] for plan_id in plan_ids}
    for row in await database.fetch(_OF_PLANS, list(plan_ids), MOST_A_DAY):
        found[row["plan_id"]].append(_trial(row))
    return [found[plan_id] for plan_id in plan_ids]


async def find(ids: Sequence[str]) -> list[Trial]:
    """Those of the trials with these ids that are left, in their order: an erased customer's are not."""
    rows = await database.fetch(f"SELECT {_COLUMNS} FROM trial WHERE id = ANY($1::uuid[])", list(ids))
    found = {str(row["id"]): _trial(row) for row in rows}
    return [found[each] for each in ids if each in found]


async def is_waiting() -> bool:
    """Whether any trial waits to be sent, or to be given up."""
    found: bool = await database.fetch_value(
        "SELECT EXISTS (SELECT FROM trial WHERE state = 'PENDING' OR (state = 'COMMITTING' AND committed_at < $1))",
        now() - GIVEN_UP,
    )
    return found


async def take() -> list[Trial]:
    """Trials to send now, each committed to this caller alone; what waited too long is given up first."""
    at = now()
    await database.execute(_GIVE_UP, at, at - GIVEN_UP)
    async with database.transaction():
        await sending.hold()
        return [_trial(row) for row in await database.fetch(_TAKE, at, AT_ONCE)]


async def settle(trial: Trial, state: DeliveryState, reason: str | None = None) -> None:
    """Note what became of a trial that was taken: SENT, FAILED, UNKNOWN, or PENDING when nothing of it left."""
    await database.execute(
        "UPDATE trial SET state = $2, reason = $3, settled_at = CASE WHEN $2 <> 'PENDING' THEN $4::timestamptz END"
        " WHERE id = $1 AND state IN ('COMMITTING', 'UNKNOWN')",
        trial.id,
        state,
        reason,
        now(),
    )


async def write(trial: Trial, *, settings: Settings) -> TrialLetter:
    """The trial's mail: as the plan's own to a sample reader, but for links that only a real message has.

    It bounces to the shop's own address.
    """
    plan = await Plan.get(id=trial.plan_id)
    written_by = await sender.of_plan(plan.id, settings)
    enclosed = await preview.enclosed_with(plan, trial.variant)
    localised = await preview.localised(plan, "EMAIL", trial.language, enclosed, trial.variant)
    form = MailForm.build(
        localised,
        sender_name=written_by.shop_name,
        sender_address=written_by.address,
        reply_to=written_by.reply_to,
    )
    body = form.fill(
        recipient_name=None,
        address=trial.address,
        message_id=f"<trial.{trial.id.hex}@{written_by.mail_domain}>",
        date=now(),
        values={"name": VARIABLES["name"].sample, "link": preview.NO_LINK},
        unsubscribe_url=preview.NO_LINK,
    )
    envelope = Envelope.of(written_by.address, read_address(trial.address))
    return TrialLetter(envelope, written_by.signed(body, now()))


async def _check(shop_id: int, addresses: Sequence[str], at: datetime, secret: bytes) -> None:
    """Refuse what cannot be sent to, or is too much. Trials of a shop are counted one at a time."""
    if not 1 <= len(addresses) <= MOST_ADDRESSES:
        message = f"A trial goes to 1–{MOST_ADDRESSES} addresses, not {len(addresses)}."
        raise refuse("addresses", message, ErrorCode.TOO_MANY if addresses else ErrorCode.INVALID, rule="R11")
    await database.hold(AdvisoryLock.TRIAL, shop_id)
    sent = await database.fetch_value(
        "SELECT count(*) FROM trial WHERE shop_id = $1 AND created_at > $2", shop_id, at - timedelta(days=1)
    )
    if sent + len(addresses) > MOST_A_DAY:
        message = f"A shop sends at most {MOST_A_DAY} trials in 24 hours; it has sent {sent}."
        raise refuse("addresses", message, ErrorCode.TOO_MANY, rule="R11")
    problems = [
        Problem(("addresses", str(number)), message, rule=rule)
        for number, written in enumerate(addresses)
        for message, rule in await _wrong(written, secret)
    ]
    if problems:
        raise Refused(problems)


async def _wrong(written: str, secret: bytes) -> list[tuple[str, str]]:
    try:
        spelled = read_address(written).value
    except Refused as refused:
        return [(refused.problems[0].message, "R11")]
    known = "SELECT EXISTS (SELECT FROM suppression WHERE email_key = $1)"
    if await database.fetch_value(known, customer.email_key(spelled, secret)):
        return [("Mail to this address bounces, so nothing is sent to it.", "R21")]
    return []


def _trial(row: database.Record) -> Trial:
    return Trial(
        row["id"], row["plan_id"], row["address"], row["language"], row["variant"], DeliveryState(row["state"]),
        row["reason"], row["created_at"], row["settled_at"],
    )  # fmt: skip


_COLUMNS = "id, plan_id, address, language, variant, state, reason, created_at, settled_at"

_OF_PLANS = f"""
SELECT t.* FROM unnest($1::int[]) AS p(wanted) CROSS JOIN LATERAL (
    SELECT {_COLUMNS} FROM trial WHERE plan_id = p.wanted ORDER BY created_at DESC, id LIMIT $2
) t
"""

_ASK = f"""
INSERT INTO trial (id, shop_id, plan_id, address, language, variant, state, actor, created_at)
SELECT t.id, $3, $4, t.address, $5, $8, 'PENDING', $6, $7 FROM unnest($1::uuid[], $2::text[]) AS t(id, address)
RETURNING {_COLUMNS}
"""

_GIVE_UP = """
UPDATE trial SET settled_at = $1, state = CASE state WHEN 'PENDING' THEN 'FAILED' ELSE 'UNKNOWN' END,
    reason = CASE state WHEN 'PENDING' THEN coalesce(reason, 'RELAY_UNAVAILABLE') ELSE 'WORKER_LOST' END
WHERE (state = 'PENDING' AND created_at < $2) OR (state = 'COMMITTING' AND committed_at < $2)
"""

_TAKE = f"""
UPDATE trial SET state = 'COMMITTING', committed_at = $1
WHERE NOT {sending.STOPPED} AND id IN (SELECT id FROM trial WHERE state = 'PENDING' ORDER BY created_at, id LIMIT $2 FOR UPDATE SKIP LOCKED)
RETURNING {_COLUMNS}
"""
