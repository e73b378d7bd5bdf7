"""The overview and a segment's performance over the API."""

from datetime import date

import pytest

from models.clock import Clock
from resolvers import global_id
from tests.api import Api, seller
from tests.outreach import Bought, Outreach, Place, Sent, at

ACTIVITY = "{ sent read clicked orders gmv }"
OVERVIEW = f"""
query ($from: Date!, $to: Date!) {{
  overview(from: $from, to: $to) {{
    first last currency days {{ day activity {ACTIVITY} }} total {ACTIVITY} before {ACTIVITY}
    channels {{ key activity {ACTIVITY} }} languages {{ key activity {ACTIVITY} }}
  }}
}}"""
PERFORMANCE = """
query ($id: ID!) {
  segment(id: $id) {
    performance { until plans delivered read clicked orders gmv { amount currency } readRate clickRate orderRate }
  }
}"""

HISTORY = Outreach(
    sent=[
        Sent(0, "ana", "SENT", None, "CHAT", "en", 10, 20, 30),
        Sent(0, "ben", "SENT", None, "EMAIL", "es", 30, 31, None),
        Sent(1, "cleo", "SENT", None, "CHAT", "en", 40, None, None),
        Sent(2, "ana", "SENT", None, "CHAT", "en", 30, 31, 32),
    ],
    bought=[
        Bought(0, "ana", 35, 0, 1250, "PLACED", None),
        Bought(0, "ben", 60, 0, 750, "PLACED", None),
        Bought(0, "ben", 61, 0, 9900, "REFUNDED", 80),
        Bought(1, "ana", 36, 0, 6000, "PLACED", None),
    ],
)


def activity(sent: int, read: int, clicked: int, orders: int, gmv: int) -> dict[str, int]:
    return {"sent": sent, "read": read, "clicked": clicked, "orders": orders, "gmv": gmv}


@pytest.fixture
async def place(database: None) -> Place:
    return await Place.make(currency="EUR")


async def test_an_overview_has_every_day_the_parts_and_the_period_before(api: Api, place: Place):
    await place.store(HISTORY)

    data = await api.data(OVERVIEW, seller(place.shops[0]), **{"from": "2026-01-02", "to": "2026-01-03"})

    assert data["overview"] == {
        "first": "2026-01-02",
        "last": "2026-01-03",
        "currency": "EUR",
        "days": [
            {"day": "2026-01-02", "activity": activity(2, 1, 1, 1, 1250)},
            {"day": "2026-01-03", "activity": activity(0, 0, 0, 1, 750)},
        ],
        "total": activity(2, 1, 1, 2, 2000),
        "before": activity(1, 1, 0, 0, 0),
        "channels": [
            {"key": "CHAT", "activity": activity(1, 0, 1, 1, 1250)},
            {"key": "EMAIL", "activity": activity(1, 1, 0, 1, 750)},
        ],
        "languages": [
            {"key": "en", "activity": activity(1, 0, 1, 1, 1250)},
            {"key": "es", "activity": activity(1, 1, 0, 1, 750)},
        ],
    }


async def test_a_period_that_is_too_long_is_refused_with_what_would_do(api: Api, place: Place):
    answer = await api.answer(OVERVIEW, seller(place.shops[0]), **{"from": "2024-01-01", "to": "2026-01-03"})

    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert error["message"] == "to: must be at most 366 days from `from` on, both included"
    assert answer["data"] is None


async def test_a_segment_s_performance_ends_with_yesterday(api: Api, place: Place, clock: Clock):
    await place.store(HISTORY)
    clock.freeze(at(50))

    data = await api.data(
        PERFORMANCE, seller(place.shops[0]), id=global_id.encode("Segment", place.plans[0].segment_id)
    )

    assert clock.now().date() == date(2026, 1, 3)
    assert data["segment"]["performance"] == {
        "until": "2026-01-03T00:00:00Z",
        "plans": 2,
        "delivered": 3,
        "read": 2,
        "clicked": 1,
        "orders": 1,
        "gmv": {"amount": 1250, "currency": "EUR"},
        "readRate": 2 / 3,
        "clickRate": 1 / 3,
        "orderRate": 1 / 3,
    }
