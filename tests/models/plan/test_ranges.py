"""Ranges of an audience: several at once, each once, whoever dies, and none after a plan was stopped."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import pytest

from models import audience, availability
from models import database as db
from models import slice as slices
from models.clock import now
from models.identifier import LAST_CUSTOMER, NO_CUSTOMER
from models.plan import Plan, PlanChannel, PlanStatus, advance, ranges
from models.plan.ranges import Ends
from tests.conftest import NOON
from tests.factories import make_customers, make_running, make_shop
from tests.outside import Outside
from tests.waiting import until_a_lock_is_waited_for

pytestmark = pytest.mark.usefixtures("database")


_IS_WAITED = """
SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')
"""


async def left(plan: Plan) -> list[tuple[UUID, UUID | None]]:
    """What of the plan is still to be resolved."""
    rows = await db.fetch("SELECT after, through FROM plan_range WHERE plan_id = $1 ORDER BY after", plan.id)
    return [(row["after"], row["through"]) for row in rows]


async def is_resolved(plan: Plan) -> bool:
    """Whether the plan's audience is whole."""
    return (await Plan.get(id=plan.id)).resolved_at is not None


@asynccontextmanager
async def in_the_middle_of_a_range(plan: Plan, customer: UUID) -> AsyncIterator["asyncio.Task[audience.Range | None]"]:
    """A range of a chat plan that is being resolved: it waits for another plan's contact with this customer of it."""
    taken, go_on = asyncio.Event(), asyncio.Event()

    async def rival() -> None:
        async with db.transaction():
            await db.execute("INSERT INTO contact VALUES ($1, $2, 1, 0, '')", customer, now().date())
            await db.execute("INSERT INTO contact VALUES ($1, $2, 2, 0, '')", customer, now().date())
            taken.set()
            await go_on.wait()
            await db.execute("DELETE FROM contact WHERE plan_id = 0")

    rivalling = asyncio.create_task(rival())
    await taken.wait()
    resolving = asyncio.create_task(audience.resolve_range(plan.id, size=10))
    while not await db.fetch_value(_IS_WAITED):
        await asyncio.sleep(0.01)
    try:
        yield resolving
    finally:
        go_on.set()
        await rivalling


@pytest.mark.parametrize("size", [1, 7, 10, 19, 20, 21])
async def test_cutting_divides_everybody_into_ranges_that_touch_and_never_overlap(size: int):
    shop = await make_shop()
    customers = await make_customers(shop, 20)
    plan = await make_running(shop)

    cuts = 0
    while not cuts or (await left(plan))[-1][1] is None:
        await ranges.cut(plan.id, size)
        cuts += 1
    await ranges.cut(plan.id, size)

    rows = await left(plan)
    assert [rows[0][0], *(through for _, through in rows)] == [*(after for after, _ in rows), LAST_CUSTOMER]
    sizes = [sum(after < each <= (through or NO_CUSTOMER) for each in customers) for after, through in rows]
    assert sizes == [size] * (20 // size) + [20 % size] * (20 % size > 0)


async def test_a_plan_begun_by_an_older_version_goes_on_where_that_one_stood():
    shop = await make_shop()
    customers = sorted(await make_customers(shop, 20))
    plan = await make_running(shop)
    await db.execute("UPDATE plan SET resolve_cursor = $1", customers[11])

    done = await audience.resolve_range(plan.id)

    assert done is not None and (done.after, done.recipients, done.is_last) == (customers[11], 8, True)


async def test_two_ranges_of_a_plan_are_resolved_at_once_and_the_plan_is_resolved_when_both_are():
    shop = await make_shop()
    customers = sorted(await make_customers(shop, 20))
    plan = await make_running(shop)

    async with in_the_middle_of_a_range(plan, customers[3]) as resolving:
        other = await audience.resolve_range(plan.id, size=10)
        assert other is not None and (other.recipients, other.is_last) == (10, False)
        assert not await is_resolved(plan)
        assert (await Plan.get(id=plan.id)).resolve_cursor == NO_CUSTOMER
        assert not await advance.finish(plan.id)

    first = await resolving
    assert first is not None and (first.recipients, first.is_last) == (10, True)
    assert await is_resolved(plan)
    assert await left(plan) == []


async def test_nothing_of_a_range_is_committed_when_its_plan_was_cancelled_meanwhile_and_cancelling_does_not_wait():
    shop = await make_shop()
    customers = sorted(await make_customers(shop, 20))
    plan = await make_running(shop)

    async with in_the_middle_of_a_range(plan, customers[3]) as resolving:
        await asyncio.wait_for(plan.cancel(), 60)
        assert plan.status is PlanStatus.CANCELLED

    assert await resolving is None
    assert await db.fetch_value("SELECT count(*) FROM delivery") == 0
    assert await db.fetch_value("SELECT count(*) FROM contact") == 0


async def test_a_plan_that_was_paused_in_the_middle_of_a_range_resolves_it_when_it_is_resumed():
    shop = await make_shop()
    customers = sorted(await make_customers(shop, 20))
    plan = await make_running(shop)

    async with in_the_middle_of_a_range(plan, customers[3]) as resolving:
        assert await plan.pause()

    assert await resolving is None
    assert await db.fetch_value("SELECT count(*) FROM delivery") == 0
    await plan.resume(shop)
    while (done := await audience.resolve_range(plan.id, size=10)) is not None and not done.is_last:
        pass
    assert await db.fetch_value("SELECT count(*) FROM delivery WHERE state = 'SENT'") == 20
    assert await db.fetch_value("SELECT count(*) FROM contact") == 20


async def test_the_range_of_who_is_lost_is_free_as_soon_as_postgresql_has_noticed():
    shop = await make_shop()
    await make_customers(shop, 20)
    plan = await make_running(shop)
    await ranges.cut(plan.id, 10)
    begun: asyncio.Future[tuple[Ends | None, int]] = asyncio.get_running_loop().create_future()

    async def lose() -> None:
        async with db.transaction():
            begun.set_result((await ranges.take(plan.id), await db.fetch_value("SELECT pg_backend_pid()")))
            await asyncio.Event().wait()

    losing = asyncio.create_task(lose())
    taken, backend = await begun
    assert taken is not None and await ranges.take(plan.id) is None
    await db.fetch_value("SELECT pg_terminate_backend($1, 5000)", backend)

    assert await ranges.take(plan.id) == taken
    losing.cancel()
    with pytest.raises((asyncio.CancelledError, *availability.UNREACHABLE)):
        await losing


async def test_slices_of_ranges_that_are_resolved_at_once_have_numbers_of_their_own(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(slices, "SLICE_SIZE", 3)
    shop = await make_shop()
    await make_customers(shop, 100)
    plan = await make_running(shop, channel=PlanChannel.EMAIL)

    async def work() -> None:
        while not await is_resolved(plan):
            await audience.resolve_range(plan.id, size=7)

    results = await asyncio.gather(*(work() for _ in range(5)), return_exceptions=True)

    assert results == [None] * 5
    numbers = [row["number"] for row in await db.fetch("SELECT number FROM slice ORDER BY 1")]
    assert numbers == list(range(1, len(numbers) + 1))
    sizes = await db.fetch(
        "SELECT s.number, count(d.slice) AS size FROM slice s LEFT JOIN delivery d ON d.slice = s.number GROUP BY 1"
    )
    assert {row["size"] for row in sizes} <= {1, 2, 3}
    assert sum(row["size"] for row in sizes) == 100


async def test_the_ranges_of_a_plan_that_does_not_run_are_not_cut():
    shop = await make_shop()
    await make_customers(shop, 20)
    plan = await make_running(shop)
    await plan.pause()

    await ranges.cut(plan.id, 5)

    assert await left(plan) == []


async def test_a_range_that_is_given_up_for_another_transaction_is_resolved_again():
    shop = await make_shop()
    first = min(await make_customers(shop, 3))
    plan = await make_running(shop)
    await ranges.cut(plan.id, 1)
    outside = Outside()

    async with db.transaction():
        await db.execute("SET LOCAL deadlock_timeout = '1h'")  # so that it is the other that is given up
        await db.execute("SELECT FROM plan FOR NO KEY UPDATE")
        resolving = outside.begin(audience.resolve_range(plan.id, size=1))
        await until_a_lock_is_waited_for(unless=resolving)
        await db.execute("INSERT INTO contact VALUES ($1, $2, 1, 999, '')", first, NOON.date())
        await db.execute("DELETE FROM contact WHERE plan_id = 999")

    done = await resolving
    assert done is not None
    assert (done.recipients, done.sent, done.is_last) == (1, 1, False)
    assert await db.fetch_value("SELECT count(*) FROM contact") == 1
