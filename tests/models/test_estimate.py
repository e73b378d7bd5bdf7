"""An estimate says beforehand what resolving the audience then does, and changes nothing (R11)."""

from collections import Counter
from random import Random
from typing import Any
from uuid import UUID

import pytest

from models import audience, database
from models.clock import now
from models.estimate import estimate
from models.plan import Plan, PlanChannel, wording
from models.shop import Shop
from tests.factories import DEADLINE, make_customers, make_draft, make_resolved, make_shop


async def _mixed_crowd(shop: Shop, seed: int) -> list[UUID]:
    """Sixty customers, each at random with or without address, consent, a block, suppression, contacts and language."""
    random = Random(seed)
    ids = await make_customers(shop, 60, consent="SUBSCRIBED")
    for customer in ids:
        changes: list[tuple[str, list[Any]]] = [
            ("UPDATE customer SET email = NULL, email_key = NULL WHERE id = $1", []),
            ("UPDATE relationship SET email_consent = 'UNSUBSCRIBED' WHERE customer_id = $1", []),
            ("UPDATE relationship SET chat_blocked_at = $2 WHERE customer_id = $1", [now()]),
            ("INSERT INTO suppression SELECT email_key, 'BOUNCED', $2 FROM customer WHERE id = $1 AND email_key IS NOT NULL", [now()]),
            ("UPDATE customer SET language = $2 WHERE id = $1", [random.choice(["es-MX", "de", "zh-Hant", None])]),
            ("UPDATE customer SET time_zone = $2 WHERE id = $1", ["Pacific/Kiritimati"]),
            ("INSERT INTO contact SELECT $1, $2::date, s, 999, '' FROM generate_series(1, 2) s", [now().date()]),
            ("INSERT INTO contact VALUES ($1, $2::date, 2, 998, '') ON CONFLICT DO NOTHING", [now().date()]),
        ]  # fmt: skip
        for sql, arguments in changes:
            if random.random() < 0.25:
                await database.execute(sql, customer, *arguments)
    await database.execute("INSERT INTO language VALUES ('es-MX'), ('de'), ('zh-Hant') ON CONFLICT DO NOTHING")
    return ids


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("channel", PlanChannel)
@pytest.mark.parametrize("seed", range(4))
async def test_an_estimate_equals_what_resolving_then_does(channel: PlanChannel, seed: int):
    shop = await make_shop()
    await _mixed_crowd(shop, seed)
    plan = await make_draft(shop, channel=channel)

    expected = await estimate(shop, plan)
    await plan.submit(shop, send_at=None, deadline_after=DEADLINE)
    assert await wording.pin(plan.id)
    while (done := await audience.resolve_range(plan.id, size=17)) is not None and not done.is_last:
        pass

    rows = await database.fetch("SELECT state, reason, channel, language FROM delivery WHERE plan_id = $1", plan.id)
    refused = [row["reason"] for row in rows if row["state"] == "SUPPRESSED"]
    reached = [(row["channel"], row["language"]) for row in rows if row["state"] != "SUPPRESSED"]
    capped = [row for row in rows if row["reason"] == "CONTACT_LIMIT"]
    assert expected.audience == len(rows) == 60
    assert expected.refusals() == Counter(refused)
    assert expected.reach() == Counter(reached)
    assert expected.reachable == len(reached)
    if channel is PlanChannel.CHAT:
        assert expected.capped_today == len(capped)


@pytest.mark.usefixtures("database")
async def test_an_estimate_reserves_and_writes_nothing():
    shop = await make_shop()
    await make_customers(shop, 3)
    plan = await make_draft(shop)

    first, second = await estimate(shop, plan), await estimate(shop, plan)

    assert first == second
    assert await database.fetch_value("SELECT (SELECT count(*) FROM contact) + (SELECT count(*) FROM delivery)") == 0


@pytest.mark.usefixtures("database")
async def test_who_had_two_messages_today_is_told_as_capped_and_still_reachable():
    shop = await make_shop()
    await make_customers(shop, 3)
    for _ in range(2):
        await make_resolved(shop)

    found = await estimate(shop, await make_draft(shop))

    assert (found.audience, found.reachable, found.capped_today, found.without_consent) == (3, 3, 3, 0)


@pytest.mark.usefixtures("database")
async def test_languages_are_told_as_customers_have_them_and_texts_as_they_would_get_them():
    shop = await make_shop()
    await make_customers(shop, 2, prefix="a", language="es-MX")
    await make_customers(shop, 1, prefix="b", language="de")

    found = await estimate(shop, await make_draft(shop))

    assert found.languages == [("es-MX", 2), ("de", 1)]
    assert found.reach() == {("CHAT", "es"): 2, ("CHAT", "en"): 1}


@pytest.mark.usefixtures("database")
async def test_an_empty_segment_reaches_nobody():
    shop = await make_shop()
    found = await estimate(shop, await make_draft(shop))
    assert (found.audience, found.reach(), found.refusals()) == (0, {}, {})
    assert await Plan.all().count() == 1
