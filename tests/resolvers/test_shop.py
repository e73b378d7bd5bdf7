"""What a shop may do and how much, over the API; and what the platform's writing of a score does at once."""

from datetime import timedelta

from models.clock import Clock, now
from models.plan import Plan
from models.shop import Shop
from resolvers import global_id
from tests.api import PLATFORM, Api, seller
from tests.factories import make_running, make_shop

SHOP = (
    "{ shop { storeUrl gmvDays access { state reason mayEmail since history { nodes { stateFrom stateTo score } totalCount } }"
    " quota { week tier basic readReward unsubscribeReward comparison { peers sent } total used left refreshesAt } } }"
)
UPSERT = "mutation ($input: ShopsUpsertInput!) { shopsUpsert(input: $input) { results { errors { field code } } } }"
ROW = {
    "externalId": "bloom", "name": "Bloom", "currency": "USD", "timeZone": "UTC", "defaultLanguage": "en",
    "score": 4.5, "gmv": 100, "gmvDays": 30, "storeUrl": "https://m.example/bloom",
}  # fmt: skip


async def test_a_shop_tells_its_access_and_quota(api: Api):
    await api.data(UPSERT, PLATFORM, input={"rows": [ROW]})

    assert (await api.data(SHOP, seller("bloom")))["shop"] == {
        "storeUrl": "https://m.example/bloom",
        "gmvDays": 30,
        "access": {
            "state": "ELIGIBLE", "reason": "SCORE_AT_LEAST_3_5", "mayEmail": True, "since": "2026-01-15T12:00:00Z",
            "history": {"nodes": [{"stateFrom": None, "stateTo": "ELIGIBLE", "score": 4.5}], "totalCount": 1},
        },
        "quota": {
            "week": "2026-01-12", "tier": "T1", "basic": 3, "readReward": 0, "unsubscribeReward": 0,
            "comparison": {"peers": 0, "sent": 0}, "total": 3, "used": 0, "left": 3,
            "refreshesAt": "2026-01-19T04:00:00Z",
        },
    }  # fmt: skip


async def test_a_row_whose_id_cannot_be_stored_is_told_apart_and_the_others_are_kept(api: Api):
    named = "mutation ($input: ShopsUpsertInput!) { shopsUpsert(input: $input) { results { id errors { field } } } }"
    rows = [ROW, {**ROW, "externalId": "x\u0000"}, {**ROW, "externalId": ""}]
    results = (await api.data(named, PLATFORM, input={"rows": rows}))["shopsUpsert"]["results"]

    [kept] = await Shop.all()
    assert kept.external_id == "bloom"
    assert [row["id"] for row in results] == [global_id.encode("Shop", kept.id), None, None]
    assert [row["errors"] for row in results] == [[], [{"field": ["externalId"]}], [{"field": ["externalId"]}]]


async def test_a_new_score_is_felt_at_once(api: Api, clock: Clock):
    await api.data(UPSERT, PLATFORM, input={"rows": [ROW]})
    shop = await make_shop("other")
    plan = await make_running(shop)
    clock.move(timedelta(hours=1))
    low = {**ROW, "externalId": "other", "name": "Other", "score": 2.5}
    await api.data(UPSERT, PLATFORM, input={"rows": [low]})

    access = (await api.data(SHOP, seller("other")))["shop"]["access"]
    assert (access["state"], access["reason"], access["mayEmail"]) == ("REVOKED", "SCORE_BELOW_3", False)
    assert access["since"] == now().isoformat().replace("+00:00", "Z")
    assert (await Plan.get(id=plan.id)).status_reason == "ACCESS_REVOKED"


async def test_a_plan_tells_its_history_and_what_may_be_done(api: Api):
    shop = await make_shop()
    await make_running(shop, name="Spring sale")
    query = (
        "query ($search: String) { plans(search: $search) { nodes { name allowedActions"
        " history { nodes { action statusFrom statusTo actor } totalCount } } totalCount } }"
    )
    [plan] = (await api.data(query, seller(shop), search="SPRING"))["plans"]["nodes"]

    assert plan["allowedActions"] == ["DUPLICATE", "PAUSE", "CANCEL"]
    assert plan["history"] == {
        "nodes": [
            {"action": "SUBMIT", "statusFrom": "DRAFT", "statusTo": "ONGOING", "actor": "SYSTEM"},
            {"action": "CREATE", "statusFrom": None, "statusTo": "DRAFT", "actor": "anna"},
        ],
        "totalCount": 2,
    }
    for search, count in (("100%", 0), ("_pring", 0), ("summer", 0), ("", 1)):
        assert (await api.data(query, seller(shop), search=search))["plans"]["totalCount"] == count
    endless = await api.answer(query, seller(shop), search="x" * 201)
    assert endless["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_in_a_frozen_shop_a_plan_allows_only_what_stops_it(api: Api):
    shop = await make_shop()
    plan = await make_running(shop)
    await api.data(UPSERT, PLATFORM, input={"rows": [{**ROW, "score": 3.2}]})
    query = "{ plans { nodes { allowedActions } } }"
    assert (await api.data(query, seller(shop)))["plans"]["nodes"] == [{"allowedActions": ["PAUSE", "CANCEL"]}]

    await plan.pause()

    assert (await api.data(query, seller(shop)))["plans"]["nodes"] == [{"allowedActions": ["CANCEL"]}]
    duplicate = (
        "mutation ($input: PlanDuplicateInput!) { planDuplicate(input: $input) { plan { id }"
        " userErrors { field message code rule } } }"
    )
    from resolvers import global_id

    refused = await api.data(duplicate, seller(shop), input={"id": global_id.encode("Plan", plan.id)})
    [error] = refused["planDuplicate"]["userErrors"]
    assert (error["field"], error["code"], error["rule"]) == ([], "ACCESS_FROZEN", "R1")
    assert "3.5 or more" in error["message"]
