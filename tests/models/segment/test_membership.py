"""Why a customer is in or out: the facts are those that were stored, and the reasons agree with the verdict."""

from dataclasses import replace
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import integers

from models import consent
from models import database as databases
from models.clock import Clock, now
from models.condition.explain import in_universe
from models.condition.facts import Facts
from models.identifier import customer_id
from models.segment.definition import define
from models.segment.member import Question, is_member
from models.segment.membership import facts_of, membership
from models.shop import Shop
from tests.agreement import matches
from tests.factories import make_customers, make_shop
from tests.histories import case_of
from tests.stored_histories import rolled_back, store


@pytest.fixture
async def shop(database: None) -> Shop:
    """A shop, and one partition for events of any time."""
    await databases.execute("CREATE TABLE event_of_any_time PARTITION OF event DEFAULT")
    return await make_shop()


def in_order(facts: Facts) -> Facts:
    """The same facts, in one order; a click is kept as what it is, also a read."""
    return replace(
        facts,
        orders=tuple(sorted(facts.orders, key=repr)),
        events=tuple(sorted(facts.events, key=repr)),
        answers=tuple(sorted(facts.answers, key=repr)),
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=integers(0, 2**63))
async def test_the_reasons_rest_on_the_stored_facts_and_agree_with_the_verdict(shop: Shop, clock: Clock, seed: int):
    case = case_of(seed)
    clock.freeze(case.now)
    people = {name: facts for name, facts in case.customers.items() if facts.orders or facts.events}
    people = {
        name: replace(facts, answers=tuple(answer for answer in facts.answers if answer.kind != "CLICKED"))
        for name, facts in people.items()
    }
    async with rolled_back():
        await store(shop, people)
        for name, facts in people.items():
            found = await facts_of(shop.id, customer_id(name))
            assert (found is not None) == in_universe(facts)
            if found is None:
                continue
            assert in_order(found) == in_order(facts)
            definition = case.definitions[seed % len(case.definitions)]
            verdict = await is_member(Question(shop.id, definition), customer_id(name))
            assert verdict == matches(definition, found, case.now)


async def test_membership_holds_the_verdict_and_the_reasons(shop: Shop):
    (customer,) = await make_customers(shop, 1)
    question = Question(shop.id, define(shop, text="orders >= 2 or age >= 18"))
    found = await membership(question, customer)
    earlier = await membership(replace(question, as_of=now().replace(year=2020)), customer)

    assert found is not None
    assert earlier is not None
    assert (found.is_member, found.has_interacted) == (True, True)
    assert (earlier.is_member, earlier.has_interacted) == (False, False)
    assert [leaf.found for leaf in found.reason.leaves()] == ["0 orders ever", "birth date not known"]


async def test_who_is_no_customer_of_the_shop_has_no_membership(shop: Shop):
    question = Question(shop.id, define(shop, text="not follows"))

    assert await membership(question, uuid4()) is None


async def test_who_only_blocked_the_shop_or_spoke_of_its_mail_is_told_nothing_about(shop: Shop):
    question = Question(shop.id, define(shop, text="gender = female or age >= 18"))
    blocked, unsubscribed = await make_customers(shop, 2)
    await databases.execute("UPDATE customer SET gender = 'FEMALE', birth_date = '1990-01-01'")
    await databases.execute("DELETE FROM relationship")
    await consent.block(shop.id, blocked)
    await consent.unsubscribe(shop.id, unsubscribed, source="mail of plan 1")

    assert [await membership(question, each) for each in (blocked, unsubscribed)] == [None, None]
    assert [await membership(replace(question, as_of=now()), each) for each in (blocked, unsubscribed)] == [None, None]
