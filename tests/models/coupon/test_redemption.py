"""Claims used for an order: what an order must be, and that each is used once (R15)."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from models import database
from models.clock import TOLERANCE, now
from models.coupon.claim import claim
from models.coupon.redemption import redeem
from models.errors import ErrorCode, Refused
from models.identifier import external_uuid
from models.plan import Plan
from models.shop import Shop
from models.webhook import fact
from tests.factories import make_coupon, make_shop
from tests.refusals import refusal
from tests.waiting import until_a_lock_is_waited_for


async def _order(shop: Shop, customer: UUID, name: str = "o1", amount: int = 4_500, **columns: object) -> None:
    values = {"ordered_at": now(), "status": "PLACED", "cancelled_at": None, "product_ids": [], **columns}
    await database.execute(
        "INSERT INTO orders (customer_id, id, shop_id, external_id, ordered_at, amount, status, cancelled_at,"
        " product_ids, arrived_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $5)",
        customer, external_uuid("order", shop.external_id, name), shop.id, name, values["ordered_at"], amount,
        values["status"], values["cancelled_at"], values["product_ids"],
    )  # fmt: skip


@pytest.mark.usefixtures("database")
async def test_a_claim_is_redeemed_with_an_order_once_and_saying_so_again_answers_the_same():
    shop, customer = await make_shop(), uuid4()
    own = await make_coupon(shop, minimum_spend=5_000, customer_limit=2)
    first, second = await claim(customer, own.id), await claim(customer, own.id)
    await _order(shop, customer)
    await _order(shop, customer, "o2")

    redeemed = await redeem(shop, customer, first.code, order="o1", discount=500)

    assert (redeemed.order_id, redeemed.discount, redeemed.redeemed_at) == (
        external_uuid("order", shop.external_id, "o1"), 500, now(),
    )  # fmt: skip
    assert await redeem(shop, customer, first.code, order="o1", discount=500) == redeemed
    otherwise = redeem(shop, customer, first.code, order="o1", discount=400)
    assert await refusal(otherwise) == ("discount", ErrorCode.CONFLICT)
    assert await redeem(shop, customer, first.code, order="o1", discount=500) == redeemed
    again = redeem(shop, customer, first.code, order="o2", discount=500)
    assert await refusal(again) == ("code", ErrorCode.ALREADY_REDEEMED)
    both = redeem(shop, customer, second.code, order="o1", discount=500)
    assert await refusal(both) == ("order", ErrorCode.ALREADY_REDEEMED)


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("order", "discount", "field"),
    [
        ({"amount": 4_000}, 500, "order"),
        ({}, 502, "discount"),
        ({}, -1, "discount"),
        ({"status": "CANCELLED", "cancelled_at": "now"}, 500, "order"),
        ({"hours": -1}, 500, "order"),
        ({"hours": 24 * 7}, 500, "order"),
        ({"product_ids": []}, 500, "order"),
    ],
)
async def test_an_order_that_does_not_meet_the_conditions_redeems_nothing(order, discount, field):
    shop, customer, product = await make_shop(), uuid4(), uuid4()
    await database.execute(
        "INSERT INTO product (id, shop_id, external_id, title, created_at, updated_at) VALUES ($1, $2, 'p', 'P', $3, $3)",
        product, shop.id, now(),
    )  # fmt: skip
    own = await make_coupon(shop, minimum_spend=5_000, product_ids=[product])
    taken = await claim(customer, own.id)
    placed = {"product_ids": [product], **order, "ordered_at": now() + timedelta(hours=order.get("hours", 0))}
    if "cancelled_at" in placed:
        placed["cancelled_at"] = now()
    placed.pop("hours", None)
    await _order(shop, customer, **placed)

    refused = redeem(shop, customer, taken.code, order="o1", discount=discount)

    assert await refusal(refused) == (field, ErrorCode.ORDER_DOES_NOT_QUALIFY)
    assert await database.fetch_value("SELECT count(*) FROM claim WHERE redeemed_at IS NOT NULL") == 0


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("discount", [0, 500])
@pytest.mark.parametrize("after", [-TOLERANCE, timedelta(days=7, microseconds=-1)])
async def test_an_order_may_be_as_early_as_clocks_differ_and_as_late_as_just_before_the_end(after, discount: int):
    shop, customer = await make_shop(), uuid4()
    taken = await claim(customer, (await make_coupon(shop)).id)
    await _order(shop, customer, ordered_at=now() + after)

    assert (await redeem(shop, customer, taken.code, order="o1", discount=discount)).discount == discount


@pytest.mark.usefixtures("database")
async def test_an_order_that_was_made_before_the_claim_by_any_clock_redeems_nothing():
    shop, customer = await make_shop(), uuid4()
    taken = await claim(customer, (await make_coupon(shop)).id)
    await _order(shop, customer, ordered_at=now() - TOLERANCE - timedelta(microseconds=1))

    refused = redeem(shop, customer, taken.code, order="o1", discount=500)

    assert await refusal(refused) == ("order", ErrorCode.ORDER_DOES_NOT_QUALIFY)
    assert await database.fetch_value("SELECT count(*) FROM claim WHERE redeemed_at IS NOT NULL") == 0


@pytest.mark.usefixtures("database")
async def test_a_claim_of_somebody_else_or_of_another_shop_reads_like_none():
    shop, other, customer = await make_shop(), await make_shop("other"), uuid4()
    taken = await claim(customer, (await make_coupon(shop)).id)
    stranger = uuid4()
    await _order(shop, stranger)
    await _order(other, customer)

    assert await refusal(redeem(shop, stranger, taken.code, order="o1", discount=1)) == ("code", ErrorCode.NOT_FOUND)
    assert await refusal(redeem(other, customer, taken.code, order="o1", discount=1)) == ("code", ErrorCode.NOT_FOUND)
    assert await refusal(redeem(shop, customer, taken.code, order="o9", discount=1)) == ("order", ErrorCode.NOT_FOUND)


@pytest.mark.usefixtures("database")
async def test_of_20_claims_redeemed_at_once_with_one_order_one_is():
    shop, customer = await make_shop(), uuid4()
    own = await make_coupon(shop, customer_limit=20)
    taken = [await claim(customer, own.id) for _ in range(20)]
    await _order(shop, customer)

    async def attempt(code: str) -> bool:
        try:
            await redeem(shop, customer, code, order="o1", discount=1)
        except Refused:
            return False
        return True

    assert sum(await asyncio.gather(*(attempt(each.code) for each in taken))) == 1


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(("again", "order", "field"), [(0, "o2", "code"), (1, "o1", "order")])
async def test_who_redeems_what_is_just_being_redeemed_waits_and_is_refused(
    monkeypatch: pytest.MonkeyPatch, again: int, order: str, field: str
):
    shop, customer = await make_shop(), uuid4()
    own = await make_coupon(shop, customer_limit=2)
    codes = [(await claim(customer, own.id)).code for _ in range(2)]
    for name in ("o1", "o2"):
        await _order(shop, customer, name)
    tell, is_told, may_end = fact.tell, asyncio.Event(), asyncio.Event()

    async def told_slowly(*arguments: Any):
        await tell(*arguments)
        is_told.set()
        await may_end.wait()

    monkeypatch.setattr(fact, "tell", told_slowly)
    first = asyncio.create_task(redeem(shop, customer, codes[0], order="o1", discount=1))
    await is_told.wait()
    second = asyncio.create_task(redeem(shop, customer, codes[again], order=order, discount=1))
    await until_a_lock_is_waited_for(unless=second)
    may_end.set()

    assert await refusal(second) == (field, ErrorCode.ALREADY_REDEEMED)
    redeemed = await first
    rows = await database.fetch("SELECT code, order_id FROM claim WHERE order_id IS NOT NULL")
    assert [tuple(row) for row in rows] == [(codes[0], redeemed.order_id)]


@pytest.mark.usefixtures("database")
async def test_what_was_claimed_stays_good_after_the_seller_ends_the_coupon():
    shop, customer = await make_shop(), uuid4()
    own = await make_coupon(shop)
    taken = await claim(customer, own.id)
    await own.end()
    await _order(shop, customer)

    assert (await redeem(shop, customer, taken.code, order="o1", discount=500)).redeemed_at == now()
    assert await Plan.all().count() == 0
