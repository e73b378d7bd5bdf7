"""A customer's timeline is found by the customer, however many plans the shop has had."""

import pytest

from models import database as db
from models.page import Page
from models.timeline import NEWEST_FIRST, timeline
from tests.factories import make_customers, make_draft, make_shop
from tests.query_plan import parts_of, plans_made

pytestmark = pytest.mark.usefixtures("database")


async def test_a_customer_s_messages_are_found_without_a_look_at_each_plan_of_the_shop(
    monkeypatch: pytest.MonkeyPatch,
):
    shop = await make_shop()
    person, *_ = people = await make_customers(shop, 100)
    sent = [await make_draft(shop) for _ in range(12)]
    await db.execute(
        "INSERT INTO delivery (plan_id, customer_id, shop_id, state, channel, slice, created_at, sent_at)"
        " SELECT id, person, $1, CASE id % 3 WHEN 2 THEN 'HELD_OUT' ELSE 'SENT' END::delivery_state,"
        " CASE id % 3 WHEN 0 THEN 'CHAT' ELSE 'EMAIL' END, CASE id % 3 WHEN 1 THEN 1 END, now(),"
        " CASE WHEN id % 3 < 2 THEN now() END FROM plan, unnest($2::uuid[]) person",
        shop.id, people,
    )  # fmt: skip
    await db.analyze("delivery", "plan")
    plans = plans_made(monkeypatch, "fetch_planned", under={"enable_seqscan": "off"})
    found = await timeline(shop.id, person, Page(NEWEST_FIRST, 60))

    parts = [part for plan in plans for part in parts_of(plan)]
    assert len([entry for entry in found if entry.kind == "MESSAGE"]) == len(sent)
    assert [part for part in parts if part.get("Relation Name") == "plan"] == []
    assert "delivery_pkey" not in {part.get("Index Name") for part in parts}
