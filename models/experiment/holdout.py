"""Holdouts: who gets nothing on purpose, so that it can be seen what outreach brings (B4).

A plan holds out a share of those it would write to; a shop may also hold a *control group* out of all its plans
for a period, a quarter of the year. Both are decided by buckets, so nobody is chosen by what they did. Held-out
customers are in the ledger like everybody else, as HELD_OUT with the time of the decision; they take no contact.
docs/experiments.md tells who is compared with whom, and why.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from models import database
from models.clock import now
from models.delivery import Reason
from models.errors import Problem, Refused
from models.experiment.bucket import bucket, is_within
from models.shop import Shop

MOST_PERCENT = 50


@dataclass(frozen=True, slots=True)
class Holdout:
    """What a shop holds out: `plan_percent` of each new plan's audience unless it says otherwise, and `control_percent`.

    The control group's share holds since `control_since`; a change of it draws the group anew.
    """

    plan_percent: int
    control_percent: int
    control_since: datetime | None


NOTHING = Holdout(plan_percent=0, control_percent=0, control_since=None)
"""What a shop holds out that never said anything."""


def check_percent(percent: int, field: str) -> list[Problem]:
    """B4: at most half of an audience may be held out."""
    if 0 <= percent <= MOST_PERCENT:
        return []
    return [Problem((field,), f"A holdout is 0–{MOST_PERCENT} percent, not {percent}.", rule="B4")]


def check_share(percent: int | None, *, is_marketing: bool) -> list[Problem]:
    """B4: what a seller cannot say of a plan's share; of an order confirmation, anything but that it has none."""
    if percent and not is_marketing:
        return [Problem(("holdoutPercent",), "An order confirmation holds nobody out.", rule="B4")]
    return check_percent(percent or 0, "holdoutPercent")


def quarter_of(at: datetime) -> datetime:
    """The beginning (UTC) of the quarter of the year that an instant lies in."""
    at = at.astimezone(UTC)
    return datetime(at.year, (at.month - 1) // 3 * 3 + 1, 1, tzinfo=UTC)


def period_of(at: datetime, since: datetime | None) -> datetime:
    """The beginning of the control group's period: its quarter's, or the last change of its share within it."""
    return max(quarter_of(at), since) if since is not None else quarter_of(at)


def held_out(
    customer_id: UUID, *, plan_id: int, percent: int | None, shop_id: int, control_percent: int, period: datetime
) -> Reason | None:
    """Why a customer gets nothing of a plan: the shop's control group, or the plan's own holdout; None when they do.

    A plan without a share at all (`percent` None), as an order confirmation, holds nobody out.
    """
    if percent is None:
        return None
    if is_within(control_percent, bucket(f"control:{shop_id}:{int(period.timestamp())}", customer_id)):
        return Reason.CONTROL_GROUP
    return Reason.HOLDOUT if is_within(percent, bucket(f"holdout:{plan_id}", customer_id)) else None


def reason(customer: str, *, plan: str, percent: str, shop: str, control: str, period: str) -> str:
    """SQL that says the same as `held_out`, each argument an SQL expression of the value of that name (or NULL)."""
    return f"""CASE
        WHEN {percent} IS NULL THEN NULL
        WHEN {control} > 0 AND bucket(
            'control:' || {shop} || ':' || extract(epoch FROM {period})::bigint, {customer}) < 100 * {control}
        THEN 'CONTROL_GROUP'
        WHEN {percent} > 0 AND bucket('holdout:' || {plan}, {customer}) < 100 * {percent} THEN 'HOLDOUT' END"""


def reason_of_plan(customer: str, at: str) -> str:
    """The same for statements over `plan p LEFT JOIN holdout h ON h.shop_id = p.shop_id`, at the instant `at`."""
    return reason(
        customer, plan="p.id", percent="p.holdout_percent", shop="p.shop_id", control="h.control_percent",
        period=f"greatest(date_trunc('quarter', {at}::timestamptz, 'UTC'), h.control_since)",
    )  # fmt: skip


async def of_shop(shop_id: int) -> Holdout:
    """What the shop holds out."""
    row = await database.fetch_one(
        "SELECT plan_percent, control_percent, control_since FROM holdout WHERE shop_id = $1", shop_id
    )
    return Holdout(*row) if row else NOTHING


async def share(shop_id: int, percent: int | None, *, is_marketing: bool) -> int | None:
    """The share that a plan holds out, in percent, of which `percent` is said: that, or the shop's (B4).

    None for an order confirmation, whatever is said, so that the control group gets it too.
    """
    if not is_marketing:
        return None
    return percent if percent is not None else (await of_shop(shop_id)).plan_percent


async def change(
    shop: Shop, *, plan_percent: int | None = None, control_percent: int | None = None, actor: str
) -> Holdout:
    """Decide what the shop holds out from now on; what is left out stays.

    Plans that are there keep their own share; the group is the shop's.
    """
    problems = check_percent(plan_percent or 0, "planPercent") + check_percent(control_percent or 0, "controlPercent")
    if problems:
        raise Refused(problems)
    at = now()
    since = at.replace(microsecond=0)
    row = await database.fetch_one(_CHANGE, shop.id, plan_percent, control_percent, since, actor, at)
    assert row is not None
    return Holdout(*row)


_CHANGE = """
INSERT INTO holdout AS h (shop_id, plan_percent, control_percent, control_since, changed_by, changed_at)
VALUES ($1, coalesce($2::smallint, 0), coalesce($3::smallint, 0), $4, $5, $6)
ON CONFLICT (shop_id) DO UPDATE SET
    plan_percent = coalesce($2, h.plan_percent), changed_by = excluded.changed_by, changed_at = excluded.changed_at,
    control_since = CASE WHEN h.control_percent <> $3 THEN excluded.control_since ELSE h.control_since END,
    control_percent = coalesce($3, h.control_percent)
RETURNING plan_percent, control_percent, control_since
"""
