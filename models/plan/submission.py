"""What a draft becomes when it is submitted: checked whole, its segment pinned, its place in the week's quota taken."""

from datetime import datetime, timedelta
from typing import Any

import orjson

from models import coupon, experiment, quota, segment
from models.errors import Refused
from models.plan.check import check, check_schedule
from models.plan.row import PlanRow
from models.plan.status import PlanKind
from models.segment import Segment
from models.shop import Shop


async def submission(
    plan: PlanRow, shop: Shop, at: datetime, *, send_at: datetime | None, deadline_after: timedelta
) -> dict[str, Any]:
    """The columns that a submit at `at` sets: `started_at` is None when the plan waits for its time.

    Call in the transaction that moves the plan, its row locked: a place of the quota is taken (R17), and its
    segment and coupons are held until then. Refused when its time is past, or its content could not reach everyone (R14).
    """
    wanted = send_at or plan.send_at
    start = max(wanted or at, at)
    await _check_sendable(plan, shop, wanted, at, deadline_after)
    return {
        "local_time": plan.local_time,
        "definition": await _definition(plan.segment_id),
        "fallback_language": shop.default_language,
        "send_at": start,
        "deadline": plan.ends_at if plan.trigger else start + deadline_after,
        "watermark": start if plan.trigger else None,
        "submitted_at": at,
        "started_at": None if start > at else at,
        "quota_week": await quota.take(shop.id, at) if plan.kind is PlanKind.ONE_TIME else None,
    }


async def _definition(segment_id: int | None) -> str | None:
    """The segment's definition as it is now, to be pinned; None without a segment."""
    pinned = await Segment.get_or_none(id=segment_id) if segment_id else None
    return orjson.dumps(pinned.definition).decode() if pinned else None


async def _check_sendable(
    plan: PlanRow, shop: Shop, wanted: datetime | None, at: datetime, deadline_after: timedelta
) -> None:
    """Refuse what cannot start at the `wanted` time.

    Its segment and coupons are locked first, so that it is not archived and none ends meanwhile.
    """
    tried = plan.decided.experiment
    problems = check_schedule(wanted, at) + experiment.check_time(tried, deadline_after)
    if problems:
        raise Refused(problems)
    if plan.segment_id is not None:
        await segment.hold(plan.segment_id)
    for coupon_id in sorted({each for each in experiment.coupon_ids(plan.coupon_id, tried) if each is not None}):
        await coupon.hold(coupon_id)
    await check(shop, plan.decided, complete_at=max(wanted or at, at), kept=plan.decided)
