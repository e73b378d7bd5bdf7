"""The shopper's inbox over the API: its pages, reading and clicking."""

from typing import Any

from resolvers import global_id
from tests.api import Api, shopper
from tests.factories import make_customers, make_resolved, make_shop

INBOX = """query ($first: Int, $after: String, $last: Int, $before: String) {
  inbox(first: $first, after: $after, last: $last, before: $before) {
    totalCount nodes { id text language readAt clickedAt sender { id name isBlocked } }
    pageInfo { hasNextPage endCursor startCursor } } }"""
READ = """mutation ($input: MessageMarkReadInput!) {
  messageMarkRead(input: $input) { message { readAt clickedAt } userErrors { field code } } }"""
CLICK = """mutation ($input: MessageClickInput!) {
  messageClick(input: $input) { message { readAt clickedAt } userErrors { field code } } }"""


async def inbox_of(api: Api, customer: str, **variables: Any) -> dict[str, Any]:
    inbox: dict[str, Any] = (await api.data(INBOX, shopper(customer), **variables))["inbox"]
    return inbox


async def test_a_message_is_read_in_its_own_language_with_the_shop_it_is_from(api: Api):
    shop = await make_shop()
    await make_customers(shop, 1, language="es")
    await make_resolved(shop)
    inbox = await inbox_of(api, "c0")

    assert inbox["totalCount"] == 1
    assert {k: v for k, v in inbox["nodes"][0].items() if k != "id"} == {
        "text": "Hola c0, saludos de Bloom",
        "language": "es",
        "readAt": None,
        "clickedAt": None,
        "sender": {"id": global_id.encode("Shop", shop.id), "name": "Bloom", "isBlocked": False},
    }


async def test_the_inbox_pages_newest_first(api: Api):
    shop = await make_shop()
    await make_customers(shop, 1)
    for _ in range(2):
        await make_resolved(shop)
    whole = await inbox_of(api, "c0")
    first = await inbox_of(api, "c0", first=1)
    second = await inbox_of(api, "c0", first=1, after=first["pageInfo"]["endCursor"])
    back = await inbox_of(api, "c0", last=1, before=second["pageInfo"]["startCursor"])

    ids = [node["id"] for node in whole["nodes"]]
    assert [page["nodes"][0]["id"] for page in (first, second, back)] == [ids[0], ids[1], ids[0]]
    assert (first["pageInfo"]["hasNextPage"], second["pageInfo"]["hasNextPage"]) == (True, False)


async def test_a_click_is_a_read_too_and_the_first_time_counts(api: Api, clock: Any):
    shop = await make_shop()
    await make_customers(shop, 1)
    await make_resolved(shop)
    message = (await inbox_of(api, "c0"))["nodes"][0]["id"]
    read = await api.data(READ, shopper("c0"), input={"id": message})
    clock.freeze(clock.now().replace(hour=13))
    clicked = await api.data(CLICK, shopper("c0"), input={"id": message, "idempotencyKey": "k"})
    again = await api.data(CLICK, shopper("c0"), input={"id": message, "idempotencyKey": "k"})

    noon, later = "2026-01-15T12:00:00Z", "2026-01-15T13:00:00Z"
    assert read["messageMarkRead"] == {"message": {"readAt": noon, "clickedAt": None}, "userErrors": []}
    assert clicked["messageClick"] == {"message": {"readAt": noon, "clickedAt": later}, "userErrors": []}
    assert again == clicked


async def test_an_unknown_message_is_not_found(api: Api):
    for message in ("nonsense", global_id.encode("Message", 1, "x", ""), global_id.encode("Plan", 1)):
        data = await api.data(READ, shopper("c0"), input={"id": message})
        assert data["messageMarkRead"] == {"message": None, "userErrors": [{"field": ["id"], "code": "NOT_FOUND"}]}
