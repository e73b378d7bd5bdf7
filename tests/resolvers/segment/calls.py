"""What segments are asked and told over the API in these tests."""

from typing import Any

from models.shop import Shop
from tests.api import Api, seller

SEGMENT = "segment { id name version conditions text advice size archivedAt }"
ERRORS = "userErrors { field message code }"
CREATE = f"mutation ($input: SegmentCreateInput!) {{ segmentCreate(input: $input) {{ {SEGMENT} {ERRORS} }} }}"
UPDATE = f"mutation ($input: SegmentUpdateInput!) {{ segmentUpdate(input: $input) {{ {SEGMENT} {ERRORS} }} }}"
DUPLICATE = f"mutation ($input: SegmentDuplicateInput!) {{ segmentDuplicate(input: $input) {{ {SEGMENT} {ERRORS} }} }}"
ARCHIVE = f"mutation ($input: SegmentArchiveInput!) {{ segmentArchive(input: $input) {{ {SEGMENT} {ERRORS} }} }}"
PREVIEW = f"""
query ($conditions: ConditionInput, $text: String, $asOf: DateTime) {{
  segmentPreview(conditions: $conditions, text: $text, asOf: $asOf) {{
    size members(first: 2) {{ nodes {{ externalId }} totalCount }} conditions text advice {ERRORS}
  }}
}}"""

EVERYTHING = {
    "all": [
        {"any": [{"age": {"min": 25, "max": 34}}, {"gender": ["FEMALE", "OTHER"]}, {"region": ["MX-JAL"]}]},
        {"orders": {"withinDays": 60, "min": 2, "max": 9}},
        {"spent": {"min": 20000, "below": 100000, "currency": "USD"}},
        {"averageOrder": {"withinDays": 60, "above": 3000, "max": 2**40, "currency": "USD"}},
        {"firstOrder": {"from": "2026-01-01", "to": "2026-03-31"}},
        {"lastOrder": {"withinDays": 90}},
        {"followed": {"from": "2025-12-01"}},
        {"not": {"follows": True}},
        {"viewed": {}},
        {"favourited": {"withinDays": 14}},
        {"carted": {"withinDays": 7}},
        {"reviewed": {"withinDays": 1}},
        {"checkoutStarted": {"withinDays": 3650}},
        {"cardClicked": {"category": "beauty"}},
        {"videoWatched": {"category": "beauty", "minSeconds": 60}},
        {"videoLiked": {"withinDays": 30, "category": "beauty"}},
        {"videoClicked": {}},
        {"liveWatched": {"withinDays": 90, "category": "beauty", "minSeconds": 600}},
        {"liveClicked": {}},
        {"engaged": {"withinDays": 30}},
        {"messageRead": {"withinDays": 30}},
        {"messageClicked": {}},
        {"unsubscribed": {}},
    ]
}


async def create(api: Api, shop: Shop, **given: Any) -> dict[str, Any]:
    """The payload of `segmentCreate`."""
    payload: dict[str, Any] = (await api.data(CREATE, seller(shop), input={"name": "Mine", **given}))["segmentCreate"]
    return payload
