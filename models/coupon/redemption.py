"""The use of a claim for an order, which must meet the coupon's conditions (R15)."""

from uuid import UUID

from models import database
from models.clock import TOLERANCE, now, readable
from models.coupon import Coupon
from models.coupon.claim import CLAIMS, COLUMNS, Claim
from models.errors import ErrorCode, Refused, refuse
from models.identifier import external_uuid
from models.shop import Shop
from models.webhook import fact
from models.webhook.fact import WebhookFact


async def redeem(shop: Shop, customer_id: UUID, code: str, *, order: str, discount: int) -> Claim:
    """Use the claim with this `code` for the order of this external id, which it made `discount` cheaper.

    Repeating it answers the same. Refused, and nothing changed, when claim or order are used otherwise
    already, be it with another discount, or the order does not meet the coupon's conditions.
    """
    at = now()
    order_id = external_uuid("order", shop.external_id, order)
    async with database.transaction():
        bought = await _hold_order(shop.id, customer_id, order_id)
        known = await _hold_claim(shop.id, customer_id, code)
        if known.order_id == order_id:
            _check_same(known, discount)
            return known
        _check_unused(known, await database.fetch_value(_ORDER_USED, customer_id, order_id))
        _check_order(await Coupon.get(id=known.coupon_id), known, bought, discount)
        row = await database.fetch_one(_REDEEM, customer_id, known.coupon_id, known.number, order_id, at, discount)
        assert row is not None
        redeemed = Claim(*row)
        told = {**redeemed.told(), "order": order, "discount": discount, "currency": shop.currency}
        await fact.tell(shop.id, WebhookFact.COUPON_REDEEMED, told, at)
        return redeemed


async def _hold_order(shop_id: int, customer_id: UUID, order_id: UUID) -> database.Record:
    """Lock the order, so that it is used once and not cancelled meanwhile."""
    row = await database.fetch_one(_ORDER, customer_id, order_id, shop_id)
    if row is None:
        raise refuse("order", "There is no such order of this customer yet.", ErrorCode.NOT_FOUND, rule="R15")
    return row


async def _hold_claim(shop_id: int, customer_id: UUID, code: str) -> Claim:
    """Lock the claim with this code."""
    row = await database.fetch_one(_CLAIM, customer_id, shop_id, code)
    if row is None:
        raise refuse("code", "There is no such claim of this customer.", ErrorCode.NOT_FOUND, rule="R15")
    return Claim(*row)


def _check_same(known: Claim, discount: int) -> None:
    if known.discount != discount:
        message = f"This claim made the order {known.discount} cheaper, as was told first; not {discount}."
        raise refuse("discount", message, ErrorCode.CONFLICT, rule="R15")


def _check_unused(known: Claim, order_is_used: bool) -> None:  # noqa: FBT001 - a fact from the database
    if known.order_id is not None:
        raise refuse("code", "This claim is redeemed with another order.", ErrorCode.ALREADY_REDEEMED, rule="R15")
    if order_is_used:
        raise refuse("order", "This order has used another claim.", ErrorCode.ALREADY_REDEEMED, rule="R15")


def _check_order(own: Coupon, known: Claim, bought: database.Record, discount: int) -> None:
    """Hold an order against a coupon's conditions. Its price before the coupon is what was paid plus the discount."""
    terms, spend = own.terms, bought["amount"] + discount
    if discount < 0:
        raise _does_not_qualify("discount", "A discount is 0 or more.")
    if bought["status"] != "PLACED":
        raise _does_not_qualify("order", f"The order is {bought['status']}; only a placed one can use a coupon.")
    if not known.claimed_at - TOLERANCE <= bought["ordered_at"] < terms.ends_at:
        until = f"from {readable(known.claimed_at)} until {readable(terms.ends_at)}"
        raise _does_not_qualify(
            "order", f"The claim can be used {until}; the order is of {readable(bought['ordered_at'])}."
        )
    if spend < terms.minimum_spend:
        raise _does_not_qualify("order", f"The coupon needs a spend of {terms.minimum_spend}, not {spend}.")
    if terms.product_ids and not set(terms.product_ids) & set(bought["product_ids"]):
        raise _does_not_qualify("order", "None of the coupon's products is in the order.")
    if discount > terms.saving(spend):
        raise _does_not_qualify("discount", f"It saves at most {terms.saving(spend)} on {spend}, not {discount}.")


def _does_not_qualify(field: str, message: str) -> Refused:
    return refuse(field, message, ErrorCode.ORDER_DOES_NOT_QUALIFY, rule="R15")


_ORDER = """
SELECT ordered_at, amount, status, product_ids FROM orders WHERE customer_id = $1 AND id = $2 AND shop_id = $3 FOR UPDATE
"""

_CLAIM = f"{CLAIMS} WHERE customer_id = $1 AND shop_id = $2 AND code = $3 FOR UPDATE"

_ORDER_USED = "SELECT EXISTS (SELECT FROM claim WHERE customer_id = $1 AND order_id = $2)"

_REDEEM = f"""
UPDATE claim SET order_id = $4, redeemed_at = $5, discount = $6
WHERE customer_id = $1 AND coupon_id = $2 AND number = $3 RETURNING {COLUMNS}
"""
