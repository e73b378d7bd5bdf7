"""The demo as a stranger meets it: filled, sent, seen; and not repeated, whatever was killed in between."""

import asyncio
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from io import StringIO

import pytest
from rich.console import Console

from local.demo import play
from local.demo.figures import line_of, sums_of, table_of
from local.demo.first_plan import ensure_first_plan, find_first_plan, watch
from local.demo.past_plans import PAST, WAY
from local.demo.shops import DemoShop, demo_shops
from local.demo.story import story_of
from local.mail_server import MailServer
from local.mailbox import Mailbox
from models import database as databases
from models import language, message
from models.clock import now
from models.delivery import DeliveryCount, DeliveryState, MessageChannel
from models.page import page_of
from models.plan import Plan
from models.progress import Progress
from models.segment import Segment
from models.segment.member import size
from models.shop import Shop
from settings import Settings
from tests.processes import ROOT, environment, process

pytestmark = pytest.mark.timeout(240)

DEMO, NEIGHBOUR = demo_shops()
SHOPS = [replace(DEMO, people=range(4701, 5001)), replace(NEIGHBOUR, people=range(4981, 5041))]
"""The demo, small enough for a test: 300 customers and 60, of whom they share 20."""

TWO_BATCHES = range(4501, 5001)
"""As many customers of the demo shop as need more than one transaction."""

PATIENCE = timedelta(minutes=1)

KILLED = f"""
import asyncio
from dataclasses import replace
from rich.console import Console
from local.demo import play
from local.demo.shops import demo_shops
from models import database
from models.clock import clock, shift_of
from settings import Settings

async def main(settings):
    clock.shift = shift_of(settings.clock)
    await database.connect(settings.database_url)
    demo, neighbour = demo_shops()
    shops = [replace(demo, people={TWO_BATCHES}), replace(neighbour, people={SHOPS[1].people})]
    await play(settings, Console(quiet=True), shops)

asyncio.run(main(Settings()))
"""


@pytest.fixture
def mailbox(settings: Settings) -> Iterator[Mailbox]:
    """What the demo's mail ends up in."""
    kept = Mailbox(settings.data_directory / "mailbox")
    server = MailServer(kept)
    object.__setattr__(settings, "smtp_url", server.start())
    object.__setattr__(settings, "smtp_tls", "none")
    object.__setattr__(settings, "mailbox_directory", settings.data_directory / "mailbox")
    yield kept
    server.stop()


@pytest.fixture
def worker(database: None, redis: object, mailbox: Mailbox, settings: Settings) -> Iterator[None]:
    """A worker process on the test's engines, its clock starting where the test's stands."""
    with process(settings, "work", CLOCK=now().isoformat()):
        yield


def quiet() -> Console:
    return Console(file=StringIO(), width=100)


def said(console: Console) -> str:
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def expected_rows(told: DemoShop, shop: Shop) -> Counter[str]:
    """How many rows of each type the shop's story has."""
    return Counter(row["type"] for _, rows in story_of(told, shop.created_at, 5000) for row in rows)


async def stored_rows(shop: Shop) -> dict[str, int]:
    """How many rows of each type the database has but what past plans brought; customers by their relationship."""
    tables = {"customer": "relationship", "product": "product", "order": "orders", "event": "event"}
    stored = {
        kind: await databases.fetch_value(f"SELECT count(*) FROM {table} WHERE shop_id = $1", shop.id)
        for kind, table in tables.items()
    }
    brought = await databases.fetch_value(
        "SELECT count(*) FROM orders WHERE shop_id = $1 AND external_id LIKE 'past-%'", shop.id
    )
    return {**stored, "order": stored["order"] - brought, "event": stored["event"] - brought * len(WAY)}


async def ledger(plan: Plan) -> list[databases.Record]:
    return await databases.fetch(
        "SELECT d.*, c.language AS theirs, c.email FROM delivery d JOIN customer c ON c.id = d.customer_id"
        " WHERE plan_id = $1",
        plan.id,
    )


async def the_plan(external_id: str = "demo") -> Plan:
    plan = await find_first_plan(await Shop.get(external_id=external_id))
    assert plan is not None
    return plan


async def check_inbox(row: databases.Record) -> None:
    """The newest message in the shopper's inbox is the one that the ledger says, in the language it says."""
    page = page_of(message.NEWEST_FIRST, first=10, after=None, last=None, before=None)
    found, *_ = await message.inbox(row["customer_id"], page)
    assert (found.shop_name, found.language) == ("Lumi & Co", row["language"])
    assert "Lumi & Co" in found.text


async def test_a_first_start_fills_both_shops_and_sends_the_plan_to_each_once_in_their_language(
    worker: None, mailbox: Mailbox, settings: Settings
):
    console = quiet()
    await play(settings, console, SHOPS, PATIENCE)

    for told in SHOPS:
        shop = await Shop.get(external_id=told.external_id)
        stored, expected = await stored_rows(shop), expected_rows(told, shop)
        assert {**stored, "customer": 0} == {**expected, "customer": 0}
        assert len(told.people) * 0.95 < stored["customer"] <= expected["customer"]

    plan = await the_plan()
    assert plan.status == "SENT"
    assert await Plan.filter(trigger=None).count() == len(PAST) + 1
    rows = await ledger(plan)
    lapsed = await Segment.get(shop_id=plan.shop_id, preset="LAPSED")
    assert len(rows) == await size(lapsed.question(plan.started_at)) > 30
    texts = list(plan.content["texts"])
    assert all(row["language"] == language.choose(row["theirs"], texts, "en") for row in rows)
    assert {row["state"] for row in rows} == {"SENT", "SUPPRESSED"}

    by_mail = {row["email"]: row["language"] for row in rows if (row["channel"], row["state"]) == ("EMAIL", "SENT")}
    assert by_mail
    assert mailbox.count() == len(by_mail)
    assert {recipient for entry in mailbox.entries() for recipient in entry.recipients} == set(by_mail)
    for entry in mailbox.entries():
        mail = mailbox.message(entry.number)
        assert isinstance(mail, EmailMessage)
        assert mail["Content-Language"] == by_mail[entry.recipients[0]]
    for row in rows:
        if (row["channel"], row["state"]) == ("CHAT", "SENT"):
            await check_inbox(row)
    assert "“We miss you” is SENT" in said(console)
    assert f"{len(rows)}" in said(console)


async def test_a_second_start_repeats_nothing(worker: None, mailbox: Mailbox, settings: Settings):
    await play(settings, quiet(), SHOPS, PATIENCE)
    plan, mails = await the_plan(), mailbox.count()
    before = [dict(row) for row in await ledger(plan)]
    console = quiet()
    await play(settings, console, SHOPS, PATIENCE)
    assert await Plan.filter(trigger=None).count() == len(PAST) + 1
    assert [dict(row) for row in await ledger(plan)] == before
    assert mailbox.count() == mails
    assert "“We miss you” is SENT" in said(console)


async def first_orders() -> None:
    """Return once the first batch of a fill has been written."""
    while not await databases.fetch_value("SELECT count(*) FROM orders"):
        await asyncio.sleep(0.02)


async def test_two_automated_plans_run_after_the_first_however_often_it_is_started(
    worker: None, mailbox: Mailbox, settings: Settings
):
    for _ in range(2):
        await play(settings, quiet(), SHOPS, PATIENCE)
    plans = await Plan.filter(trigger__isnull=False).order_by("id")
    assert [(plan.trigger, plan.status) for plan in plans] == [
        ("ABANDONED_CART", "ONGOING"),
        ("WELCOME_FOLLOWER", "ONGOING"),
    ]


async def test_a_fill_that_was_killed_is_taken_up_and_ends_with_the_same_rows(worker: None, settings: Settings):
    killed = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KILLED, cwd=ROOT, env=environment(settings, CLOCK=now().isoformat())
    )
    await asyncio.wait_for(first_orders(), 100)
    killed.kill()
    assert await killed.wait() == -signal.SIGKILL
    assert await Plan.all().count() == 0
    made = (await Shop.get(external_id="demo")).created_at

    told = replace(DEMO, people=TWO_BATCHES)
    await play(settings, quiet(), [told, SHOPS[1]], PATIENCE)
    shop = await Shop.get(external_id="demo")
    assert shop.created_at == made
    stored, expected = await stored_rows(shop), expected_rows(told, shop)
    assert (stored["order"], stored["event"]) == (expected["order"], expected["event"])
    assert (await the_plan()).status == "SENT"
    assert await Plan.filter(trigger=None).count() == len(PAST) + 1


async def test_starts_at_once_make_one_plan(database: None, redis: object, settings: Settings):
    await play_without_worker(settings)
    await databases.execute("DELETE FROM plan")
    shop = await Shop.get(external_id="demo")
    first, second = await asyncio.gather(ensure_first_plan(shop, settings), ensure_first_plan(shop, settings))
    assert first.id == second.id
    assert await Plan.filter(trigger=None).count() == 1


async def play_without_worker(settings: Settings) -> None:
    """A demo whose plan nobody sends."""
    tiny = [replace(DEMO, people=range(1, 21)), replace(NEIGHBOUR, people=range(5001, 5011))]
    await play(settings, quiet(), tiny, timedelta())


async def test_without_a_worker_the_plan_waits_and_the_start_goes_on(database: None, redis: object, settings: Settings):
    await play_without_worker(settings)
    plan = await the_plan()
    assert plan.status == "ONGOING"
    console = quiet()
    await watch(plan, console, timedelta())
    assert "“We miss you” is ONGOING" in said(console)


async def test_a_real_relay_gets_no_demo_mail(database: None, redis: object, settings: Settings):
    assert settings.mailbox_directory is None
    await play_without_worker(settings)
    assert (await the_plan()).channel == "CHAT"


def progress_of(*counts: DeliveryCount) -> Progress:
    return Progress(plan_id=1, status="SENT", status_reason=None, version=1, is_resolved=True, counts=counts)


COUNTS = (
    DeliveryCount(DeliveryState.SENT, None, MessageChannel.CHAT, "id", 1200),
    DeliveryCount(DeliveryState.SENT, None, MessageChannel.EMAIL, "id", 30),
    DeliveryCount(DeliveryState.SUPPRESSED, "UNREACHABLE", MessageChannel.CHAT, "id", 7),
    DeliveryCount(DeliveryState.SENT, None, MessageChannel.CHAT, "ar", 5),
    DeliveryCount(DeliveryState.PENDING, "CONTACT_LIMIT", MessageChannel.CHAT, "ar", 2),
    DeliveryCount(DeliveryState.UNKNOWN, "WORKER_LOST", MessageChannel.EMAIL, "ar", 1),
)


def test_figures_add_up_by_language_the_largest_first():
    assert sums_of(COUNTS) == {
        "id": {"chat": 1200, "e-mail": 30, "held back": 7},
        "ar": {"chat": 5, "waiting": 2, "failed": 1},
    }
    assert list(sums_of(COUNTS)) == ["id", "ar"]


def test_a_line_holds_the_same_sums_as_the_table():
    assert line_of("Hello", progress_of(*COUNTS)) == (
        "“Hello” is SENT: 1,245 recipients, 1,205 chat, 30 e-mail, 2 waiting, 7 held back, 1 failed"
    )


def test_the_table_has_the_columns_that_are_not_empty_and_every_reason():
    console = quiet()
    console.print(table_of("Hello", progress_of(*COUNTS)))
    shown = said(console)
    assert "1,245" in shown
    assert "suppressed, UNREACHABLE: 7" in shown
    assert "failed" in shown
    console = quiet()
    console.print(table_of("Hello", progress_of(COUNTS[0])))
    assert "held back" not in said(console)
