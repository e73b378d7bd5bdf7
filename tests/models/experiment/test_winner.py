"""Experiments from draft to winner: who gets what, that the rest waits and then goes, and that nothing is promised twice (B7)."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from models import audience, database, delivery, experiment, message, worker
from models import slice as slices
from models.clock import Clock, now
from models.coupon.terms import CouponVisibility
from models.coupon.visibility import can_see
from models.errors import Refused
from models.experiment import Experiment, ExperimentMetric, Variant, winner
from models.experiment.bucket import BUCKETS
from models.experiment.winner import ExperimentVerdict, Result, ranked, verdict
from models.message import NEWEST_FIRST as INBOX
from models.page import Page, page_of
from models.plan import Plan, PlanChannel, PlanStatus, advance, wording
from models.plan import history as plan_history
from models.preview import preview
from models.progress import progress
from models.shop import Shop
from settings import Settings
from tests.factories import DEADLINE, make_coupon, make_customers, make_draft, make_resolved, make_running, make_shop

pytestmark = pytest.mark.usefixtures("database")

SAY = {"texts": {"en": {"text": "Say B to {name}", "subject": "B"}, "es": {"text": "Di B a {name}", "subject": "B"}}}


def trying(
    percent: int = 40, *, metric: ExperimentMetric = ExperimentMetric.READ, hours: int = 4, count: int = 2
) -> Experiment:
    """A plan's own texts against others."""
    return Experiment((Variant(SAY),) * (count - 1), percent, metric, hours)


async def ledger(plan: Plan) -> dict[UUID, database.Record]:
    """The plan's rows, by customer."""
    rows = await database.fetch("SELECT * FROM delivery WHERE plan_id = $1", plan.id)
    return {row["customer_id"]: row for row in rows}


async def states(plan: Plan) -> Counter[tuple[str, str | None, int | None]]:
    """Recipients by state, reason and variant."""
    return Counter((row["state"], row["reason"], row["variant"]) for row in (await ledger(plan)).values())


async def deliver(plan: Plan, settings: Settings) -> int:
    """Load every slice that is due, as a worker would; how many rows could go."""
    me = uuid4()
    await worker.register(me, "test", settings.lease)
    count = 0
    for due in await slices.due_of(plan.id, 1000):
        held = await slices.acquire(due.plan_id, due.number, me, uuid4())
        assert held is not None
        count += len(await slices.load(held))
        await slices.release(held)
    return count


async def read_by(plan: Plan, customers: Sequence[UUID]) -> None:
    """Let these customers read the plan's message."""
    await database.execute(
        "UPDATE delivery SET read_at = $2 WHERE plan_id = $1 AND customer_id = ANY($3::uuid[])",
        plan.id, now(), list(customers),
    )  # fmt: skip


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(percent=st.integers(1, 100), count=st.integers(2, 4), prefix=st.text("abc", min_size=1, max_size=5))
async def test_the_audience_is_split_as_the_rule_says_and_evenly(percent: int, count: int, prefix: str):
    for table in ("delivery", "contact", "relationship", "customer", "plan_content", "slice", "plan_history", "plan"):
        await database.execute(f"DELETE FROM {table}")
    await database.execute("DELETE FROM quota_week")
    shop = await Shop.get_or_none(external_id="bloom") or await make_shop()
    customers = await make_customers(shop, 60, prefix=prefix)
    tried = trying(percent, count=count)
    plan = await make_resolved(shop, experiment=tried)

    found = await ledger(plan)
    assert {each: found[each]["variant"] for each in customers} == {
        each: experiment.variant_of(plan.id, tried, each) for each in customers
    }
    drawn = Counter(place % count for place in range(percent * BUCKETS // 100))
    assert max(drawn.values()) - min(drawn.values()) <= 1


async def test_the_test_share_gets_its_variants_at_once_and_the_rest_waits_with_its_reason():
    shop = await make_shop()
    await make_customers(shop, 200)
    plan = await make_resolved(shop, experiment=trying())

    found = await states(plan)
    waiting = found["PENDING", "AWAITING_WINNER", None]
    assert set(found) == {("SENT", None, 0), ("SENT", None, 1), ("PENDING", "AWAITING_WINNER", None)}
    assert 90 < waiting < 150
    rest = [row for row in (await ledger(plan)).values() if row["variant"] is None]
    assert {row["not_before"] for row in rest} == {now() + timedelta(hours=4)}
    assert await database.fetch_value("SELECT count(*) FROM contact") == 200 - waiting
    seen = await progress(plan.id)
    assert seen is not None and seen.recipients == 200


async def test_each_reads_the_text_of_their_variant_in_the_inbox():
    shop = await make_shop()
    await make_customers(shop, 40)
    plan = await make_resolved(shop, experiment=trying(100))

    for customer, row in (await ledger(plan)).items():
        [shown] = await message.inbox(customer, page_of(INBOX, first=1, after=None, last=None, before=None))
        assert shown.text.startswith("Say B" if row["variant"] == 1 else "Hi ")
    assert await database.fetch_value("SELECT count(*) FROM plan_content WHERE plan_id = $1", plan.id) == 4


async def test_nothing_of_the_rest_is_due_before_the_winner_however_late_it_is(clock: Clock, settings: Settings):
    shop = await make_shop()
    await make_customers(shop, 100)
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL, experiment=trying())
    tried = {row["slice"] for row in (await ledger(plan)).values() if row["variant"] is not None}
    could_go = await deliver(plan, settings)
    before = await states(plan)

    clock.move(timedelta(hours=10))

    assert {due.number for due in await slices.due_of(plan.id, 1000)} == tried
    assert await deliver(plan, settings) == could_go == before["PENDING", None, 0] + before["PENDING", None, 1]
    assert await states(plan) == before
    assert not await advance.finish(plan.id)


async def test_even_a_slice_that_is_due_too_early_lets_nobody_go_without_a_variant(settings: Settings):
    shop = await make_shop()
    await make_customers(shop, 100)
    plan = await make_resolved(shop, experiment=trying())
    before = await states(plan)
    await database.execute("UPDATE slice SET due_at = $1", now() - timedelta(hours=1))
    await database.execute("UPDATE delivery SET not_before = NULL")

    assert await deliver(plan, settings) == 0
    assert await states(plan) == before


async def test_the_winner_goes_to_the_rest_and_the_plan_ends(clock: Clock, settings: Settings):
    shop = await make_shop()
    await make_customers(shop, 200)
    plan = await make_resolved(shop, experiment=trying())
    tried = [customer for customer, row in (await ledger(plan)).items() if row["variant"] == 1]
    await read_by(plan, tried)
    assert (await winner.due(), await winner.declare(plan.id)) == ([], None)
    clock.move(timedelta(hours=4))

    assert await winner.due() == [plan.id]
    assert await winner.declare(plan.id) == 1
    assert (await winner.due(), await winner.declare(plan.id)) == ([], None)
    await deliver(plan, settings)

    found = await states(plan)
    assert set(found) == {("SENT", None, 0), ("SENT", None, 1)}
    assert found["SENT", None, 0] + len(tried) < found.total() == 200
    assert await advance.finish(plan.id)
    [entries] = await plan_history.histories([(plan.id, Page(plan_history.NEWEST_FIRST))])
    [entry] = [each for each in entries if each.action.name == "DECIDE"]
    assert (entry.reason, entry.actor, entry.status_from, entry.status_to) == ("B", "SYSTEM", "ONGOING", "ONGOING")
    after = await Plan.get(id=plan.id)
    assert (after.winner, after.decided_at) == (1, now())
    assert after.status_reason is None


async def test_of_many_that_declare_at_once_one_does(clock: Clock):
    shop = await make_shop()
    await make_customers(shop, 30)
    plan = await make_resolved(shop, experiment=trying())
    clock.move(timedelta(hours=4))

    declared = await asyncio.gather(*(winner.declare(plan.id) for _ in range(8)))

    assert sorted(declared, key=str) == [0] + [None] * 7
    assert await database.fetch_value("SELECT count(*) FROM plan_history WHERE action = 'DECIDE'") == 1


async def test_cancelling_before_the_winner_cancels_the_rest_and_nothing_is_declared(clock: Clock):
    shop = await make_shop()
    await make_customers(shop, 100)
    plan = await make_resolved(shop, experiment=trying())
    waiting = (await states(plan))["PENDING", "AWAITING_WINNER", None]

    await plan.cancel()
    clock.move(timedelta(hours=4))

    assert plan.status is PlanStatus.CANCELLED
    assert (await states(plan))["CANCELLED", None, None] == waiting
    assert (await winner.due(), await winner.declare(plan.id)) == ([], None)


async def test_a_paused_plan_decides_later_by_as_much_as_it_was_paused(clock: Clock):
    shop = await make_shop()
    await make_customers(shop, 50)
    plan = await make_resolved(shop, experiment=trying())
    await plan.pause()
    clock.move(timedelta(hours=10))
    assert (await winner.due(), await winner.declare(plan.id)) == ([], None)

    await plan.resume(shop)
    assert await winner.due() == []
    clock.move(timedelta(hours=4))

    assert await winner.due() == [plan.id]
    assert await winner.declare(plan.id) == 0


async def test_what_waits_for_a_winner_that_never_comes_expires(clock: Clock):
    shop = await make_shop()
    await make_customers(shop, 50)
    plan = await make_resolved(shop, experiment=trying())
    waiting = (await states(plan))["PENDING", "AWAITING_WINNER", None]
    clock.move(DEADLINE)

    await delivery.expire(plan.id, now())

    assert (await states(plan))["EXPIRED", "DEADLINE", None] == waiting
    assert await advance.finish(plan.id)


async def test_the_rest_is_asked_for_consent_and_the_contact_limit_when_it_goes(clock: Clock, settings: Settings):
    shop = await make_shop()
    await make_customers(shop, 60)
    plan = await make_resolved(shop, experiment=trying())
    rest = [customer for customer, row in (await ledger(plan)).items() if row["variant"] is None]
    blocker, busy = rest[:2]
    await database.execute("UPDATE relationship SET chat_blocked_at = $1 WHERE customer_id = $2", now(), blocker)
    await database.execute(
        "INSERT INTO contact SELECT $1, $2, slot, 999, '' FROM generate_series(1, 2) AS slot", busy, now().date()
    )
    clock.move(timedelta(hours=4))
    await winner.declare(plan.id)
    await deliver(plan, settings)

    found = await ledger(plan)
    assert (found[blocker]["state"], found[blocker]["reason"]) == ("SUPPRESSED", "BLOCKED")
    assert (found[busy]["state"], found[busy]["reason"], found[busy]["variant"]) == ("PENDING", "CONTACT_LIMIT", 0)
    assert all(found[each]["state"] == "SENT" for each in rest[2:])


async def test_at_a_local_hour_the_rest_goes_at_the_first_one_after_the_decision():
    shop = await make_shop()
    await make_customers(shop, 30, prefix="tokyo", time_zone="Asia/Tokyo")  # it is 21:00 there, 12:00 UTC
    plan = await make_running(shop, experiment=trying(hours=6))
    await database.execute("UPDATE plan SET local_time = '22:00' WHERE id = $1", plan.id)
    await audience.resolve_range(plan.id)

    times = {(row["variant"] is None, row["not_before"]) for row in (await ledger(plan)).values()}
    assert times == {(False, datetime(2026, 1, 15, 13, tzinfo=UTC)), (True, datetime(2026, 1, 16, 13, tzinfo=UTC))}


async def test_the_hours_count_from_the_start_so_a_local_hour_after_the_decision_leaves_it_without_data(
    clock: Clock, settings: Settings
):
    shop = await make_shop()
    await make_customers(shop, 30)
    plan = await make_resolved(shop, experiment=trying(), local_time=time(19))
    clock.move(timedelta(hours=4))

    assert await winner.declare(plan.id) == 0
    [answered] = await winner.results([plan.id])
    assert [result.delivered for result in answered] == [0, 0]
    assert verdict(answered, ExperimentMetric.READ) == ExperimentVerdict(best=0, p_value=None)
    clock.move(timedelta(hours=3))
    await deliver(plan, settings)
    assert {state for state, _, _ in await states(plan)} == {"SENT"}


async def test_an_audience_resolved_after_the_decision_was_due_still_tries_first(clock: Clock, settings: Settings):
    shop = await make_shop()
    await make_customers(shop, 60)
    plan = await make_running(shop, experiment=trying())
    clock.move(timedelta(hours=5))
    assert await winner.due() == []

    await audience.resolve_range(plan.id)
    rest = (await states(plan))["PENDING", "AWAITING_WINNER", None]
    assert rest and await slices.due_of(plan.id, 10) == []

    assert await winner.declare(plan.id) == 0
    await deliver(plan, settings)
    assert {state for state, _, _ in await states(plan)} == {"SENT"}


async def test_a_variants_coupon_is_seen_by_those_alone_who_got_it():
    shop = await make_shop()
    await make_customers(shop, 60)
    own, other = [await make_coupon(shop, visibility=CouponVisibility.PRIVATE) for _ in range(2)]
    tried = Experiment((Variant(coupon_id=other.id, has_own_coupon=True),), 100, ExperimentMetric.ORDER, 1)
    plan = await make_resolved(shop, coupon_id=own.id, experiment=tried)

    for customer, row in (await ledger(plan)).items():
        assert [await can_see(each, customer) for each in (own, other)] == [row["variant"] == 0, row["variant"] == 1]


async def test_a_coupon_of_a_variant_is_promised_like_any():
    shop = await make_shop()
    other = await make_coupon(shop)
    await make_running(
        shop, experiment=Experiment((Variant(coupon_id=other.id, has_own_coupon=True),), 10, ExperimentMetric.READ, 1)
    )

    changed: Any = other.terms.__class__(**{**_terms(other), "percentage": 5})
    with pytest.raises(Refused, match="percentage"):
        await other.edit(shop, lambda _: changed)


def _terms(coupon: Any) -> dict[str, Any]:
    return {name: getattr(coupon.terms, name) for name in coupon.terms.__dataclass_fields__}


async def test_a_preview_to_a_customer_is_their_variant_and_each_can_be_asked_for():
    shop = await make_shop()
    customers = await make_customers(shop, 30)
    plan = await make_draft(shop, experiment=trying(100))

    for customer in customers:
        expected = "Say B" if experiment.variant_of(plan.id, trying(100), customer) else "Hi "
        assert (await preview(shop, plan, customer_id=customer)).text.startswith(expected)
    assert [(await preview(shop, plan, variant=name)).text[:3] for name in "AB"] == ["Hi ", "Say"]
    with pytest.raises(Refused, match="this plan has A, B"):
        await preview(shop, plan, variant="C")


async def test_results_count_the_test_share_only_and_orders_within_five_days(clock: Clock, settings: Settings):
    shop = await make_shop()
    await make_customers(shop, 80)
    plan = await make_resolved(shop, experiment=trying())
    first = [customer for customer, row in (await ledger(plan)).items() if row["variant"] == 0]
    for hour, amount in ((-1, 1), (0, 20), (119, 300), (120, 4000)):
        await database.execute(
            "INSERT INTO orders (customer_id, id, shop_id, external_id, ordered_at, amount, status, arrived_at)"
            " VALUES ($1, gen_random_uuid(), $2, 'any', $3, $4, 'PLACED', $3)",
            first[0], shop.id, now() + timedelta(hours=hour), amount,
        )  # fmt: skip
    await read_by(plan, first[:3])
    [before] = await winner.results([plan.id])
    clock.move(timedelta(hours=4))
    await winner.declare(plan.id)
    await deliver(plan, settings)

    [after] = await winner.results([plan.id])
    assert before == after
    assert after[0] == Result(0, len(first), 3, 0, 1, 320)
    assert after[1].delivered > 0 and after[1].read == after[1].buyers == 0


def result(variant: int, delivered: int, read: int) -> Result:
    return Result(variant, delivered, read)


@pytest.mark.parametrize(
    ("rates", "best"),
    [
        ([(100, 10), (100, 11)], 1),
        ([(100, 11), (50, 5), (100, 12), (10, 1)], 2),
        ([(100, 10), (50, 5)], 0),  # a tie
        ([(0, 0), (0, 0), (0, 0)], 0),  # no data
        ([(0, 0), (10, 0)], 0),
        ([(0, 0), (10, 1)], 1),
    ],
)
def test_the_best_rate_wins_and_ties_and_no_data_go_to_the_first(rates: list[tuple[int, int]], best: int):
    results = [result(number, *rate) for number, rate in enumerate(rates)]

    assert verdict(results, ExperimentMetric.READ).best == best
    assert ranked(results, ExperimentMetric.READ)[0].variant == best


def test_significance_is_told_and_grows_dearer_with_the_number_of_variants():
    two = verdict([result(0, 70, 56), result(1, 80, 48)], ExperimentMetric.READ)
    three = verdict([result(0, 70, 56), result(1, 80, 48), result(2, 80, 40)], ExperimentMetric.READ)

    assert two.p_value == pytest.approx(0.00805, abs=1e-5)
    assert two.is_significant and three.p_value == pytest.approx(2 * 0.00805, abs=1e-5)
    assert verdict([result(0, 0, 0), result(1, 9, 9)], ExperimentMetric.READ) == ExperimentVerdict(1, None)


async def test_what_is_tried_comes_along_with_an_edit_and_a_copy_and_its_winner_does_not(clock: Clock):
    shop = await make_shop()
    await make_customers(shop, 20)
    plan = await make_draft(shop, experiment=trying(30, count=3))
    await plan.edit(shop, lambda decided: decided)
    await plan.submit(shop, send_at=None, deadline_after=DEADLINE)
    assert await wording.pin(plan.id) and await audience.resolve_range(plan.id)
    clock.move(timedelta(hours=4))
    await winner.declare(plan.id)

    copy = await (await Plan.get(id=plan.id)).duplicate(shop, actor="ben")

    assert copy.decided.experiment == plan.decided.experiment == trying(30, count=3)
    assert (copy.winner, copy.decides_at, copy.decided_at) == (None, None, None)
