"""A step's own time, of every trigger: when it comes due, and until when a message about it may go."""

import pytest

from models import chat_platform, intent
from models import database as db
from models import slice as slices
from models.delivery import DeliveryState
from models.trigger.fire import fire
from tests import oracle
from tests.automation import LIFE, Life, ledger, make_automated, send
from tests.factories import make_shop
from tests.occasions import STEPS, happen
from tests.slices import hold, settled

pytestmark = pytest.mark.usefixtures("database")

LIFE_MINUTES = 72 * 60


async def begun(code: str) -> tuple[Life, int]:
    """A shop with three customers and a product for each, and the minutes of the trigger's step."""
    life = Life(await make_shop())
    await life.people("ana", "ben", "cleo")
    await life.goods("ana", "ben", "cleo", price=1000, priceChangedAt="2026-01-01T00:00:00Z")
    return life, STEPS[code][2]


@pytest.mark.parametrize("code", STEPS)
async def test_a_step_comes_due_after_its_minutes_and_its_message_may_go_for_72_hours_from_then(code: str):
    life, step = await begun(code)
    plan = await make_automated(life.shop, code, {"steps": [step]})
    life.go(1)
    await happen(life, code, 1, "ana")

    assert [await life.look(plan, minute) for minute in (2, step, step + 1, step + 2)] == [0, 0, 1, 0]
    assert await db.fetch_value("SELECT expires_at FROM delivery") == life.at(step + 1) + LIFE


@pytest.mark.parametrize("code", STEPS)
async def test_what_is_told_of_when_no_message_about_it_may_go_any_more_makes_none(code: str):
    life, step = await begun(code)
    plan = await make_automated(life.shop, code, {"steps": [step]})
    over = 1 + step + LIFE_MINUTES
    life.go(over - 1)
    await life.look(plan)

    await happen(life, code, 1, "ana")
    assert await life.look(plan) == 1
    life.go(over)
    await happen(life, code, 1, "ben")
    assert await life.look(plan) == 0
    assert await db.fetch_value("SELECT count(*) FROM delivery") == 1


@pytest.mark.parametrize("code", STEPS)
async def test_what_happened_before_a_plan_began_is_none_of_its_occasions_though_its_step_comes_later(code: str):
    life, step = await begun(code)
    await happen(life, code, 0, "ana")
    life.go(1)
    plan = await make_automated(life.shop, code, {"steps": [step]})
    await happen(life, code, 0.5, "ben")
    await happen(life, code, 1, "cleo")

    assert await life.look(plan, step + 1) == 1
    assert (
        await db.fetch_value("SELECT c.external_id FROM delivery d JOIN customer c ON c.id = d.customer_id") == "cleo"
    )


@pytest.mark.parametrize("reason", ["429", "CONNECTION_LOST"])
async def test_what_a_chat_platform_put_off_until_it_expired_has_failed_for_that_reason(reason: str):
    life = Life(shop := await make_shop())
    await life.people("ana")
    await chat_platform.connect(shop, "https://chat.example/hook", targets="any", key=b"a secret of tests")
    plan = await make_automated(shop, "WELCOME_FOLLOWER")
    life.go(1)
    await life.did("FOLLOWED", 1)
    assert await fire(plan.id, life=LIFE) == 1
    held, (message,) = await hold(plan)
    assert await intent.commit([], [message]) == [1]
    await intent.commit([settled(message, DeliveryState.PENDING, reason=reason)], [])
    await slices.release(held)

    life.go(1 + LIFE_MINUTES)
    await send(plan)

    assert list((await ledger(plan)).values()) == [f"FAILED {reason}"]
    await oracle.check_contacts()
