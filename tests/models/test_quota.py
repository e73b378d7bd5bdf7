"""The weekly quota: when it refreshes, who takes it, who gives it back, and how rewards are earned (R17)."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import consent, database, quota, tier
from models.clock import Clock, now
from models.errors import ErrorCode, Refused
from models.plan import Plan, PlanChannel, PlanStatus, advance
from models.quota import Engagement, Reward, day_of, rewards, start_of, week_of
from models.shop import Shop
from models.tier import terms
from tests.factories import DEADLINE, make_customers, make_draft, make_resolved, make_running, make_shop

INSTANTS = st.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))


@given(INSTANTS)
def test_a_week_begins_on_monday_at_4_utc_all_year_round_and_lasts_7_days(at):
    week = week_of(at)
    begins = start_of(week)

    assert (week.weekday(), begins.hour, begins.minute) == (0, 4, 0)
    assert begins <= at < begins + timedelta(days=7)
    assert start_of(day_of(at)) <= at < start_of(day_of(at)) + timedelta(days=1)


def test_every_monday_of_a_year_with_two_changes_of_summer_time_is_a_border():
    for number in range(53):
        monday = datetime(2026, 1, 5, 4, tzinfo=UTC) + timedelta(weeks=number)
        assert week_of(monday) == monday.date()
        assert week_of(monday - timedelta(microseconds=1)) == monday.date() - timedelta(days=7)


def test_a_turn_of_the_year_does_not_split_a_week():
    assert (
        week_of(datetime(2026, 1, 1, tzinfo=UTC)) == date(2025, 12, 29) == week_of(datetime(2025, 12, 31, tzinfo=UTC))
    )


@pytest.mark.usefixtures("database")
async def test_a_submit_takes_one_and_the_last_one_is_the_last():
    shop = await make_shop(gmv=500_00)
    for used in range(3):
        assert (await quota.quota(shop.id, now())).left == 3 - used
        plan = await make_running(shop)
        assert plan.quota_week == week_of(now())

    draft = await make_draft(shop)
    with pytest.raises(Refused) as refusal:
        await draft.submit(shop, send_at=None, deadline_after=DEADLINE)

    problem = refusal.value.problems[0]
    assert (problem.code, problem.rule, "2026-01-19T04:00:00" in problem.message) == (
        ErrorCode.QUOTA_EXHAUSTED, "R17", True,
    )  # fmt: skip
    assert PlanStatus.DRAFT is (await Plan.get(id=draft.id)).status
    assert (await quota.quota(shop.id, now())).used == 3


@pytest.mark.usefixtures("database")
async def test_of_100_submits_at_once_with_one_left_one_wins():
    shop = await make_shop(gmv=500_00)
    await make_running(shop)
    await make_running(shop)
    drafts = [await make_draft(shop, name=f"Plan {number}") for number in range(100)]

    async def submit(plan: Plan) -> bool:
        try:
            await plan.submit(shop, send_at=None, deadline_after=DEADLINE)
        except Refused:
            return False
        return True

    assert sum(await asyncio.gather(*map(submit, drafts))) == 1
    assert (await quota.quota(shop.id, now())).used == 3
    assert await Plan.filter(status=PlanStatus.ONGOING).count() == 3


@pytest.mark.usefixtures("database")
async def test_a_new_week_begins_with_the_whole_quota_and_a_scheduled_plan_belongs_to_the_week_of_its_submit(
    clock: Clock,
):
    shop = await make_shop(gmv=500_00)
    plan = await make_draft(shop)
    await plan.submit(shop, send_at=now() + timedelta(days=10), deadline_after=DEADLINE)

    clock.freeze((await quota.quota(shop.id, now())).refreshes_at - timedelta(seconds=1))
    assert (await quota.quota(shop.id, now())).left == 2
    clock.move(timedelta(seconds=1))
    assert (await quota.quota(shop.id, now())).left == 3

    await plan.cancel()
    assert (await quota.quota(shop.id, now())).left == 3
    assert await database.fetch_value("SELECT used FROM quota_week WHERE week = '2026-01-12'") == 0


@pytest.mark.usefixtures("database")
async def test_cancelling_before_the_first_message_gives_the_place_back_once():
    shop = await make_shop()
    await make_customers(shop, 2)
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)

    await plan.cancel()
    assert (plan.status, plan.quota_week) == (PlanStatus.CANCELLED, None)
    async with database.transaction():
        assert not await quota.give_back(plan.id)

    assert (await quota.quota(shop.id, now())).used == 0


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("left", ["SENT", "UNKNOWN"])
async def test_what_has_left_or_may_have_is_not_given_back(left):
    shop = await make_shop()
    await make_customers(shop, 2)
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)
    await database.execute(
        "UPDATE delivery SET state = $1::delivery_state"
        " WHERE customer_id = (SELECT customer_id FROM delivery ORDER BY 1 LIMIT 1)",
        left,
    )

    await plan.cancel()

    assert (plan.status, plan.quota_week) == (PlanStatus.CANCELLED, week_of(now()))
    assert (await quota.quota(shop.id, now())).used == 1


@pytest.mark.usefixtures("database")
async def test_a_mail_that_came_back_had_left_and_its_plan_s_place_is_not_given_back():
    shop = await make_shop()
    await make_customers(shop, 2)
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)
    await database.execute(
        "UPDATE delivery SET state = 'FAILED', reason = '5.1.1', sent_at = $1"
        " WHERE customer_id = (SELECT customer_id FROM delivery ORDER BY 1 LIMIT 1)",
        now(),
    )

    await plan.cancel()

    assert (plan.status, plan.quota_week) == (PlanStatus.CANCELLED, week_of(now()))
    assert (await quota.quota(shop.id, now())).used == 1


@pytest.mark.usefixtures("database")
async def test_a_place_goes_back_to_its_own_shop_and_week_alone(clock: Clock):
    shop, other = await make_shop(), await make_shop("other")
    plan = await make_running(shop)
    await make_running(other)
    clock.move(timedelta(days=7))
    await make_running(shop)

    await plan.cancel()

    used = await database.fetch("SELECT shop_id, week, used FROM quota_week ORDER BY shop_id, week")
    assert [tuple(row) for row in used] == [
        (shop.id, date(2026, 1, 12), 0), (shop.id, date(2026, 1, 19), 1), (other.id, date(2026, 1, 12), 1),
    ]  # fmt: skip


@pytest.mark.usefixtures("database")
async def test_a_tier_without_one_time_plans_submits_not_even_the_first(monkeypatch):
    none = replace(terms(), tiers=tuple(replace(each, basic=0) for each in terms().tiers))
    monkeypatch.setattr(tier, "terms", lambda: none)
    shop = await make_shop()
    draft = await make_draft(shop)

    with pytest.raises(Refused) as refusal:
        await draft.submit(shop, send_at=None, deadline_after=DEADLINE)

    assert [each.code for each in refusal.value.problems] == [ErrorCode.QUOTA_EXHAUSTED]
    assert (await Plan.get(id=draft.id)).status is PlanStatus.DRAFT
    assert not await database.fetch_value("SELECT count(*) FROM quota_week")


@pytest.mark.usefixtures("database")
async def test_a_message_in_flight_decides_when_it_has_landed():
    shop = await make_shop()
    await make_customers(shop, 1)
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)
    await database.execute("UPDATE delivery SET state = 'COMMITTING'")
    await database.execute("UPDATE slice SET token = gen_random_uuid(), worker_id = gen_random_uuid()")
    await plan.cancel()
    assert (await quota.quota(shop.id, now())).used == 1

    await database.execute("UPDATE delivery SET state = 'FAILED'")

    assert await advance.finish_cancelling(plan.id)
    assert (await quota.quota(shop.id, now())).used == 0


@pytest.mark.usefixtures("database")
async def test_a_lower_tier_in_the_week_leaves_nothing_but_never_less_than_nothing():
    shop = await make_shop(gmv=300_000_00)
    for _ in range(5):
        await make_running(shop)

    await Shop.filter(id=shop.id).update(gmv=0)

    found = await quota.quota(shop.id, now())
    assert (found.tier.name, found.total, found.used, found.left) == ("T1", 3, 5, 0)


def _engagements(*rates: tuple[int, int]) -> list[Engagement]:
    """Shops of one tier with 1,000 sent messages and these (read, unsubscribed)."""
    return [Engagement(number, "T1", 1_000, read, left) for number, (read, left) in enumerate(rates, 1)]


def test_a_shop_that_beats_7_of_10_peers_is_rewarded_and_one_that_beats_6_is_not():
    found = rewards(_engagements(*((10 * number, 100 - number) for number in range(1, 12))))

    assert [found[number].for_reading for number in range(1, 12)] == [0] * 7 + [1] * 4
    assert [found[number].for_staying for number in range(1, 12)] == [0] * 7 + [1] * 4
    assert (found[8].read_beaten, found[8].peers) == (7, 10)


def test_a_tie_beats_nobody():
    found = rewards(_engagements(*[(500, 10)] * 6))
    assert {(reward.for_reading, reward.for_staying) for reward in found.values()} == {(0, 0)}


def test_rates_and_not_counts_are_compared():
    small = Engagement(99, "T1", 200, 199, 0)
    found = rewards([*_engagements(*[(900, 9)] * 5), small])
    assert (found[99].read_beaten, found[99].unsubscribe_beaten) == (5, 5)


def test_fewer_than_5_shops_in_a_tier_are_no_comparison_and_another_tier_is_none_either():
    best = Engagement(5, "T2", 1_000, 999, 0)
    found = rewards([*_engagements((1, 9), (2, 8), (3, 7), (4, 6)), best])

    assert (found[4].peers, found[4].read_beaten, found[4].for_reading) == (3, 3, 0)
    assert found[5].peers == 0 and not found[5].for_reading and not found[5].for_staying


def test_shops_that_sent_too_little_have_no_reward_and_are_nobodys_peers():
    quiet = Engagement(9, "T1", terms().least_sent - 1, 0, 0)
    found = rewards([*_engagements(*[(1, 1)] * 5), quiet])
    assert 9 not in found and found[1].peers == 4


@given(st.lists(st.tuples(st.integers(100, 2_000), st.floats(0, 1), st.floats(0, 1)), max_size=30))
def test_the_comparison_equals_counting_one_by_one(rates):
    figures = [
        Engagement(number, "T1", sent, int(sent * read), int(sent * left))
        for number, (sent, read, left) in enumerate(rates)
    ]
    found = rewards(figures)
    for one in figures:
        worse = [o for o in figures if Fraction(o.read, o.sent) < Fraction(one.read, one.sent)]
        leaving = [o for o in figures if Fraction(o.unsubscribed, o.sent) > Fraction(one.unsubscribed, one.sent)]
        assert found[one.shop_id] == Reward(
            len(figures) - 1, one.sent, one.read, one.unsubscribed, len(worse), len(leaving)
        )


async def _sent(shop: Shop, sent: int, read: int, left: int, *, days_ago: float = 1) -> None:
    """A finished plan of the shop, with so many messages sent and read, and customers lost, some days ago."""
    at = now() - timedelta(days=days_ago)
    plan = await make_draft(shop)
    await Plan.filter(id=plan.id).update(status=PlanStatus.SENT, started_at=at, finished_at=at)
    await database.execute(
        "INSERT INTO delivery (plan_id, customer_id, shop_id, state, channel, created_at, sent_at, read_at)"
        " SELECT $1, gen_random_uuid(), $2, 'SENT', 'CHAT', $3, $3,"
        " CASE WHEN n <= $5 THEN $3::timestamptz END"
        " FROM generate_series(1, $4) n",
        plan.id, shop.id, at, sent, read,
    )  # fmt: skip
    await database.execute(
        "INSERT INTO unsubscription SELECT gen_random_uuid(), $1, 'EMAIL', $2, $3 FROM generate_series(1, $4)",
        shop.id, at, plan.id, left,
    )  # fmt: skip


def test_where_no_peers_and_no_messages_are_asked_for_nobody_is_rewarded_for_being_alone(monkeypatch):
    monkeypatch.setattr(tier, "terms", lambda: replace(terms(), least_shops=1, least_sent=0))

    found = rewards([Engagement(1, "T1", 0, 0, 0), Engagement(2, "T1", 5, 5, 0)])

    assert {shop: (reward.for_reading, reward.for_staying) for shop, reward in found.items()} == {2: (0, 0)}


def test_where_two_shops_are_enough_for_a_comparison_one_peer_is(monkeypatch):
    monkeypatch.setattr(tier, "terms", lambda: replace(terms(), least_shops=2, least_sent=5))

    found = rewards([Engagement(1, "T1", 5, 4, 1), Engagement(2, "T1", 5, 5, 0)])

    assert {shop: (reward.for_reading, reward.for_staying) for shop, reward in found.items()} == {1: (0, 0), 2: (1, 1)}


@pytest.mark.usefixtures("database")
async def test_a_customer_who_blocks_a_shop_again_and_again_left_it_once(clock: Clock):
    shop = await make_shop(gmv=0)
    [fickle] = await make_customers(shop, 1)
    await _sent(shop, 100, 0, 0)
    for _ in range(5):
        await consent.block(shop.id, fickle)
        clock.move(timedelta(minutes=1))
        await consent.unblock(shop.id, fickle)

    await quota.recompute(now())

    assert (await quota.quota(shop.id, now())).reward.unsubscribed == 1


@pytest.mark.usefixtures("database")
async def test_rewards_are_computed_from_what_was_sent_in_28_days_among_shops_of_the_tier(clock: Clock):
    shops = [await make_shop(f"shop{number}", gmv=0) for number in range(6)]
    for number, shop in enumerate(shops):
        await _sent(shop, 100, 10 * number, 6 - number)
    await _sent(shops[5], 300, 0, 0, days_ago=28)
    await _sent(await make_shop("other", gmv=2_000_00), 100, 100, 0)

    await quota.recompute(now())
    await quota.recompute(now())

    best, fourth = await quota.quota(shops[5].id, now()), await quota.quota(shops[3].id, now())
    assert best.reward == Reward(peers=5, sent=100, read=50, unsubscribed=1, read_beaten=5, unsubscribe_beaten=5)
    assert (best.total, best.left) == (5, 5)
    assert (fourth.reward.read_beaten, fourth.total) == (3, 3)

    clock.move(timedelta(days=40))
    await quota.recompute(now())
    assert (await quota.quota(shops[5].id, now())).total == 3


@pytest.mark.usefixtures("database")
async def test_the_window_ends_with_the_moment_of_the_computation_and_begins_just_after_the_same_of_28_days_before():
    shop = await make_shop(gmv=0)
    moment = timedelta(microseconds=1) / timedelta(days=1)
    await _sent(shop, 100, 10, 2, days_ago=0)
    await _sent(shop, 200, 20, 3, days_ago=28 - moment)
    await _sent(shop, 400, 40, 4, days_ago=28)
    await _sent(shop, 800, 80, 5, days_ago=-moment)
    await database.execute("UPDATE plan SET finished_at = NULL")  # or those that ended before would not be looked at

    await quota.recompute(now())

    reward = (await quota.quota(shop.id, now())).reward
    assert (reward.sent, reward.read, reward.unsubscribed) == (300, 30, 5)


@pytest.mark.usefixtures("database")
async def test_what_came_back_after_it_was_sent_counts_neither_as_sent_nor_as_read():
    shop = await make_shop(gmv=0)
    await _sent(shop, 110, 20, 0)
    await database.execute(
        "UPDATE delivery SET state = 'FAILED' WHERE customer_id IN"
        " (SELECT customer_id FROM delivery ORDER BY read_at NULLS LAST LIMIT 10)"
    )

    await quota.recompute(now())

    reward = (await quota.quota(shop.id, now())).reward
    assert (reward.sent, reward.read) == (100, 10)


@pytest.mark.usefixtures("database")
async def test_a_reward_earned_in_one_tier_does_not_go_along_into_another():
    shops = [await make_shop(f"shop{number}", gmv=0) for number in range(5)]
    for number, shop in enumerate(shops):
        await _sent(shop, 100, 10 * number, 5 - number)
    await quota.recompute(now())
    assert (await quota.quota(shops[4].id, now())).total == 5

    await Shop.filter(id=shops[4].id).update(gmv=1_000_00)

    assert (await quota.quota(shops[4].id, now())).total == 4
