"""Who is in a segment, over the API: of a condition only tried out, as of another time, and of two together."""

import pytest

from models.clock import Clock
from models.segment import Segment
from models.shop import Shop
from tests.api import Api, seller
from tests.resolvers.segment.calls import PREVIEW, create


async def test_a_condition_is_tried_out_without_being_kept(api: Api, shop: Shop):
    data = (await api.data(PREVIEW, seller(shop), text="orders >= 2"))["segmentPreview"]

    assert (data["size"], data["members"]["totalCount"], len(data["members"]["nodes"])) == (3, 3, 2)
    assert (data["conditions"], data["text"]) == ({"orders": {"min": 2}}, "orders >= 2")
    assert data["userErrors"] == []
    assert await Segment.filter(preset=None).count() == 0


async def test_a_preview_of_an_earlier_time_asks_history(api: Api, shop: Shop):
    data = (await api.data(PREVIEW, seller(shop), text="not follows", asOf="2026-01-01T00:00:00Z"))["segmentPreview"]

    assert data["size"] == 0


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00Z", "1989-12-31T23:59:59Z", "2026-01-15T12:00:01Z"])
async def test_a_time_that_nothing_can_be_known_of_is_refused(api: Api, shop: Shop, at: str):
    answer = await api.answer(PREVIEW, seller(shop), text="not follows", asOf=at)

    assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_USER_INPUT"]


async def test_a_preview_of_what_does_not_hold_says_why(api: Api, shop: Shop):
    data = (await api.data(PREVIEW, seller(shop), conditions={"age": {"min": 40, "max": 30}}))["segmentPreview"]

    assert data["userErrors"] == [
        {"field": ["conditions", "age", "max"], "message": "must not be less than min", "code": "INVALID"}
    ]
    assert (data["size"], data["members"], data["conditions"]) == (None, None, None)


async def test_overlap_and_profile_come_from_the_same_members(api: Api, shop: Shop, clock: Clock):
    one = (await create(api, shop, text="orders >= 2"))["segment"]["id"]
    other = (await create(api, shop, text="orders >= 3 or not follows"))["segment"]["id"]
    query = """query ($one: ID!, $other: ID!) {
      segmentOverlap(one: $one, other: $other) { one other both }
      segment(id: $one) { profile { size orders { least below count } lifetimeValues { least below count }
        genders { value count } ages { least below count } languages { value count } } }
    }"""
    data = await api.data(query, seller(shop), one=one, other=other)

    assert data["segmentOverlap"] == {"one": 3, "other": 3, "both": 3}
    assert data["segment"]["profile"] == {
        "size": 3,
        "orders": [{"least": 2, "below": 3, "count": 3}],
        "lifetimeValues": [{"least": 2000, "below": 5000, "count": 3}],
        "genders": [{"value": None, "count": 3}],
        "ages": [{"least": None, "below": None, "count": 3}],
        "languages": [{"value": "en", "count": 3}],
    }
