"""Claims: who gets one, never past a limit, and what it remembers (R15)."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from models import database
from models.clock import Clock, now
from models.coupon import Coupon
from models.coupon import claim as claims
from models.coupon.claim import NEWEST_FIRST, claim
from models.coupon.terms import CouponVisibility
from models.errors import ErrorCode, Refused
from models.identifier import customer_id
from models.message import MessageKey
from models.page import Page
from tests.factories import make_coupon, make_customers, make_resolved, make_shop, make_webhook
from tests.outside import Outside
from tests.refusals import refusal
from tests.waiting import until_locks_are_waited_for_by


@pytest.mark.usefixtures("database")
async def test_a_claim_is_counted_and_has_a_code_of_its_own():
    shop = await make_shop()
    own = await make_coupon(shop, customer_limit=2)
    customer = uuid4()

    first, second = await claim(customer, own.id), await claim(customer, own.id)

    assert (first.number, second.number, len({first.code, second.code, own.code})) == (1, 2, 3)
    assert (await Coupon.get(id=own.id)).claimed == 2
    assert await claims.claims(customer, Page(NEWEST_FIRST)) == [second, first]
    assert await claims.count(customer) == 2


@pytest.mark.usefixtures("database")
async def test_a_customer_s_claims_come_page_after_page_newest_first(clock: Clock):
    shop = await make_shop()
    own, customer = await make_coupon(shop, customer_limit=5), uuid4()
    for hours in (0, 1, 0, 1, 0):
        clock.move(timedelta(hours=hours))
        await claim(customer, own.id)
        await claim(uuid4(), own.id)

    numbers: list[int] = []
    after: tuple[Any, ...] | None = None
    while found := (await claims.claims(customer, Page(NEWEST_FIRST, size=2, after=after)))[:2]:
        numbers += [each.number for each in found]
        after = (found[-1].claimed_at, found[-1].coupon_id, found[-1].number)

    assert numbers == [5, 4, 3, 2, 1]


@pytest.mark.usefixtures("database")
async def test_of_1000_claims_at_once_100_succeed():
    shop = await make_shop()
    own = await make_coupon(shop, total_limit=100)

    async def attempt(number: int) -> ErrorCode | None:
        try:
            await claim(customer_id(f"c{number}"), own.id)
        except Refused as refused:
            return refused.problems[0].code
        return None

    outcomes = await asyncio.gather(*map(attempt, range(1000)))

    assert (outcomes.count(None), outcomes.count(ErrorCode.COUPON_SOLD_OUT)) == (100, 900)
    assert await database.fetch_value("SELECT count(*) FROM claim") == 100
    assert (await Coupon.get(id=own.id)).claimed == 100


@pytest.mark.usefixtures("database")
async def test_of_50_claims_of_one_customer_at_once_as_many_succeed_as_are_allowed():
    shop = await make_shop()
    own = await make_coupon(shop, customer_limit=3)
    customer = uuid4()

    async def attempt() -> ErrorCode | None:
        try:
            await claim(customer, own.id)
        except Refused as refused:
            return refused.problems[0].code
        return None

    outcomes = await asyncio.gather(*(attempt() for _ in range(50)))

    assert (outcomes.count(None), outcomes.count(ErrorCode.CLAIM_LIMIT_REACHED)) == (3, 47)
    numbers = await database.fetch("SELECT number FROM claim ORDER BY number")
    assert [row["number"] for row in numbers] == [1, 2, 3]
    assert (await Coupon.get(id=own.id)).claimed == 3


@pytest.mark.usefixtures("database")
async def test_who_claims_a_coupon_while_its_terms_change_claims_it_by_the_new_ones():
    shop = await make_shop()
    own = await make_coupon(shop, customer_limit=3)
    customer = uuid4()
    outside = Outside()

    async with database.transaction():
        await own.edit(shop, lambda terms: replace(terms, customer_limit=1))
        claiming = [outside.begin(claim(customer, own.id)) for _ in range(3)]
        await until_locks_are_waited_for_by(3)
    outcomes = await asyncio.gather(*claiming, return_exceptions=True)

    assert sorted(isinstance(outcome, Refused) for outcome in outcomes) == [False, True, True]
    assert await database.fetch_value("SELECT count(*) FROM claim") == 1
    assert (await Coupon.get(id=own.id)).claimed == 1


@pytest.mark.usefixtures("database")
async def test_a_coupon_that_has_not_begun_or_has_ended_is_not_claimed():
    shop = await make_shop()
    later = await make_coupon(shop, starts_at=now() + timedelta(days=1), ends_at=now() + timedelta(days=2))
    ended = await (await make_coupon(shop)).end()

    for own in (later, ended):
        assert await refusal(claim(uuid4(), own.id)) == ("id", ErrorCode.COUPON_NOT_RUNNING)
    assert await refusal(claim(uuid4(), 999_999)) == ("id", ErrorCode.NOT_FOUND)
    assert await database.fetch_value("SELECT count(*) FROM claim") == 0


@pytest.mark.usefixtures("database")
async def test_a_claim_remembers_the_message_that_led_to_it(clock: Clock):
    shop = await make_shop()
    [member] = await make_customers(shop, 1)
    own = await make_coupon(shop, customer_limit=3)
    untold = await claim(member, own.id)
    older = await make_resolved(shop, coupon_id=own.id)
    clock.move(timedelta(hours=1))
    newer, without = await make_resolved(shop, coupon_id=own.id), await make_resolved(shop)

    latest, named = await claim(member, own.id), await claim(member, own.id, message=MessageKey(older.id, member))

    assert (untold.plan_id, latest.plan_id, named.plan_id) == (None, newer.id, older.id)
    foreign = claim(member, own.id, message=MessageKey(without.id, member))
    assert await refusal(foreign) == ("messageId", ErrorCode.NOT_FOUND)


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    "change", ["state = 'UNKNOWN'", "state = 'HELD_OUT'", "customer_id = gen_random_uuid()", "variant = 1"]
)
async def test_only_a_message_that_was_sent_to_the_customer_leads_to_a_claim(change: str):
    shop = await make_shop()
    [member] = await make_customers(shop, 1)
    own = await make_coupon(shop)
    plan = await make_resolved(shop, coupon_id=own.id)
    await database.execute(f"UPDATE delivery SET {change}")

    named = claim(member, own.id, message=MessageKey(plan.id, member))

    assert await refusal(named) == ("messageId", ErrorCode.NOT_FOUND)
    assert not await database.fetch_value("SELECT count(*) FROM claim")
    assert (await claim(member, own.id)).plan_id is None


@pytest.mark.usefixtures("database")
async def test_a_message_that_chose_its_coupon_itself_leads_to_a_claim_of_that_coupon_alone():
    shop = await make_shop()
    [member] = await make_customers(shop, 1)
    chosen, other = await make_coupon(shop, customer_limit=2), await make_coupon(shop)
    plan = await make_resolved(shop)
    await database.execute("UPDATE delivery SET frozen = jsonb_build_object('couponId', $1::int)", chosen.id)

    led = [(await claim(member, own.id)).plan_id for own in (chosen, other)]
    await database.execute("UPDATE delivery SET state = 'UNKNOWN'")
    led.append((await claim(member, chosen.id)).plan_id)

    assert led == [plan.id, None, None]


@pytest.mark.usefixtures("database")
async def test_a_coupon_that_a_customer_cannot_see_is_as_good_as_none_and_not_claimed():
    shop = await make_shop()
    own = await make_coupon(shop, visibility=CouponVisibility.PRIVATE)

    assert await refusal(claim(uuid4(), own.id)) == ("id", ErrorCode.NOT_FOUND)
    assert not await database.fetch_value("SELECT count(*) FROM claim")
    assert (await Coupon.get(id=own.id)).claimed == 0


@pytest.mark.usefixtures("database")
async def test_a_message_of_the_plan_with_another_reference_is_not_the_one_that_was_asked_for():
    shop = await make_shop()
    [member] = await make_customers(shop, 1)
    own = await make_coupon(shop)
    plan = await make_resolved(shop, coupon_id=own.id)

    named = claim(member, own.id, message=MessageKey(plan.id, member, "another-01"))

    assert await refusal(named) == ("messageId", ErrorCode.NOT_FOUND)
    assert not await database.fetch_value("SELECT count(*) FROM claim")


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("claimed = total_limit", ErrorCode.COUPON_SOLD_OUT),
        ("ended_at = $1", ErrorCode.COUPON_NOT_RUNNING),
        ("starts_at = $1 - interval '1 hour', ends_at = $1", ErrorCode.COUPON_NOT_RUNNING),
        ("starts_at = $1 + interval '1 second'", ErrorCode.COUPON_NOT_RUNNING),
    ],
)
async def test_a_coupon_that_changes_while_it_is_claimed_is_claimed_no_more_and_says_why(
    monkeypatch: pytest.MonkeyPatch, change: str, code: ErrorCode
):
    """Its row is looked at again by the last statement, for which everybody waits who claims it."""
    shop = await make_shop()
    own = await make_coupon(shop, total_limit=5)
    insert = claims._insert

    async def late(*arguments: Any):
        taken = await insert(*arguments)
        at = [now()] if "$1" in change else []
        await database.execute(f"UPDATE coupon SET {change.replace('$1', '$1::timestamptz')}", *at)
        return taken

    monkeypatch.setattr(claims, "_insert", late)

    assert await refusal(claim(uuid4(), own.id)) == ("id", code)
    assert not await database.fetch_value("SELECT count(*) FROM claim")
    assert (await Coupon.get(id=own.id)).claimed == 0


@pytest.mark.usefixtures("database")
async def test_webhooks_are_told_which_message_led_to_a_claim_and_never_its_code(clock: Clock):
    shop = await make_shop()
    [member] = await make_customers(shop, 1)
    await make_webhook(shop, "coupon.claimed")
    own = await make_coupon(shop, customer_limit=2)
    await claim(member, own.id)
    plan = await make_resolved(shop, coupon_id=own.id)
    taken = await claim(member, own.id)

    told = [row["data"] for row in await database.fetch("SELECT data::text FROM posting ORDER BY id")]

    assert [database.decode(each)["message"] for each in told] == [None, [plan.id, ""]]
    assert all(taken.code not in each for each in told)
