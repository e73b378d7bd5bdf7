"""What makes the occasion of each trigger in tests, and what ends it."""

from tests.automation import Life
from tests.rows import price_row, tell

ORDER = "an order"
CANCELLATION = "a cancelled order"
OCCASIONS = {
    "ABANDONED_CART": ("CART_ADDED", ("CART_REMOVED", "CART_EMPTIED", ORDER), 120),
    "INCOMPLETE_CHECKOUT": ("CHECKOUT_STARTED", ("CART_EMPTIED", ORDER, "CHECKOUT_STARTED"), 120),
    "PRICE_DROP": ("PRODUCT_VIEWED", (ORDER,), 2),
    "REPURCHASE_REMINDER": (ORDER, (ORDER,), 30_240),
    "THANK_YOU": (ORDER, (), 1_440),
    "WELCOME_FOLLOWER": ("FOLLOWED", ("FOLLOWED", "UNFOLLOWED"), 2),
}
"""What makes each occasion, what else done by the same customer at the same shop would end it, and when it is due."""

STEPS = {
    "ABANDONED_CART": ("CART_ADDED", "CART_EMPTIED", 120),
    "INCOMPLETE_CHECKOUT": ("CHECKOUT_STARTED", ORDER, 120),
    "ORDER_CONFIRMATION": (ORDER, CANCELLATION, 120),
    "PRICE_DROP": ("PRODUCT_VIEWED", ORDER, 120),
    "REPURCHASE_REMINDER": (ORDER, ORDER, 30_300),
    "THANK_YOU": (ORDER, CANCELLATION, 1_500),
    "WELCOME_FOLLOWER": ("FOLLOWED", "UNFOLLOWED", 120),
}
"""What makes each occasion, something that ends it, and a step of so many minutes, which falls into another hour."""


async def do(life: Life, kind: str, minute: float, customer: str, product: str = "soap") -> None:
    """Tell that a customer did this."""
    if kind == ORDER:
        await life.bought(minute, customer, order=f"{customer}-{minute}", products=[product])
    else:
        await life.did(kind, minute, customer, product=product, reference=f"{customer}-{minute}")


async def happen(life: Life, code: str, minute: float, *customers: str) -> None:
    """Tell of the trigger's occasion for these customers, each with a product of the same name."""
    kind, _, _ = STEPS[code]
    for customer in customers:
        await do(life, kind, minute, customer, customer)
        if code == "PRICE_DROP":
            await tell(life.shop, price_row(customer, changedAt=life.at(minute).isoformat(), price=500))


async def end(life: Life, code: str, happened: float, minute: float, customer: str) -> None:
    """Tell that the occasion which happened then ended for a customer at this minute."""
    _, ending, _ = STEPS[code]
    if ending == CANCELLATION:
        cancelled = {"status": "CANCELLED", "cancelledAt": life.at(minute).isoformat()}
        await life.bought(happened, customer, order=f"{customer}-{happened}", products=[customer], **cancelled)
    else:
        await do(life, ending, minute, customer, customer)
