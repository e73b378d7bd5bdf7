"""Welcoming followers: the first follow in 90 days, while it lasts."""

import pytest

from tests.automation import Life, ledger, make_automated
from tests.factories import make_shop

pytestmark = pytest.mark.usefixtures("database")

DAY = 24 * 60


async def test_a_new_follower_is_welcomed_at_the_next_look_and_once():
    life = Life(shop := await make_shop())
    await life.people("ana")
    plan = await make_automated(shop, "WELCOME_FOLLOWER")
    life.go(1)
    await life.did("FOLLOWED", 1)
    assert [await life.look(plan, minute) for minute in (1, 1.2, 2, 10)] == [1, 0, 0, 0]
    assert await ledger(plan) == {f"follow:{life.micros(1)}:1": "SENT"}


async def test_who_follows_again_within_90_days_is_no_new_follower_and_later_is():
    life = Life(shop := await make_shop())
    await life.people("ana")
    plan = await make_automated(shop, "WELCOME_FOLLOWER")
    for day, made in ((0, 1), (50, 0), (140, 0), (231, 1)):
        life.go(day * DAY)
        await life.did("FOLLOWED", day * DAY)
        assert await life.look(plan) == made
        life.go(day * DAY + 1)
        await life.did("UNFOLLOWED", day * DAY + 1)


@pytest.mark.parametrize(("later", "made"), [(90 * DAY, 0), (90 * DAY + 1, 1)])
async def test_who_followed_exactly_90_days_before_is_no_new_follower(later: int, made: int):
    life = Life(shop := await make_shop())
    await life.people("ana")
    await life.did("FOLLOWED", 0)
    life.go(1)
    plan = await make_automated(shop, "WELCOME_FOLLOWER")
    life.go(later)
    await life.did("FOLLOWED", later)
    assert await life.look(plan) == made


async def test_what_else_somebody_did_before_makes_them_no_older_a_follower():
    life = Life(shop := await make_shop())
    await life.people("ana")
    for kind in ("PRODUCT_VIEWED", "CART_ADDED", "UNFOLLOWED"):
        await life.did(kind, 0)
    plan = await make_automated(shop, "WELCOME_FOLLOWER")
    await life.did("FOLLOWED", 1)
    assert await life.look(plan, 1) == 1


async def test_who_leaves_in_the_instant_in_which_they_follow_does_not_follow():
    life = Life(shop := await make_shop())
    await life.people("ana")
    plan = await make_automated(shop, "WELCOME_FOLLOWER")
    await life.did("FOLLOWED", 0)
    await life.did("UNFOLLOWED", 0)
    assert await life.look(plan, 1) == 0


async def test_who_has_left_before_the_step_is_due_gets_nothing():
    life = Life(shop := await make_shop())
    await life.people("ana", "ben")
    plan = await make_automated(shop, "WELCOME_FOLLOWER", {"steps": [30]})
    await life.did("FOLLOWED", 0)
    await life.did("FOLLOWED", 0, "ben")
    life.go(10)
    await life.did("UNFOLLOWED", 10)
    assert await life.look(plan, 30) == 1


async def test_an_earlier_follow_that_arrives_late_is_not_welcomed_again():
    life = Life(shop := await make_shop())
    await life.people("ana")
    plan = await make_automated(shop, "WELCOME_FOLLOWER")
    life.go(10)
    await life.did("FOLLOWED", 10)
    assert await life.look(plan) == 1
    await life.did("FOLLOWED", 5)
    assert await life.look(plan, 11) == 0


async def test_a_follow_from_the_near_future_is_welcomed_when_its_time_has_come():
    life = Life(shop := await make_shop())
    await life.people("ana")
    plan = await make_automated(shop, "WELCOME_FOLLOWER")
    await life.did("FOLLOWED", 4)
    assert [await life.look(plan, minute) for minute in (1, 3.9, 4)] == [0, 0, 1]
