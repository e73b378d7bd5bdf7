"""Segments over the API: kept in either form, tried out, explained, and what is refused on the way."""

from datetime import timedelta
from typing import Any

import pytest

from models.clock import Clock, now
from models.errors import MOST_NAMED
from models.identifier import customer_id
from models.plan import Plan, PlanStatus
from models.segment import Segment
from models.shop import Shop
from resolvers import global_id
from tests.api import Api, seller
from tests.factories import DEADLINE, make_customers, make_draft, make_shop

SEGMENT = "segment { id name version conditions text advice size archivedAt }"
ERRORS = "userErrors { field message code }"
CREATE = f"mutation ($input: SegmentCreateInput!) {{ segmentCreate(input: $input) {{ {SEGMENT} {ERRORS} }} }}"
UPDATE = f"mutation ($input: SegmentUpdateInput!) {{ segmentUpdate(input: $input) {{ {SEGMENT} {ERRORS} }} }}"
DUPLICATE = f"mutation ($input: SegmentDuplicateInput!) {{ segmentDuplicate(input: $input) {{ {SEGMENT} {ERRORS} }} }}"
ARCHIVE = f"mutation ($input: SegmentArchiveInput!) {{ segmentArchive(input: $input) {{ {SEGMENT} {ERRORS} }} }}"
PREVIEW = f"""
query ($conditions: ConditionInput, $text: String, $asOf: DateTime) {{
  segmentPreview(conditions: $conditions, text: $text, asOf: $asOf) {{
    size members(first: 2) {{ nodes {{ externalId }} totalCount }} conditions text advice {ERRORS}
  }}
}}"""

EVERYTHING = {
    "all": [
        {"any": [{"age": {"min": 25, "max": 34}}, {"gender": ["FEMALE", "OTHER"]}, {"region": ["MX-JAL"]}]},
        {"orders": {"withinDays": 60, "min": 2, "max": 9}},
        {"spent": {"min": 20000, "below": 100000, "currency": "USD"}},
        {"averageOrder": {"withinDays": 60, "above": 3000, "max": 2**40, "currency": "USD"}},
        {"firstOrder": {"from": "2026-01-01", "to": "2026-03-31"}},
        {"lastOrder": {"withinDays": 90}},
        {"followed": {"from": "2025-12-01"}},
        {"not": {"follows": True}},
        {"viewed": {}},
        {"favourited": {"withinDays": 14}},
        {"carted": {"withinDays": 7}},
        {"reviewed": {"withinDays": 1}},
        {"checkoutStarted": {"withinDays": 3650}},
        {"cardClicked": {"category": "beauty"}},
        {"videoWatched": {"category": "beauty", "minSeconds": 60}},
        {"videoLiked": {"withinDays": 30, "category": "beauty"}},
        {"videoClicked": {}},
        {"liveWatched": {"withinDays": 90, "category": "beauty", "minSeconds": 600}},
        {"liveClicked": {}},
        {"engaged": {"withinDays": 30}},
        {"messageRead": {"withinDays": 30}},
        {"messageClicked": {}},
        {"unsubscribed": {}},
    ]
}


@pytest.fixture
async def shop(database: None) -> Shop:
    """A shop with three customers who ordered twice yesterday."""
    shop = await make_shop(country="MX")
    await make_customers(shop, 3)
    return shop


async def create(api: Api, shop: Shop, **given: Any) -> dict[str, Any]:
    """The payload of `segmentCreate`."""
    payload: dict[str, Any] = (await api.data(CREATE, seller(shop), input={"name": "Mine", **given}))["segmentCreate"]
    return payload


async def test_everything_the_language_can_say_goes_in_and_comes_back_the_same(api: Api, shop: Shop):
    kept = (await create(api, shop, conditions=EVERYTHING))["segment"]
    again = (await create(api, shop, text=kept["text"]))["segment"]

    assert kept["conditions"] == EVERYTHING
    assert again["conditions"] == EVERYTHING
    assert again["text"] == kept["text"]
    assert kept["advice"] == []


async def test_a_line_of_text_is_a_segment_with_an_advice_when_it_says_little(api: Api, shop: Shop):
    payload = await create(api, shop, name="  Big   spenders ", text="orders(within: 60d) >= 2 and spent > 5 USD")

    assert payload == {
        "segment": {
            "id": payload["segment"]["id"],
            "name": "Big spenders",
            "version": 1,
            "conditions": {
                "all": [{"orders": {"withinDays": 60, "min": 2}}, {"spent": {"above": 500, "currency": "USD"}}]
            },
            "text": "orders(within: 60d) >= 2 and spent > 5 USD",
            "advice": ["At least 3 conditions are recommended; this has 2."],
            "size": 3,
            "archivedAt": None,
        },
        "userErrors": [],
    }


@pytest.mark.parametrize(
    ("given", "errors"),
    [
        (
            {"conditions": {"any": [{"follows": True}, {"orders": {"withinDays": 0, "min": 1}}]}},
            [(["conditions", "any[1]", "orders", "withinDays"], "must be 1–3650", "INVALID")],
        ),
        (
            {"conditions": {"region": ["US-CA"]}},
            [(["conditions", "region[0]"], "must be a region of the shop's country, MX", "INVALID")],
        ),
        (
            {"text": "order >= 2"},
            [(["text"], 'column 1: "order" is not a condition; did you mean "orders"?', "INVALID")],
        ),
        ({}, [([], "Give either conditions or text.", "INVALID")]),
        ({"text": "follows", "conditions": {"follows": True}}, [([], "Give either conditions or text.", "INVALID")]),
        ({"text": "follows", "name": " \n "}, [(["name"], "must be a text of 1–200 characters", "INVALID")]),
        (
            {"text": "follows", "name": "x" * 201},
            [(["name"], "must be a text of 1–200 characters, not 201", "TOO_LONG")],
        ),
        (
            {"text": "follows", "name": "a\u202e\0b"},
            [(["name"], "must hold no invisible character, such as U+202E", "INVALID")],
        ),
        ({"text": "x" * 10_001}, [(["text"], "must be at most 10000 characters", "TOO_LONG")]),
        (
            {"conditions": {"not": {"messageRead": {"plan": "bm90aGluZw"}}}},
            [(["conditions", "not", "messageRead", "plan"], "There is no such plan.", "NOT_FOUND")],
        ),
        (
            {"text": 'follows or not\n(message_read(plan: "bm90aGluZw") and unsubscribed(plan: "x"))'},
            [
                (["text"], "line 2, column 2: message_read.plan: There is no such plan.", "NOT_FOUND"),
                (["text"], "line 2, column 39: unsubscribed.plan: There is no such plan.", "NOT_FOUND"),
            ],
        ),
        (
            {"conditions": {"any": [{"follows": True}] * 1000}},
            [(["conditions"], "must have at most 100 conditions", "TOO_MANY")],
        ),
    ],
)
async def test_what_is_wrong_is_told_in_its_place_and_nothing_is_kept(
    api: Api, shop: Shop, given: dict[str, Any], errors: list[tuple[list[str], str, str]]
):
    before = await Segment.all().count()
    payload = await create(api, shop, **given)

    assert payload["segment"] is None
    assert [(error["field"], error["message"], error["code"]) for error in payload["userErrors"]] == errors
    assert await Segment.all().count() == before


@pytest.mark.parametrize("levels", [20, 50])
async def test_a_tree_that_is_too_deep_is_refused(api: Api, shop: Shop, levels: int):
    tree: dict[str, Any] = {"follows": True}
    for _ in range(levels):
        tree = {"not": tree}
    payload = await create(api, shop, conditions=tree)

    assert payload["userErrors"] == [
        {"field": ["conditions"], "message": "must be at most 20 levels deep", "code": "TOO_MANY"}
    ]
    assert await Segment.filter(preset=None).count() == 0


@pytest.mark.parametrize(("levels", "code"), [(300, "BAD_USER_INPUT"), (900, "BAD_USER_INPUT"), (5000, "BAD_REQUEST")])
async def test_a_tree_deeper_than_any_parser_is_an_error_of_the_client_s(api: Api, shop: Shop, levels: int, code: str):
    tree = '{"not":' * levels + '{"follows":true}' + "}" * levels
    body = f'{{"query": "{CREATE}", "variables": {{"input": {{"name": "Deep", "conditions": {tree}}}}}}}'
    headers = {"authorization": f"Bearer {seller(shop)}", "content-type": "application/json"}
    response = await api.client.post("/graphql", content=body, headers=headers)

    assert response.json()["errors"][0]["extensions"]["code"] == code
    assert await Segment.filter(preset=None).count() == 0


async def test_a_condition_with_two_keys_is_refused_by_the_schema(api: Api, shop: Shop):
    conditions = {"follows": True, "viewed": {}}
    answer = await api.answer(CREATE, seller(shop), input={"name": "Two", "conditions": conditions})

    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert await Segment.filter(preset=None).count() == 0


async def test_a_repeated_key_keeps_one_segment(api: Api, shop: Shop):
    given = {"conditions": EVERYTHING, "idempotencyKey": "once"}
    first, second = await create(api, shop, **given), await create(api, shop, **given)

    assert first == second
    assert await Segment.filter(preset=None).count() == 1


async def test_a_changed_condition_is_a_new_version_and_the_old_one_stays_known(api: Api, shop: Shop):
    kept = (await create(api, shop, text="follows"))["segment"]
    await api.data(UPDATE, seller(shop), input={"id": kept["id"], "name": "Renamed"})
    await api.data(UPDATE, seller(shop), input={"id": kept["id"], "text": "follows"})
    data = await api.data(UPDATE, seller(shop), input={"id": kept["id"], "conditions": {"not": {"follows": True}}})
    query = "query ($id: ID!) { segment(id: $id) { versions { version text conditions } } }"
    versions = (await api.data(query, seller(shop), id=kept["id"]))["segment"]["versions"]

    changed = data["segmentUpdate"]["segment"]
    assert (changed["name"], changed["version"], changed["text"], changed["size"]) == ("Renamed", 2, "not follows", 3)
    assert versions == [
        {"version": 2, "text": "not follows", "conditions": {"not": {"follows": True}}},
        {"version": 1, "text": "follows", "conditions": {"follows": True}},
    ]


async def test_a_preset_is_read_only_and_may_be_duplicated(api: Api, shop: Shop):
    preset = await Segment.get(shop_id=shop.id, preset="REPEAT")
    identifier = global_id.encode("Segment", preset.id)
    edited = await api.data(UPDATE, seller(shop), input={"id": identifier, "name": "Mine"})
    archived = await api.data(ARCHIVE, seller(shop), input={"id": identifier})
    copied = await api.data(DUPLICATE, seller(shop), input={"id": identifier, "name": "Loyal"})

    refused = [{"field": ["id"], "message": "A preset cannot be changed; duplicate it.", "code": "CONFLICT"}]
    assert edited["segmentUpdate"] == {"segment": None, "userErrors": refused}
    assert archived["segmentArchive"] == {"segment": None, "userErrors": refused}
    copy = copied["segmentDuplicate"]["segment"]
    assert (copy["name"], copy["size"]) == ("Loyal", 3)
    assert copy["text"] == "orders >= 2 and last_order within 30d"
    await preset.refresh_from_db()
    assert (preset.name, preset.archived_at) == ("Repeat customers", None)


async def test_an_unnamed_copy_of_a_preset_is_called_as_its_seller_reads_the_preset(api: Api, shop: Shop):
    preset = await Segment.get(shop_id=shop.id, preset="REPEAT")
    api.client.headers["accept-language"] = "de-AT"
    copied = await api.data(DUPLICATE, seller(shop), input={"id": global_id.encode("Segment", preset.id)})
    assert copied["segmentDuplicate"]["segment"]["name"] == "Wiederkehrende Kunden (2)"


async def test_a_segment_is_not_archived_while_a_scheduled_plan_goes_to_it(api: Api, shop: Shop):
    kept = (await create(api, shop, text="orders >= 1"))["segment"]
    draft = await make_draft(shop, segment_id=global_id.integer(kept["id"], "Segment"))
    await draft.submit(shop, send_at=now() + timedelta(days=1), deadline_after=DEADLINE)
    refused = await api.data(ARCHIVE, seller(shop), input={"id": kept["id"]})
    await (await Plan.get()).cancel()
    archived = await api.data(ARCHIVE, seller(shop), input={"id": kept["id"]})
    query = "query ($archived: Boolean!) { segments(kind: CUSTOM, archived: $archived) { nodes { id } } }"

    message = 'Plans that have not started yet go to it: "Spring greetings".'
    assert refused["segmentArchive"]["userErrors"] == [{"field": ["id"], "message": message, "code": "CONFLICT"}]
    assert archived["segmentArchive"]["segment"]["archivedAt"] == "2026-01-15T12:00:00Z"
    assert (await api.data(query, seller(shop), archived=False))["segments"]["nodes"] == []
    assert (await api.data(query, seller(shop), archived=True))["segments"]["nodes"] == [{"id": kept["id"]}]
    again = await api.data(UPDATE, seller(shop), input={"id": kept["id"], "name": "Back"})
    assert again["segmentUpdate"]["userErrors"][0]["message"] == "The segment is archived."


async def test_a_segment_that_is_not_archived_says_when_more_plans_go_to_it_than_it_names(api: Api, shop: Shop):
    kept = (await create(api, shop, text="orders >= 1"))["segment"]
    for number in range(MOST_NAMED + 1):
        await make_draft(shop, segment_id=global_id.integer(kept["id"], "Segment"), name=f"Plan {number}")
    await Plan.all().update(status=PlanStatus.SCHEDULED)
    refused = await api.data(ARCHIVE, seller(shop), input={"id": kept["id"]})

    named = ", ".join(f'"Plan {number}"' for number in range(MOST_NAMED))
    message = f"Plans that have not started yet go to it: {named} and others."
    assert [error["message"] for error in refused["segmentArchive"]["userErrors"]] == [message]
    assert (await Segment.get(id=global_id.integer(kept["id"], "Segment"))).archived_at is None


async def test_a_submitted_plan_keeps_the_definition_it_was_submitted_with(api: Api, shop: Shop):
    kept = (await create(api, shop, text="orders >= 1"))["segment"]
    draft = await make_draft(shop, segment_id=global_id.integer(kept["id"], "Segment"))
    await draft.submit(shop, send_at=now() + timedelta(days=1), deadline_after=DEADLINE)
    await api.data(UPDATE, seller(shop), input={"id": kept["id"], "text": "orders >= 100"})

    plan = await Plan.get()
    assert plan.definition["conditions"] == {"orders": {"min": 1}}


async def test_segments_are_listed_by_kind_and_name(api: Api, shop: Shop):
    await create(api, shop, name="Followers of ours", text="follows")
    query = """query ($kind: SegmentKind, $name: String) {
      segments(kind: $kind, name: $name) { nodes { name } totalCount }
    }"""

    async def names(**filters: Any) -> list[str]:
        return [node["name"] for node in (await api.data(query, seller(shop), **filters))["segments"]["nodes"]]

    assert len(await names()) == 8
    assert await names(kind="CUSTOM") == ["Followers of ours"]
    assert len(await names(kind="PRESET")) == 7
    assert await names(name="FOLLOWERS") == ["New followers", "Active followers", "Followers of ours"]
    assert await names(name="100%_") == []


async def test_a_condition_is_tried_out_without_being_kept(api: Api, shop: Shop):
    data = (await api.data(PREVIEW, seller(shop), text="orders >= 2"))["segmentPreview"]

    assert (data["size"], data["members"]["totalCount"], len(data["members"]["nodes"])) == (3, 3, 2)
    assert (data["conditions"], data["text"]) == ({"orders": {"min": 2}}, "orders >= 2")
    assert data["userErrors"] == []
    assert await Segment.filter(preset=None).count() == 0


async def test_a_preview_of_an_earlier_time_asks_history(api: Api, shop: Shop):
    data = (await api.data(PREVIEW, seller(shop), text="not follows", asOf="2026-01-01T00:00:00Z"))["segmentPreview"]

    assert data["size"] == 0


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00Z", "1989-12-31T23:59:59Z", "2026-01-15T12:00:01Z"])
async def test_a_time_that_nothing_can_be_known_of_is_refused(api: Api, shop: Shop, at: str):
    answer = await api.answer(PREVIEW, seller(shop), text="not follows", asOf=at)

    assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_USER_INPUT"]


async def test_a_preview_of_what_does_not_hold_says_why(api: Api, shop: Shop):
    data = (await api.data(PREVIEW, seller(shop), conditions={"age": {"min": 40, "max": 30}}))["segmentPreview"]

    assert data["userErrors"] == [
        {"field": ["conditions", "age", "max"], "message": "must not be less than min", "code": "INVALID"}
    ]
    assert (data["size"], data["members"], data["conditions"]) == (None, None, None)


async def test_a_plan_is_named_by_its_global_id_in_both_forms(api: Api, shop: Shop):
    plan = global_id.encode("Plan", (await make_draft(shop)).id)
    kept = (await create(api, shop, conditions={"not": {"messageRead": {"plan": plan}}}))["segment"]

    assert kept["conditions"] == {"not": {"messageRead": {"plan": plan}}}
    assert kept["text"] == f'not message_read(plan: "{plan}")'
    assert (await create(api, shop, text=kept["text"]))["segment"]["conditions"] == kept["conditions"]


async def test_membership_tells_the_verdict_and_what_decides(api: Api, shop: Shop):
    kept = (await create(api, shop, text="orders >= 1 and (follows or age >= 18)"))["segment"]
    (stranger,) = await make_customers(await make_shop("other"), 1, prefix="other")
    customer = customer_id("c0")
    query = """query ($id: ID!, $customer: ID!) { segment(id: $id) { membership(customerId: $customer) {
      isMember hasInteracted reasons { path text holds found decides }
    } } }"""

    async def membership(customer: Any) -> Any:
        variables = {"id": kept["id"], "customer": global_id.encode("Customer", customer)}
        return (await api.data(query, seller(shop), **variables))["segment"]["membership"]

    found = await membership(customer)
    assert found["isMember"] is False
    assert [(reason["path"], reason["holds"], reason["decides"]) for reason in found["reasons"]] == [
        ("conditions", False, True),
        ("conditions.all[0]", False, True),
        ("conditions.all[1]", False, True),
        ("conditions.all[1].any[0]", False, True),
        ("conditions.all[1].any[1]", False, True),
    ]
    assert await membership(stranger) is None


async def test_overlap_and_profile_come_from_the_same_members(api: Api, shop: Shop, clock: Clock):
    one = (await create(api, shop, text="orders >= 2"))["segment"]["id"]
    other = (await create(api, shop, text="orders >= 3 or not follows"))["segment"]["id"]
    query = """query ($one: ID!, $other: ID!) {
      segmentOverlap(one: $one, other: $other) { one other both }
      segment(id: $one) { profile { size orders { least below count } lifetimeValues { least below count }
        genders { value count } ages { least below count } languages { value count } } }
    }"""
    data = await api.data(query, seller(shop), one=one, other=other)

    assert data["segmentOverlap"] == {"one": 3, "other": 3, "both": 3}
    assert data["segment"]["profile"] == {
        "size": 3,
        "orders": [{"least": 2, "below": 3, "count": 3}],
        "lifetimeValues": [{"least": 2000, "below": 5000, "count": 3}],
        "genders": [{"value": None, "count": 3}],
        "ages": [{"least": None, "below": None, "count": 3}],
        "languages": [{"value": "en", "count": 3}],
    }


async def test_another_shop_s_segment_reads_like_an_unknown_one(api: Api, shop: Shop):
    foreign = (await create(api, shop, text="follows"))["segment"]["id"]
    other = await make_shop("other")
    data = await api.data(UPDATE, seller(other), input={"id": foreign, "name": "Mine"})

    assert data["segmentUpdate"]["userErrors"] == [
        {"field": ["id"], "message": "There is no such segment.", "code": "NOT_FOUND"}
    ]


@pytest.mark.parametrize(
    ("header", "names", "advice"),
    [
        (None, ["Lapsed customers", "VIPs"], "At least 3 conditions are recommended; this has 2."),
        ("de-AT,en;q=0.5", ["Inaktive Kunden", "VIPs"], "Empfohlen sind mindestens 3 Bedingungen; hier sind es 2."),
        ("zh-TW", ["Lapsed customers", "VIPs"], "At least 3 conditions are recommended; this has 2."),
    ],
)
async def test_presets_and_advice_speak_the_seller_s_language_and_own_names_stay(
    api: Api, shop: Shop, header: str | None, names: list[str], advice: str
):
    if header:
        api.client.headers["accept-language"] = header
    await api.data(CREATE, seller(shop), input={"name": "VIPs", "text": "orders >= 9 and follows"})
    found = (await api.data("{ segments { nodes { name preset advice } } }", seller(shop)))["segments"]["nodes"]

    assert [each["name"] for each in found if each["preset"] in ("LAPSED", None)] == names
    assert [each["advice"] for each in found] == [[]] * 7 + [[advice]]
    tried = await api.data(PREVIEW, seller(shop), text="orders >= 9 and follows")
    assert tried["segmentPreview"]["advice"] == [advice]
