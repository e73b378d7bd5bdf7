"""What plans are asked and told over the API in these tests."""

from typing import Any

from models.segment import Segment
from models.shop import Shop
from resolvers import global_id
from tests.factories import TEXTS

PLAN = "plan { id name status channel sendAt texts { language text subject } segment { preset } products { title } }"
CREATE = f"mutation ($input: PlanCreateInput!) {{ planCreate(input: $input) {{ {PLAN} userErrors {{ field code }} }} }}"
UPDATE = f"mutation ($input: PlanUpdateInput!) {{ planUpdate(input: $input) {{ {PLAN} userErrors {{ field code }} }} }}"
SUBMIT = f"mutation ($input: PlanSubmitInput!) {{ planSubmit(input: $input) {{ {PLAN} userErrors {{ field code }} }} }}"
CANCEL = f"mutation ($input: PlanCancelInput!) {{ planCancel(input: $input) {{ {PLAN} userErrors {{ field code }} }} }}"

LIST = [{"language": tag, **text} for tag, text in TEXTS.items()]


async def new_plan(shop: Shop, **changes: Any) -> dict[str, Any]:
    segment = await Segment.get(shop_id=shop.id, preset="REPEAT")
    return {
        "name": "Spring",
        "channel": "CHAT",
        "segmentId": global_id.encode("Segment", segment.id),
        "texts": LIST,
        **changes,
    }
