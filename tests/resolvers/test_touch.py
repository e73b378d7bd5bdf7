"""A mail's own links over HTTP: an image, ways into the shop, and nothing else (B8, R13)."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import httpx
import pytest
from pydantic import SecretStr

from models import audience
from models import database as db
from models.clock import Clock, now
from models.plan import Plan, PlanChannel, wording
from models.scenario import Destination
from models.shop import Shop
from models.signed_link import Link, Purpose, keys_of, sign
from models.words import link_words
from resolvers import link_page
from server import create_app
from settings import Settings
from tests import databases
from tests.factories import DEADLINE, make_customers, make_draft, make_shop
from tests.models.test_enclosure import make_product
from tests.models.touch.test_touch import PEOPLE, SCANNER
from tests.waiting import until_a_lock_is_waited_for

STORE = "https://m.example/bloom"
TIMES = "SELECT read_at, clicked_at, machine_read_at, machine_clicked_at FROM delivery"


@pytest.fixture
async def client(settings: Settings, database: None) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=create_app(settings))
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=PEOPLE) as client:
        yield client


async def mailed(clock: Clock, **columns: Any) -> tuple[Shop, Plan, Link]:
    """A plan's mail with a product and a button, sent an hour ago."""
    shop = await make_shop(store_url=STORE, **columns)
    (customer,) = await make_customers(shop, 1)
    product = await make_product(shop, "bag", "Bag")
    plan = await make_draft(shop, channel=PlanChannel.EMAIL, product_ids=[product], button=Destination.CART)
    await plan.submit(shop, send_at=None, deadline_after=DEADLINE)
    assert await wording.pin(plan.id, tracked=True)
    await audience.resolve_range(plan.id)
    await db.execute("UPDATE delivery SET state = 'SENT', sent_at = $1", now())
    clock.move(timedelta(hours=1))
    return shop, plan, Link(shop.id, plan.id, customer)


def token_of(settings: Settings, link: Link, purpose: Purpose = Purpose.TOUCH) -> str:
    return sign(keys_of(settings)[0], purpose, link)


async def times() -> list[object]:
    row = await db.fetch_one(TIMES)
    assert row is not None
    return list(row)


async def test_the_image_is_one_and_tells_of_the_open(client: httpx.AsyncClient, settings: Settings, clock: Clock):
    _, _, link = await mailed(clock)
    answer = await client.get(f"/mail/{token_of(settings, link)}/o.gif")

    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/gif")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.content.startswith(b"GIF89a\x01\x00\x01\x00") and answer.content.endswith(b";")
    assert await times() == [now(), None, None, None]


@pytest.mark.parametrize(("target", "leads"), [("b", f"{STORE}/cart"), ("p1", f"{STORE}/products/bag")])
async def test_a_link_leads_into_the_shop_and_tells_of_the_click(
    client: httpx.AsyncClient, settings: Settings, clock: Clock, target: str, leads: str
):
    _, _, link = await mailed(clock)
    answer = await client.get(f"/mail/{token_of(settings, link)}/{target}")

    assert (answer.status_code, answer.headers["location"]) == (302, leads)
    assert await times() == [now(), now(), None, None]


async def test_a_scanner_is_answered_like_anybody_and_counted_apart(
    client: httpx.AsyncClient, settings: Settings, clock: Clock
):
    _, _, link = await mailed(clock)
    answer = await client.get(f"/mail/{token_of(settings, link)}/b", headers=SCANNER)
    assert answer.status_code == 302
    assert (await client.head(f"/mail/{token_of(settings, link)}/b")).status_code == 302

    assert await times() == [None, None, now(), now()]


async def test_the_image_is_shown_while_postgresql_refuses_our_role(
    client: httpx.AsyncClient, settings: Settings, migrated: str, clock: Clock
):
    _, _, link = await mailed(clock)
    await db.disconnect()
    try:
        async with databases.role(migrated, "outreach") as url:
            await db.connect(url)
            async with databases.refused(migrated, "outreach"):
                answer = await client.get(f"/mail/{token_of(settings, link)}/o.gif")
            await db.disconnect()
    finally:
        await db.disconnect()
        await db.connect(migrated)

    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/gif")
    assert await times() == [None] * 4


async def test_while_postgresql_is_away_a_link_asks_in_the_reader_s_language_to_be_followed_again(
    client: httpx.AsyncClient, settings: Settings, migrated: str, clock: Clock
):
    _, _, link = await mailed(clock)
    token = token_of(settings, link)
    async with databases.closed(migrated):
        german = await client.get(f"/mail/{token}/b", headers={"Accept-Language": "de-AT, en;q=0.5"})
        unasked = await client.get(f"/mail/{token}/p1")
        image = await client.get(f"/mail/{token}/o.gif")

    assert (german.status_code, german.headers["retry-after"], german.headers["cache-control"]) == (
        503,
        "30",
        "no-store",
    )
    assert '<html lang="de" dir="ltr">' in german.text and f"<p>{link_words('de').later}</p>" in german.text
    assert unasked.status_code == 503 and f"<p>{link_words('en').later}</p>" in unasked.text
    assert "location" not in german.headers
    assert (image.status_code, image.headers["content-type"]) == (200, "image/gif")
    assert await times() == [None] * 4

    assert (await client.get(f"/mail/{token}/b")).status_code == 302
    assert await times() == [now(), now(), None, None]


async def test_a_link_whose_mail_others_hold_for_too_long_asks_to_be_followed_again_and_its_image_is_shown(
    client: httpx.AsyncClient, settings: Settings, migrated: str, clock: Clock, *, monkeypatch: pytest.MonkeyPatch
):
    _, _, link = await mailed(clock)
    token = token_of(settings, link)
    monkeypatch.setattr(link_page, "ANSWER_WITHIN", 0.3)
    holder = await asyncpg.connect(migrated)
    async with holder.transaction():
        await holder.execute("SELECT FROM delivery FOR UPDATE")
        click = await client.get(f"/mail/{token}/b")
        image = await client.get(f"/mail/{token}/o.gif")
    await holder.close()

    assert (click.status_code, click.headers["retry-after"]) == (503, "30")
    assert (image.status_code, image.headers["content-type"]) == (200, "image/gif")
    assert await times() == [None] * 4


async def test_what_is_no_link_of_ours_leads_nowhere_and_changes_nothing(
    client: httpx.AsyncClient, settings: Settings, clock: Clock
):
    _, _, link = await mailed(clock)
    token = token_of(settings, link)
    other = await make_shop("other", store_url="https://other.example")
    foreign = token_of(settings, Link(other.id, link.plan_id, link.customer_id))
    wrong = [
        f"{token[:-2]}/b", f"{token}x/b", f"!{token}/b", f"{token}=/o.gif", f"{token}/p2", f"{token}/p9", f"{token}/x", f"{token}/https:%2F%2Fevil.example",
        f"{token_of(settings, link, Purpose.UNSUBSCRIBE)}/b", f"{foreign}/b", f"{'x' * 54}/o.gif", f"{'A' * 5000}/b",
    ]  # fmt: skip

    for path in wrong:
        answer = await client.get(f"/mail/{path}")
        assert (answer.status_code, answer.headers.get("location")) == (404, None), path
    japanese = await client.get(f"/mail/{token}x/b", headers={"Accept-Language": "ja"})
    assert japanese.status_code == 404 and f"<p>{link_words('ja').invalid}</p>" in japanese.text
    assert (await client.post(f"/mail/{token}/b")).status_code == 405
    assert await times() == [None] * 4


async def test_a_shop_or_an_operator_that_wants_nothing_noted_has_nothing_noted(
    client: httpx.AsyncClient, settings: Settings, clock: Clock
):
    _, _, link = await mailed(clock)
    await db.execute("UPDATE shop SET mail_tracking = false")
    token = token_of(settings, link)
    assert (await client.get(f"/mail/{token}/o.gif")).status_code == 200
    assert (await client.get(f"/mail/{token}/b")).status_code == 302

    await db.execute("UPDATE shop SET mail_tracking = NULL")
    transport = httpx.ASGITransport(app=create_app(settings.model_copy(update={"mail_tracking": False})))
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=PEOPLE) as off:
        assert (await off.get(f"/mail/{token}/o.gif")).status_code == 200
        assert (await off.get(f"/mail/{token}/p1")).status_code == 302

    assert await times() == [None] * 4
    assert not await db.fetch_value("SELECT count(*) FROM touch")


async def test_nobody_is_named_in_the_log(
    client: httpx.AsyncClient, settings: Settings, clock: Clock, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG, logger="resolvers")
    _, _, link = await mailed(clock)
    token = token_of(settings, link)
    await client.get(f"/mail/{token}/o.gif")
    await client.get(f"/mail/{token}/b")

    ours = [record.getMessage() for record in caplog.records if record.name.startswith(("resolvers", "models"))]
    assert not [line for line in ours if token in line or str(link.customer_id) in line]


async def pinned(plan: Plan) -> str:
    (text,) = (await wording.load([(plan.id, "EMAIL", "en", 0)])).values()
    assert text.html is not None
    return text.text + text.html


async def test_a_mail_has_links_of_its_own_and_an_image_unless_the_shop_wants_none(
    settings: Settings, clock: Clock, database: None
):
    _, tracked, _ = await mailed(clock)
    own = set(re.findall(r"\{link\}[\w.]+", await pinned(tracked)))
    assert own == {"{link}b", "{link}p1", "{link}o.gif"}
    assert STORE not in await pinned(tracked)

    await db.execute("TRUNCATE shop, delivery, customer, relationship CASCADE")
    _, plain, _ = await mailed(clock, mail_tracking=False)
    said = await pinned(plain)
    assert "{link}" not in said
    assert f"{STORE}/cart" in said and f"{STORE}/products/bag" in said


async def follow_at_once(client: httpx.AsyncClient, settings: Settings, tokens: list[str], other: str) -> None:
    """Follow one mail's links while its row is locked, and see that `other`'s is answered meanwhile."""
    assert settings.database_url
    holder = await asyncpg.connect(settings.database_url)
    async with holder.transaction():
        await holder.execute("SELECT FROM delivery FOR UPDATE")
        waiting = [asyncio.create_task(client.get(f"/mail/{token}/o.gif")) for token in tokens]
        await until_a_lock_is_waited_for()

        assert (await asyncio.wait_for(client.get(f"/mail/{other}/o.gif"), 60)).status_code == 200
        assert not any(each.done() for each in waiting)
    await holder.close()
    assert {each.status_code for each in await asyncio.gather(*waiting)} == {200}
    assert await times() == [now(), None, None, None]


async def test_whoever_follows_one_mail_s_links_many_times_at_once_keeps_no_other_mail_waiting(
    client: httpx.AsyncClient, settings: Settings, clock: Clock
):
    shop, plan, link = await mailed(clock)
    other = Link(shop.id, plan.id, (await make_customers(shop, 1, prefix="other"))[0])

    await follow_at_once(client, settings, [token_of(settings, link)] * 15, token_of(settings, other))


async def test_nor_does_whoever_has_tokens_of_one_mail_by_several_keys(
    settings: Settings, database: None, clock: Clock
):
    keys = [f"key-{number}".ljust(32, "x") for number in range(15)]
    rotated = settings.model_copy(update={"link_keys": SecretStr(" ".join(keys))})
    shop, plan, link = await mailed(clock)
    other = Link(shop.id, plan.id, (await make_customers(shop, 1, prefix="other"))[0])
    tokens = [sign(key.encode(), Purpose.TOUCH, link) for key in keys]
    transport = httpx.ASGITransport(app=create_app(rotated))
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=PEOPLE) as client:
        await follow_at_once(client, settings, tokens, token_of(rotated, other))
