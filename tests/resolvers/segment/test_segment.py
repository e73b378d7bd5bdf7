"""Segments over the API: kept, changed, copied, put out of sight and listed."""

from datetime import timedelta
from typing import Any

import pytest

from models.clock import now
from models.condition.presets import SegmentPreset
from models.errors import MOST_NAMED
from models.plan import Plan, PlanStatus
from models.segment import Segment
from models.shop import Shop
from resolvers import global_id
from tests.api import Api, seller
from tests.factories import DEADLINE, make_draft, make_shop
from tests.resolvers.segment.calls import ARCHIVE, CREATE, DUPLICATE, EVERYTHING, PREVIEW, UPDATE, create


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


async def test_a_repeated_key_keeps_one_segment(api: Api, shop: Shop):
    given = {"conditions": EVERYTHING, "idempotencyKey": "once"}
    first, second = await create(api, shop, **given), await create(api, shop, **given)

    assert first == second
    assert await Segment.filter(preset=None).count() == 1


async def test_a_refused_mutation_leaves_its_key_to_the_mended_input(api: Api, shop: Shop):
    refused = await create(api, shop, name="", text="follows", idempotencyKey="once")
    mended = await create(api, shop, name="Followers", text="follows", idempotencyKey="once")

    assert [error["field"] for error in refused["userErrors"]] == [["name"]]
    assert (mended["segment"]["name"], mended["userErrors"]) == ("Followers", [])
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


async def test_pages_forwards_and_backwards_have_each_segment_once_the_oldest_first(api: Api):
    shop = await make_shop()
    listed = """query ($first: Int, $after: String, $last: Int, $before: String) {
      segments(first: $first, after: $after, last: $last, before: $before) {
        nodes { preset } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""
    expected = list(SegmentPreset)

    async def walk(size: str, place: str, more: str, cursor: str) -> list[list[str]]:
        pages: list[list[str]] = []
        at = None
        while len(pages) <= len(expected):
            page = (await api.data(listed, seller(shop), **{size: 3, place: at}))["segments"]
            pages.append([node["preset"] for node in page["nodes"]])
            if not page["pageInfo"][more]:
                break
            at = page["pageInfo"][cursor]
        return pages

    assert await walk("first", "after", "hasNextPage", "endCursor") == [expected[:3], expected[3:6], expected[6:]]
    assert await walk("last", "before", "hasPreviousPage", "startCursor") == [expected[4:], expected[1:4], expected[:1]]
