"""Estimates over the API."""

from models.plan import PlanChannel
from resolvers import global_id
from tests.api import Api, seller
from tests.factories import make_customers, make_draft, make_shop

ESTIMATE = (
    "query ($plan: ID!) { planEstimate(planId: $plan) { estimate { audience reachable cappedToday withoutConsent"
    " reach { channel language count } refusals { reason count } } userErrors { field code } } }"
)


async def test_an_estimate_adds_up(api: Api):
    shop = await make_shop()
    await make_customers(shop, 2)
    await make_customers(shop, 1, prefix="d", consent="UNSUBSCRIBED", language="es")
    plan = await make_draft(shop, channel=PlanChannel.EMAIL)

    data = await api.data(ESTIMATE, seller(shop), plan=global_id.encode("Plan", plan.id))

    assert data["planEstimate"] == {
        "estimate": {
            "audience": 3, "reachable": 2, "cappedToday": 0, "withoutConsent": 1,
            "reach": [{"channel": "EMAIL", "language": "en", "count": 2}],
            "refusals": [{"reason": "NO_CONSENT", "count": 1}],
        },
        "userErrors": [],
    }  # fmt: skip
    unknown = await api.data(ESTIMATE, seller(shop), plan="nonsense")
    assert unknown["planEstimate"] == {"estimate": None, "userErrors": [{"field": ["planId"], "code": "NOT_FOUND"}]}
