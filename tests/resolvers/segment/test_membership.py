"""One customer and one segment, over the API: in or out, and what decides."""

from typing import Any

from models.identifier import customer_id
from models.shop import Shop
from resolvers import global_id
from tests.api import Api, seller
from tests.factories import make_customers, make_shop
from tests.resolvers.segment.calls import create


async def test_membership_tells_the_verdict_and_what_decides(api: Api, shop: Shop):
    kept = (await create(api, shop, text="orders >= 1 and (follows or age >= 18)"))["segment"]
    (stranger,) = await make_customers(await make_shop("other"), 1, prefix="other")
    customer = customer_id("c0")
    query = """query ($id: ID!, $customer: ID!) { segment(id: $id) { membership(customerId: $customer) {
      isMember hasInteracted reasons { path text holds found decides }
    } } }"""

    async def membership(customer: Any) -> Any:
        variables = {"id": kept["id"], "customer": global_id.encode("Customer", customer)}
        return (await api.data(query, seller(shop), **variables))["segment"]["membership"]

    found = await membership(customer)
    assert found["isMember"] is False
    assert [(reason["path"], reason["holds"], reason["decides"]) for reason in found["reasons"]] == [
        ("conditions", False, True),
        ("conditions.all[0]", False, True),
        ("conditions.all[1]", False, True),
        ("conditions.all[1].any[0]", False, True),
        ("conditions.all[1].any[1]", False, True),
    ]
    assert await membership(stranger) is None
