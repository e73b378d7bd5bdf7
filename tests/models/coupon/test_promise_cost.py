"""Whether a message promises a coupon is told by one entry of an index, however many messages smart coupons go with."""

from dataclasses import replace

import pytest

from models import database
from tests.automation import make_automated
from tests.factories import make_coupon, make_shop
from tests.query_plan import parts_of, plans_made, scans_of

pytestmark = pytest.mark.usefixtures("database")

MESSAGES = 20_000


async def test_a_coupon_that_no_message_chose_changes_without_the_ledgers_of_smart_coupons_being_read(
    monkeypatch: pytest.MonkeyPatch,
):
    """Whatever statistics say: of messages that nearly all carry a coupon, the first would seem to be found at once."""
    shop = await make_shop()
    chosen, other = await make_coupon(shop), await make_coupon(shop)
    plan = await make_automated(shop, "ABANDONED_CART", has_smart_coupon=True)
    await database.execute(
        "INSERT INTO delivery (plan_id, customer_id, shop_id, state, channel, created_at, frozen)"
        " SELECT $1, gen_random_uuid(), $2, 'SENT', 'CHAT', now(), jsonb_build_object('couponId', $3::int)"
        " FROM generate_series(1, $4::int)",
        plan.id, shop.id, chosen.id, MESSAGES,
    )  # fmt: skip
    await database.analyze("delivery")
    plans = plans_made(monkeypatch, "fetch_value", about="couponId")
    changed = await other.edit(shop, lambda terms: replace(terms, percentage=5))

    assert changed.percentage == 5
    (asked,) = plans
    (scan,) = scans_of("delivery", asked)
    assert scan["Index Name"] == "delivery_coupon"
    assert any(part["Node Type"] == "Limit" and scan in part["Plans"] for part in parts_of(asked))
