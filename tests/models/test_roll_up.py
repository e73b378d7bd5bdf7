"""The roll-up equals what plain Python makes of the same rows, however they are batched, repeated and shuffled."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models import database as db
from models.event import EventKind
from models.identifier import customer_id
from models.ingest import ingest
from models.relationship import LATEST, NO_INTERACTION
from models.shop import Shop
from tests.factories import make_shop
from tests.rows import SECRET, event_row, order_row, tell

pytestmark = pytest.mark.usefixtures("database")

START = datetime(2025, 11, 1, tzinfo=UTC)
CUSTOMERS = ("c1", "c2", "c3")
ORDER_COLUMNS = (
    "order_count", "order_amount", "first_order_at", "last_order_at", "previous_order_at", "third_order_at",
    "last_order_amount", "previous_order_amount",
)  # fmt: skip
COLUMNS = ("first_interaction_at", *ORDER_COLUMNS, *LATEST, "follows")

Row = dict[str, Any]
shops = count()


def moment(hour: int) -> str:
    """An instant in the three months from `START`, across the ends of months."""
    return (START + timedelta(hours=hour)).isoformat()


HOURS = st.integers(0, 24 * 70)


@st.composite
def orders(draw: st.DrawFn) -> Row:
    """A row of one of a few orders, each with its own customer and time, placed or ended."""
    number = draw(st.integers(0, 11))
    row = order_row(
        f"o{number}", CUSTOMERS[number % 3], orderedAt=moment(number * 7 % 4), amount=draw(st.integers(0, 9))
    )
    ended = draw(st.none() | st.sampled_from(["CANCELLED", "REFUNDED"]))
    return {**row, "status": ended, "cancelledAt": moment(draw(HOURS) + 4)} if ended else row


@st.composite
def events(draw: st.DrawFn) -> Row:
    """A row of an event; an id may come again, at the same time or another."""
    number = draw(st.integers(0, 20))
    return event_row(
        f"e{number}", CUSTOMERS[number % 3], kind=draw(st.sampled_from(EventKind)), occurredAt=moment(draw(HOURS))
    )


def facts_of(rows: Iterable[Row]) -> dict[str, tuple[list[Row], list[Row]]]:
    """The orders and events of each customer that rows leave behind, read one after the other."""
    placed: dict[str, Row] = {}
    done: dict[tuple[str, str], Row] = {}
    for row in rows:
        if row["type"] == "event":
            done.setdefault((row["externalId"], row["occurredAt"]), row)
        else:
            ends = {
                other["cancelledAt"] for other in (row, placed.get(row["externalId"], {})) if other.get("cancelledAt")
            }
            placed[row["externalId"]] = {**row, "cancelledAt": min(ends, default=None)}
    facts: dict[str, tuple[list[Row], list[Row]]] = defaultdict(lambda: ([], []))
    for row in placed.values():
        facts[row["customer"]][0].append(row)
    for row in done.values():
        facts[row["customer"]][1].append(row)
    return facts


def rolled_up(placed: Sequence[Row], done: Sequence[Row]) -> tuple[Any, ...]:
    """The columns of one customer, from all their orders and events."""
    valid = sorted((row["orderedAt"], row["amount"]) for row in placed if not row["cancelledAt"])
    times = [at for at, _ in valid]
    last, previous, third = [*reversed(valid), (None, None), (None, None), (None, None)][:3]
    latest = {
        column: max((row["occurredAt"] for row in done if row["kind"] in kinds), default=None)
        for column, kinds in LATEST.items()
    }
    met = [row["orderedAt"] for row in placed] + [
        row["occurredAt"] for row in done if row["kind"] not in NO_INTERACTION
    ]
    followed, unfollowed = latest["last_followed_at"], latest["last_unfollowed_at"]
    return (
        min(met, default=None), len(valid), sum(amount for _, amount in valid),
        min(times, default=None), last[0], previous[0], third[0], last[1], previous[1],
        *latest.values(), bool(followed and (not unfollowed or followed > unfollowed)),
    )  # fmt: skip


async def stored(shop: Shop) -> dict[Any, tuple[Any, ...]]:
    """The roll-up of the shop's customers, times as they are written in rows."""
    rows = await db.fetch(f"SELECT customer_id, {', '.join(COLUMNS)} FROM relationship WHERE shop_id = $1", shop.id)
    return {
        row[0]: tuple(value.isoformat() if isinstance(value, datetime) else value for value in tuple(row)[1:])
        for row in rows
    }


def expected(rows: Iterable[Row]) -> dict[Any, tuple[Any, ...]]:
    """What `stored` should say after these rows: nothing of those who only emptied carts."""
    return {
        customer_id(name): rolled_up(placed, done)
        for name, (placed, done) in facts_of(rows).items()
        if placed or any(row["kind"] not in ("CART_REMOVED", "CART_EMPTIED") for row in done)
    }


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(orders() | events(), min_size=1, max_size=12), max_size=6))
async def test_batches_of_any_rows_in_any_order_roll_up_to_what_the_rows_say(batches):
    shop = await make_shop(f"shop-{next(shops)}")
    for batch in batches:
        await tell(shop, *batch)
    rows = [row for batch in batches for row in batch]
    assert await stored(shop) == expected(rows)


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(orders() | events(), max_size=40), st.randoms(use_true_random=False))
async def test_batches_written_at_once_roll_up_to_what_the_stored_rows_say(rows, random):
    shop = await make_shop(f"shop-{next(shops)}")
    rows = [{**row, "amount": 5} if row["type"] == "order" else {**row, "kind": "FOLLOWED"} for row in rows]
    parts = [random.sample(rows, len(rows)) for _ in range(4)]
    await asyncio.gather(*(tell(shop, *part) for part in parts))
    assert await stored(shop) == expected(rows)


async def test_many_writers_of_the_same_customers_lose_nothing_and_never_wait_in_a_circle():
    shop = await make_shop()
    names = [f"c{number}" for number in range(100)]
    months = [event_row(f"month-{hour}", "c0", occurredAt=moment(hour)) for hour in range(0, 24 * 60, 24)]
    await tell(shop, *months)  # the partitions are there, so that nobody waits to make them
    batches = [months, *(_visits(names, Random(writer), writer) for writer in range(24))]
    await asyncio.gather(*(tell(shop, *batch) for batch in batches[1:]))
    assert await stored(shop) == expected(row for batch in batches for row in batch)
    counts = await db.fetch_value("SELECT array_agg(DISTINCT order_count) FROM relationship")
    assert counts == [24]


def _visits(names: Sequence[str], random: Random, writer: int) -> list[Row]:
    """An order and an event of every customer, in the writer's own order, and one event that all writers tell."""
    rows = []
    for name in random.sample(names, len(names)):
        at = moment(random.randrange(24 * 60))
        rows += [order_row(f"{name}-{writer}", name, orderedAt=at), event_row(f"{name}-{writer}", name, occurredAt=at)]
        rows.append(event_row(f"{name}-shared", name, kind="FOLLOWED", occurredAt=moment(0)))
    return random.sample(rows, len(rows))


async def test_an_order_told_to_two_customers_at_once_becomes_one_order():
    shop = await make_shop()
    for number in range(10):
        results = await asyncio.gather(
            *(ingest(shop, [order_row(f"o{number}", name)], secret=SECRET) for name in ("c1", "c2", "c3"))
        )
        refusals = [result.problems for (result,) in results if result.problems]
        assert [[problem.code.value for problem in problems] for problems in refusals] == [["CONFLICT"]] * 2
    assert await db.fetch_value("SELECT count(*) FROM orders") == 10
    assert await db.fetch_value("SELECT sum(order_count) FROM relationship") == 10
