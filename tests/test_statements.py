"""No N+1 anywhere: every field of every list, asked at two sizes, takes the same number of SQL statements."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg
import pytest
from graphql import GraphQLObjectType, build_schema

from models import database as databases
from models import violation
from models.clock import now
from models.content_rule import WayOut
from models.content_rule.violation import Violation
from models.coupon.claim import claim
from models.coupon.terms import CouponVisibility
from models.experiment import Experiment, ExperimentMetric, Variant
from models.identifier import customer_id, product_id
from models.plan import wording
from models.shop import Shop
from resolvers import global_id
from schema import schema
from tests.api import PLATFORM, Api, seller, shopper
from tests.factories import make_coupon, make_customers, make_draft, make_shop
from tests.outreach import START, Place
from tests.selections import (
    ANY_NODE,
    CLAIM,
    CONVERSATION,
    COUPON,
    EXPERIMENT,
    FIGURES,
    LIFT,
    MESSAGE,
    OFFER,
    OVERVIEW,
    PERFORMANCE,
    PLAN,
    PRODUCT,
    RECOMMENDATION,
    SCENARIO,
    SEGMENT,
    TIMELINE,
    VIOLATION,
    WEBHOOK,
    connection,
)

SIZES = (2, 20)

LISTS = {
    "segments": f"{{ segments(first: 27) {connection(SEGMENT)} }}",
    "plans": f"{{ plans(first: 20) {connection(PLAN)} }}",
    "conversations": f"{{ conversations(first: 20) {connection(CONVERSATION)} }}",
    "coupons": f"{{ coupons(first: 20) {connection(COUPON)} }}",
    "customerTimeline": f"query ($customer: ID!) {{ customerTimeline(customerId: $customer, first: 90) {connection(TIMELINE)} }}",
    "webhooks": f"{{ webhooks(first: 20) {connection(WEBHOOK)} }}",
    "offers": f"query ($shop: ID!) {{ offers(shopId: $shop, first: 20) {connection(OFFER)} }}",
    "claims": f"{{ claims(first: 20) {connection(CLAIM)} }}",
    "products": f'{{ products(search: "-", first: 27) {connection(PRODUCT)} }}',
    "inbox": f"{{ inbox(first: 20) {connection(MESSAGE)} }}",
    "violations": f"{{ violations(first: 20) {connection(VIOLATION)} }}",
    "recommendations": f"{{ recommendations {{ {RECOMMENDATION} }} }}",
    "scenarios": f"{{ scenarios {{ {SCENARIO} }} }}",
    "nodes": f"query ($ids: [ID!]!) {{ nodes(ids: $ids) {{ id {ANY_NODE} }} }}",
}

FIXED = {"triggers"}
"""Lists that are as long as the code makes them, and ask no table."""

FIGURES_OF = {
    "versions": "{ segments(first: 27) { nodes { id versions { version text } } } }",
    "sizes": "{ segments(first: 27) { nodes { id a: sizeHistory { size } b: sizeHistory(days: 7) { day size } } } }",
    "segments": f"{{ segments(first: 27) {{ nodes {{ id performance {{ {PERFORMANCE} }} }} }} }}",
    "plans": f"{{ plans(first: 20) {{ nodes {{ id figures {{ {FIGURES} }} lift {{ {LIFT} }} }} }} }}",
    "experiments": f"{{ plans(first: 20) {{ nodes {{ id experiment {{ {EXPERIMENT} }} }} }} }}",
}
"""Figures of every row of a list: questions of their own, for one operation has room for so many fields only."""


def test_every_list_is_asked():
    query = build_schema(schema.as_str()).query_type
    assert isinstance(query, GraphQLObjectType)
    lists = {name for name, field in query.fields.items() if "Connection!" in str(field.type) or "[" in str(field.type)}

    assert lists == set(LISTS) | FIXED


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The statements that asyncpg sends."""
    statements: list[str] = []
    execute = asyncpg.Connection._do_execute  # type: ignore[attr-defined] # its one way to PostgreSQL

    async def counting(self: Any, query: str, *arguments: Any, **options: Any) -> Any:
        # asyncpg's own look at a type that it meets for the first time is nobody's.
        if "typeinfo_tree" not in query and "current_setting('jit')" not in query:
            statements.append(" ".join(query.split())[:150])
        return await execute(self, query, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(asyncpg.Connection, "_do_execute", counting)
        yield statements


async def grow(shop: Shop, size: int) -> list[str]:
    """`size` customers, segments, products, and plans with a message each; the ids of all."""
    customers = await make_customers(shop, size)
    products = [product_id(shop.external_id, f"p{number}") for number in range(size)]
    await databases.execute(
        "INSERT INTO product (id, shop_id, external_id, title, created_at, updated_at)"
        " SELECT id, $1, id, id, $3, $3 FROM unnest($2::uuid[]) AS t(id)",
        shop.id,
        products,
        now(),
    )
    segments = await databases.fetch(
        "INSERT INTO segment (shop_id, name, definition, created_at, updated_at)"
        " SELECT shop_id, name || n, definition, created_at, updated_at FROM segment, generate_series(1, $2) AS n"
        " WHERE shop_id = $1 AND preset = 'REPEAT' RETURNING id",
        shop.id,
        size,
    )
    ids = [row["id"] for row in segments]
    coupons = [
        await make_coupon(
            shop, visibility=CouponVisibility.TARGETED, segment_id=ids[number], product_ids=[products[number]]
        )
        for number in range(size)
    ]
    plans = [
        await make_draft(
            shop,
            segment_id=ids[number],
            product_ids=[products[number]],
            coupon_id=coupons[number].id,
            experiment=Experiment(
                (Variant(coupon_id=coupons[number - 1].id, has_own_coupon=True),), 50, ExperimentMetric.READ, 4
            ),
        )
        for number in range(size)
    ]
    for coupon in coupons:
        await claim(customers[0], coupon.id)
    await databases.execute("UPDATE plan SET status = 'ONGOING', holdout_percent = 5 WHERE shop_id = $1", shop.id)
    for plan in plans:
        assert await wording.pin(plan.id)
    await databases.execute(
        "INSERT INTO delivery (plan_id, customer_id, shop_id, state, channel, language, created_at, sent_at, frozen)"
        " SELECT id, $2, $3, 'SENT', 'CHAT', 'en', $4, $4, '{\"name\": \"Ana\"}' FROM unnest($1::int[]) AS t(id)",
        [plan.id for plan in plans],
        customers[0],
        shop.id,
        now(),
    )
    await databases.execute(
        "WITH made AS (INSERT INTO webhook (shop_id, url, facts, salt, created_by, created_at, updated_at)"
        " SELECT $1, 'https://hook.example/', '{message.read}', 'salt', 'anna', $3, $3 FROM generate_series(1, $2)"
        " RETURNING id)"
        " INSERT INTO posting (webhook_id, fact, data, happened_at, not_before)"
        " SELECT id, 'test', '{}', $3, $3 FROM made, generate_series(1, $2)",
        shop.id,
        size,
        now(),
    )
    refused = [Violation(("texts", "en"), WayOut.LINK, f"bit.ly/{n}").problem("Go to bit.ly") for n in range(size)]
    await violation.note(shop.id, plans[0].id, refused, actor="anna")
    for customer in customers:
        await databases.execute(
            "INSERT INTO conversation VALUES ($1, $2, $3, $3, 'SHOPPER', 1)", customer, shop.id, now()
        )
        await databases.execute(
            "INSERT INTO remark VALUES ($1, $2, 1, 'SHOPPER', 'test', 'Hi', $3, '', $4)",
            customer, shop.id, plans[0].id, now(),
        )  # fmt: skip
    return [
        *(global_id.encode("Customer", each) for each in customers),
        *(global_id.encode("Product", each) for each in products),
        *(global_id.encode("Segment", each) for each in ids),
        *(global_id.encode("Plan", plan.id) for plan in plans),
        *(global_id.encode("Coupon", coupon.id) for coupon in coupons),
        *(global_id.encode("Conversation", shop.id, each) for each in customers),
    ]


async def broaden(shop: Shop) -> None:
    """Let every plan be under way, and its segment have everybody: each is recommended to be narrowed."""
    await make_customers(shop, 250, prefix="many")
    await databases.execute("UPDATE plan SET started_at = $1", now())
    await databases.execute(
        "INSERT INTO segment_size SELECT id, $1, version, 250, $2 FROM segment ON CONFLICT DO NOTHING",
        now().date(),
        now(),
    )


def some_of_each(ids: list[str], size: int) -> Iterator[str]:
    """Half of each kind, of which there are `size`, and at most six: an operation has room for so many."""
    for start in range(0, len(ids), size):
        yield from ids[start : start + size : 2][:6]


def token_for(name: str, shop: Shop) -> str:
    """A token of whoever may ask for the list."""
    if name == "violations":
        return PLATFORM
    return shopper("c0") if name in ("inbox", "offers", "claims") else seller(shop)


def variables_for(name: str, shop: Shop, ids: list[str]) -> dict[str, Any]:
    """What the list is asked with."""
    given: dict[str, dict[str, Any]] = {
        "nodes": {"ids": ids},
        "offers": {"shop": global_id.encode("Shop", shop.id)},
        "customerTimeline": {"customer": global_id.encode("Customer", customer_id("c0"))},
    }
    return given.get(name, {})


@pytest.mark.parametrize("name", LISTS)
async def test_a_longer_list_takes_no_more_statements(api: Api, monkeypatch: pytest.MonkeyPatch, name: str):
    shop = await make_shop()
    token = token_for(name, shop)
    taken = []
    for size in SIZES:
        await empty(shop)
        ids = await grow(shop, size)
        variables = variables_for(name, shop, list(some_of_each(ids, size)))
        if name == "recommendations":
            await broaden(shop)
        with counted(monkeypatch) as statements:
            data = await api.data(LISTS[name], token, **variables)
        rows = data[name] if isinstance(data[name], list) else data[name]["nodes"]
        assert len(rows) >= size or name == "scenarios"
        assert None not in rows
        taken.append(statements)

    assert len(taken[0]) == len(taken[1]), "\n".join(taken[1])


@pytest.mark.parametrize("name", FIGURES_OF)
async def test_figures_of_a_longer_list_take_no_more_statements(api: Api, monkeypatch: pytest.MonkeyPatch, name: str):
    shop = await make_shop()
    taken = []
    for size in SIZES:
        await empty(shop)
        await grow(shop, size)
        with counted(monkeypatch) as statements:
            data = await api.data(FIGURES_OF[name], seller(shop))
        [rows] = data.values()
        assert len(rows["nodes"]) >= size
        taken.append(statements)

    assert len(taken[0]) == len(taken[1]), "\n".join(taken[1])


async def test_an_overview_of_more_plans_days_and_languages_takes_no_more_statements(
    api: Api, monkeypatch: pytest.MonkeyPatch
):
    taken = []
    place = await Place.make()
    asked = f'{{ overview(from: "2026-01-01", to: "2026-02-28") {{ {OVERVIEW} }} }}'
    for size in SIZES:
        shop = place.shops[0]
        await grow(shop, size)
        await databases.execute(
            "UPDATE delivery SET language = 'l' || plan_id, sent_at = $1::timestamptz + plan_id * interval '1 day'",
            START,
        )
        with counted(monkeypatch) as statements:
            data = await api.data(asked, seller(shop))
        assert len(data["overview"]["plans"]) >= min(size, 20)
        taken.append(statements)
        await empty(shop)

    assert len(taken[0]) == len(taken[1]), "\n".join(taken[1])


async def empty(shop: Shop) -> None:
    for table in (
        "segment_size", "violation", "webhook", "delivery", "remark", "conversation", "claim", "plan_history", "plan", "coupon", "product",
        "relationship", "customer",
    ):  # fmt: skip
        await databases.execute(f"DELETE FROM {table}")
    await databases.execute("DELETE FROM segment WHERE shop_id = $1 AND preset IS NULL", shop.id)
