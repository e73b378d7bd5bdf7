"""The audit trail: nothing happens to a plan without an entry that says who, when, from where to where (R10)."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from models.clock import Clock, now
from models.errors import Refused
from models.page import Page
from models.plan import Plan, PlanStatus, advance
from models.plan.history import NEWEST_FIRST, SYSTEM, Entry, counts, histories
from tests.factories import DEADLINE, make_draft, make_shop

ROOT = Path(__file__).resolve().parents[3]


async def _newest_first(plan: Plan) -> list[Entry]:
    return (await histories([(plan.id, Page(NEWEST_FIRST))]))[0]


async def _trail(plan: Plan) -> list[tuple[str, str | None, str, str]]:
    entries = reversed(await _newest_first(plan))
    return [(entry.action.name, entry.status_from, entry.status_to, entry.actor) for entry in entries]


@pytest.mark.usefixtures("database")
async def test_a_plans_whole_life_is_told_with_who_and_when(clock: Clock):
    shop = await make_shop()
    plan = await make_draft(shop)
    await plan.edit(shop, lambda decided: decided, actor="ben")
    await plan.submit(shop, send_at=now() + timedelta(hours=1), deadline_after=DEADLINE, actor="anna")
    clock.move(timedelta(hours=1))
    await advance.start(plan.id)
    await plan.pause(actor="ben")
    await plan.resume(shop, actor="anna")
    await plan.cancel(actor="ben")
    await plan.discard(actor="anna")

    assert await _trail(plan) == [
        ("CREATE", None, "DRAFT", "anna"),
        ("EDIT", "DRAFT", "DRAFT", "ben"),
        ("SUBMIT", "DRAFT", "SCHEDULED", "anna"),
        ("START", "SCHEDULED", "ONGOING", SYSTEM),
        ("PAUSE", "ONGOING", "PAUSED", "ben"),
        ("RESUME", "PAUSED", "ONGOING", "anna"),
        ("CANCEL", "ONGOING", "CANCELLING", "ben"),
        ("STOP", "CANCELLING", "CANCELLED", SYSTEM),
        ("DELETE", "CANCELLED", "DELETED", "anna"),
    ]
    first, last = (await _newest_first(plan))[::8]
    assert (first.happened_at - last.happened_at, plan.status) == (timedelta(hours=1), PlanStatus.DELETED)


@pytest.mark.usefixtures("database")
async def test_a_refused_move_leaves_no_entry():
    shop = await make_shop()
    plan = await make_draft(shop)

    for refused in (plan.cancel(actor="anna"), plan.resume(shop, actor="anna")):
        with pytest.raises(Refused):
            await refused
    assert (
        not await advance.pause(plan.id, "BY_SELLER")
        and not await advance.start(plan.id)
        and not await advance.finish(plan.id)
    )

    assert await counts([plan.id]) == [1]


@pytest.mark.usefixtures("database")
async def test_a_duplicate_begins_a_trail_of_its_own():
    shop = await make_shop()
    plan = await make_draft(shop)
    await plan.discard(actor="anna")

    copy = await plan.duplicate(shop, actor="ben")

    assert await _trail(copy) == [("DUPLICATE", None, "DRAFT", "ben")]
    assert (copy.decided, copy.status, copy.created_by) == (plan.decided, PlanStatus.DRAFT, "ben")


@pytest.mark.usefixtures("database")
async def test_the_trails_of_many_plans_come_page_by_page_and_each_to_its_own():
    shop = await make_shop()
    one, other = await make_draft(shop), await make_draft(shop)
    await one.discard(actor="anna")

    first = Page(NEWEST_FIRST, size=1)
    pages = await histories([(one.id, first), (other.id, first), (one.id, Page(NEWEST_FIRST, size=5))])

    assert [[entry.action.name for entry in page] for page in pages] == [
        ["DELETE", "CREATE"], ["CREATE"], ["DELETE", "CREATE"],
    ]  # fmt: skip
    assert {entry.plan_id for entry in pages[0]} == {one.id}
    assert await counts([one.id, other.id, 999]) == [2, 1, 0]


def test_no_other_file_writes_a_plans_status():
    writes = re.compile(r"UPDATE plan\b[^\"]*\bSET\s+status\b|Plan\.filter\([^)]*\)[^\n]*\.update\([^)]*status=")
    sources = [path for folder in ("models", "jobs", "resolvers") for path in (ROOT / folder).rglob("*.py")]
    guilty = [str(path.relative_to(ROOT)) for path in sources if writes.search(path.read_text("utf-8"))]
    assert guilty == ["models/plan/history.py"]
