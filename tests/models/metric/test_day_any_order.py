"""The roll-up by day equals the ledger, however it came about: by changes, folded or not, or made anew (R23)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models import database as db
from models.identifier import customer_id, external_uuid
from models.metric import day as metric_day
from tests.models.metric.daily import ZONE, Rows, rows
from tests.models.metric.test_overview import Fact, facts
from tests.outreach import Bought, Outreach, Place, Sent, at, outreach
from tests.stored_histories import rolled_back

SHARED = [HealthCheck.function_scoped_fixture]


@pytest.fixture
async def place(database: None) -> Place:
    return await Place.make(time_zone=ZONE)


def counted(place: Place, found: Sequence[Fact]) -> Rows:
    """How much of each fact there is, counted from plain facts."""
    sums: Rows = Counter()
    for fact in found:
        product = fact.product or metric_day.WHOLE
        sums[fact.day, place.plans[fact.plan].id, fact.channel, fact.language, product, fact.name] += fact.amount
    return Counter({key: amount for key, amount in sums.items() if amount})


def begun(history: Outreach) -> Outreach:
    """The history as it began: messages wait or have just been read, orders stand, coupons are not redeemed."""
    return replace(
        history,
        sent=[replace(sent, state="PENDING", reason=None, machine_read=None, replied=None) for sent in history.sent],
        bought=[replace(order, status="PLACED", cancelled=None, amount=7) for order in history.bought],
        claimed=[replace(claimed, redeemed=None) for claimed in history.claimed],
    )


async def go_on(place: Place, history: Outreach, chance: Random) -> None:
    """Change what began to what the history says, one by one in any order; fold and rebuild in between.

    Some bounce on the way, wait again, and only then become what the history says (B2).
    """
    changes: list[tuple[Any, ...]] = [
        *((_send, place, sent) for sent in history.sent),
        *((_bounce, place, sent) for sent in history.sent if chance.random() < 0.3),
        *((_settle, place, sent) for sent in history.sent),
        *((_order, number, order) for number, order in enumerate(history.bought)),
        *((_redeem, number, claimed.redeemed) for number, claimed in enumerate(history.claimed) if claimed.redeemed),
    ]
    chance.shuffle(changes)
    order = (_bounce, _settle)
    for change, *arguments in sorted(changes, key=lambda each: order.index(each[0]) + 1 if each[0] in order else 0):
        await change(*arguments)
        if chance.random() < 0.2:
            await metric_day.fold(chance.choice([1, 3, 1000]))
        if chance.random() < 0.05:
            await metric_day.rebuild(place.shops[0].id)


async def _send(place: Place, sent: Sent) -> None:
    """First every message is delivered, as far as the ledger knows."""
    await _write(place, replace(sent, state="SENT", reason=None))


async def _bounce(place: Place, sent: Sent) -> None:
    """It came back, and is tried again: its earlier moments stay in the row, and count for nothing meanwhile."""
    for state, reason in (("FAILED", "5.2.2"), ("PENDING", None)):
        await db.execute(
            "UPDATE delivery SET state = $3::delivery_state, reason = $4 WHERE plan_id = $1 AND customer_id = $2",
            place.plans[sent.plan].id, customer_id(sent.customer), state, reason,
        )  # fmt: skip


async def _settle(place: Place, sent: Sent) -> None:
    """Then it is known better, and some have bounced."""
    await _write(place, sent)


async def _write(place: Place, sent: Sent) -> None:
    moments = (sent.read, sent.clicked, sent.machine_read, sent.machine_clicked, sent.replied)
    is_sent = sent.state in ("SENT", "FAILED")
    await db.execute(
        "UPDATE delivery SET state = $3::delivery_state, reason = $4, sent_at = $5, read_at = $6, clicked_at = $7,"
        " machine_read_at = $8, machine_clicked_at = $9, replied_at = $10 WHERE plan_id = $1 AND customer_id = $2",
        place.plans[sent.plan].id, customer_id(sent.customer), sent.state, sent.reason, at(sent.sent) if is_sent else None,
        *(None if hour is None else at(hour) for hour in moments),
    )  # fmt: skip


async def _order(number: int, order: Bought) -> None:
    await db.execute(
        "UPDATE orders SET amount = $2, status = $3::order_status, cancelled_at = $4 WHERE id = $1",
        external_uuid("order", "any", str(number)), order.amount, order.status,
        None if order.cancelled is None else at(order.cancelled),
    )  # fmt: skip


async def _redeem(number: int, hour: int) -> None:
    await db.execute(
        "UPDATE claim SET redeemed_at = $2, order_id = $3 WHERE number = $1",
        number + 1, at(hour), external_uuid("order", "claimed", str(number)),
    )  # fmt: skip


@settings(suppress_health_check=SHARED)
@given(history=outreach(), seed=st.integers(0, 2**32))
async def test_changes_in_any_order_folded_at_any_time_come_to_what_plain_python_counts(
    place: Place, history: Outreach, seed: int
):
    shop = place.shops[0].id
    async with rolled_back():
        await place.store(begun(history))
        await go_on(place, history, Random(seed))
        found = await rows(shop)
        await metric_day.fold_all()
        folded = await rows(shop, "metric_day")
        waiting = await rows(shop, "(SELECT * FROM metric EXCEPT ALL SELECT * FROM metric_day) m")
        await metric_day.rebuild(shop)
        anew = await rows(shop, "metric_day")

    assert found == counted(place, facts(history))
    assert (folded, waiting, anew) == (found, Counter(), found)
