"""What the platform asks for and writes."""

from collections.abc import Callable
from typing import Any

from models.caller import Role
from tests.isolation.case import Case, Ids, mutation
from tests.selections import CLAIM, ROWS, SENDING, VIOLATION, connection

AT = "2026-01-10T00:00:00Z"


def rows(row: dict[str, Any]) -> Callable[[Ids], dict[str, Any]]:
    return lambda _: {"input": {"shop": "alpha-shop", "rows": [row]}}


CASES: dict[str, Case] = {
    "Query.violations": Case(
        Role.PLATFORM,
        f"query ($shop: ID!) {{ violations(shopId: $shop) {connection(VIOLATION)} }}",
        lambda ids: {"shop": ids["Shop"]},
    ),
    "Query.sending": Case(Role.PLATFORM, f"{{ sending {{ {SENDING} }} }}", mentions_owner=False),
    "Mutation.shopsUpsert": Case(
        Role.PLATFORM,
        mutation("shopsUpsert", ROWS),
        lambda _: {
            "input": {
                "rows": [
                    {
                        "externalId": "alpha-shop",
                        "name": "alpha store",
                        "currency": "USD",
                        "timeZone": "UTC",
                        "defaultLanguage": "en",
                    }
                ]
            }
        },
        mentions_owner=False,
    ),
    "Mutation.customersUpsert": Case(
        Role.PLATFORM, mutation("customersUpsert", ROWS), rows({"externalId": "alpha-0"}), mentions_owner=False
    ),
    "Mutation.productsUpsert": Case(
        Role.PLATFORM,
        mutation("productsUpsert", ROWS),
        rows({"externalId": "p", "title": "Soap"}),
        mentions_owner=False,
    ),
    "Mutation.ordersUpsert": Case(
        Role.PLATFORM,
        mutation("ordersUpsert", ROWS),
        rows({"externalId": "o", "customer": "alpha-0", "orderedAt": AT, "amount": 1, "currency": "USD"}),
        mentions_owner=False,
    ),
    "Mutation.eventsUpsert": Case(
        Role.PLATFORM,
        mutation("eventsUpsert", ROWS),
        rows({"externalId": "e", "customer": "alpha-0", "kind": "FOLLOWED", "occurredAt": AT}),
        mentions_owner=False,
    ),
    "Mutation.livesUpsert": Case(
        Role.PLATFORM,
        mutation("livesUpsert", ROWS),
        rows({"externalId": "l", "title": "LIVE", "startsAt": AT}),
        mentions_owner=False,
    ),
    "Mutation.priceChangesUpsert": Case(
        Role.PLATFORM,
        mutation("priceChangesUpsert", ROWS),
        rows({"product": "p", "changedAt": AT, "price": 1, "currency": "USD"}),
        mentions_owner=False,
    ),
    "Mutation.sendRateUpdate": Case(
        Role.PLATFORM,
        mutation("sendRateUpdate", "messagesPerMinute"),
        lambda _: {"input": {"shop": "alpha-shop", "messagesPerMinute": 60}},
        mentions_owner=False,
    ),
    "Mutation.sendingStop": Case(
        Role.PLATFORM,
        mutation("sendingStop", f"sending {{ {SENDING} }}"),
        lambda _: {"input": {"reason": "drill"}},
        mentions_owner=False,
    ),
    "Mutation.sendingResume": Case(
        Role.PLATFORM,
        mutation("sendingResume", f"sending {{ {SENDING} }}"),
        lambda _: {"input": {}},
        mentions_owner=False,
    ),
    "Mutation.customerExport": Case(
        Role.PLATFORM,
        mutation("customerExport", "export { document cut }"),
        lambda _: {"input": {"externalId": "nobody"}},
        mentions_owner=False,
    ),
    "Mutation.customerErase": Case(
        Role.PLATFORM,
        mutation("customerErase", "erasure { askedAt doneAt }"),
        lambda _: {"input": {"externalId": "nobody"}},
        mentions_owner=False,
    ),
    "Mutation.couponRedeem": Case(
        Role.PLATFORM,
        mutation("couponRedeem", f"claim {{ {CLAIM} }}"),
        lambda _: {
            "input": {
                "shop": "alpha-shop",
                "customer": "alpha-0",
                "code": "NONE",
                "order": "o",
                "discount": {"amount": 1, "currency": "USD"},
            }
        },
        mentions_owner=False,
    ),
}
