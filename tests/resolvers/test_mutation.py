"""What all mutations share: texts that cannot be stored are refused where they stand, and deadlocks are nobody's affair."""

from typing import Any

import pytest

from models import database
from models.caller import Role
from models.segment import Segment
from models.shop import Shop
from resolvers.global_id import encode
from tests.api import PLATFORM, Api, seller, shopper, token_of
from tests.factories import make_customers, make_shop
from tests.outside import Outside
from tests.resolvers.plan.calls import new_plan
from tests.resolvers.test_coupon import new_coupon
from tests.slices import hold, mail_plan
from tests.waiting import until_a_lock_is_waited_for

TABLES = ("plan", "coupon", "segment", "send_rate", "idempotency")


async def counts() -> list[int]:
    """How many rows there are of what is written here."""
    return [await database.fetch_value(f"SELECT count(*) FROM {table}") for table in TABLES]


@pytest.mark.parametrize(
    ("mutation", "given", "fields"),
    [
        ("planCreate", {"name": "Spr\0ing"}, [["name"]]),
        ("couponCreate", {"name": "Ten\0"}, [["name"]]),
        ("segmentCreate", {"name": "\0", "text": "follows"}, [["name"]]),
        ("segmentCreate", {"name": "\0", "text": "follows", "idempotencyKey": "once"}, [["name"]]),
        ("sendRateUpdate", {"shop": "\0", "messagesPerMinute": 5}, [["shop"]]),
        ("couponRedeem", {"shop": "bl\0om", "customer": "c\0", "order": "o"}, [["shop"], ["customer"]]),
        ("ordersUpsert", {"shop": "\0", "rows": []}, [["shop"]]),
    ],
)
async def test_a_text_that_cannot_be_stored_is_refused_at_its_field_and_nothing_is_kept(
    api: Api, mutation: str, given: dict[str, Any], fields: list[list[str]]
):
    shop = await make_shop()
    whole = {
        "planCreate": await new_plan(shop),
        "couponCreate": new_coupon(),
        "couponRedeem": {"code": "TEN-OFF", "discount": {"amount": 500, "currency": "USD"}},
    }
    before = await counts()
    kind = mutation[0].upper() + mutation[1:]
    query = f"mutation ($input: {kind}Input!) {{ {mutation}(input: $input) {{ userErrors {{ field code }} }} }}"
    is_platform = mutation in ("sendRateUpdate", "couponRedeem", "ordersUpsert")

    answer = await api.data(
        query, PLATFORM if is_platform else seller(shop), input={**whole.get(mutation, {}), **given}
    )

    assert answer[mutation]["userErrors"] == [{"field": field, "code": "INVALID"} for field in fields]
    assert await counts() == before


@pytest.mark.parametrize(("field", "argument"), [("plans", "search"), ("products", "search"), ("segments", "name")])
@pytest.mark.parametrize(("search", "code"), [("\0", "INVALID"), ("x" * 201, "TOO_LONG")])
async def test_what_no_list_can_be_searched_for_is_refused_at_its_argument(
    api: Api, field: str, argument: str, search: str, code: str
):
    shop = await make_shop()
    query = f"query ($search: String) {{ {field}({argument}: $search) {{ totalCount }} }}"

    answer = await api.answer(query, seller(shop), search=search)

    (error,) = answer["errors"]
    (problem,) = error["extensions"]["userErrors"]
    assert (error["path"], problem["field"], problem["code"]) == ([field], [argument], code)


@pytest.mark.parametrize("key", [None, "once"])
async def test_a_mutation_that_is_given_up_for_another_transaction_is_done_again(api: Api, key: str | None):
    _, plan = await mail_plan(1)
    await hold(plan)
    token = seller(await Shop.get(id=plan.shop_id))
    query = "mutation ($input: PlanPauseInput!) { planPause(input: $input) { plan { status } userErrors { code } } }"
    given = {"id": encode("Plan", plan.id), "idempotencyKey": key}
    outside = Outside()

    async with database.transaction():
        await database.execute("SET LOCAL deadlock_timeout = '1h'")  # so that it is the other that is given up
        await database.execute("SELECT FROM slice FOR UPDATE")
        pausing = outside.begin(api.data(query, token, input=given))
        await until_a_lock_is_waited_for(unless=pausing)
        await database.execute("SELECT FROM plan FOR UPDATE")

    assert await pausing == {"planPause": {"plan": {"status": "PAUSED"}, "userErrors": []}}
    assert await database.fetch_value("SELECT count(*) FROM plan_history WHERE action = 'PAUSE'") == 1
    assert await database.fetch_value("SELECT count(token) FROM slice") == 0


async def test_a_key_is_nobody_else_s_whatever_colons_shops_and_users_have(api: Api):
    """Who repeats the key of a user of another shop does their own work, and is told nothing of the other's."""
    shops = [await make_shop("bloom:eu"), await make_shop("bloom")]
    tokens = [token_of(Role.OWNER, "anna", "bloom:eu"), token_of(Role.OWNER, "eu:anna", "bloom")]
    query = "mutation ($input: SegmentCreateInput!) { segmentCreate(input: $input) { segment { id } } }"
    given = {"name": "Followers", "text": "follows", "idempotencyKey": "once"}

    for token in tokens:
        await api.data(query, token, input=given)

    made = await Segment.filter(name="Followers").order_by("id")
    assert [segment.shop_id for segment in made] == [shop.id for shop in shops]


async def test_each_of_a_document_s_mutations_answers_what_holds_after_it(api: Api):
    """They are done one after the other, and none answers what was read for the one before."""
    shop = await make_shop()
    await make_customers(shop, 1)
    bloom = {"shopId": encode("Shop", shop.id)}
    query = """mutation ($block: ShopBlockInput!, $unblock: ShopUnblockInput!) {
      first: shopBlock(input: $block) { sender { isBlocked } }
      second: shopUnblock(input: $unblock) { sender { isBlocked } } }"""

    answer = await api.data(query, shopper("c0"), block=bloom, unblock=bloom)

    assert [answer[name]["sender"]["isBlocked"] for name in ("first", "second")] == [True, False]


async def test_each_of_a_document_s_changes_of_a_plan_is_in_the_history_that_it_answers(api: Api):
    shop = await make_shop()
    made = await api.data(
        "mutation ($input: PlanCreateInput!) { planCreate(input: $input) { plan { id } } }",
        seller(shop),
        input=await new_plan(shop),
    )
    plan = {"id": made["planCreate"]["plan"]["id"]}
    told = "{ plan { history { totalCount nodes { action } } } }"
    query = f"""mutation ($submit: PlanSubmitInput!, $pause: PlanPauseInput!) {{
      planSubmit(input: $submit) {told} planPause(input: $pause) {told} }}"""

    answer = await api.data(query, seller(shop), submit=plan, pause=plan)

    histories = [answer[name]["plan"]["history"] for name in ("planSubmit", "planPause")]
    assert [(each["totalCount"], each["nodes"][0]["action"]) for each in histories] == [(2, "SUBMIT"), (3, "PAUSE")]
