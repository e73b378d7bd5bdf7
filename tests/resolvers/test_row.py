"""The platform's bulk mutations: rows told apart, known again, written together (§5)."""

import pytest

from models import database as databases
from models.segment import Segment
from models.shop import Shop
from resolvers import global_id
from tests.api import PLATFORM, Api, seller, shopper
from tests.factories import make_shop

SHOPS = """mutation ($input: ShopsUpsertInput!) {
  shopsUpsert(input: $input) { results { index id errors { field message code } } userErrors { field message code } }
}"""
CUSTOMERS = SHOPS.replace("shops", "customers").replace("Shops", "Customers")
PRODUCTS = SHOPS.replace("shops", "products").replace("Shops", "Products")
ORDERS = SHOPS.replace("shops", "orders").replace("Shops", "Orders")
EVENTS = SHOPS.replace("shops", "events").replace("Shops", "Events")

BLOOM = {
    "externalId": "bloom", "name": "Bloom", "currency": "USD", "timeZone": "UTC", "defaultLanguage": "en",
    "score": 4.5, "gmv": 3_000_000_000, "country": "ID",
}  # fmt: skip
ORDER = {
    "externalId": "o1", "customer": "c1", "orderedAt": "2026-01-10T10:00:00+07:00", "amount": 1177, "currency": "USD",
}  # fmt: skip


async def count(table: str) -> int:
    number: int = await databases.fetch_value(f"SELECT count(*) FROM {table}")
    return number


async def test_a_shop_is_written_with_its_presets_and_known_again(api: Api):
    first = await api.data(SHOPS, PLATFORM, input={"rows": [BLOOM, {**BLOOM, "externalId": "fern", "score": 6}]})
    again = await api.data(
        SHOPS, PLATFORM, input={"rows": [{k: v for k, v in BLOOM.items() if k not in ("score", "country")}]}
    )

    shop = await Shop.get()
    assert first["shopsUpsert"]["results"] == [
        {"index": 0, "id": global_id.encode("Shop", shop.id), "errors": []},
        {
            "index": 1,
            "id": None,
            "errors": [{"field": ["score"], "message": "must be a number from 0 to 5", "code": "INVALID"}],
        },
    ]
    assert again["shopsUpsert"]["results"][0]["id"] == first["shopsUpsert"]["results"][0]["id"]
    assert (str(shop.score), shop.gmv, shop.country) == ("4.50", 3_000_000_000, "ID")
    assert await Segment.filter(shop_id=shop.id).count() == 7


async def test_rows_of_every_kind_are_written_and_counted(api: Api):
    shop = await make_shop()
    customer = {
        "externalId": "c1", "name": "Añá 'quoted' \U0001f600", "email": "a@example.com", "language": "es-MX",
        "timeZone": "America/Mexico_City", "country": "MX", "region": "MX-JAL", "gender": "FEMALE",
        "birthDate": "1990-05-01",
        "emailConsent": {"state": "SUBSCRIBED", "source": "checkout", "at": "2026-01-01T00:00:00Z"},
    }  # fmt: skip
    product = {"externalId": "p1", "title": "Soap", "category": "beauty", "price": 1999, "currency": "USD"}
    event = {
        "externalId": "e1", "kind": "PRODUCT_VIEWED", "customer": "c1", "occurredAt": "2026-01-11T00:00:00Z",
        "product": "p1",
    }  # fmt: skip
    for mutation, row in (
        (EVENTS, event),
        (ORDERS, {**ORDER, "products": ["p1"]}),
        (PRODUCTS, product),
        (CUSTOMERS, customer),
    ):
        for _ in range(2):
            data = await api.data(mutation, PLATFORM, input={"shop": "bloom", "rows": [row]})
            (payload,) = data.values()
            assert (payload["userErrors"], payload["results"][0]["errors"]) == ([], [])

    assert [await count(table) for table in ("customer", "product", "orders", "event")] == [1, 1, 1, 1]
    rolled_up = await databases.fetch("SELECT order_count, order_amount, email_consent::text FROM relationship")
    assert [tuple(each) for each in rolled_up] == [(1, 1177, "SUBSCRIBED")]
    assert await databases.fetch_value("SELECT name FROM customer") == customer["name"]
    members = await api.data(
        "query ($id: ID!) { segment(id: $id) { size members { nodes { name language } } } }",
        seller(shop),
        id=global_id.encode("Segment", (await Segment.get(preset="RECENT")).id),
    )
    assert members["segment"] == {
        "size": 1,
        "members": {"nodes": [{"name": customer["name"], "language": "es-MX"}]},
    }


async def test_a_bad_row_is_refused_alone(api: Api):
    await make_shop()
    rows = [
        ORDER,
        {**ORDER, "externalId": "o2", "currency": "EUR"},
        {**ORDER, "externalId": "o3", "orderedAt": "2026-02-01T00:00:00Z"},
        {**ORDER, "externalId": "", "amount": -1},
        {**ORDER, "orderedAt": "2026-01-11T00:00:00Z"},
        {**ORDER, "externalId": "o\x00"},
    ]
    results = (await api.data(ORDERS, PLATFORM, input={"shop": "bloom", "rows": rows}))["ordersUpsert"]["results"]

    codes = [[(error["field"], error["code"]) for error in result["errors"]] for result in results]
    assert codes == [
        [],
        [(["currency"], "WRONG_CURRENCY")],
        [(["orderedAt"], "IN_FUTURE")],
        [(["externalId"], "INVALID"), (["amount"], "INVALID")],
        [(["orderedAt"], "CONFLICT")],
        [(["externalId"], "INVALID")],
    ]
    assert await count("orders") == 1


async def test_an_unknown_shop_and_too_many_rows_are_refused_whole(api: Api):
    await make_shop()
    unknown = await api.data(ORDERS, PLATFORM, input={"shop": "nowhere", "rows": [ORDER]})
    many = await api.data(
        ORDERS, PLATFORM, input={"shop": "bloom", "rows": [{**ORDER, "externalId": str(i)} for i in range(251)]}
    )

    assert unknown["ordersUpsert"] == {
        "results": None,
        "userErrors": [{"field": ["shop"], "message": "There is no such shop.", "code": "NOT_FOUND"}],
    }
    assert many["ordersUpsert"]["userErrors"][0]["code"] == "TOO_MANY"
    assert await count("orders") == 0


async def test_two_hundred_and_fifty_rows_fit_into_one_call(api: Api):
    await make_shop()
    rows = [{**ORDER, "externalId": f"order-{i}", "customer": f"customer-{i}"} for i in range(250)]
    data = await api.data(ORDERS, PLATFORM, input={"shop": "bloom", "rows": rows})

    assert sum(not result["errors"] for result in data["ordersUpsert"]["results"]) == await count("orders") == 250


async def test_a_repeated_key_answers_the_same_and_writes_nothing(api: Api):
    await make_shop()
    call = {"shop": "bloom", "rows": [ORDER, {**ORDER, "currency": "EUR"}], "idempotencyKey": "night-1"}
    first = await api.data(ORDERS, PLATFORM, input=call)
    await databases.execute("DELETE FROM orders")
    again = await api.data(ORDERS, PLATFORM, input=call)
    other = await api.data(ORDERS, PLATFORM, input={**call, "rows": [{**ORDER, "amount": 5}]})

    assert again == first
    assert other["ordersUpsert"]["userErrors"][0]["code"] == "KEY_REUSED"
    assert await count("orders") == 0


@pytest.mark.parametrize("mutation", [SHOPS, CUSTOMERS, PRODUCTS, ORDERS, EVENTS], ids=lambda m: m.split()[3])
async def test_only_the_platform_writes_data(api: Api, mutation: str):
    await make_shop()
    call = {"rows": []} if mutation == SHOPS else {"shop": "bloom", "rows": []}

    for token in (seller("bloom"), shopper("c1")):
        answer = await api.answer(mutation, token, input=call)
        assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert (await api.answer(mutation, input=call))["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
