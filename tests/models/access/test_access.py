"""Access by score: what a shop may do, what happens when that changes, and that it is kept (R1, R2)."""

import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import access, database, quota, sending
from models.access import AccessReason, AccessState, decision, may_email
from models.clock import Clock, now
from models.errors import ErrorCode, Refused
from models.ingest import ingest_shops
from models.page import Page
from models.plan import Plan, PlanAction, PlanChannel, PlanKind, PlanStatus, advance, permission
from models.plan import history as plan_history
from models.shop import Shop
from tests.automation import make_automated
from tests.conftest import NOON
from tests.factories import DEADLINE, TEXTS, make_customers, make_draft, make_resolved, make_running, make_shop
from tests.outside import Outside
from tests.refusals import refusal
from tests.slices import hold
from tests.waiting import until_locks_are_waited_for_by

SCORES = st.decimals(0, 5, places=2)


@given(SCORES)
def test_a_score_of_3_and_a_half_is_eligible_of_3_frozen_and_of_less_revoked(score):
    expected = "ELIGIBLE" if score * 2 >= 7 else "FROZEN" if score >= 3 else "REVOKED"
    assert access.access(score).state == expected


@pytest.mark.parametrize(
    ("score", "state", "reason"),
    [
        ("3.50", AccessState.ELIGIBLE, AccessReason.SCORE_AT_LEAST_3_5),
        ("3.49", AccessState.FROZEN, AccessReason.SCORE_BELOW_3_5),
        ("3.00", AccessState.FROZEN, AccessReason.SCORE_BELOW_3_5),
        ("2.99", AccessState.REVOKED, AccessReason.SCORE_BELOW_3),
    ],
)
def test_the_borders_of_the_states_are_exact(score, state, reason):
    assert access.access(Decimal(score)) == access.Access(state, reason)


def test_a_shop_without_a_score_is_frozen_and_says_so():
    assert access.access(None) == access.Access(AccessState.FROZEN, AccessReason.NO_SCORE)


@given(st.none() | SCORES, st.none() | st.integers(0, 10**9))
def test_email_needs_a_score_of_3_and_a_half_and_a_gmv(score, gmv):
    assert may_email(score, gmv) == (score is not None and score >= Decimal("3.5") and bool(gmv))


@given(
    st.sampled_from(PlanAction), st.sampled_from([None, *PlanChannel]), st.none() | SCORES, st.none() | st.integers(0)
)
def test_what_a_refusal_says_names_its_rule_and_only_growth_needs_access(action, channel, score, gmv):
    found = permission.refusals(action, channel, score, gmv)

    assert {problem.rule for problem in found} <= {"R1", "R2"}
    if action in (PlanAction.PAUSE, PlanAction.CANCEL, PlanAction.DELETE):
        assert found == []


async def _score(shop: Shop, score: str | None, gmv: int | None = 1) -> list[int]:
    """Write a score as the platform does: with its consequences in the same transaction."""
    async with database.transaction():
        await Shop.filter(id=shop.id).update(score=score and Decimal(score), gmv=gmv)
        return await decision.recompute([shop.id], now())


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("score", "code"),
    [("3.40", ErrorCode.ACCESS_FROZEN), ("2.10", ErrorCode.ACCESS_REVOKED), (None, ErrorCode.ACCESS_FROZEN)],
)
async def test_a_shop_that_is_not_eligible_creates_changes_submits_and_duplicates_nothing(score, code):
    shop = await make_shop()
    plan = await make_draft(shop)
    await _score(shop, score)

    assert (await refusal(make_draft(shop, name="Another")))[1] is code
    assert (await refusal(plan.edit(shop, lambda decided: decided)))[1] is code
    assert (await refusal(plan.submit(shop, send_at=None, deadline_after=DEADLINE)))[1] is code
    assert (await refusal(plan.duplicate(shop, actor="anna")))[1] is code
    assert [(each.id, each.status, each.name) for each in await Plan.all()] == [(plan.id, PlanStatus.DRAFT, plan.name)]


@pytest.mark.usefixtures("database")
async def test_in_a_frozen_shop_what_is_submitted_goes_on_and_may_be_cancelled():
    shop = await make_shop()
    running, later = await make_running(shop), await make_draft(shop)
    await later.submit(shop, send_at=now() + timedelta(hours=1), deadline_after=DEADLINE)

    assert await _score(shop, "3.20") == []

    assert PlanStatus.ONGOING is (await Plan.get(id=running.id)).status
    assert await advance.start(later.id)
    assert PlanStatus.CANCELLED is (await running.cancel()).status


@pytest.mark.usefixtures("database")
async def test_a_revoked_shops_one_time_plans_pause_and_give_their_slices_up():
    shop = await make_shop()
    await make_customers(shop, 3)
    running = await make_resolved(shop, channel=PlanChannel.EMAIL)
    later, draft = await make_draft(shop), await make_draft(shop)
    await later.submit(shop, send_at=now() + timedelta(hours=1), deadline_after=DEADLINE)
    await database.execute("UPDATE slice SET token = gen_random_uuid()")

    assert await _score(shop, "2.90") == [running.id, later.id]

    states = {plan.id: f"{plan.status} {plan.status_reason}" for plan in await Plan.all()}
    assert states == {
        running.id: f"PAUSED {decision.REVOKED_REASON}", later.id: f"PAUSED {decision.REVOKED_REASON}",
        draft.id: "DRAFT None",
    }  # fmt: skip
    assert await database.fetch_value("SELECT count(*) FROM slice WHERE token IS NOT NULL") == 0


@pytest.mark.usefixtures("database")
async def test_a_revoked_shops_automated_plans_are_deleted_for_good_and_kept_in_the_trail():
    shop = await make_shop()
    plan = await make_running(shop)
    await Plan.filter(id=plan.id).update(kind=PlanKind.AUTOMATED)

    await _score(shop, "2.00")
    await _score(shop, "4.00")

    await plan.refresh_from_db()
    assert PlanStatus.DELETED is plan.status
    [[entry, *_]] = await plan_history.histories([(plan.id, Page(plan_history.NEWEST_FIRST))])
    assert (entry.action, entry.status_from, entry.actor, entry.reason) == (
        PlanAction.REVOKE, PlanStatus.ONGOING, plan_history.SYSTEM, decision.REVOKED_REASON,
    )  # fmt: skip
    assert (await refusal(plan.resume(shop)))[1] is ErrorCode.ILLEGAL_TRANSITION


@pytest.mark.usefixtures("database")
async def test_nothing_resumes_by_itself_when_access_returns_but_the_seller_may(clock: Clock):
    shop = await make_shop()
    plan = await make_running(shop)
    await _score(shop, "2.90")
    assert (await refusal(plan.resume(shop)))[1] is ErrorCode.ACCESS_REVOKED

    clock.move(timedelta(days=2))
    await _score(shop, "3.60")
    await plan.refresh_from_db()
    assert PlanStatus.PAUSED is plan.status

    deadline = plan.deadline
    assert deadline is not None
    resumed = await plan.resume(shop, actor="anna")
    assert PlanStatus.ONGOING is resumed.status and resumed.status_reason is None
    assert resumed.deadline == deadline + timedelta(days=2)


@pytest.mark.usefixtures("database")
async def test_a_plan_that_was_paused_before_its_time_waits_for_it_again_or_starts_late(clock: Clock):
    shop = await make_shop()
    early, late = await make_draft(shop), await make_draft(shop)
    for plan, hours in ((early, 50), (late, 2)):
        await plan.submit(shop, send_at=now() + timedelta(hours=hours), deadline_after=DEADLINE)
        assert await plan.pause()

    clock.move(timedelta(hours=10))
    await early.resume(shop)
    await late.resume(shop)

    assert (early.status, early.deadline) == (PlanStatus.SCHEDULED, NOON + timedelta(hours=50) + DEADLINE)
    assert (late.status, late.started_at, late.deadline) == (PlanStatus.ONGOING, now(), now() + DEADLINE)


@pytest.mark.usefixtures("database")
async def test_of_submits_and_a_revocation_at_once_none_is_under_way_afterwards():
    shop = await make_shop()
    for _ in range(5):
        await _score(shop, "4.50")
        drafts = [await make_draft(shop) for _ in range(8)]
        submits = [plan.submit(shop, send_at=None, deadline_after=DEADLINE) for plan in drafts]
        outcomes = await asyncio.gather(*submits[:4], _score(shop, "1.00"), *submits[4:], return_exceptions=True)

        assert all(isinstance(outcome, Plan | list | Refused) for outcome in outcomes)
        assert not await Plan.filter(status=PlanStatus.ONGOING).exists()
        await Plan.filter(status=PlanStatus.PAUSED).update(quota_week=None)
        await database.execute("DELETE FROM quota_week")


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("channel", [PlanChannel.EMAIL, PlanChannel.CHAT_THEN_EMAIL])
async def test_a_shop_without_gmv_keeps_and_submits_no_email_plans_but_chat_ones(channel):
    shop = await make_shop()
    plan = await make_draft(shop, channel=channel)
    await _score(shop, "4.50", gmv=0)

    assert (await refusal(make_draft(shop, channel=channel)))[1] is ErrorCode.EMAIL_NOT_ALLOWED
    assert (await refusal(plan.submit(shop, send_at=None, deadline_after=DEADLINE)))[1] is ErrorCode.EMAIL_NOT_ALLOWED
    assert PlanStatus.DRAFT is (await Plan.get(id=plan.id)).status
    assert PlanStatus.DRAFT is (await make_draft(shop, content={"texts": TEXTS})).status


@pytest.mark.usefixtures("database")
async def test_every_change_of_access_is_kept_with_what_led_to_it_and_repeating_changes_nothing():
    shop = await make_shop(score=None)
    for score in (None, "4.00", "4.20", "3.30", "3.30", "1.00"):
        await _score(shop, score)

    changes = await decision.history(shop.id, Page(decision.NEWEST_FIRST))

    assert [(change.state_from, change.state_to, change.score) for change in changes] == [
        (AccessState.FROZEN, AccessState.REVOKED, Decimal("1.00")),
        (AccessState.ELIGIBLE, AccessState.FROZEN, Decimal("3.30")),
        (AccessState.FROZEN, AccessState.ELIGIBLE, Decimal("4.00")),
        (None, AccessState.FROZEN, None),
    ]
    assert await decision.count(shop.id) == 4


@pytest.mark.usefixtures("database")
async def test_losing_the_gmv_is_a_change_too_because_email_goes_with_it():
    shop = await make_shop()
    await _score(shop, "4.50", gmv=100)
    await _score(shop, "4.50", gmv=0)

    newest = (await decision.history(shop.id, Page(decision.NEWEST_FIRST)))[0]
    assert (newest.state_to, newest.may_email, newest.gmv) == (AccessState.ELIGIBLE, False, 0)


@pytest.mark.usefixtures("database")
async def test_each_shop_is_due_once_a_day_and_the_day_begins_at_utc_minus_4(clock: Clock):
    shop = await make_shop()
    clock.freeze(now().replace(hour=3, minute=59))
    assert await decision.due(now(), 10) == [shop.id]

    await decision.recompute([shop.id], now())
    assert await decision.due(now(), 10) == []
    clock.move(timedelta(minutes=1))
    assert await decision.due(now(), 10) == [shop.id]


@pytest.mark.usefixtures("database")
async def test_a_score_that_the_platform_writes_has_its_consequences_at_once():
    row = {
        "externalId": "bloom", "name": "Bloom", "currency": "USD", "timeZone": "UTC", "defaultLanguage": "en",
        "score": 4.5, "gmv": 100, "gmvDays": 30, "tier": "T2",
    }  # fmt: skip
    await ingest_shops([row])
    shop = await Shop.get(external_id="bloom")
    plan = await make_running(shop)

    await ingest_shops([{**row, "score": 2.99}])

    assert PlanStatus.PAUSED is (await Plan.get(id=plan.id)).status
    assert [change.state_to for change in await decision.history(shop.id, Page(decision.NEWEST_FIRST))] == [
        "REVOKED", "ELIGIBLE",
    ]  # fmt: skip
    assert (await quota.quota(shop.id, now())).tier.name == "T2"


@pytest.mark.usefixtures("database")
async def test_a_tier_that_is_none_is_refused_and_nothing_is_written():
    row = {"externalId": "b", "name": "B", "currency": "USD", "timeZone": "UTC", "defaultLanguage": "en", "tier": "T9"}

    [result] = await ingest_shops([row])

    assert [problem.field for problem in result.problems] == [("tier",)] and "T1, T2" in result.problems[0].message
    assert await Shop.all().count() == 0


@pytest.mark.usefixtures("database")
async def test_a_shop_is_revoked_while_all_sending_is_stopped_and_neither_waits_for_the_other_in_a_circle():
    shop = await make_shop()
    await make_customers(shop, 1)
    automated = await make_automated(shop, "WELCOME_FOLLOWER")
    sent_once = await make_resolved(shop, channel=PlanChannel.EMAIL)
    await hold(sent_once)
    await database.execute(
        "INSERT INTO slice (plan_id, number, channel, due_at, token) VALUES ($1, 1, 'CHAT', $2, gen_random_uuid())",
        automated.id, now(),
    )  # fmt: skip
    outside = Outside()

    async with database.transaction():
        await database.execute("SELECT FROM plan WHERE id = $1 FOR UPDATE", automated.id)
        stopping = outside.begin(sending.stop("a leak", actor="test"))
        await until_locks_are_waited_for_by(1)
        revoking = outside.begin(_score(shop, "2.9"))
        await until_locks_are_waited_for_by(2)

    assert sorted(await revoking) == sorted([automated.id, sent_once.id])
    assert (await stopping).reason == "a leak"
    assert await database.fetch_value("SELECT count(token) FROM slice") == 0
