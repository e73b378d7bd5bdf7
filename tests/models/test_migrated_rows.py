"""What a migration makes of the rows that older versions wrote."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from models import database
from models.metric import day as metric_day
from tests.migrations import MIGRATIONS, migrate_to


@pytest.fixture
async def connection(empty_database: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection of the test's own, for rows of any version."""
    connection = await asyncpg.connect(empty_database)
    yield connection
    await connection.close()


@pytest.mark.timeout(240)
async def test_a_plan_submitted_before_falls_back_to_a_language_that_it_has_a_text_in(
    empty_database: str, connection: asyncpg.Connection
):
    await migrate_to(empty_database, "0015_retention")
    await connection.execute(
        "INSERT INTO shop (external_id, name, currency, time_zone, default_language, created_at, updated_at)"
        " VALUES ('bloom', 'Bloom', 'USD', 'UTC', 'en', now(), now())"
    )
    for name, texts, submitted in (("kept", "en es", True), ("changed", "pt es", True), ("draft", "es", False)):
        await connection.execute(
            "INSERT INTO plan (shop_id, name, kind, channel, status, content, submitted_at, created_by, created_at,"
            " updated_at) SELECT id, $1, 'ONE_TIME', 'CHAT', 'DRAFT',"
            " jsonb_build_object('texts', (SELECT jsonb_object_agg(tag, '{}') FROM unnest($2::text[]) tag)),"
            " CASE WHEN $3 THEN now() END, 'anna', now(), now() FROM shop",
            name,
            texts.split(),
            submitted,
        )

    await migrate_to(empty_database, "0021_fallback_language")

    rows = await connection.fetch("SELECT name, fallback_language FROM plan")
    assert {row["name"]: row["fallback_language"] for row in rows} == {"kept": "en", "changed": "es", "draft": None}


@pytest.mark.timeout(240)
async def test_who_left_twice_before_is_counted_once_after(empty_database: str, connection: asyncpg.Connection):
    for name in MIGRATIONS[: MIGRATIONS.index("0024_leaving_once")]:
        await migrate_to(empty_database, name)
    await connection.execute(
        "INSERT INTO shop (external_id, name, currency, time_zone, default_language, created_at, updated_at)"
        " SELECT s, s, 'USD', 'UTC', 'en', now(), now() FROM unnest('{bloom,other}'::text[]) s"
    )
    await connection.execute(
        "INSERT INTO unsubscription (customer_id, shop_id, channel, happened_at, plan_id)"
        " SELECT gen_random_uuid(), id, 'EMAIL', now(), CASE external_id WHEN 'other' THEN 8 END FROM shop UNION ALL"
        " SELECT '00000000-0000-0000-0000-000000000001', id, channel, now(), 7 FROM shop, unnest('{CHAT,EMAIL}'::text[]) channel"
        " WHERE external_id = 'bloom'"
    )
    left = "SELECT sum(unsubscribed) FROM metric"
    assert await connection.fetchval(left) == 3

    await migrate_to(empty_database, "0024_leaving_once")
    await database.connect(empty_database)
    assert await metric_day.rebuild_due() == [1]  # the other's figures were right

    assert await connection.fetchval(left) == 2


@pytest.mark.timeout(240)
async def test_clicks_on_products_of_mails_that_had_come_back_are_taken_from_the_days(
    empty_database: str, connection: asyncpg.Connection
):
    for name in MIGRATIONS[: MIGRATIONS.index("0029_bounced_clicks")]:
        await migrate_to(empty_database, name)
    await connection.execute(
        "INSERT INTO shop (external_id, name, currency, time_zone, default_language, created_at, updated_at)"
        " SELECT s, s, 'USD', 'UTC', 'en', now(), now() FROM unnest('{bloom,other}'::text[]) s;"
        "INSERT INTO delivery (plan_id, customer_id, shop_id, channel, language, state, created_at, sent_at, read_at, clicked_at)"
        " SELECT id, gen_random_uuid(), id, 'EMAIL', 'en', s, now(), now(), now(), now() FROM shop,"
        " unnest('{SENT,FAILED}'::delivery_state[]) s WHERE external_id = 'bloom' OR s = 'SENT';"
        "INSERT INTO touch (plan_id, customer_id, kind, product_id, toucher, touched_at)"
        " SELECT plan_id, customer_id, 'CLICK', gen_random_uuid(), 'PERSON', now() FROM delivery"
    )
    clicked = (
        "SELECT sum(clicked) FILTER (WHERE product_id <> $1), sum(clicked) FILTER (WHERE product_id = $1) FROM metric"
    )
    assert [*map(tuple, await connection.fetch(clicked, metric_day.WHOLE))] == [(3, 2)]

    await migrate_to(empty_database, "0029_bounced_clicks")
    await database.connect(empty_database)
    assert await metric_day.rebuild_due() == [1]  # the other's figures were right

    assert [*map(tuple, await connection.fetch(clicked, metric_day.WHOLE))] == [(2, 2)]


@pytest.mark.timeout(240)
async def test_order_confirmations_stored_before_lose_their_share_and_others_get_one(
    empty_database: str, connection: asyncpg.Connection
):
    for name in ("0008_automation", "0010_experiment", "0015_retention"):
        await migrate_to(empty_database, name)
    await connection.execute(
        "INSERT INTO shop (external_id, name, currency, time_zone, default_language, created_at, updated_at)"
        " VALUES ('bloom', 'Bloom', 'USD', 'UTC', 'en', now(), now());"
        " INSERT INTO holdout SELECT id, 7, 5, now(), 'anna', now() FROM shop"
    )
    await connection.executemany(
        "INSERT INTO plan (shop_id, name, kind, channel, status, trigger, parameters, holdout_percent,"
        " finished_at, created_by, created_at, updated_at)"
        " SELECT id, $1, 'AUTOMATED', 'CHAT', $2::text::plan_status, $3, '{}', $4,"
        " CASE WHEN $2::text = 'ENDED' THEN now() END, 'anna', now(), now() FROM shop",
        [
            ("confirms", "ONGOING", "ORDER_CONFIRMATION", 50),
            ("will confirm", "DRAFT", "ORDER_CONFIRMATION", 0),
            ("has confirmed", "ENDED", "ORDER_CONFIRMATION", 50),
            ("thanks", "ONGOING", "THANK_YOU", None),
            ("will thank", "DRAFT", "THANK_YOU", None),
            ("thanks as it says", "ONGOING", "THANK_YOU", 3),
        ],
    )

    await migrate_to(empty_database, "0022_confirmation_share")

    rows = await connection.fetch("SELECT name, holdout_percent FROM plan")
    assert {row["name"]: row["holdout_percent"] for row in rows} == {
        "confirms": None, "will confirm": None, "has confirmed": 50, "thanks": 0, "will thank": 7,
        "thanks as it says": 3,
    }  # fmt: skip
