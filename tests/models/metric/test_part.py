"""A plan taken apart by channel, language and product equals what plain Python counts (R23)."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings

from models import database
from models.metric import part as plan_part
from models.metric.activity import Activity
from models.metric.day import WHOLE
from models.metric.part import MOST_PRODUCTS, Part
from models.plan import Plan
from tests.models.metric.products import clicked_often, rows_read, store_clicks
from tests.models.metric.test_overview import facts, keyed, parted
from tests.outreach import Outreach, Place, outreach
from tests.stored_histories import rolled_back


@pytest.fixture
async def place(database: None) -> Place:
    return await Place.make()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=outreach())
async def test_a_plan_s_parts_equal_what_plain_python_counts(place: Place, history: Outreach):
    async with rolled_back():
        await place.store(history)
        found = await plan_part.of_plans([plan.id for plan in place.plans[:2]])

    for number, parts in enumerate(found):
        mine = [fact for fact in facts(history) if fact.plan == number]
        whole = [fact for fact in mine if fact.product is None]
        assert keyed(parts.channels) == parted(whole, lambda fact: fact.channel)
        assert keyed(parts.languages) == parted(whole, lambda fact: fact.language)
        assert keyed(parts.products) == parted(mine, lambda fact: fact.product)


async def test_a_plan_without_messages_has_no_parts(place: Place):
    (parts,) = await plan_part.of_plans([place.plans[0].id])

    assert [*parts.channels, *parts.languages, *parts.products] == []


async def had(plan: Plan, **fields: Any) -> None:
    """A day of the plan, of its messages as a whole unless a product is named, on which this was so."""
    row = {"channel": "CHAT", "language": "en", "product_id": WHOLE, **fields}
    await database.execute(
        f"INSERT INTO metric_day (shop_id, day, plan_id, {', '.join(row)})"
        f" VALUES ($1, '2026-01-01', $2, {', '.join(f'${number}' for number in range(3, 3 + len(row)))})",
        plan.shop_id, plan.id, *row.values(),
    )  # fmt: skip


async def test_of_the_products_those_are_named_that_earned_most_then_those_clicked_most_then_by_their_ids(place: Place):
    plan, several = place.plans[0], MOST_PRODUCTS - 4
    for number in range(several):
        await had(plan, product_id=UUID(int=100 + number), gmv=1_000 - number)
    for number, gmv, clicked in ((6, 900, 0), (7, 1_001, 5), (4, 5, 2), (3, 5, 3), (2, 5, 2), (1, 0, 9)):
        await had(plan, product_id=UUID(int=number), gmv=gmv, clicked=clicked)

    (parts,) = await plan_part.of_plans([plan.id])

    named = [part.key.int for part in parts.products]
    assert named == [7, *(100 + number for number in range(several)), 6, 3, 2]
    assert len(named) == MOST_PRODUCTS == 20


async def test_channels_and_languages_through_which_most_was_sent_come_first_and_what_was_all_taken_back_not_at_all(
    place: Place,
):
    plan = place.plans[0]
    await had(plan, language="de", sent=2, gmv=900)
    await had(plan, language="en", sent=3)
    await had(plan, channel="EMAIL", language="ja", sent=9)
    await had(plan, channel="EMAIL", language="fr")

    (parts,) = await plan_part.of_plans([plan.id])

    assert [part.key for part in parts.channels] == ["EMAIL", "CHAT"]
    assert [part.key for part in parts.languages] == ["ja", "en", "de"]


async def test_of_a_plan_whose_messages_led_to_many_products_only_those_that_are_named_are_read(
    place: Place, monkeypatch: pytest.MonkeyPatch
):
    plans = [plan.id for plan in place.plans[:2]]
    for plan in plans:
        await store_clicks(place.shops[0].id, plan)
    read = rows_read(monkeypatch)
    found = await plan_part.of_plans(plans)

    assert [[(part.key, part.activity.clicked) for part in parts.products] for parts in found] == [clicked_often()] * 2
    assert len(read) == 2 * len(clicked_often())


def test_rates_are_of_what_was_sent_and_unknown_before():
    part = Part("CHAT", Activity(sent=4, read=2, clicked=1, orders=1))

    assert (part.read_rate, part.click_rate, part.order_rate) == (0.5, 0.25, 0.25)
    assert Part("CHAT", Activity()).read_rate is None
