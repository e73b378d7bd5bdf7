"""A shop that changes its default language changes no plan that was submitted before (R14)."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from models import audience, chat_platform, customer_export, database, message, platform_message
from models.clock import now
from models.estimate import estimate
from models.mail import letter
from models.message import NEWEST_FIRST
from models.page import Page
from models.plan import Plan, PlanChannel, advance, wording
from models.preview import preview
from models.shop import Shop
from models.slice import Waiting
from settings import Settings
from tests.automation import Life, make_automated
from tests.factories import DEADLINE, TEXTS, make_customers, make_draft, make_shop
from tests.rows import SECRET

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
    assert await advance.start(plan.id)
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


async def make_unpinned(channel: PlanChannel) -> tuple[Plan, list[UUID]]:
    """A plan in Spanish alone, whose rows are in English: as a release wrote them that knew the shop's default alone."""
    _, plan, customers = await make_scheduled(channel=channel)
    await begin(plan)
    await database.execute("UPDATE delivery SET language = 'en'")
    return plan, customers


async def test_an_inbox_shows_a_message_in_a_language_without_a_text_by_a_text_that_is_there():
    _, (customer, *_) = await make_unpinned(PlanChannel.CHAT)

    [read] = await message.inbox(customer, Page(NEWEST_FIRST))

    assert (read.language, read.text) == ("es", "Hola c0, saludos de Bloom")


async def test_of_several_texts_the_one_the_plan_falls_back_to_is_read_instead():
    plan, _ = await make_unpinned(PlanChannel.CHAT)
    await database.execute(
        "INSERT INTO plan_content SELECT plan_id, channel, tag, subject, preheader, text, html, variables, variant"
        " FROM plan_content, unnest('{de,pt}'::text[]) AS t(tag)"
    )
    key = (plan.id, "CHAT", "en", 0)

    chosen = (await wording.load([key]))[key].language
    await database.execute("UPDATE plan SET fallback_language = NULL")  # as an older release submitted it
    first = (await wording.load([key]))[key].language

    assert (chosen, first) == ("es", "de")


async def test_a_plan_that_has_pinned_nothing_has_no_text_instead():
    _, plan, _ = await make_scheduled()

    assert await wording.load([(plan.id, "CHAT", "en", 0)]) == {}


def waiting(plan: Plan, customer: UUID) -> Waiting:
    """A message of the plan's as a worker that sends it holds it."""
    return Waiting(plan.id, customer, "", 1, uuid4(), 0, "en", now().date(), now() + DEADLINE, "Ana", "ana@example.com")


async def test_a_letter_in_a_language_without_a_text_is_written_in_one_that_is_there(settings: Settings):
    plan, (customer, *_) = await make_unpinned(PlanChannel.EMAIL)

    written = await letter.writer(plan.id, {("en", 0)}, settings=settings)

    assert b"Subject: Hola Ana" in written.body(waiting(plan, customer))


async def test_a_chat_platform_gets_a_text_that_is_there_and_is_told_its_language():
    plan, (customer, *_) = await make_unpinned(PlanChannel.CHAT)
    shop = await Shop.get(id=plan.shop_id)
    await chat_platform.connect(shop, "http://127.0.0.1/hook", targets="any", key=SECRET)

    written = await platform_message.writer(plan.id, [waiting(plan, customer)], key=SECRET)

    assert written is not None
    post = written.write(waiting(plan, customer))
    assert post is not None
    data = orjson.loads(post.body)["data"]
    assert (data["language"], data["text"]) == ("es", "Hola Ana, saludos de Bloom")


async def test_an_export_tells_the_text_that_was_read_instead_and_its_language():
    await make_unpinned(PlanChannel.CHAT)

    exported = orjson.loads((await customer_export.export("c0")).document)
    [told] = exported["messages"]

    assert (told["language"], told["text"]) == ("es", "Hola c0, saludos de Bloom")
