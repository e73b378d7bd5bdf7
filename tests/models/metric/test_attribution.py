"""An order belongs to the last message touched within the window before it, decided once (R24)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from models import consent
from models import database as db
from models.clock import Clock, now
from models.identifier import customer_id
from models.ingest import ingest
from models.metric import attribution, of_plans
from models.metric.attribution import WINDOW
from models.segment.definition import define
from models.segment.member import Question, sizes
from models.shop import Shop
from tests.factories import make_draft, make_shop

ORDERED = datetime.fromisoformat("2026-01-15T12:00:00+00:00")


@dataclass(frozen=True, slots=True)
class Touch:
    """That a message was read or clicked, the first time."""

    plan_id: int
    kind: str
    at: datetime


def last_touch(touches: Iterable[Touch], ordered_at: datetime) -> Touch | None:
    """The touch an order is credited to, by the rule in plain Python: the latest in the window before it, or None.

    Of touches at the same instant a click goes before a read, then the newer plan before the older.
    """
    eligible = [touch for touch in touches if ordered_at - WINDOW < touch.at <= ordered_at]
    return max(eligible, key=lambda touch: (touch.at, touch.kind == "CLICK", touch.plan_id), default=None)


@dataclass
class History:
    """One shopper's messages of one shop, and how the database would be told of an order."""

    shop: Shop
    customer: UUID

    async def message(
        self,
        plan_id: int,
        read_at: datetime | None,
        clicked_at: datetime | None = None,
        *,
        sent_at: datetime | None = None,
        channel: str = "CHAT",
    ) -> None:
        """A message that was sent then, or long ago, read and clicked then."""
        await db.execute(
            "INSERT INTO delivery (plan_id, customer_id, shop_id, state, channel, created_at, sent_at, read_at, clicked_at,"
            " language) VALUES ($1, $2, $3, 'SENT', $7, $4, $4, $5, $6, 'es')",
            plan_id, self.customer, self.shop.id, sent_at or now() - timedelta(days=30), read_at, clicked_at, channel,
        )  # fmt: skip

    async def order(self, ordered_at: datetime, arrived_at: datetime | None = None) -> UUID:
        """An order as the ingesting transaction stores it, and credits it."""
        order, arrived_at = uuid4(), arrived_at or now()
        await db.execute(
            "INSERT INTO orders (customer_id, id, shop_id, external_id, ordered_at, amount, status, arrived_at)"
            " VALUES ($1, $2, $3, $2::uuid::text, $4, 1000, 'PLACED', $5)",
            self.customer, order, self.shop.id, ordered_at, arrived_at,
        )  # fmt: skip
        await attribution.attribute(self.shop.id, [order], at=arrived_at)
        return order

    async def blocked(self) -> int | None:
        """Block the shop's chat; the plan that is credited with it."""
        await consent.block(self.shop.id, self.customer)
        plan: int | None = await db.fetch_value("SELECT plan_id FROM unsubscription WHERE shop_id = $1", self.shop.id)
        return plan

    async def plan_of(self, order: UUID) -> int | None:
        """The plan the order is credited to."""
        plan: int | None = await db.fetch_value("SELECT plan_id FROM attribution WHERE order_id = $1", order)
        return plan


@pytest.fixture
async def history(database: None) -> History:
    return History(await make_shop(), uuid4())


async def test_the_database_chooses_as_the_rule_does(history: History):
    moments = [now() - timedelta(hours=hours) for hours in (130, 121, 119, 60, 60, 1)]
    clicks = [None, None, moments[2], None, moments[4], None]
    for plan, (read_at, clicked_at) in enumerate(zip(moments, clicks, strict=True), start=1):
        await history.message(plan, read_at, clicked_at)
    touches = [Touch(plan, "READ", at) for plan, at in enumerate(moments, start=1)]
    touches += [Touch(plan, "CLICK", at) for plan, at in enumerate(clicks, start=1) if at]

    for hours in (0, 1, 2, 60, 61, 118, 119, 121, 126):
        ordered_at = now() - timedelta(hours=hours)
        expected = last_touch(touches, ordered_at)
        order = await history.order(ordered_at, arrived_at=ordered_at + timedelta(seconds=hours + 1))

        assert await history.plan_of(order) == (expected.plan_id if expected else None), hours


@pytest.mark.parametrize(
    ("before", "credited"),
    [
        (WINDOW, None),
        (WINDOW - timedelta(microseconds=1), 1),
        (timedelta(), 1),
        (timedelta(microseconds=-1), None),
    ],
)
async def test_the_window_excludes_its_beginning_and_includes_the_order_itself(
    history: History, before: timedelta, credited: int | None
):
    await history.message(1, ORDERED - before)

    assert await history.plan_of(await history.order(ORDERED, arrived_at=ORDERED)) == credited


@pytest.mark.parametrize(("late", "credited"), [(WINDOW, 1), (WINDOW + timedelta(microseconds=1), None)])
async def test_an_order_that_arrives_after_the_window_is_history(
    history: History, late: timedelta, credited: int | None
):
    await history.message(1, ORDERED)

    assert await history.plan_of(await history.order(ORDERED, arrived_at=ORDERED + late)) == credited


async def test_what_only_a_machine_touched_earns_nothing(history: History):
    await history.message(1, None)
    await db.execute("UPDATE delivery SET machine_read_at = $1, machine_clicked_at = $1", now() - timedelta(hours=1))

    assert await history.plan_of(await history.order(now())) is None


async def test_reads_that_become_known_in_any_order_credit_the_one_nearest_before_the_order(history: History):
    for plan, hours in ((3, 1), (1, 9), (2, 4)):
        await history.message(plan, now() - timedelta(hours=hours))

    assert await history.plan_of(await history.order(now() - timedelta(hours=2))) == 2
    assert await history.plan_of(await history.order(now() - timedelta(hours=5))) == 1


async def test_of_messages_that_were_read_in_the_same_instant_the_newest_plan_s_earns_the_order(history: History):
    for plan in (2, 3, 1):
        await history.message(plan, now() - timedelta(hours=1))

    assert await history.plan_of(await history.order(now())) == 3


async def test_an_order_told_late_is_credited_by_when_it_was_placed(history: History):
    placed = now() - timedelta(days=4)
    await history.message(1, placed - timedelta(hours=1))
    await history.message(2, placed + timedelta(hours=1))

    assert await history.plan_of(await history.order(placed, arrived_at=now())) == 1


async def test_a_message_of_another_shop_earns_nothing(history: History):
    other = History(await make_shop("other"), history.customer)
    await other.message(1, now() - timedelta(hours=1))

    assert await history.plan_of(await history.order(now())) is None


async def test_a_message_of_another_customer_earns_nothing(history: History):
    await History(history.shop, uuid4()).message(1, now() - timedelta(hours=1))

    assert await history.plan_of(await history.order(now())) is None


async def test_imported_history_earns_nothing(history: History):
    await history.message(1, now() - timedelta(days=20))

    assert await history.plan_of(await history.order(now() - timedelta(days=19))) is None


async def test_what_was_decided_stays_when_a_later_touch_becomes_known(history: History, clock: Clock):
    await history.message(1, now() - timedelta(hours=5))
    order = await history.order(now() - timedelta(hours=1))
    await history.message(2, now() - timedelta(hours=2))

    clock.move(timedelta(minutes=1))
    assert await attribution.attribute(history.shop.id, [order], at=now()) == 0

    assert await history.plan_of(order) == 1


async def test_an_order_that_was_nobody_s_when_it_was_taken_in_stays_so(history: History, clock: Clock):
    order = await history.order(now() - timedelta(hours=1))
    await history.message(1, now() - timedelta(hours=2))

    clock.move(timedelta(minutes=1))
    assert await attribution.attribute(history.shop.id, [order], at=now()) == 0

    assert await history.plan_of(order) is None


async def test_an_order_is_credited_when_it_is_taken_in_and_only_then(history: History):
    await db.execute("DELETE FROM delivery")
    shopper = customer_id("ana")
    await History(history.shop, shopper).message(7, now() - timedelta(hours=3), now() - timedelta(hours=2))
    row = {
        "type": "order", "externalId": "o1", "customer": "ana", "orderedAt": now() - timedelta(hours=1),
        "amount": 4200, "currency": "USD",
    }  # fmt: skip

    for _ in range(2):
        assert [result.problems for result in await ingest(history.shop, [row], secret=b"key")] == [()]
    await ingest(history.shop, [{**row, "status": "CANCELLED", "cancelledAt": now()}], secret=b"key")

    credited = await db.fetch("SELECT plan_id, touch, amount, status FROM attribution JOIN orders ON id = order_id")
    assert [tuple(found) for found in credited] == [(7, "CLICK", 4200, "CANCELLED")]


async def test_a_block_is_credited_to_the_chat_message_that_was_read_last(history: History):
    await history.message(1, now() - timedelta(days=3))
    await history.message(2, now() - timedelta(days=4), now() - timedelta(days=2))
    await history.message(3, None, sent_at=now() - timedelta(hours=1))
    await history.message(4, now() - timedelta(hours=1), channel="EMAIL")
    await History(await make_shop("other"), history.customer).message(5, now() - timedelta(hours=1))
    await History(history.shop, uuid4()).message(6, now() - timedelta(hours=1))

    assert await history.blocked() == 2


async def test_who_read_nothing_lately_blocks_because_of_what_was_sent_last(history: History):
    await history.message(1, now() - WINDOW, sent_at=now() - WINDOW - timedelta(days=1))
    await history.message(2, None, sent_at=now() - timedelta(days=2))
    await history.message(3, None, sent_at=now() - timedelta(days=1))
    await history.message(4, None, sent_at=now() - timedelta(days=3))
    await db.execute("UPDATE delivery SET state = 'FAILED' WHERE plan_id = 3")

    assert await history.blocked() == 2


async def test_of_messages_that_were_sent_in_the_same_instant_the_newest_plan_s_is_blocked(history: History):
    for plan in (2, 3, 1):
        await history.message(plan, None, sent_at=now() - timedelta(days=1))

    assert await history.blocked() == 3


async def test_a_block_long_after_the_last_message_is_no_plans(history: History):
    await history.message(1, now() - WINDOW, sent_at=now() - WINDOW)

    assert await history.blocked() is None


async def test_a_block_counts_as_unsubscribed_in_its_plans_figures_and_segments(history: History):
    plan, other = await make_draft(history.shop), await make_draft(history.shop)
    await db.execute(
        "INSERT INTO relationship (shop_id, customer_id, first_interaction_at) VALUES ($1, $2, $3)",
        history.shop.id, history.customer, now(),
    )  # fmt: skip
    await history.message(plan.id, now() - timedelta(hours=1))

    assert await history.blocked() == plan.id

    found = await of_plans([plan.id, other.id])
    assert [figures.unsubscribed for figures in found if figures] == [1, 0]
    days = await db.fetch("SELECT plan_id, channel, language FROM metric WHERE unsubscribed > 0")
    assert [tuple(row) for row in days] == [(plan.id, "CHAT", "es")]
    asked = [define(history.shop, text=f"unsubscribed(plan: {each.id})") for each in (plan, other)]
    assert await sizes([Question(history.shop.id, definition) for definition in asked]) == [1, 0]
