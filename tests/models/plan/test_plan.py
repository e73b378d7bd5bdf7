"""Plans: what a draft may hold, how a plan moves, and what is refused without a trace (R8, R10)."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from functools import partial
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import database as db
from models import delivery, intent
from models import slice as slices
from models.clock import Clock, now
from models.delivery import DeliveryState
from models.errors import ErrorCode, Refused
from models.experiment import Experiment, ExperimentMetric, Variant
from models.plan import TRANSITIONS, Plan, PlanChannel, PlanStatus, advance, check_name
from models.progress import progress
from models.segment import Segment
from tests.automation import welcome
from tests.factories import DEADLINE, make_coupon, make_customers, make_draft, make_resolved, make_running, make_shop
from tests.refusals import refusals
from tests.slices import hold, make_worker, settled


@given(st.integers(1, 100))
def test_a_name_of_1_to_100_words_is_fine(words):
    assert check_name(" ".join(["word"] * words)) == []


@pytest.mark.parametrize("name", ["", "   ", "\u200b", "\u2060 \u3164", "word " * 101, "x" * 1001])
def test_an_empty_or_endless_name_is_refused(name):
    assert [problem.field[0] for problem in check_name(name)] == ["name"]


def test_every_state_has_its_moves_a_sent_plan_may_be_tried_again_and_a_deleted_one_has_none():
    assert set(PlanStatus) == set(TRANSITIONS)
    assert TRANSITIONS[PlanStatus.SENT] == {PlanStatus.ONGOING}
    assert not TRANSITIONS[PlanStatus.DELETED]


@pytest.mark.usefixtures("database")
async def test_a_draft_is_kept_and_edited_until_it_is_submitted():
    shop = await make_shop()
    plan = await make_draft(shop)
    segment = await Segment.get(shop_id=shop.id, preset="RECENT")
    other = (await make_draft(shop, name="Other words", segment_id=segment.id)).content

    assert (plan.status, plan.created_by) == (PlanStatus.DRAFT, "anna")
    assert other == plan.content


@pytest.mark.usefixtures("database")
async def test_a_draft_with_a_foreign_segment_or_unknown_products_is_refused_and_not_kept():
    shop, other = await make_shop(), await make_shop("other")
    foreign = await Segment.get(shop_id=other.id, preset="REPEAT")

    with pytest.raises(Refused) as refusal:
        await make_draft(shop, segment_id=foreign.id, product_ids=[uuid4()], name=" ")

    codes = {".".join(problem.field): problem.code for problem in refusal.value.problems}
    assert codes == {
        "name": ErrorCode.INVALID, "segmentId": ErrorCode.NOT_FOUND, "productIds.0": ErrorCode.NOT_FOUND,
    }  # fmt: skip
    assert await Plan.all().count() == 0


@pytest.mark.usefixtures("database")
async def test_a_submitted_plan_keeps_its_segments_definition_and_has_a_deadline():
    shop = await make_shop()
    plan = await make_draft(shop)

    await plan.submit(shop, send_at=None, deadline_after=DEADLINE)

    segment = await Segment.get(id=plan.segment_id)
    assert (PlanStatus.ONGOING, segment.definition, now() + DEADLINE) == (plan.status, plan.definition, plan.deadline)


@pytest.mark.usefixtures("database")
async def test_a_plan_without_text_in_the_shops_language_cannot_be_submitted():
    shop = await make_shop(default_language="ja")
    plan = await make_draft(shop)

    with pytest.raises(Refused) as refusal:
        await plan.submit(shop, send_at=None, deadline_after=DEADLINE)

    assert ErrorCode.MISSING_CONTENT in {problem.code for problem in refusal.value.problems}
    assert PlanStatus.DRAFT is (await Plan.get(id=plan.id)).status


@pytest.mark.usefixtures("database")
async def test_a_draft_whose_segment_was_archived_is_edited_but_submitted_only_with_another():
    shop = await make_shop()
    preset = await Segment.get(shop_id=shop.id, preset="REPEAT")
    own = await preset.duplicate(shop, name="Regulars", actor="anna")
    plan = await make_draft(shop, segment_id=own.id)
    await own.archive()

    await plan.edit(shop, lambda said: replace(said, name="Autumn"))
    assert (await Plan.get(id=plan.id)).name == "Autumn"
    no_such = [("segmentId", ErrorCode.NOT_FOUND)]
    assert await refusals(plan.submit(shop, send_at=None, deadline_after=DEADLINE)) == no_such
    other = await make_draft(shop)
    assert await refusals(other.edit(shop, lambda said: replace(said, segment_id=own.id))) == no_such
    kept = {each.id: (each.status, each.segment_id) for each in await Plan.all()}
    assert kept == {plan.id: (PlanStatus.DRAFT, own.id), other.id: (PlanStatus.DRAFT, preset.id)}

    await plan.edit(shop, lambda said: replace(said, segment_id=preset.id))
    await plan.submit(shop, send_at=None, deadline_after=DEADLINE)
    assert PlanStatus.ONGOING is plan.status


SAYS_COUPON = {"texts": {"en": {"text": "{hasCoupon, select, yes {Take {coupon} off} other {}}"}}}


@pytest.mark.usefixtures("database")
async def test_a_text_about_a_coupon_alone_is_kept_but_not_submitted_until_one_comes_with_it():
    shop = await make_shop()
    plan = await make_draft(shop, content=SAYS_COUPON)

    assert await refusals(plan.submit(shop, send_at=None, deadline_after=DEADLINE)) == [
        ("texts.en.text", ErrorCode.MISSING_CONTENT)
    ]
    assert PlanStatus.DRAFT is (await Plan.get(id=plan.id)).status

    coupon = await make_coupon(shop)
    await plan.edit(shop, lambda said: replace(said, coupon_id=coupon.id))
    await plan.submit(shop, send_at=None, deadline_after=DEADLINE)
    assert PlanStatus.ONGOING is plan.status


@pytest.mark.usefixtures("database")
async def test_each_variant_says_something_with_its_own_coupon_or_none():
    shop = await make_shop()
    coupon = await make_coupon(shop)
    without = Variant(coupon_id=None, has_own_coupon=True)
    plan = await make_draft(
        shop, content=SAYS_COUPON, coupon_id=coupon.id, experiment=Experiment((without,), 20, ExperimentMetric.CLICK, 4)
    )
    submit = partial(plan.submit, shop, send_at=None, deadline_after=DEADLINE)

    assert await refusals(submit()) == [("texts.en.text", ErrorCode.MISSING_CONTENT)]

    told = replace(without, content={"texts": {"en": {"text": "Look!"}}})
    await plan.edit(shop, lambda said: replace(said, experiment=Experiment((told,), 20, ExperimentMetric.CLICK, 4)))
    await submit()
    assert PlanStatus.ONGOING is plan.status


@pytest.mark.usefixtures("database")
async def test_a_text_about_a_smart_coupon_alone_is_refused_since_some_customers_have_none():
    shop = await make_shop()
    plan = await make_draft(shop, content=SAYS_COUPON, automation=welcome(has_smart_coupon=True), segment_id=None)

    assert await refusals(plan.submit(shop, send_at=None, deadline_after=DEADLINE)) == [
        ("texts.en.text", ErrorCode.MISSING_CONTENT)
    ]
    assert PlanStatus.DRAFT is (await Plan.get(id=plan.id)).status


@pytest.mark.usefixtures("database")
async def test_an_email_plan_needs_a_subject_before_it_is_submitted():
    shop = await make_shop()
    plan = await make_draft(shop, channel=PlanChannel.EMAIL, content={"texts": {"en": {"text": "Hi"}}})

    with pytest.raises(Refused):
        await plan.submit(shop, send_at=None, deadline_after=DEADLINE)

    assert PlanStatus.DRAFT is (await Plan.get(id=plan.id)).status


@pytest.mark.usefixtures("database")
async def test_of_fifty_submits_at_once_one_succeeds():
    shop = await make_shop()
    plan = await make_draft(shop)

    async def submit() -> bool:
        try:
            await (await Plan.get(id=plan.id)).submit(shop, send_at=None, deadline_after=DEADLINE)
        except Refused:
            return False
        return True

    assert sum(await asyncio.gather(*(submit() for _ in range(50)))) == 1


@pytest.mark.usefixtures("database")
async def test_a_submitted_plan_cannot_be_edited():
    shop = await make_shop()
    plan = await make_running(shop)
    draft_of_other = await make_draft(shop, name="Another name")

    with pytest.raises(Refused) as refusal:
        await plan.edit(shop, lambda _: _draft(draft_of_other))

    assert ErrorCode.ILLEGAL_TRANSITION is refusal.value.problems[0].code
    assert (await Plan.get(id=plan.id)).name == "Spring greetings"


@pytest.mark.usefixtures("database")
async def test_of_two_edits_of_a_draft_at_once_neither_takes_back_the_other():
    shop = await make_shop()
    plan = await make_draft(shop)
    one, other = await Plan.get(id=plan.id), await Plan.get(id=plan.id)

    await asyncio.gather(
        one.edit(shop, lambda decided: replace(decided, name="Renamed")),
        other.edit(shop, lambda decided: replace(decided, holdout_percent=5)),
    )

    edited = await Plan.get(id=plan.id)
    assert (edited.name, edited.holdout_percent) == ("Renamed", 5)


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("off", [timedelta(days=-365), timedelta(minutes=-5, microseconds=-1), timedelta(days=367)])
async def test_a_time_in_the_past_or_beyond_a_year_is_refused_at_the_submit_and_nothing_changed(off: timedelta):
    shop = await make_shop()
    plan = await make_draft(shop)
    before = await db.fetch("SELECT * FROM plan")

    with pytest.raises(Refused) as refusal:
        await plan.submit(shop, send_at=now() + off, deadline_after=DEADLINE)

    assert [problem.field for problem in refusal.value.problems] == [("sendAt",)]
    assert await db.fetch("SELECT * FROM plan") == before
    assert await db.fetch_value("SELECT count(*) FROM quota_week WHERE used > 0") == 0


@pytest.mark.usefixtures("database")
async def test_a_time_that_clocks_may_differ_by_means_now():
    shop = await make_shop()
    plan = await make_draft(shop)

    await plan.submit(shop, send_at=now() - timedelta(minutes=5), deadline_after=DEADLINE)

    assert (plan.status, plan.send_at) == (PlanStatus.ONGOING, now())


@pytest.mark.usefixtures("database")
async def test_a_draft_for_a_time_in_the_past_is_neither_kept_nor_changed_to_and_the_refusal_tells_both_times():
    shop = await make_shop()
    plan, past = await make_draft(shop), now() - timedelta(days=365)

    with pytest.raises(Refused) as made:
        await make_draft(shop, send_at=past)
    with pytest.raises(Refused) as changed:
        await plan.edit(shop, lambda decided: replace(decided, send_at=past))

    for refusal in (made, changed):
        [problem] = refusal.value.problems
        assert (problem.field, problem.code) == (("sendAt",), ErrorCode.IN_PAST)
        assert "2025-01-15T12:00:00Z is past: it is 2026-01-15T12:00:00Z now" in problem.message
    assert [(each.id, each.send_at) for each in await Plan.all()] == [(plan.id, None)]


@pytest.mark.usefixtures("database")
async def test_a_draft_whose_time_has_passed_can_be_edited_and_duplicated_but_goes_only_with_another_time(clock: Clock):
    shop = await make_shop()
    plan = await make_draft(shop, send_at=now() + timedelta(hours=1))
    clock.move(timedelta(hours=2))

    await plan.edit(shop, lambda decided: replace(decided, name="Renamed"))
    with pytest.raises(Refused) as refusal:
        await plan.submit(shop, send_at=None, deadline_after=DEADLINE)
    copy = await plan.duplicate(shop, actor="anna")
    again = await Plan.get(id=plan.id)
    assert (again.status, again.name) == (PlanStatus.DRAFT, "Renamed")
    await again.submit(shop, send_at=now() + timedelta(hours=1), deadline_after=DEADLINE)

    assert [problem.code for problem in refusal.value.problems] == [ErrorCode.IN_PAST]
    assert (copy.send_at, again.status) == (None, PlanStatus.SCHEDULED)


@pytest.mark.usefixtures("database")
async def test_cancelling_a_scheduled_plan_ends_it_at_once_and_a_second_time_is_refused():
    shop = await make_shop()
    plan = await make_draft(shop)
    await plan.submit(shop, send_at=now() + timedelta(hours=3), deadline_after=DEADLINE)

    await plan.cancel()
    assert PlanStatus.CANCELLED is plan.status
    with pytest.raises(Refused) as refusal:
        await plan.cancel()

    assert "allowed: duplicate, delete." in refusal.value.problems[0].message


@pytest.mark.usefixtures("database")
async def test_cancelling_turns_what_waits_into_cancelled_and_leaves_what_is_sent():
    shop = await make_shop()
    await make_customers(shop, 3)
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)
    await db.execute(
        "UPDATE delivery SET state = 'SENT' WHERE customer_id = (SELECT customer_id FROM delivery ORDER BY 1 LIMIT 1)"
    )

    await plan.cancel()

    rows = await db.fetch("SELECT state, count(*) FROM delivery GROUP BY 1 ORDER BY 1")
    assert [tuple(row) for row in rows] == [("SENT", 1), ("CANCELLED", 2)]
    assert PlanStatus.CANCELLED is plan.status


@pytest.mark.usefixtures("database")
async def test_a_plan_of_very_many_slices_is_cancelled_some_at_a_time_those_of_workers_first(
    monkeypatch: pytest.MonkeyPatch,
):
    async def states() -> dict[str, int]:
        told = await progress(plan.id)
        assert told is not None
        return {str(each.state): each.count for each in told.counts}

    monkeypatch.setattr(slices, "SLICE_SIZE", 2)
    monkeypatch.setattr(delivery, "ENDED_AT_ONCE", 1)
    shop = await make_shop()
    await make_customers(shop, 8)
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)
    _, (first, _) = await hold(plan, 3)
    _, (second, _) = await hold(plan, 4)
    await intent.commit([], [first])

    await plan.cancel()

    assert plan.status is PlanStatus.CANCELLING
    assert await states() == {"CANCELLED": 1, "COMMITTING": 1, "PENDING": 6}
    assert await intent.commit([], [second]) == [None]
    assert await slices.acquire(plan.id, 1, await make_worker(), uuid4()) is None
    assert not await advance.conclude(plan.id)
    assert await states() == {"CANCELLED": 7, "COMMITTING": 1}
    await intent.commit([settled(first, DeliveryState.SENT)], [])
    assert await advance.conclude(plan.id)
    assert await states() == {"CANCELLED": 7, "SENT": 1}
    assert (await Plan.get(id=plan.id)).status is PlanStatus.CANCELLED


@pytest.mark.usefixtures("database")
async def test_a_plan_of_which_messages_wait_is_not_cancelled_yet(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(slices, "SLICE_SIZE", 1)
    monkeypatch.setattr(delivery, "ENDED_AT_ONCE", 1)
    shop = await make_shop()
    await make_customers(shop, 3)
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)

    await plan.cancel()

    assert not await advance.finish_cancelling(plan.id)
    assert (await Plan.get(id=plan.id)).status is PlanStatus.CANCELLING
    assert await advance.conclude(plan.id)
    assert (await Plan.get(id=plan.id)).status is PlanStatus.CANCELLED
    assert {row["state"] for row in await db.fetch("SELECT state FROM delivery")} == {"CANCELLED"}


@pytest.mark.usefixtures("database")
async def test_a_plan_with_a_message_in_flight_is_cancelling_until_it_has_landed():
    shop = await make_shop()
    await make_customers(shop, 3)
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)
    one = "customer_id = (SELECT customer_id FROM delivery ORDER BY 1 LIMIT 1)"
    await db.execute("UPDATE slice SET token = gen_random_uuid(), worker_id = gen_random_uuid()")
    await db.execute(f"UPDATE delivery SET state = 'COMMITTING' WHERE {one}")

    await plan.cancel()
    assert PlanStatus.CANCELLING is plan.status
    await db.execute(f"UPDATE delivery SET state = 'SENT' WHERE {one}")

    assert await advance.finish_cancelling(plan.id)
    assert PlanStatus.CANCELLED is (await Plan.get(id=plan.id)).status


@pytest.mark.usefixtures("database")
async def test_a_paused_plan_gives_its_slices_up():
    shop = await make_shop()
    await make_customers(shop, 3)
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)
    await db.execute("UPDATE slice SET token = gen_random_uuid()")

    assert await advance.pause(plan.id, "BY_SELLER")

    assert await db.fetch_value("SELECT count(*) FROM slice WHERE token IS NOT NULL") == 0
    assert not await advance.pause(plan.id, "BY_SELLER")


def _draft(plan: Plan):
    from models.plan import PlanDraft

    return PlanDraft(plan.name, plan.channel, plan.segment_id or 0, plan.content)
