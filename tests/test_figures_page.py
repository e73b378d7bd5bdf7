"""The example of docs/figures.md is true: its tables are stored, and the API answers its numbers."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import reduce
from pathlib import Path
from typing import Any

import pytest

from models import database as databases
from models.clock import Clock
from resolvers import global_id
from tests.api import Api, seller
from tests.outreach import START, Bought, Claimed, Did, Outreach, Place, Sent

PAGE = (Path(__file__).parents[1] / "docs" / "figures.md").read_text("utf-8")
PLANS = ("A", "B")
CHANNELS = {"A": "EMAIL", "B": "CHAT"}

FIGURES = """
query ($id: ID!) { plan(id: $id) { figures {
  recipients delivered read clicked orders buyers gmv { amount } ordersTakenBack gmvTakenBack { amount }
  replied readByMachines couponsClaimed couponsRedeemed deliveryRate readRate clickRate unsubscribeRate orderRate funnel { touched viewed carted ordered }
} } }"""
OVERVIEW = """
query ($from: Date!, $to: Date!) { overview(from: $from, to: $to) {
  days { day activity { sent read clicked orders gmv } } total { sent read clicked orders gmv }
} }"""
PERFORMANCE = """
query ($id: ID!) { segment(id: $id) { performance {
  plans delivered read clicked orders gmv { amount } readRate
} } }"""

Row = dict[str, str]


def table(name: str) -> list[Row]:
    """The rows of the table after the comment of this name, by its headings."""
    lines = PAGE.partition(f"<!-- {name} -->\n")[2].partition("\n\n")[0].splitlines()
    headings, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [dict(zip(headings, row, strict=True)) for row in rows]


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def hour(text: str) -> int | None:
    """The hours from the start of a test's history; the page has whole hours."""
    return int((instant(text) - START) / timedelta(hours=1)) if text else None


def history() -> Outreach:
    return Outreach(
        sent=[
            Sent(
                PLANS.index(row["plan"]), row["customer"], row["state"], row["reason"] or None,
                CHANNELS[row["plan"]], "en", hour(row["sent"]) or 0, hour(row["read"]), hour(row["clicked"]),
                hour(row["by a machine"]), None, hour(row["replied"]),
            )
            for row in table("messages")
        ],
        bought=[
            Bought(
                0, row["customer"], hour(row["placed"]) or 0, 0, int(row["amount"]),
                "CANCELLED" if row["cancelled"] else "PLACED", hour(row["cancelled"]),
            )
            for row in table("orders")
        ],
        claimed=[
            Claimed(PLANS.index(row["plan"]), row["customer"], hour(row["claimed"]) or 0, hour(row["used"]))
            for row in table("claims")
        ],
        did=[Did(0, row["customer"], row["kind"], hour(row["at"]) or 0) for row in table("events")],
    )  # fmt: skip


def at_path(answer: Any, path: str) -> str:
    """The number at a path such as `gmv.amount`, to three decimals."""
    value = reduce(lambda inner, name: inner[name], path.split("."), answer)
    return f"{round(value, 3):g}" if isinstance(value, float) else str(value)


@pytest.fixture
async def place(database: None) -> Place:
    place = await Place.make(currency="EUR")
    await place.store(history())
    return place


def test_each_order_of_the_page_belongs_to_the_plan_it_says():
    told = history()
    plans = [told.plan_of(order) for order in told.bought]

    assert ["–" if plan is None else PLANS[plan] for plan in plans] == [row["credited to"] for row in table("orders")]


@pytest.mark.parametrize("name", PLANS)
async def test_the_figures_of_a_plan_are_those_of_the_page(api: Api, place: Place, name: str):
    plan = place.plans[PLANS.index(name)]
    data = await api.data(FIGURES, seller(place.shops[0]), id=global_id.encode("Plan", plan.id))

    rows = table("figures")
    assert {row["figure"]: at_path(data["plan"]["figures"], row["figure"]) for row in rows} == {
        row["figure"]: row[name] for row in rows
    }


async def test_a_plan_taken_apart_is_as_the_page_says(api: Api, place: Place):
    parts = "channels { key activity { sent read clicked readByMachines couponsClaimed couponsRedeemed orders gmv } }"
    query = f"query ($id: ID!) {{ plan(id: $id) {{ figures {{ parts {{ {parts} }} }} }} }}"
    data = await api.data(query, seller(place.shops[0]), id=global_id.encode("Plan", place.plans[0].id))

    assert data["plan"]["figures"]["parts"]["channels"] == [
        {
            "key": "EMAIL",
            "activity": {
                "sent": 3, "read": 2, "clicked": 1, "readByMachines": 1, "couponsClaimed": 2, "couponsRedeemed": 1,
                "orders": 1, "gmv": 2000,
            },
        }
    ]  # fmt: skip


async def test_the_overview_is_that_of_the_page(api: Api, place: Place):
    *days, total = table("overview")
    period = {"from": days[0]["day"], "to": days[-1]["day"]}
    found = (await api.data(OVERVIEW, seller(place.shops[0]), **period))["overview"]

    shown = [{"day": each["day"], **each["activity"]} for each in found["days"]] + [{"day": "total", **found["total"]}]
    assert [{name: str(value) for name, value in row.items()} for row in shown] == [*days, total]


async def test_the_performance_of_the_segment_is_that_of_the_page(api: Api, database: None, clock: Clock):
    for row in table("performance"):
        asked = row.pop("asked on")
        place = await known_on(asked)
        clock.freeze(instant(asked))
        segment = global_id.encode("Segment", place.plans[0].segment_id)
        data = await api.data(PERFORMANCE, seller(place.shops[0]), id=segment)

        assert {name: at_path(data["segment"]["performance"], name) for name in row} == row
        await databases.execute(
            "TRUNCATE shop, delivery, claim, orders, attribution, event, metric_day, metric_delta CASCADE"
        )


async def known_on(asked: str) -> Place:
    """The place as it was then: what happened later is not known yet."""
    told = history()
    hour_of_asking = int((instant(asked) - START) / timedelta(hours=1))
    place = await Place.make(currency="EUR")
    bought = [
        replace(order, status="PLACED", cancelled=None) if (order.cancelled or 0) > hour_of_asking else order
        for order in told.bought
        if order.hour <= hour_of_asking
    ]
    await place.store(replace(told, bought=bought))
    return place
