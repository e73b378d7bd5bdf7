"""Submitting a plan while what it needs is taken away: one of both happens, and the other is refused (R8, R10)."""

from datetime import timedelta

import pytest

from models import database
from models.clock import now
from models.errors import ErrorCode
from models.plan import Plan, PlanStatus
from models.segment import Segment
from models.shop import Shop
from tests.factories import DEADLINE, make_draft, make_shop
from tests.outside import Outside
from tests.refusals import refusal
from tests.waiting import until_a_lock_is_waited_for

pytestmark = pytest.mark.usefixtures("database")


async def _draft_to_own_segment(shop: Shop) -> tuple[Plan, Segment]:
    preset = await Segment.get(shop_id=shop.id, preset="REPEAT")
    own = await preset.duplicate(shop, name="Regulars", actor="anna")
    return await make_draft(shop, segment_id=own.id), own


async def test_a_segment_is_not_archived_under_a_plan_that_is_being_scheduled():
    shop = await make_shop()
    plan, own = await _draft_to_own_segment(shop)
    outside = Outside()

    async with database.transaction():
        await plan.submit(shop, send_at=now() + timedelta(hours=1), deadline_after=DEADLINE)
        archiving = outside.begin(own.archive())
        await until_a_lock_is_waited_for(unless=archiving)

    assert await refusal(archiving) == ("id", ErrorCode.CONFLICT)
    assert (await Segment.get(id=own.id)).archived_at is None


async def test_a_plan_is_not_submitted_to_a_segment_that_is_being_archived():
    shop = await make_shop()
    plan, own = await _draft_to_own_segment(shop)
    outside = Outside()

    async with database.transaction():
        await own.archive()
        submit = plan.submit(shop, send_at=now() + timedelta(hours=1), deadline_after=DEADLINE)
        submitting = outside.begin(submit)
        await until_a_lock_is_waited_for(unless=submitting)

    assert await refusal(submitting) == ("segmentId", ErrorCode.NOT_FOUND)
    assert PlanStatus.DRAFT is (await Plan.get(id=plan.id)).status
    assert await database.fetch_value("SELECT coalesce(sum(used), 0) FROM quota_week") == 0
