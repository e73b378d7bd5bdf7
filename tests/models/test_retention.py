"""What is forgotten, when, and what is not."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from models import conversation, database, message, metric, retention
from models.clock import Clock, now
from models.experiment import lift
from models.identifier import customer_id
from models.message import MessageKey
from models.plan import Plan, PlanChannel, advance
from models.progress import progress
from models.retention import CONTACT_DAYS, forget
from models.shop import Shop
from settings import Settings
from tests import oracle
from tests.automation import Life, make_automated
from tests.factories import make_customers, make_resolved, make_shop
from tests.outside import Outside
from tests.slices import hold
from tests.waiting import until_a_lock_is_waited_for

pytestmark = pytest.mark.usefixtures("database")

ANA = customer_id("c0")


async def count(table: str) -> int:
    found: int = await database.fetch_value(f"SELECT count(*) FROM {table}")
    return found


async def remark(shop: Shop, person: UUID, *, days_ago: int) -> None:
    at = now() - timedelta(days=days_ago)
    await database.execute("INSERT INTO conversation VALUES ($1, $2, $3, $3, 'SHOPPER', 1)", person, shop.id, at)
    await database.execute(
        "INSERT INTO remark (customer_id, shop_id, number, author, actor, text, written_at)"
        " VALUES ($1, $2, 1, 'SHOPPER', 'x', 'hello', $3)",
        person, shop.id, at,
    )  # fmt: skip


async def ended(shop: Shop) -> Plan:
    plan = await make_resolved(shop)
    assert await advance.finish(plan.id)
    return plan


async def test_values_of_messages_go_months_after_their_plan_and_figures_stay(
    settings: Settings, clock: Clock, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(retention, "MESSAGES_AT_ONCE", 2)
    shop = await make_shop()
    await make_customers(shop, 5)
    plan = await ended(shop)
    kept = settings.model_copy(update={"message_months": 2})

    async def told() -> list[Any]:
        return [await metric.of_plans([plan.id]), await oracle.breakdown(plan.id)]

    before = await told()
    clock.move(timedelta(days=58))
    await forget(kept, now())
    assert (await message.messages([MessageKey(plan.id, ANA)]))[MessageKey(plan.id, ANA)].text.startswith("Hi c0,")

    clock.move(timedelta(days=2))
    await forget(kept, now())

    assert await database.fetch_value("SELECT count(frozen) FROM delivery") == 0
    assert (await Plan.get(id=plan.id)).values_forgotten_at == now()
    shown = (await message.messages([MessageKey(plan.id, ANA)]))[MessageKey(plan.id, ANA)].text
    assert "c0" not in shown and "greetings from Bloom" in shown
    assert await told() == before


async def test_values_of_messages_that_were_tried_again_after_they_were_forgotten_go_as_well(
    settings: Settings, clock: Clock
):
    shop = await make_shop()
    await make_customers(shop, 2)
    kept = settings.model_copy(update={"message_months": 2})
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)
    await database.execute("UPDATE delivery SET state = 'FAILED', reason = '5.1.0'")
    await database.execute("UPDATE slice SET done_at = $1", now())
    assert await advance.finish(plan.id)
    clock.move(timedelta(days=70))
    await forget(kept, now())

    await (await Plan.get(id=plan.id)).retry_failed(shop, include_unknown=False, deadline_after=timedelta(hours=1))
    _, again = await hold(plan, 2)
    assert await database.fetch_value("SELECT count(frozen) FROM delivery") == len(again) == 2
    await database.execute("UPDATE delivery SET state = 'SENT', sent_at = $1", now())
    await database.execute("UPDATE slice SET done_at = $1, worker_id = NULL", now())
    assert await advance.finish(plan.id)
    clock.move(timedelta(days=70))
    await forget(kept, now())

    assert await database.fetch_value("SELECT count(frozen) FROM delivery") == 0


async def test_a_message_that_cannot_be_said_without_its_values_is_shown_empty(settings: Settings, clock: Clock):
    shop = await make_shop()
    await make_customers(shop, 1)
    plan = await ended(shop)
    await database.execute("UPDATE plan_content SET text = 'Order {order}' WHERE plan_id = $1", plan.id)
    await database.execute("""UPDATE delivery SET frozen = '{"order": "A-1"}'""")
    clock.move(timedelta(days=70))

    await forget(settings.model_copy(update={"message_months": 2}), now())

    assert (await message.messages([MessageKey(plan.id, ANA)]))[MessageKey(plan.id, ANA)].text == ""


async def test_conversations_go_when_nobody_wrote_for_so_long(settings: Settings):
    shop = await make_shop()
    await remark(shop, ANA, days_ago=100)
    await remark(shop, customer_id("c1"), days_ago=80)

    await forget(settings, now())
    assert await count("remark") == 2
    await forget(settings.model_copy(update={"conversation_months": 3}), now())

    assert await database.fetch_value("SELECT customer_id FROM remark") == customer_id("c1")
    assert await count("conversation") == 1


async def test_a_conversation_that_somebody_goes_on_with_just_then_keeps_all_that_was_said(settings: Settings):
    shop = await make_shop()
    await remark(shop, ANA, days_ago=100)
    kept = settings.model_copy(update={"conversation_months": 3})
    outside = Outside()

    async with database.transaction():
        assert await conversation.answer(shop.id, ANA, "We have it again.", actor="anna")
        forgetting = outside.begin(forget(kept, now()))
        await until_a_lock_is_waited_for(forgetting)
    await forgetting

    said = await database.fetch("SELECT text FROM remark ORDER BY number")
    assert [row["text"] for row in said] == ["hello", "We have it again."]
    assert await database.fetch_value("SELECT size FROM conversation") == 2


async def test_test_mails_and_contact_days_are_not_kept_for_ever(settings: Settings, clock: Clock):
    shop = await make_shop()
    await make_customers(shop, 1)
    plan = await make_resolved(shop)
    await database.execute(
        "INSERT INTO trial (id, shop_id, plan_id, address, language, state, actor, created_at)"
        " SELECT gen_random_uuid(), $1, $2, 'a@b.example', 'en', state, 'anna', $3 FROM unnest($4::text[]) AS t(state)",
        shop.id, plan.id, now(), ["SENT", "PENDING"],
    )  # fmt: skip
    clock.move(timedelta(days=CONTACT_DAYS))
    await forget(settings, now())
    assert (await count("contact"), await count("trial")) == (1, 2)

    clock.move(timedelta(days=1))
    await forget(settings, now())
    assert (await count("contact"), await count("trial")) == (0, 2)
    clock.move(timedelta(days=60))
    await forget(settings, now())
    assert await database.fetch_value("SELECT state FROM trial") == "PENDING"


async def test_slices_that_automated_plans_are_done_with_go_and_nothing_that_is_told_changes(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(retention, "DROPPED_AT_ONCE", 2)
    life = Life(shop := await make_shop())
    plan = await make_automated(shop, "WELCOME_FOLLOWER", holdout_percent=50)
    people = [f"c{number}" for number in range(12)]
    await life.people(*people)
    for minute, name in enumerate(people, 1):
        life.go(minute)
        await life.did("FOLLOWED", minute, name)
        await life.look(plan)
    made = await database.fetch("SELECT * FROM slice ORDER BY number")
    await database.execute("UPDATE slice SET done_at = NULL WHERE number = 2")

    async def told() -> list[Any]:
        seen = await progress(plan.id)
        assert seen is not None
        return [seen.counts, await metric.of_plans([plan.id]), await lift.of_plans([(plan.id, 3)])]

    before = await told()
    life.go(24 * 60)
    await forget(settings, now())
    assert await count("slice") == len(made) > 4
    life.go(25 * 60)
    await forget(settings, now())

    assert [row["number"] for row in await database.fetch("SELECT number FROM slice ORDER BY 1")] == [2, len(made)]
    assert await told() == before
    await oracle.check_progress()
    await life.people("late", "later", "latest", "last")
    for name in ("late", "later", "latest", "last"):
        await life.did("FOLLOWED", 25 * 60, name)
    await life.look(plan)
    numbers = await database.fetch("SELECT slice, count(*) FROM delivery WHERE slice IS NOT NULL GROUP BY 1 ORDER BY 1")
    assert [row["slice"] for row in numbers] == list(range(1, len(made) + 2))


async def test_slices_of_a_plan_that_is_sent_stay_so_that_what_failed_can_be_tried_again(
    settings: Settings, clock: Clock
):
    shop = await make_shop()
    await make_customers(shop, 3)
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)
    await database.execute("UPDATE delivery SET state = 'FAILED', reason = '5.1.0'")
    await database.execute("UPDATE slice SET done_at = $1", now())
    assert await advance.finish(plan.id)
    clock.move(timedelta(days=30))

    await forget(settings, now())

    again = await (await Plan.get(id=plan.id)).retry_failed(
        shop, include_unknown=False, deadline_after=timedelta(hours=1)
    )
    assert again.status == "ONGOING"
    assert await database.fetch_value("SELECT count(*) FROM delivery WHERE state = 'PENDING'") == 3
