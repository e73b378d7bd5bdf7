"""What the statements of delivery cost grows with the recipients, not with their pairs."""

import json
from typing import Any
from uuid import uuid4

import pytest

from models import audience, intent
from models import database as db
from models import slice as slices
from models.delivery import DeliveryState
from models.intent import Settlement
from models.plan import PlanChannel
from models.slice import Slice
from tests.factories import make_customers, make_resolved, make_running, make_shop
from tests.query_plan import parts_of, plans_made, scans_of
from tests.slices import make_worker

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def explained(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The plans that PostgreSQL makes for statements that write the ledger or its contacts."""
    return plans_made(monkeypatch, "execute", "fetch", "fetch_planned", about="INSERT INTO contact|UPDATE delivery")


def joins_of_every_pair(plan: dict[str, Any]) -> list[str]:
    """Nested loops that hold each recipient against each row of a CTE, or each customer: no index says which belong."""
    loops = [part for part in parts_of(plan) if part["Node Type"] == "Nested Loop" and "Join Filter" in part]
    return [loop["Join Filter"] for loop in loops if holds_every_pair(loop["Plans"])]


def holds_every_pair(sides: list[dict[str, Any]]) -> bool:
    """Whether no side of a join is found by a key."""
    of_everybody = any(side.get("Relation Name") in ("customer", "relationship") for side in sides)
    return of_everybody or all(side["Node Type"] == "CTE Scan" for side in sides)


def indexes_of(relation: str, plan: dict[str, Any]) -> set[str]:
    """The indexes by which rows of a table are found."""
    return {scan["Index Name"] for scan in scans_of(relation, plan) if "Index Name" in scan}


@pytest.mark.parametrize("analyzed", [True, False])
async def test_choosing_an_audience_looks_at_no_pair_of_recipients(explained: list[dict[str, Any]], *, analyzed: bool):
    shop = await make_shop()
    await make_customers(shop, 500)
    if analyzed:
        await db.execute("ANALYZE")
    plan = await make_running(shop)

    assert await audience.resolve_range(plan.id)

    assert [joins_of_every_pair(each) for each in explained] == [[]]


async def held_slice(*, analyzed: bool) -> Slice:
    """A slice of 500 mails, held by a worker and not loaded yet; with or without statistics of the tables."""
    shop = await make_shop()
    await make_customers(shop, 500)
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)
    if analyzed:
        await db.execute("ANALYZE")
    held = await slices.acquire(plan.id, 1, await make_worker(), uuid4())
    assert held is not None
    return held


async def test_loading_a_slice_looks_at_no_pair_of_recipients(explained: list[dict[str, Any]]):
    held = await held_slice(analyzed=True)
    explained.clear()

    assert len(await slices.load(held)) == 500

    assert [joins_of_every_pair(each) for each in explained] == [[]]


@pytest.mark.parametrize("analyzed", [True, False])
async def test_an_intent_and_a_settlement_look_for_their_messages_by_key(
    explained: list[dict[str, Any]], *, analyzed: bool
):
    held = await held_slice(analyzed=analyzed)
    messages = await slices.load(held)
    await intent.commit([], messages[:20])
    explained.clear()

    granted = await intent.commit([Settlement(each, 1, DeliveryState.SENT) for each in messages[:20]], messages[20:40])

    assert len(granted) == 20
    assert [indexes_of("delivery", each) for each in explained] == [{"delivery_pkey"}]


@pytest.mark.parametrize("analyzed", [True, False])
async def test_giving_a_slice_back_looks_for_waiting_messages_once_and_at_no_pair(
    explained: list[dict[str, Any]], *, analyzed: bool
):
    held = await held_slice(analyzed=analyzed)
    await slices.load(held)
    explained.clear()

    await slices.release(held)
    given_back = [each for each in explained if "contact" in json.dumps(each)]
    assert [joins_of_every_pair(each) for each in given_back] == [[]]

    await db.execute("UPDATE delivery SET state = 'SENT'")
    again = await slices.acquire(held.plan_id, held.number, held.worker_id, uuid4())
    assert again is not None
    explained.clear()
    await slices.release(again)
    assert not [each for each in explained if "contact" in json.dumps(each)]
