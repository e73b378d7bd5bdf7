"""After an erasure nothing tells who it was, whatever table one looks into; and every figure is as before."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from models import consent, database, metric
from models.clock import Clock, now
from models.errors import Refused
from models.experiment import Experiment, ExperimentMetric, Variant, holdout, lift, winner
from models.identifier import customer_id, external_uuid
from models.metric import day as metric_day
from models.metric import overview
from models.shop import Shop
from settings import Settings
from tests import oracle
from tests.conftest import empty
from tests.factories import make_customers, make_resolved, make_shop
from tests.known_person import MARKS, a_life, dump, erase
from tests.models.experiment.test_winner import deliver, read_by
from tests.outreach import START, Outreach, Place, outreach

HELLO = {"texts": {language: {"text": "Hello {name}"} for language in ("en", "es")}}

ABOUT_CUSTOMERS = {
    "attribution", "claim", "contact", "conversation", "customer", "delivery", "event", "idempotency", "orders",
    "posting", "relationship", "remark", "touch", "trial", "unsubscription",
}  # fmt: skip
ABOUT_NOBODY = {
    "access", "access_change", "chat_platform", "coupon", "erasure", "holdout", "import_job", "language", "live_session",
    "metric_day", "metric_delta", "metric_rebuild", "origin", "plan", "plan_content", "plan_history", "plan_range",
    "price_change", "product", "quiet_hours", "quota_reward", "quota_week", "recommendation_dismissal", "segment", "segment_size",
    "segment_version", "send_rate", "sender_domain", "sending_stop", "shop", "slice", "suppression", "violation", "webhook",
    "worker",
}  # fmt: skip
"""All tables there are. Whoever adds one decides which it is; what is about customers, `a_life` writes to it."""


@pytest.mark.usefixtures("database")
async def test_no_table_knows_an_erased_person_any_more(clock: Clock):
    await a_life(clock)
    before = await dump()
    known = {table for table, rows in before.items() if any(mark in row for row in rows for mark in MARKS)}
    assert known == ABOUT_CUSTOMERS
    assert set(before) - known == ABOUT_NOBODY

    assert (await erase()).done_at == now()

    after = await dump()
    ids = [
        str(external_uuid("order", shop, f"quux-{n}"))
        for shop in ("bloom", "other")
        for n in ("1-1", "1-2", "2-1", "2-2", "3")
    ]
    digest = await database.fetch_value("SELECT encode(email_key, 'hex') FROM suppression")
    found = [(table, mark) for table, rows in after.items() for row in rows for mark in (*MARKS, *ids) if mark in row]
    assert found == []
    assert [table for table, rows in after.items() if any(digest in row for row in rows)] == ["suppression"]
    print(f"visited {len(after)} tables:", ", ".join(after))


@pytest.mark.usefixtures("database")
async def test_nobody_else_is_touched(clock: Clock):
    await a_life(clock)
    others = (str(customer_id("c0")), str(customer_id("c1")))
    before = {
        table: [row for row in rows if any(each in row for each in others)] for table, rows in (await dump()).items()
    }
    assert len(before.pop("posting")) == 1

    await erase()

    after = await dump()
    [posting] = after.pop("posting")
    assert others[0] in posting
    assert {
        table: [row for row in rows if any(each in row for each in others)] for table, rows in after.items()
    } == before
    assert sum(map(len, before.values())) > 10


@pytest.mark.usefixtures("database")
async def test_the_ledger_adds_up_and_every_figure_is_as_before(clock: Clock):
    shop, plans = await a_life(clock)
    ids = [plan.id for plan in plans[:2]]

    async def told() -> list[Any]:
        await metric_day.fold_all()
        return [
            await metric.of_plans(ids),
            [await oracle.breakdown(plan_id) for plan_id in ids],
            await overview.overview(shop, now().date() - timedelta(days=30), now().date()),
            await database.fetch(
                "SELECT * FROM metric_day WHERE (sent, read, clicked, claimed, redeemed, orders, gmv, unsubscribed) <> (0, 0, 0, 0, 0, 0, 0, 0) ORDER BY 1, 2, 3, 4, 5, 6"
            ),
        ]

    before = await told()
    await erase()
    assert await told() == before
    for each in (1, 2):
        await metric_day.rebuild(each)
    assert await told() == before


@pytest.mark.usefixtures("database")
async def test_the_results_of_a_test_are_as_before_whoever_was_tried_on_is_erased(settings: Settings, clock: Clock):
    shop = await make_shop()
    customers = await make_customers(shop, 40)
    plan = await make_resolved(shop, experiment=Experiment((Variant(HELLO),), 50, ExperimentMetric.READ, 4))
    clock.move(timedelta(hours=4))
    await winner.declare(plan.id)
    await deliver(plan, settings)
    await read_by(plan, customers[::2])
    await bought(shop, customers[::3])

    [before] = await winner.results([plan.id])
    assert 10 < sum(each.delivered for each in before) < 30
    for number in range(20):
        await erase(f"c{number}")
    assert await winner.results([plan.id]) == [before]


@pytest.mark.usefixtures("database")
async def test_whoever_was_chosen_is_compared_as_before_though_their_message_was_withdrawn(clock: Clock):
    shop = await make_shop()
    customers = await make_customers(shop, 12)
    for _ in range(2):
        await make_resolved(shop)
    await consent.block(shop.id, customers[0])  # before: never chosen
    plan = await make_resolved(shop, holdout_percent=50)
    for customer in customers[1:3]:
        await consent.block(shop.id, customer)
    clock.move(timedelta(hours=1))
    await bought(shop, customers)

    before = await lift.of_plans([(plan.id, 14)])
    for number in range(6):
        await erase(f"c{number}")
    assert await lift.of_plans([(plan.id, 14)]) == before
    [pair] = before[0].comparison.pairs if before[0] else []
    assert sum(group.orders for group in pair) == 11


@pytest.mark.usefixtures("database")
async def test_who_was_decided_upon_minutes_after_a_control_group_was_drawn_is_compared_as_before(clock: Clock):
    shop = await make_shop()
    await make_customers(shop, 20)
    clock.move(timedelta(minutes=7))
    await holdout.change(shop, plan_percent=0, control_percent=50, actor="anna")
    clock.move(timedelta(minutes=1))
    await make_resolved(shop)
    clock.move(timedelta(hours=1))
    await bought(shop, [customer_id(f"c{number}") for number in range(20)])

    before = await lift.of_shop(shop, now().date(), now().date())
    for number in range(20):
        await erase(f"c{number}")
    assert await lift.of_shop(shop, now().date(), now().date()) == before
    [group] = before.control_groups
    assert group.comparison.treated.buyers + group.comparison.held_out.buyers == 20


async def bought(shop: Shop, customers: Sequence[UUID]) -> None:
    """Let each of these customers place an order now."""
    await database.execute(
        "INSERT INTO orders (customer_id, id, shop_id, external_id, ordered_at, amount, status, arrived_at)"
        " SELECT id, gen_random_uuid(), $2, id::text, $3, 500, 'PLACED', $3 FROM unnest($1::uuid[]) AS t(id)",
        list(customers), shop.id, now(),
    )  # fmt: skip


@given(outreach(), st.sampled_from(["ana", "ben"]))
@hypothesis_settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_whatever_was_done_and_bought_figures_do_not_change(migrated: str, history: Outreach, person: str):
    await empty(migrated)
    await database.connect(migrated)
    place = await Place.make()
    await place.store(history)
    ids = [plan.id for plan in place.plans]

    async def told() -> list[Any]:
        views = [
            await overview.overview(shop, START.date() - timedelta(days=2), START.date() + timedelta(days=40))
            for shop in place.shops
        ]
        return [await metric.of_plans(ids), views]

    before = await told()
    try:
        await erase(person)
    except Refused:
        assert not await database.fetch_value(
            "SELECT EXISTS (SELECT FROM orders WHERE customer_id = $1)", customer_id(person)
        )
    assert await told() == before
    await database.disconnect()
