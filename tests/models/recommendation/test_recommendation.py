"""Recommendations: that a dismissal holds until it should not, and what a seller sees of them (R25)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from models import database, recommendation
from models.clock import Clock, now
from models.errors import ErrorCode, Refused
from models.recommendation import RecommendationKind
from models.recommendation.figure import gather
from models.recommendation.rule import findings
from models.recommendation.threshold import thresholds
from resolvers import global_id
from tests.api import Api, seller
from tests.factories import make_customers, make_resolved, make_shop
from tests.models.recommendation.test_figure import leave, noisy
from tests.refusals import refusal

LIMITS = thresholds()


@pytest.mark.usefixtures("database")
async def test_a_dismissal_holds_until_the_numbers_get_clearly_worse(clock: Clock):
    shop, other = await make_shop(), await make_shop("other")
    customers = await make_customers(shop, 400)
    await make_resolved(shop)
    await leave(shop, customers[:40])
    [told] = await recommendation.of_shop(shop)
    assert (told.finding.kind, told.priority, told.finding.numbers["percent"]) == (
        RecommendationKind.UNSUBSCRIBE_RATE_HIGH,
        1,
        10.0,
    )

    await recommendation.dismiss(shop, told.finding.kind, "", actor="anna")
    assert await recommendation.of_shop(shop) == []
    await leave(shop, customers[40:49])
    assert await recommendation.of_shop(shop) == []
    await leave(shop, customers[49:50])
    assert [each.finding.numbers["percent"] for each in await recommendation.of_shop(shop)] == [12.5]
    assert await recommendation.of_shop(other) == []


@pytest.mark.usefixtures("database")
async def test_a_dismissal_is_over_after_its_days(clock: Clock):
    shop = await make_shop()
    await noisy(shop, 300, 30)
    await recommendation.dismiss(shop, RecommendationKind.UNSUBSCRIBE_RATE_HIGH, "", actor="anna")
    [finding] = findings(await gather(shop, now(), LIMITS.window), LIMITS)
    known = recommendation.Dismissal(finding.severity, now())

    assert not recommendation.is_open(finding, known, LIMITS, now() + timedelta(days=30, microseconds=-1))
    assert recommendation.is_open(finding, known, LIMITS, now() + timedelta(days=30))
    assert recommendation.is_open(replace(finding, severity=finding.severity * 1.25), known, LIMITS, now())
    assert await database.fetch_value("SELECT dismissed_by FROM recommendation_dismissal") == "anna"


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("kind", ["HOLDOUT_OFF", "UNSUBSCRIBE_RATE_HIGH", "nothing"])
async def test_what_is_not_recommended_cannot_be_dismissed(kind: str):
    shop = await make_shop()
    with pytest.raises(Refused, match="no such recommendation"):
        await recommendation.dismiss(shop, kind, "", actor="anna")

    assert await database.fetch_value("SELECT count(*) FROM recommendation_dismissal") == 0


@pytest.mark.usefixtures("database")
async def test_of_several_recommendations_the_one_that_is_named_is_dismissed_and_the_others_are_told_on(clock: Clock):
    shop = await make_shop()
    readers = {tag: await make_customers(shop, 200, prefix=tag, language=tag) for tag in ("de", "ja")}
    await make_resolved(shop)
    await leave(shop, readers["ja"][:30])
    loud, *missing = [(each.finding.kind, each.finding.subject) for each in await recommendation.of_shop(shop)]
    assert (loud, {kind for kind, _ in missing}) == (("UNSUBSCRIBE_RATE_HIGH", ""), {"LANGUAGE_MISSING"})
    first, last = missing

    assert await refusal(recommendation.dismiss(shop, loud[0], last[1], actor="anna")) == ("id", ErrorCode.NOT_FOUND)
    dismissed = await recommendation.dismiss(shop, *last, actor="anna")

    assert (dismissed.finding.kind, dismissed.finding.subject) == last
    left = [(each.finding.kind, each.finding.subject) for each in await recommendation.of_shop(shop)]
    assert left == [loud, first]


@pytest.mark.usefixtures("database")
async def test_a_dismissal_of_a_kind_that_there_is_no_more_keeps_nothing_from_being_told(clock: Clock):
    shop = await make_shop()
    await noisy(shop, 300, 30)
    await recommendation.dismiss(shop, RecommendationKind.UNSUBSCRIBE_RATE_HIGH, "", actor="anna")
    await database.execute("UPDATE recommendation_dismissal SET kind = 'TOO_FEW_PLANS'")

    assert [each.finding.kind for each in await recommendation.of_shop(shop)] == ["UNSUBSCRIBE_RATE_HIGH"]


@pytest.mark.usefixtures("database")
async def test_of_more_than_a_hundred_recommendations_the_hundred_most_important_are_told(clock: Clock):
    shop = await make_shop()
    await noisy(shop, 300, 30)
    await database.execute(AS_BROAD, recommendation.MOST + 1, now())
    found = findings(await gather(shop, now(), LIMITS.window), LIMITS)
    assert len(found) == 1 + recommendation.MOST + 1

    told = await recommendation.of_shop(shop)

    assert [each.finding for each in told] == found[: recommendation.MOST]
    assert [each.priority for each in told] == [1, *[3] * (recommendation.MOST - 1)]
    severities = [each.finding.severity for each in told[1:]]
    assert severities == sorted(severities, reverse=True)
    assert len({each.subject for each in found[recommendation.MOST :]}) == 2


AS_BROAD = """
WITH copy AS (
    SELECT number, nextval(pg_get_serial_sequence('segment', 'id')) AS segment_id,
        nextval(pg_get_serial_sequence('plan', 'id')) AS plan_id
    FROM generate_series(1, $1::int) AS s(number)
),
segment_copy AS (
    INSERT INTO segment OVERRIDING SYSTEM VALUE
    SELECT (jsonb_populate_record(g, jsonb_build_object('id', copy.segment_id, 'name', 'broad ' || number, 'preset', NULL))).*
    FROM copy, segment g, plan p WHERE g.id = p.segment_id
),
plan_copy AS (
    INSERT INTO plan OVERRIDING SYSTEM VALUE
    SELECT (jsonb_populate_record(p, jsonb_build_object('id', copy.plan_id, 'segment_id', copy.segment_id))).* FROM copy, plan p
)
INSERT INTO segment_size SELECT segment_id, $2::timestamptz::date, 1, 250 + number % 50, $2 FROM copy
"""
"""So many segments more, each almost everybody, and a plan that went to each."""


LIST = "{ recommendations { id kind priority message numbers { name value } segment { name } timeZone language } }"
DISMISS = """mutation ($input: RecommendationDismissInput!) {
  recommendationDismiss(input: $input) { id userErrors { field code } } }"""


async def test_a_seller_sees_dismisses_and_no_longer_sees(api: Api):
    shop, other = await make_shop(), await make_shop("other")
    await noisy(shop, 300, 30)
    [told] = (await api.data(LIST, seller(shop)))["recommendations"]
    missing = {"id": None, "userErrors": [{"field": ["id"], "code": "NOT_FOUND"}]}

    assert (told["kind"], told["priority"]) == ("UNSUBSCRIBE_RATE_HIGH", 1)
    assert {each["name"]: each["value"] for each in told["numbers"]} == {"unsubscribed": 30, "sent": 300, "percent": 10}
    for wrong in (told["id"], "nonsense", global_id.encode("Recommendation", other.id, "HOLDOUT_OFF", "")):
        answer = await api.data(DISMISS, seller(other), input={"id": wrong})
        assert answer["recommendationDismiss"] == missing
    assert len((await api.data(LIST, seller(shop)))["recommendations"]) == 1
    for _ in range(2):
        answer = await api.data(DISMISS, seller(shop), input={"id": told["id"], "idempotencyKey": "k"})
        assert answer["recommendationDismiss"] == {"id": told["id"], "userErrors": []}
    assert (await api.data(LIST, seller(shop)))["recommendations"] == []
