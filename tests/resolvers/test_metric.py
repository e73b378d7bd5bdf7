"""Figures of plans over the API: money in the shop's currency, rates, reasons and the funnel."""

import pytest

from resolvers import global_id
from tests.api import Api, seller
from tests.outreach import Bought, Did, Left, Outreach, Place, Sent

FIGURES = """
query ($id: ID!) {
  plan(id: $id) {
    figures {
      recipients delivered unknown toGo failed { state reason count } heldBack { state reason count }
      waiting { state reason count } read clicked unsubscribed couponsClaimed orders buyers
      gmv { amount currency } ordersTakenBack gmvTakenBack { amount currency }
      deliveryRate readRate clickRate unsubscribeRate orderRate funnel { touched viewed carted ordered }
    }
  }
}"""


def message(customer: str, state: str = "SENT", reason: str | None = None, **met: int) -> Sent:
    return Sent(0, customer, state, reason, "CHAT", "en", 0, met.get("read"), met.get("clicked"))


HISTORY = Outreach(
    sent=[
        message("ana", read=1, clicked=2),
        message("ben", read=3),
        message("cleo"),
        message("dan"),
        message("eva", "FAILED", "5.1.1"),
        message("fay", "SUPPRESSED", "BLOCKED"),
        message("gus", "PENDING", "CONTACT_LIMIT"),
        message("hal", "UNKNOWN", "WORKER_LOST"),
    ],
    bought=[
        Bought(0, "ana", 5, 0, 1250, "PLACED", None),
        Bought(0, "ana", 6, 0, 750, "PLACED", None),
        Bought(0, "ben", 7, 0, 9900, "CANCELLED", 30),
        Bought(0, "cleo", 8, 0, 5000, "PLACED", None),
        Bought(1, "ana", 9, 0, 6000, "PLACED", None),
    ],
    did=[Did(0, "ben", "CART_ADDED", 4), Did(0, "cleo", "PRODUCT_VIEWED", 4)],
    left=[Left(0, "ben", 4)],
)


@pytest.fixture
async def place(database: None) -> Place:
    return await Place.make(currency="EUR")


async def test_a_plan_tells_what_it_brought(api: Api, place: Place):
    await place.store(HISTORY)

    data = await api.data(FIGURES, seller(place.shops[0]), id=global_id.encode("Plan", place.plans[0].id))

    assert data["plan"]["figures"] == {
        "recipients": 8,
        "delivered": 4,
        "unknown": 1,
        "toGo": 1,
        "failed": [{"state": "FAILED", "reason": "5.1.1", "count": 1}],
        "heldBack": [{"state": "SUPPRESSED", "reason": "BLOCKED", "count": 1}],
        "waiting": [{"state": "PENDING", "reason": "CONTACT_LIMIT", "count": 1}],
        "read": 2,
        "clicked": 1,
        "unsubscribed": 1,
        "couponsClaimed": 0,
        "orders": 2,
        "buyers": 1,
        "gmv": {"amount": 2000, "currency": "EUR"},
        "ordersTakenBack": 1,
        "gmvTakenBack": {"amount": 9900, "currency": "EUR"},
        "deliveryRate": 0.5,
        "readRate": 0.5,
        "clickRate": 0.25,
        "unsubscribeRate": 0.25,
        "orderRate": 0.5,
        "funnel": {"touched": 2, "viewed": 2, "carted": 2, "ordered": 1},
    }
