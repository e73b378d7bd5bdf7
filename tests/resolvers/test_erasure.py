"""Exporting and erasing a customer over the API, by the platform alone."""

import json
from typing import Any
from uuid import UUID

from models import database as databases
from models import erasure
from models.clock import now
from models.coupon import Coupon, claim
from models.identifier import customer_id, external_uuid
from models.plan import PlanChannel
from models.shop import Shop
from resolvers.global_id import encode
from settings import Settings
from tests.api import PLATFORM, Api, seller, shopper
from tests.factories import make_coupon, make_customers, make_resolved, make_shop
from tests.outside import Outside
from tests.resolvers.test_conversation import ANSWER, REPLY
from tests.resolvers.test_unsubscribe import ask, token_of
from tests.slices import hand_over
from tests.waiting import until_a_lock_is_waited_for

EXPORT = (
    "mutation ($id: String!) { customerExport(input: {externalId: $id})"
    " { export { document cut } userErrors { field code } } }"
)
ERASE = (
    "mutation ($id: String!, $key: String) { customerErase(input: {externalId: $id, idempotencyKey: $key})"
    " { erasure { askedAt doneAt } userErrors { field code } } }"
)
UPSERT = (
    "mutation ($input: CustomersUpsertInput!) { customersUpsert(input: $input)"
    " { results { id errors { field code } } userErrors { code } } }"
)
REDEEM = "mutation ($input: CouponRedeemInput!) { couponRedeem(input: $input) { userErrors { field code } } }"
UNKNOWN = [{"field": ["externalId"], "code": "NOT_FOUND"}]


async def test_a_customer_is_exported_and_then_erased(api: Api):
    shop = await make_shop()
    await make_customers(shop, 2)

    found = (await api.data(EXPORT, PLATFORM, id="c0"))["customerExport"]
    assert json.loads(found["export"]["document"])["tables"]["customer"][0]["name"] == "c0"
    assert found["export"]["cut"] == []

    erased = (await api.data(ERASE, PLATFORM, id="c0"))["customerErase"]
    assert erased == {
        "erasure": {"askedAt": "2026-01-15T12:00:00Z", "doneAt": "2026-01-15T12:00:00Z"}, "userErrors": [],
    }  # fmt: skip
    assert (await api.data(EXPORT, PLATFORM, id="c0"))["customerExport"] == {"export": None, "userErrors": UNKNOWN}
    row = {"externalId": "c0", "name": "Ana"}
    again = (await api.data(UPSERT, PLATFORM, input={"shop": shop.external_id, "rows": [row]}))["customersUpsert"]
    assert again["results"] == [{"id": None, "errors": [{"field": ["externalId"], "code": "ERASED"}]}]


async def test_an_export_is_not_kept_for_a_repeated_key(api: Api):
    await make_customers(await make_shop(), 1)
    query = EXPORT.replace("$id: String!", "$id: String!, $key: String").replace("$id}", "$id, idempotencyKey: $key}")

    first, second = [await api.data(query, PLATFORM, id="c0", key="k") for _ in range(2)]

    assert first == second and "c0" in first["customerExport"]["export"]["document"]
    assert await databases.fetch_value("SELECT response::text FROM idempotency") in (None, "null")


async def test_a_shopper_s_token_that_outlives_their_erasing_changes_nothing(api: Api):
    shop = await make_shop()
    coupon = await make_coupon(shop)
    await make_customers(shop, 2)
    await api.data(ERASE, PLATFORM, id="c0")
    claimed, blocked, unsubscribed = (
        "mutation ($id: ID!, $key: String) { couponClaim(input: {id: $id, idempotencyKey: $key}) { userErrors { code } } }",
        "mutation ($id: ID!, $key: String) { shopBlock(input: {shopId: $id, idempotencyKey: $key}) { userErrors { code } } }",
        "mutation ($id: ID!, $key: String) { emailUnsubscribe(input: {shopId: $id, idempotencyKey: $key}) { userErrors { code } } }",
    )
    own = ("Shop", shop.id)
    for query, wanted in ((claimed, ("Offer", coupon.id)), (blocked, own), (unsubscribed, own)):
        for key in (None, "k"):
            for customer, codes in (("c0", [{"code": "ERASED"}]), ("c1", [])):
                data = await api.data(
                    query, shopper(customer), id=encode(*wanted), key=f"{customer}{key}" if key else None
                )
                (payload,) = data.values()
                if customer == "c0" or (query, key) != (claimed, "k"):  # the other has claimed as often as they may
                    assert payload["userErrors"] == codes

    for table in ("claim", "relationship", "unsubscription", "posting"):
        column = "data ->> 'customer'" if table == "posting" else "customer_id::text"
        found = await databases.fetch_value(f"SELECT count(*) FROM {table} WHERE {column} = $1", str(customer_id("c0")))
        assert found == 0, table
    assert await databases.fetch_value("SELECT count(*) FROM idempotency WHERE actor = 'CUSTOMER::c0'") == 0
    assert await databases.fetch_value("SELECT count(*) FROM claim") == 1


async def test_nobody_is_neither_exported_nor_erased(api: Api):
    assert (await api.data(EXPORT, PLATFORM, id="nobody"))["customerExport"]["userErrors"] == UNKNOWN
    assert (await api.data(ERASE, PLATFORM, id="nobody"))["customerErase"]["userErrors"] == UNKNOWN
    assert await databases.fetch_value("SELECT count(*) FROM erasure") == 0


async def test_a_repeated_key_answers_the_first_erasure(api: Api):
    await make_customers(await make_shop(), 1)

    first, second = [await api.data(ERASE, PLATFORM, id="c0", key="k") for _ in range(2)]

    assert first == second and first["customerErase"]["erasure"]["doneAt"] is not None


async def test_a_link_in_a_mail_of_an_erased_customer_leaves_no_trace(settings: Settings, api: Api):
    shop = await make_shop()
    [customer] = await make_customers(shop, 1)
    token = token_of(settings, shop, customer)
    await api.data(ERASE, PLATFORM, id="c0")

    assert (await ask(settings, "POST", token)).status_code == 200
    assert await databases.fetch_value("SELECT count(*) FROM relationship") == 0


async def test_who_follows_the_link_while_they_are_being_erased_leaves_no_trace(settings: Settings, api: Api):
    shop = await make_shop()
    [customer] = await make_customers(shop, 1)
    token = token_of(settings, shop, customer)
    outside = Outside()

    async with databases.transaction():
        await erasure.erase("c0", secret=settings.secret, actor="PLATFORM::cron")
        asking = outside.begin(ask(settings, "POST", token))
        await until_a_lock_is_waited_for(unless=asking)

    assert (await asking).status_code == 200
    assert await databases.fetch_value("SELECT count(*) FROM relationship") == 0
    assert await databases.fetch_value("SELECT count(*) FROM unsubscription") == 0


async def test_a_claim_of_who_is_being_erased_is_not_redeemed_nor_the_answer_kept(api: Api, settings: Settings):
    shop = await make_shop()
    [customer] = await make_customers(shop, 1)
    told = await ordered(shop, await make_coupon(shop), "c0", customer)
    outside = Outside()

    async with databases.transaction():
        await erasure.erase("c0", secret=settings.secret, actor="PLATFORM::cron")
        redeem = answered(api, REDEEM, PLATFORM, **told, idempotencyKey="k")
        redeeming = outside.begin(redeem)
        await until_a_lock_is_waited_for(unless=redeeming)

    assert (await redeeming)["userErrors"] == [{"field": ["customer"], "code": "ERASED"}]
    assert await databases.fetch_value("SELECT count(redeemed_at) FROM claim") == 0
    assert await databases.fetch_value("SELECT count(*) FROM idempotency") == 0


async def test_whose_erasing_waits_for_a_message_is_answered_and_redeems_no_more(api: Api, settings: Settings):
    shop = await make_shop()
    [customer] = await make_customers(shop, 1)
    told = await ordered(shop, await make_coupon(shop), "c0", customer)
    message = encode("Message", (await make_resolved(shop)).id, customer, "")
    opened = await asked(api, REPLY, shopper("c0"), id=message, text="Hello")
    await hand_over(await make_resolved(shop, channel=PlanChannel.EMAIL), None)
    assert (await api.data(ERASE, PLATFORM, id="c0"))["customerErase"]["erasure"]["doneAt"] is None

    said = await answered(api, ANSWER, seller(shop), id=opened["conversation"]["id"], text="Hi", idempotencyKey="k")
    redeemed = await answered(api, REDEEM, PLATFORM, **told, idempotencyKey="k")

    assert [each["code"] for each in said["userErrors"]] == ["NOT_FOUND"]
    assert redeemed["userErrors"] == [{"field": ["customer"], "code": "ERASED"}]
    assert await databases.fetch_value("SELECT count(*) FROM idempotency") == 0
    assert await databases.fetch_value("SELECT count(*) FROM remark") == 1
    assert await databases.fetch_value("SELECT count(redeemed_at) FROM claim") == 0


async def test_what_others_were_answered_about_an_erased_customer_is_not_kept_for_a_repeated_key(api: Api):
    shop = await make_shop()
    coupon = await make_coupon(shop)
    people = dict(zip(("c0", "c1"), await make_customers(shop, 2), strict=True))
    plan = await make_resolved(shop)
    for name, person in people.items():
        told = await ordered(shop, coupon, name, person)
        await asked(api, REDEEM, PLATFORM, **told, idempotencyKey=name)
        message = encode("Message", plan.id, person, "")
        opened = await asked(api, REPLY, shopper(name), id=message, text="Hello", idempotencyKey=name)
        await asked(api, ANSWER, seller(shop), id=opened["conversation"]["id"], text="Hi", idempotencyKey=name)

    await api.data(ERASE, PLATFORM, id="c0")

    kept = await databases.fetch("SELECT mutation, response::text FROM idempotency ORDER BY 1")
    assert [row["mutation"] for row in kept] == ["conversationAnswer", "couponRedeem", "messageReply"]
    assert all(str(people["c1"]) in row["response"] and str(people["c0"]) not in row["response"] for row in kept)


async def ordered(shop: Shop, coupon: Coupon, name: str, person: UUID) -> dict[str, Any]:
    """An order of a customer who has claimed the coupon; what redeems the one with the other."""
    code = (await claim.claim(person, coupon.id)).code
    await databases.execute(
        "INSERT INTO orders (customer_id, id, shop_id, external_id, ordered_at, amount, status, arrived_at)"
        " VALUES ($1, $2, $3, $4, $5, 900, 'PLACED', $5)",
        person, external_uuid("order", shop.external_id, f"o-{name}"), shop.id, f"o-{name}", now(),
    )  # fmt: skip
    discount = {"amount": 100, "currency": "USD"}
    return {"shop": shop.external_id, "customer": name, "code": code, "order": f"o-{name}", "discount": discount}


async def asked(api: Api, query: str, token: str, **told: Any) -> dict[str, Any]:
    """What a mutation that is not refused answers."""
    answer = await answered(api, query, token, **told)
    assert answer["userErrors"] == []
    return answer


async def answered(api: Api, query: str, token: str, **told: Any) -> dict[str, Any]:
    """What a mutation answers."""
    (answer,) = (await api.data(query, token, input=told)).values()
    found: dict[str, Any] = answer
    return found
