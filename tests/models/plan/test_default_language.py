"""A shop that changes its default language changes no plan that was submitted before (R14)."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from models import audience, database, message
from models.clock import now
from models.estimate import estimate
from models.message import NEWEST_FIRST
from models.page import Page
from models.plan import Plan, wording
from models.preview import preview
from models.shop import Shop
from tests.automation import Life, make_automated
from tests.factories import DEADLINE, TEXTS, make_customers, make_draft, make_shop

pytestmark = pytest.mark.usefixtures("database")

SPANISH = {"texts": {"es": TEXTS["es"]}}


async def make_scheduled(**fields: Any) -> tuple[Shop, Plan, list[UUID]]:
    """A plan in Spanish alone, scheduled in a Spanish shop that is English since; its customers' apps are Japanese."""
    shop = await make_shop(default_language="es")
    customers = await make_customers(shop, 3, language="ja")
    plan = await make_draft(shop, content=SPANISH, **fields)
    await plan.submit(shop, send_at=now() + timedelta(hours=1), deadline_after=DEADLINE)
    await make_english(shop)
    return shop, plan, customers


async def make_english(shop: Shop) -> None:
    """Change the shop's default language, as the platform would."""
    await database.execute("UPDATE shop SET default_language = 'en' WHERE id = $1", shop.id)
    await shop.refresh_from_db()


async def begin(plan: Plan) -> None:
    """Start a scheduled plan, pin its texts, and resolve its audience."""
    assert await plan.start()
    assert await wording.pin(plan.id)
    assert await audience.resolve_range(plan.id)


async def test_a_scheduled_plan_is_read_in_the_default_language_it_was_submitted_in():
    _, plan, (customer, *_) = await make_scheduled()

    await begin(plan)

    rows = await database.fetch("SELECT DISTINCT state, language FROM delivery")
    assert [tuple(row) for row in rows] == [("SENT", "es")]
    [read] = await message.inbox(customer, Page(NEWEST_FIRST))
    assert (read.language, read.text) == ("es", "Hola c0, saludos de Bloom")


async def test_an_automated_plan_goes_on_in_the_default_language_it_was_submitted_in():
    life = Life(shop := await make_shop(default_language="es"))
    await life.people("ana")
    plan = await make_automated(shop, "WELCOME_FOLLOWER", content={"texts": {"es": {"text": "Hola"}}})
    await make_english(shop)
    await life.did("FOLLOWED", 0)

    await life.look(plan, 1)

    assert await database.fetch_value("SELECT language FROM delivery") == "es"


async def test_preview_and_estimate_of_a_submitted_plan_say_what_customers_will_get():
    shop, plan, (customer, *_) = await make_scheduled()

    shown = await preview(shop, plan, customer_id=customer)
    expected = await estimate(shop, plan)

    assert shown.language == "es"
    assert expected.reach() == {("CHAT", "es"): 3}


async def test_a_draft_falls_back_to_the_default_language_that_the_shop_has_now():
    shop = await make_shop(default_language="es")
    draft = await make_draft(shop)
    await make_english(shop)

    assert draft.fallback_language is None
    assert (await preview(shop, draft)).language == "en"


async def test_a_copy_of_a_submitted_plan_falls_back_to_what_the_shop_has_when_it_is_submitted():
    shop, plan, _ = await make_scheduled()

    copy = await plan.duplicate(shop, actor="anna")

    assert [each.fallback_language for each in (plan, copy)] == ["es", None]
