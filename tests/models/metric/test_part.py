"""A plan taken apart by channel, language and product equals what plain Python counts (R23)."""

import pytest
from hypothesis import HealthCheck, given, settings

from models.metric import part as plan_part
from models.metric.activity import Activity
from models.metric.part import Part
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


def test_rates_are_of_what_was_sent_and_unknown_before():
    part = Part("CHAT", Activity(sent=4, read=2, clicked=1, orders=1))

    assert (part.read_rate, part.click_rate, part.order_rate) == (0.5, 0.25, 0.25)
    assert Part("CHAT", Activity()).read_rate is None
