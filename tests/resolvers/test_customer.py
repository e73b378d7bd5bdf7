"""What a shop sees of a customer's consent: its own, with source and time, and never another shop's (R19)."""

from typing import Any

from models import consent, customer, database
from models.clock import now
from models.shop import Shop
from resolvers import global_id
from tests.api import PLATFORM, Api, seller
from tests.factories import make_customers, make_shop

CONSENT = (
    "query ($id: ID!) { node(id: $id) { ... on Customer"
    " { emailConsent { state source at } isSuppressed chatBlockedAt } } }"
)
UPSERT = (
    "mutation ($input: CustomersUpsertInput!) { customersUpsert(input: $input)"
    " { results { errors { message } } userErrors { message } } }"
)
NOON = "2026-01-15T12:00:00Z"


async def seen(api: Api, shop: Shop, person: object) -> dict[str, Any]:
    data = await api.data(CONSENT, seller(shop), id=global_id.encode("Customer", person))
    found: dict[str, Any] = data["node"]
    return found


async def test_the_state_of_an_address_is_told_with_where_and_when_it_was_said(api: Api):
    shop = await make_shop()
    [ana] = await make_customers(shop, 1, consent="NEVER")
    assert await seen(api, shop, ana) == {
        "emailConsent": {"state": "NEVER", "source": None, "at": None}, "isSuppressed": False, "chatBlockedAt": None,
    }  # fmt: skip

    said = {"state": "SUBSCRIBED", "source": "checkout", "at": "2026-01-14T09:00:00Z"}
    row = {"externalId": "c0", "emailConsent": said}
    await api.data(UPSERT, PLATFORM, input={"shop": "bloom", "rows": [row]})
    assert (await seen(api, shop, ana))["emailConsent"] == said

    await consent.unsubscribe(shop.id, ana, source="complaint")
    await consent.block(shop.id, ana)
    key = await database.fetch_value("SELECT email_key FROM customer WHERE id = $1", ana)
    await customer.suppress([key], reason="BOUNCED", at=now())
    assert await seen(api, shop, ana) == {
        "emailConsent": {"state": "UNSUBSCRIBED", "source": "complaint", "at": NOON},
        "isSuppressed": True, "chatBlockedAt": NOON,
    }  # fmt: skip


async def test_what_was_said_to_one_shop_is_not_told_to_another(api: Api):
    shop, other = await make_shop(), await make_shop("other")
    [ana] = await make_customers(shop, 1)
    await make_customers(other, 1, consent="NEVER")
    await consent.unsubscribe(shop.id, ana, source="complaint")

    assert (await seen(api, other, ana))["emailConsent"] == {"state": "NEVER", "source": None, "at": None}
