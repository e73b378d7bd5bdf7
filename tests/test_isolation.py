"""Nobody reaches another's data: the whole schema, walked with two shops and two shoppers.

Each root field has a case. It is asked by its owner, who gets their own; then by the other one with the
owner's ids, who gets exactly what unknown ids get; then by every other role and by nobody, who are
refused. Nothing of the owner's appears in what others get, and nothing of theirs changes. A field of the
schema without a case, or that no case selects, fails.
"""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from graphql import (
    FieldNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    build_schema,
    get_named_type,
    parse,
    visit,
)
from starlette.applications import Starlette

from models import database as databases
from models.caller import Role
from schema import schema
from settings import Settings
from tests.api import Api, seller
from tests.isolation.cases import CASES
from tests.isolation.world import UNKNOWN, Side, World, make_side
from tests.selections import ANY_NODE

BUILT = build_schema(schema.as_str())


@pytest.fixture
async def world(api: Api, app: Starlette, settings: Settings) -> World:
    return World(await make_side("alpha"), await make_side("omega"), api, app, settings)


OWNED = {
    "shop": "id", "segment": "shop_id", "plan": "shop_id", "product": "shop_id", "delivery": "shop_id",
    "coupon": "shop_id", "claim": "shop_id", "trial": "shop_id", "relationship": "shop_id", "orders": "shop_id", "event": "shop_id",
    "holdout": "shop_id", "recommendation_dismissal": "shop_id", "conversation": "shop_id", "remark": "shop_id", "webhook": "shop_id", "chat_platform": "shop_id", "quiet_hours": "shop_id", "send_rate": "shop_id",
}  # fmt: skip


async def everything_of(side: Side) -> list[str]:
    """All rows of a shop, as text."""
    return [
        row[0]
        for table, column in OWNED.items()
        for row in await databases.fetch(
            f"SELECT '{table} ' || t::text FROM {table} t WHERE {column} = $1 ORDER BY 1", side.shop.id
        )
    ]


def marks(answer: dict[str, Any], side: Side) -> list[str]:
    """What of a side's is in an answer: its texts and its global ids."""
    text = orjson.dumps(answer).decode()
    return [mark for mark in (side.mark, *side.ids.values()) if mark in text]


def test_every_root_field_has_a_case():
    roots = (BUILT.query_type, BUILT.mutation_type, BUILT.subscription_type)
    fields = {f"{root.name}.{field}" for root in roots if root for field in root.fields}

    print("visited:", ", ".join(sorted(CASES)))
    assert fields == set(CASES)


def test_every_field_of_every_type_is_asked_for_by_a_case():
    selected: set[str] = set()
    for case in CASES.values():
        selected |= set(selections(case.document))
    fields = {
        f"{kind.name}.{field}"
        for kind in BUILT.type_map.values()
        if isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__")
        for field in kind.fields
    }

    print(f"visited {len(fields)} fields:", ", ".join(sorted(fields)))
    assert fields - selected == set()


def selections(document: str) -> Iterator[str]:
    """The fields that a document selects, by their types."""
    info = TypeInfo(BUILT)
    found: set[str] = set()

    class Collect(Visitor):
        def enter_field(self, node: FieldNode, *_: Any) -> None:
            parent = info.get_parent_type()
            if isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
                found.add(f"{get_named_type(parent).name}.{node.name.value}")

    visit(parse(document), TypeInfoVisitor(info, Collect()))
    yield from found


OF_ANY_SHOP = {"Mutation.shopBlock", "Mutation.shopUnblock", "Mutation.emailUnsubscribe"}
SCOPED = [name for name, case in CASES.items() if case.role is not Role.PLATFORM and name not in OF_ANY_SHOP]


@pytest.mark.parametrize("name", SCOPED)
async def test_another_s_ids_read_exactly_like_unknown_ones(world: World, name: str):
    case = CASES[name]
    before = await everything_of(world.alpha)
    foreign = await world.ask(case.document, case.variables(world.alpha.ids), case.role, world.omega)
    unknown = await world.ask(case.document, case.variables(UNKNOWN), case.role, world.omega)

    assert marks(foreign, world.alpha) == []
    assert without_version(foreign) == without_version(unknown)
    assert await everything_of(world.alpha) == before

    own = await world.ask(case.document, case.variables(world.alpha.ids), case.role, world.alpha)
    assert "errors" not in own
    assert bool(marks(own, world.alpha)) or not case.mentions_owner
    assert marks(own, world.omega) == []


def without_version(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer but for what is never the same twice: versions rise with any transaction of the server."""
    answer.get("extensions", {}).get("cost", {}).pop("throttleStatus", None)  # it refills with time
    return {**answer, "data": steady(answer.get("data"))}


def steady(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: steady(each) for name, each in value.items() if name not in ("version", "secret")}
    return [steady(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", CASES)
async def test_every_other_role_is_refused_and_changes_nothing(world: World, name: str):
    case = CASES[name]
    variables = case.variables(world.alpha.ids)
    if name in OF_ANY_SHOP:
        variables = {"input": {"shopId": world.alpha.ids["Shop"]}}
    before = await everything_of(world.alpha) + await everything_of(world.omega)
    for role in (Role.OWNER, Role.CUSTOMER, Role.PLATFORM, None):
        if role is case.role or (name in ("Query.node", "Query.nodes") and role is Role.CUSTOMER):
            continue
        answer = await world.ask(case.document, variables, role, world.alpha)
        codes = {error["extensions"]["code"] for error in answer["errors"]}
        assert codes == {"FORBIDDEN" if role else "UNAUTHENTICATED"}
        assert marks(answer, world.alpha) == []

    assert await everything_of(world.alpha) + await everything_of(world.omega) == before


async def test_a_shopper_reaches_no_seller_s_object_by_its_id(world: World):
    ids = world.alpha.ids
    document = f"query ($id: ID!) {{ node(id: $id) {{ id {ANY_NODE} }} }}"
    for kind in ("Shop", "Segment", "Plan", "Draft", "Coupon", "Customer", "Product"):
        answer = await world.ask(document, {"id": ids[kind]}, Role.CUSTOMER, world.alpha)
        assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
        assert marks(answer, world.alpha) == []

    own = await world.ask(document, {"id": ids["Message"]}, Role.CUSTOMER, world.alpha)
    foreign = await world.ask(document, {"id": ids["Message"]}, Role.CUSTOMER, world.omega)
    assert own["data"]["node"]["text"] == "alpha greetings to alpha-0"
    assert foreign["data"] == {"node": None}


async def test_a_block_is_the_shopper_s_own(world: World):
    block, unblock = (CASES[f"Mutation.{name}"].document for name in ("shopBlock", "shopUnblock"))
    shop = {"input": {"shopId": world.alpha.ids["Shop"]}}
    await world.ask(block, shop, Role.CUSTOMER, world.omega)
    after = await databases.fetch("SELECT customer_id FROM relationship WHERE chat_blocked_at IS NOT NULL")
    await world.ask(block, shop, Role.CUSTOMER, world.alpha)
    await world.ask(unblock, shop, Role.CUSTOMER, world.omega)
    at_last = await databases.fetch("SELECT customer_id FROM relationship WHERE chat_blocked_at IS NOT NULL")

    assert [row["customer_id"] for row in after] == [world.omega.customer]
    assert [row["customer_id"] for row in at_last] == [world.alpha.customer]


async def test_an_unsubscription_is_the_shopper_s_own(world: World):
    shop = {"input": {"shopId": world.alpha.ids["Shop"]}}
    await world.ask(CASES["Mutation.emailUnsubscribe"].document, shop, Role.CUSTOMER, world.omega)

    gone = await databases.fetch("SELECT customer_id, shop_id FROM relationship WHERE email_consent = 'UNSUBSCRIBED'")
    assert [tuple(row) for row in gone] == [(world.omega.customer, world.alpha.shop.id)]


async def test_a_token_of_a_shop_that_is_not_here_is_refused(world: World):
    answer = await world.api.answer("{ plans { totalCount } }", seller("nowhere"))

    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
