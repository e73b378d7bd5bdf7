"""Touches of mails: the first of each counts, a machine's apart, and a burst takes back what it seemed (B8)."""

from datetime import timedelta
from itertools import permutations
from uuid import UUID

import pytest

from models import database as db
from models import intent, metric, touch
from models.clock import Clock, now
from models.identifier import product_id
from models.metric.day import WHOLE
from models.plan import Plan, PlanChannel, advance
from models.scenario import Destination
from models.shop import Shop
from models.signed_link import Link
from models.touch import machine
from models.touch.machine import Sign, TouchKind, Visit
from tests.factories import make_customers, make_resolved, make_shop, make_webhook
from tests.models.test_enclosure import make_product
from tests.outside import Outside
from tests.slices import hold
from tests.waiting import until_a_lock_is_waited_for

PEOPLE = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
SCANNER = {"user-agent": "Barracuda Sentinel (EE)"}
BAG, HAT = (product_id("bloom", name) for name in ("bag", "hat"))


class Mailed:
    """A mail to one customer, sent at noon, with two products and a button."""

    def __init__(self, shop: Shop, plan: Plan, customer: UUID) -> None:
        self.shop, self.plan, self.customer = shop, plan, customer
        self.link = Link(shop.id, plan.id, customer)

    async def open(self, headers: dict[str, str] = PEOPLE) -> Sign | None:
        return await touch.note(self.link, TouchKind.OPEN, visit(headers))

    async def click(self, product: UUID = WHOLE, headers: dict[str, str] = PEOPLE) -> Sign | None:
        return await touch.note(self.link, TouchKind.CLICK, visit(headers), product)

    async def times(self) -> dict[str, object]:
        """What the ledger says, where it says something."""
        row = await db.fetch_one("SELECT read_at, clicked_at, machine_read_at, machine_clicked_at FROM delivery")
        assert row is not None
        return {name: at for name, at in row.items() if at is not None}


def visit(headers: dict[str, str] = PEOPLE, after: timedelta = timedelta()) -> Visit:
    return Visit(now() + after, "GET", headers, "203.0.113.7")


@pytest.fixture
async def mailed(database: None, clock: Clock) -> Mailed:
    shop = await make_shop(store_url="https://m.example/bloom")
    (customer,) = await make_customers(shop, 1)
    products = [await make_product(shop, name, name) for name in ("bag", "hat")]
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL, product_ids=products, button=Destination.PRODUCTS)
    await db.execute("UPDATE delivery SET state = 'SENT', sent_at = $1", now())
    clock.move(timedelta(hours=1))
    return Mailed(shop, plan, customer)


async def test_the_first_open_and_the_first_click_count(mailed: Mailed, clock: Clock):
    opened = clock.now()
    assert await mailed.open() is None
    clock.move(timedelta(hours=1))
    clicked = clock.now()
    for _ in range(2):
        assert await mailed.click() is None
        await mailed.open()
        clock.move(timedelta(hours=1))

    assert await mailed.times() == {"read_at": opened, "clicked_at": clicked}
    row = await db.fetch_one("SELECT last_message_read_at, last_message_clicked_at FROM relationship")
    assert row is not None
    assert tuple(row) == (opened, clicked)


async def test_a_click_is_also_a_read_and_an_earlier_open_that_comes_late_changes_nothing(mailed: Mailed, clock: Clock):
    clicked = clock.now()
    await mailed.click()
    clock.move(timedelta(seconds=9))
    await mailed.open()

    assert await mailed.times() == {"read_at": clicked, "clicked_at": clicked}


async def test_a_machine_counts_apart_until_a_person_does_the_same(mailed: Mailed, clock: Clock):
    scanned = clock.now()
    assert await mailed.click(headers=SCANNER) is Sign.AGENT
    assert await mailed.times() == {"machine_read_at": scanned, "machine_clicked_at": scanned}
    (figures,) = await metric.of_plans([mailed.plan.id])
    assert figures is not None
    assert (figures.read, figures.clicked, figures.machine_read, figures.machine_clicked) == (0, 0, 1, 1)
    assert figures.read_rate == 0

    clock.move(timedelta(hours=1))
    await mailed.open()
    (figures,) = await metric.of_plans([mailed.plan.id])
    assert figures is not None
    assert (figures.read, figures.clicked, figures.machine_read, figures.machine_clicked) == (1, 0, 0, 1)


async def test_links_followed_at_once_are_a_machine_s_from_the_first_of_them_on(mailed: Mailed, clock: Clock):
    first = clock.now()
    assert await mailed.click(BAG) is None
    assert await mailed.times() == {"read_at": first, "clicked_at": first}
    clock.move(timedelta(seconds=0.5))
    assert await mailed.click(HAT) is Sign.BURST
    clock.move(timedelta(seconds=0.5))
    assert await mailed.click() is Sign.BURST

    assert await mailed.times() == {"machine_read_at": first, "machine_clicked_at": first}
    row = await db.fetch_one("SELECT last_message_read_at, last_message_clicked_at FROM relationship")
    assert row is not None
    assert tuple(row) == (None, None)
    assert await db.fetch_value("SELECT sum(clicked) FROM metric") == 0


async def test_links_followed_at_once_are_a_machine_s_in_whatever_order_they_are_noted(mailed: Mailed):
    """Requests at the same moment wait for the same message, and the later of them may have it first."""
    first, second = visit(), visit(after=timedelta(milliseconds=3))
    assert await touch.note(mailed.link, TouchKind.CLICK, second, HAT) is None
    assert await touch.note(mailed.link, TouchKind.CLICK, first, BAG) is Sign.BURST

    assert await mailed.times() == {"machine_read_at": first.at, "machine_clicked_at": first.at}
    assert await db.fetch_value("SELECT sum(clicked) FROM metric") == 0


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize(("apart", "clicks"), [(0.4, 0), (0.6, 3)])
async def test_where_a_burst_is_of_three_links_these_lie_within_its_time_in_whatever_order_they_are_noted(
    mailed: Mailed, monkeypatch: pytest.MonkeyPatch, order: tuple[int, ...], apart: float, clicks: int
):
    rules = machine.read(machine.FILE.read_text(encoding="utf-8").replace("burst_links = 2", "burst_links = 3"))
    monkeypatch.setattr(machine, "rules", lambda: rules)
    for number in order:
        at = visit(after=timedelta(seconds=number * apart))
        await touch.note(mailed.link, TouchKind.CLICK, at, (BAG, HAT, WHOLE)[number])

    assert await db.fetch_value("SELECT count(*) FROM touch WHERE toucher = 'PERSON'") == clicks


async def test_a_person_who_takes_their_time_may_follow_every_link(mailed: Mailed, clock: Clock):
    for product in (BAG, HAT, WHOLE):
        assert await mailed.click(product) is None
        clock.move(timedelta(seconds=2))

    by_product = await db.fetch(
        "SELECT product_id, sum(clicked) AS clicks FROM metric WHERE clicked > 0 GROUP BY product_id"
    )
    assert {row["product_id"]: row["clicks"] for row in by_product} == {WHOLE: 1, BAG: 1, HAT: 1}


async def test_an_open_just_before_a_click_is_no_burst_and_neither_is_one_just_after(mailed: Mailed, clock: Clock):
    opened = clock.now()
    for _ in range(2):
        assert await mailed.open() is None
        clock.move(timedelta(seconds=0.2))
        assert await mailed.click(BAG) is None

    assert await mailed.times() == {"read_at": opened, "clicked_at": opened + timedelta(seconds=0.2)}


async def test_a_burst_takes_back_its_clicks_and_neither_an_open_nor_an_earlier_click(mailed: Mailed, clock: Clock):
    clicked = clock.now()
    await mailed.click(BAG)
    clock.move(timedelta(hours=1))
    burst = clock.now()
    await mailed.open()
    assert await mailed.click(HAT) is None
    assert await mailed.click() is Sign.BURST

    assert await mailed.times() == {
        "read_at": clicked, "clicked_at": clicked, "machine_read_at": burst, "machine_clicked_at": burst,
    }  # fmt: skip
    kept = await db.fetch("SELECT kind, product_id, toucher, sign FROM touch ORDER BY touched_at, kind, product_id")
    assert sorted(tuple(row) for row in kept) == sorted([
        ("CLICK", BAG, "PERSON", None), ("OPEN", WHOLE, "PERSON", None),
        ("CLICK", HAT, "MACHINE", "BURST"), ("CLICK", WHOLE, "MACHINE", "BURST"),
    ])  # fmt: skip


async def test_a_click_just_before_or_after_a_known_machine_s_is_a_person_s(mailed: Mailed):
    """A gateway and its reader may follow links at the same moment: only what looked like people makes a burst."""
    assert await mailed.click(BAG, SCANNER) is Sign.AGENT
    assert await mailed.click(HAT) is None
    assert await mailed.click(headers=SCANNER) is Sign.AGENT

    assert (await mailed.times())["clicked_at"] == now()


async def test_of_two_links_followed_at_once_the_second_waits_for_the_first_and_knows_of_it(mailed: Mailed):
    outside = Outside()
    async with db.transaction():
        assert await mailed.click(BAG) is None
        second = outside.begin(mailed.click(HAT))
        await until_a_lock_is_waited_for(second)

    assert await second is Sign.BURST
    assert await mailed.times() == {"machine_read_at": now(), "machine_clicked_at": now()}


async def test_links_followed_by_a_burst_again_are_a_machine_s_again(mailed: Mailed, clock: Clock):
    first = clock.now()
    for _ in range(2):
        await mailed.click(BAG)
        await mailed.click(HAT)
        clock.move(timedelta(hours=1))

    times = await mailed.times()
    assert (times["machine_read_at"], times["machine_clicked_at"]) == (first, first)
    assert "clicked_at" not in times


async def test_the_same_link_twice_at_once_is_no_burst(mailed: Mailed):
    assert await mailed.click(BAG) is None
    assert await mailed.click(BAG) is None


async def test_a_mail_of_unknown_outcome_that_is_opened_has_arrived(mailed: Mailed):
    await db.execute("UPDATE delivery SET state = 'UNKNOWN', reason = 'WORKER_LOST', sent_at = NULL")
    await mailed.open(headers=SCANNER)

    row = await db.fetch_one("SELECT state, reason, sent_at FROM delivery")
    assert row is not None
    assert tuple(row) == ("SENT", None, now())


async def test_a_mail_of_unknown_outcome_that_is_opened_while_its_retry_waits_has_arrived_and_does_not_go_again(
    mailed: Mailed,
):
    await db.execute("UPDATE delivery SET state = 'UNKNOWN', reason = 'WORKER_LOST', sent_at = NULL, attempt = 1")
    await db.execute("UPDATE slice SET done_at = $1", now())
    assert await advance.finish(mailed.plan.id)
    plan = await Plan.get(id=mailed.plan.id)
    await plan.retry_failed(mailed.shop, include_unknown=True, deadline_after=timedelta(hours=72))
    _, waiting = await hold(plan, 2)

    await mailed.click()

    assert await mailed.times() == {"read_at": now(), "clicked_at": now()}
    row = await db.fetch_one("SELECT state, reason, sent_at FROM delivery")
    assert row is not None
    assert tuple(row) == ("SENT", None, now())
    assert await intent.commit([], waiting) == [None]


async def test_a_mail_that_was_refused_for_now_has_not_arrived_whoever_follows_its_link(mailed: Mailed):
    await db.execute("UPDATE delivery SET state = 'PENDING', reason = '4.2.1', sent_at = NULL, attempt = 1")

    assert await mailed.click() is None

    assert await mailed.times() == {}
    assert await db.fetch_value("SELECT state::text FROM delivery") == "PENDING"


async def test_a_shops_webhook_is_told_once_that_a_mail_of_unknown_outcome_has_arrived(mailed: Mailed, clock: Clock):
    await db.execute("UPDATE delivery SET state = 'UNKNOWN', reason = 'WORKER_LOST', sent_at = NULL")
    await make_webhook(mailed.shop, "messages.sent", "message.read")

    await mailed.open(headers=SCANNER)
    clock.move(timedelta(hours=1))
    await mailed.open()
    await mailed.click()

    told = await db.fetch("SELECT fact, data FROM posting ORDER BY id")
    assert [row["fact"] for row in told] == ["messages.sent", "message.read"]
    assert db.decode(told[0]["data"])["messages"] == [[mailed.plan.id, str(mailed.customer), "", "EMAIL", "en", None]]


@pytest.mark.parametrize("state", ["SENT", "COMMITTING", "FAILED"])
async def test_a_mail_that_may_have_left_is_noted_and_what_is_known_of_it_stays(mailed: Mailed, state: str):
    """A mail that was refused later, or whose relay has not answered yet, may be there all the same."""
    await db.execute("UPDATE delivery SET state = $1::text::delivery_state, reason = '5.2.2'", state)
    sent_at = await db.fetch_value("SELECT sent_at FROM delivery")

    await mailed.open()

    assert await mailed.times() == {"read_at": now()}
    row = await db.fetch_one("SELECT state, reason, sent_at FROM delivery")
    assert row is not None
    assert tuple(row) == (state, "5.2.2", sent_at)


async def test_of_a_message_by_chat_nothing_is_kept(mailed: Mailed):
    await db.execute("UPDATE delivery SET channel = 'CHAT'")

    assert await mailed.open() is None
    assert await mailed.times() == {}
    assert not await db.fetch_value("SELECT count(*) FROM touch")


@pytest.mark.parametrize("state", ["PENDING", "SUPPRESSED", "CANCELLED"])
async def test_of_a_mail_that_never_left_nothing_is_kept(mailed: Mailed, state: str):
    await db.execute("UPDATE delivery SET state = $1::text::delivery_state", state)

    assert await mailed.open() is None
    assert await mailed.times() == {}
    assert not await db.fetch_value("SELECT count(*) FROM touch")


async def test_a_relationship_has_the_latest_touch_of_any_of_its_shop_s_messages(mailed: Mailed, clock: Clock):
    other = await make_shop("other")
    await db.execute("INSERT INTO relationship (shop_id, customer_id) VALUES ($1, $2)", other.id, mailed.customer)
    await mailed.click()
    clock.move(timedelta(hours=1))
    later = Mailed(mailed.shop, await make_resolved(mailed.shop, channel=PlanChannel.EMAIL), mailed.customer)
    await db.execute("UPDATE delivery SET state = 'SENT', sent_at = $1 WHERE plan_id = $2", now(), later.plan.id)
    clock.move(timedelta(hours=1))
    clicked = clock.now()

    await later.click()
    await mailed.click(BAG)

    rows = await db.fetch("SELECT shop_id, last_message_read_at, last_message_clicked_at FROM relationship")
    assert {row["shop_id"]: tuple(row)[1:] for row in rows} == {
        mailed.shop.id: (clicked, clicked), other.id: (None, None),
    }  # fmt: skip


async def test_a_shop_is_noted_unless_it_wants_it_not(mailed: Mailed):
    noted = []
    for wanted in (None, True, False):
        await db.execute("UPDATE shop SET mail_tracking = $1", wanted)
        found = [await touch.redirect(mailed.link, target) for target in ("b", "p1")]
        noted.append([await touch.is_noted(mailed.link), *(each and each.is_noted for each in found)])

    assert noted == [[True] * 3, [True] * 3, [False] * 3]


async def test_a_mail_has_links_of_up_to_four_products(mailed: Mailed):
    names = ("bag", "hat", "cap", "scarf")
    more = [await make_product(mailed.shop, name, name) for name in names[2:]]
    await db.execute("UPDATE plan SET product_ids = $1", [BAG, HAT, *more])

    found = [await touch.redirect(mailed.link, f"p{place}") for place in range(1, 6)]

    assert [each and each.product_id for each in found] == [BAG, HAT, *more, None]


async def test_a_mail_without_a_button_has_no_link_of_one(mailed: Mailed):
    await db.execute("UPDATE plan SET button = NULL")

    assert await touch.redirect(mailed.link, "b") is None


async def test_a_link_that_names_another_shop_leads_nowhere(mailed: Mailed):
    other = await make_shop("other", store_url="https://other.example")
    foreign = Link(other.id, mailed.plan.id, mailed.customer)

    assert [await touch.redirect(foreign, target) for target in ("b", "p1")] == [None, None]


async def test_a_link_of_another_shop_s_plan_touches_nothing(mailed: Mailed):
    other = await make_shop("other")
    foreign = Link(other.id, mailed.plan.id, mailed.customer)

    await touch.note(foreign, TouchKind.OPEN, visit())
    assert await mailed.times() == {}


async def test_each_link_leads_where_its_plan_says_and_no_other_leads_anywhere(mailed: Mailed):
    found = {target: await touch.redirect(mailed.link, target) for target in ("b", "p1", "p2")}
    assert {target: each and (each.url, each.product_id) for target, each in found.items()} == {
        "b": ("https://m.example/bloom/products", WHOLE),
        "p1": ("https://m.example/bloom/products/bag", BAG),
        "p2": ("https://m.example/bloom/products/hat", HAT),
    }
    for target in ("1", "2", "p0", "p3", "p5", "p-1", "p²", "p1 ", "B", "o", "https://evil.example"):
        assert await touch.redirect(mailed.link, target) is None


async def test_a_place_stands_for_its_product_when_another_is_gone(mailed: Mailed):
    await db.execute("DELETE FROM product WHERE id = $1", BAG)
    gone, kept = [await touch.redirect(mailed.link, target) for target in ("p1", "p2")]

    assert gone is not None
    assert kept is not None
    assert gone.url == "https://m.example/bloom/products"
    assert kept.url == "https://m.example/bloom/products/hat"
