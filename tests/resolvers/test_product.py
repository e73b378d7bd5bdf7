"""How a seller finds products and customers by what they know of them: titles, and the platform's own ids."""

from typing import Any

import pytest

from models import consent
from models.clock import now
from models.product import ProductRow, upsert
from models.shop import Shop
from resolvers import global_id
from tests.api import Api, seller
from tests.factories import make_customers, make_shop

PRODUCTS = """
query ($search: String, $first: Int, $after: String, $last: Int, $before: String) {
  products(search: $search, first: $first, after: $after, last: $last, before: $before) {
    nodes { id externalId title category price { amount currency } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount
  }
}
"""
CUSTOMER = "query ($id: String!) { customer(externalId: $id) { id externalId name } }"
TITLES = {
    "a-1": "Rose soap", "a-2": "Soap dish", "a-3": "Rosenseife 100 % rein", "a-4": "สบู่กลิ่นกุหลาบ", "a_5": "Rose water",
    "a-6": "Роза, мыло", "a-7": "Seifenschälchen",
}  # fmt: skip


async def make_products(shop: Shop, titles: dict[str, str] = TITLES) -> None:
    rows = [ProductRow(externalId=external_id, title=title) for external_id, title in titles.items()]
    await upsert(shop, rows, at=now())


async def found(api: Api, shop: Shop, **asked: Any) -> list[str]:
    """The external ids of the products that are listed."""
    listed = (await api.data(PRODUCTS, seller(shop), **asked))["products"]
    return [node["externalId"] for node in listed["nodes"]]


async def test_a_shop_s_products_are_listed_by_their_external_ids_and_no_others(api: Api):
    shop, other = await make_shop(), await make_shop("other")
    await make_products(shop)
    await make_products(other, {"b-1": "Rose soap"})

    listed = (await api.data(PRODUCTS, seller(shop)))["products"]

    assert [node["externalId"] for node in listed["nodes"]] == sorted(TITLES)
    assert listed["totalCount"] == len(TITLES)
    assert await found(api, other) == ["b-1"]


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ("rose SOAP", ["a-1"]),
        ("soap", ["a-1", "a-2"]),
        (" soap  dish ", ["a-2"]),
        ("rose", ["a-1", "a-3", "a_5"]),
        ("กุหลาบ", ["a-4"]),
        ("РОЗА", ["a-6"]),
        ("SCHÄL", ["a-7"]),
        ("a-2", ["a-2"]),
        ("a-", []),
        ("%", ["a-3"]),
        ("a_5", ["a_5"]),
        ("_", []),
        ("\\", []),
        ("  ", sorted(TITLES)),
        ("", sorted(TITLES)),
    ],
)
async def test_products_are_found_by_all_words_of_a_title_in_any_case_or_by_their_whole_id(
    api: Api, search: str, expected: list[str]
):
    shop = await make_shop()
    await make_products(shop)

    assert await found(api, shop, search=search) == expected
    assert (await api.data(PRODUCTS, seller(shop), search=search, first=0))["products"]["totalCount"] == len(expected)


@pytest.mark.parametrize("search", [None, "soap"])
async def test_pages_forwards_and_backwards_have_each_product_once(api: Api, search: str | None):
    shop = await make_shop()
    expected = [f"p-{n}" for n in range(7)]
    await make_products(shop, {external_id: f"Soap {external_id}" for external_id in expected})

    async def walk(size: str, place: str, more: str, cursor: str) -> list[list[str]]:
        pages, at = [], None
        while True:
            listed = (await api.data(PRODUCTS, seller(shop), search=search, **{size: 3, place: at}))["products"]
            pages.append([node["externalId"] for node in listed["nodes"]])
            if not listed["pageInfo"][more]:
                return pages
            at = listed["pageInfo"][cursor]

    assert await walk("first", "after", "hasNextPage", "endCursor") == [expected[:3], expected[3:6], expected[6:]]
    assert await walk("last", "before", "hasPreviousPage", "startCursor") == [expected[4:], expected[1:4], expected[:1]]


@pytest.mark.parametrize(
    ("asked", "field", "code"),
    [
        ({"search": "x" * 201}, "search", "TOO_LONG"),
        ({"search": " ".join("abcdefghijk")}, "search", "TOO_MANY"),
        ({"first": 101}, "first", "INVALID"),
        ({"first": -1}, "first", "INVALID"),
        ({"first": 1, "last": 1}, "first", "INVALID"),
        ({"after": "nonsense"}, "after", "INVALID"),
    ],
)
async def test_what_makes_no_sense_is_refused_with_its_argument(api: Api, asked: dict[str, Any], field: str, code: str):
    shop = await make_shop()

    answer = await api.answer(PRODUCTS, seller(shop), **asked)

    assert answer["data"] is None
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert [(each["field"], each["code"]) for each in error["extensions"]["userErrors"]] == [([field], code)]


async def test_a_product_that_was_found_can_be_put_into_a_plan(api: Api):
    shop = await make_shop()
    await make_products(shop)
    [rose] = (await api.data(PRODUCTS, seller(shop), search="rose soap"))["products"]["nodes"]

    draft = await api.data(
        "mutation ($input: PlanCreateInput!) { planCreate(input: $input)"
        " { plan { products { externalId } } userErrors { code } } }",
        seller(shop),
        input={
            "name": "Roses", "channel": "CHAT", "productIds": [rose["id"]],
            "segmentId": (await api.data("{ segments(first: 1) { nodes { id } } }", seller(shop)))["segments"]["nodes"][0]["id"],
        },
    )  # fmt: skip

    assert draft["planCreate"] == {"plan": {"products": [{"externalId": "a-1"}]}, "userErrors": []}


async def test_a_customer_is_found_by_the_platform_s_id_and_so_is_their_timeline(api: Api):
    shop = await make_shop()
    [ana] = await make_customers(shop, 1)
    await consent.block(shop.id, ana)

    customer = (await api.data(CUSTOMER, seller(shop), id="c0"))["customer"]
    timeline = await api.data(
        "query ($id: ID!) { customerTimeline(customerId: $id, kinds: [CONSENT]) { nodes { what } } }",
        seller(shop),
        id=customer["id"],
    )

    assert customer == {"id": global_id.encode("Customer", ana), "externalId": "c0", "name": "c0"}
    assert timeline["customerTimeline"]["nodes"] == [{"what": "BLOCKED"}]


@pytest.mark.parametrize("external_id", ["", "C0", " c0", "c\0" + "0", "x" * 10_000])
async def test_who_has_no_such_id_is_not_found(api: Api, external_id: str):
    shop = await make_shop()
    await make_customers(shop, 1)

    assert (await api.data(CUSTOMER, seller(shop), id=external_id))["customer"] is None


async def test_who_never_interacted_with_the_shop_reads_like_somebody_who_does_not_exist(api: Api):
    shop, other = await make_shop(), await make_shop("other")
    await make_customers(shop, 1)

    assert (await api.data(CUSTOMER, seller(other), id="c0"))["customer"] is None
