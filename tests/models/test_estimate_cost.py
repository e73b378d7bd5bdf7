"""An estimate of many customers reads their contacts in one pass, planned for its own segment."""

import pytest

from models.database import analyze
from models.estimate import estimate
from tests.factories import make_customers, make_draft, make_shop
from tests.query_plan import parts_of, plans_made, scans_of

pytestmark = pytest.mark.usefixtures("database")


async def test_the_contacts_of_an_audience_are_joined_and_not_counted_customer_by_customer(
    monkeypatch: pytest.MonkeyPatch,
):
    shop = await make_shop()
    await make_customers(shop, 2_000)
    await analyze("customer", "relationship", "contact")
    plans = plans_made(monkeypatch, "fetch_planned", about="contact")
    found = await estimate(shop, await make_draft(shop))

    (plan,) = plans
    counted = [part for part in parts_of(plan) if part.get("Parent Relationship") == "SubPlan"]
    assert found.reachable == 2_000
    assert list(scans_of("contact", plan))
    assert not [scan for part in counted for scan in scans_of("contact", part)]
