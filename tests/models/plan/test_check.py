"""Whether what a seller decides about a plan can be, each bound at its edge (R8)."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from models import database
from models.clock import TOLERANCE, now
from models.errors import ErrorCode
from models.experiment import Experiment, ExperimentMetric, Variant
from models.plan import PlanChannel
from models.plan.check import MAX_SCHEDULE, check, check_name, check_not_past, check_schedule, check_template
from models.plan.draft import PlanDraft
from models.scenario import SCENARIOS, Destination
from models.segment import Segment
from models.shop import Shop
from tests.conftest import NOON
from tests.factories import TEXTS, make_coupon, make_shop
from tests.models.test_enclosure import make_product
from tests.refusals import refusal, refusals

MOMENT = timedelta(microseconds=1)


async def draft_of(shop: Shop, **fields: object) -> PlanDraft:
    """A draft in which everything can be, but for what is told here."""
    segment = await Segment.get(shop_id=shop.id, preset="REPEAT")
    draft = PlanDraft(name="Spring", channel=PlanChannel.CHAT, segment_id=segment.id, content={"texts": TEXTS})
    return replace(draft, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("", ErrorCode.INVALID),
        (" ", ErrorCode.INVALID),
        ("x" * 1_000, None),
        ("x" * 1_001, ErrorCode.TOO_LONG),
        ("word " * 100, None),
        ("word " * 101, ErrorCode.TOO_LONG),
    ],
)
def test_a_name_has_its_bounds_in_words_and_characters(name: str, code: ErrorCode | None):
    assert [each.code for each in check_name(name)] == ([code] if code else [])


def test_a_template_is_one_of_those_there_are_or_none():
    known = [None, *SCENARIOS]

    assert [check_template(code) for code in known] == [[]] * len(known)
    assert [(each.field, each.code) for each in check_template("NONE")] == [(("template",), ErrorCode.NOT_FOUND)]


def test_a_plan_is_scheduled_up_to_the_last_moment_of_a_year_ahead():
    latest = NOON + MAX_SCHEDULE

    assert check_schedule(None, NOON) == check_schedule(NOON, NOON) == check_schedule(latest, NOON) == []
    (problem,) = check_schedule(latest + MOMENT, NOON)
    assert problem.field == ("sendAt",) and "366 days ahead" in problem.message


def test_a_time_is_past_when_it_is_so_by_more_than_clocks_differ():
    oldest = NOON - TOLERANCE

    assert check_not_past(None, NOON, "startAt") == check_not_past(oldest, NOON, "startAt") == []
    for (problem,) in (check_not_past(oldest - MOMENT, NOON, "sendAt"), check_schedule(oldest - MOMENT, NOON)):
        assert (problem.field, problem.code) == (("sendAt",), ErrorCode.IN_PAST)


@pytest.mark.usefixtures("database")
async def test_a_plan_shows_four_products_of_its_own_shop_each_once_and_none_whose_title_breaks_the_rules():
    shop, other = await make_shop(), await make_shop("other")
    four = [await make_product(shop, f"p{number}", f"Soap {number}") for number in range(4)]
    fifth, foreign = await make_product(shop, "p4", "Soap"), await make_product(other, "p", "Soap")
    rude = await make_product(shop, "rude", "Call 555-123-4567")

    async def refused(*products: object) -> list[tuple[str, ErrorCode]]:
        return await refusals(check(shop, await draft_of(shop, product_ids=products)))

    await check(shop, await draft_of(shop, product_ids=four))
    assert await refused(*four, fifth) == [("productIds", ErrorCode.TOO_MANY)]
    assert await refused(foreign, four[0], four[0], uuid4()) == [
        ("productIds.0", ErrorCode.NOT_FOUND), ("productIds.2", ErrorCode.CONFLICT), ("productIds.3", ErrorCode.NOT_FOUND),
    ]  # fmt: skip
    assert [field for field, _ in await refused(four[0], rude)] == ["productIds.1"]


@pytest.mark.usefixtures("database")
async def test_a_button_to_the_product_needs_one():
    shop = await make_shop()
    product = await make_product(shop, "soap", "Soap")

    await check(shop, await draft_of(shop, button=Destination.PRODUCTS))
    await check(shop, await draft_of(shop, button=Destination.PRODUCT, product_ids=[product]))
    alone = check(shop, await draft_of(shop, button=Destination.PRODUCT))
    assert (await refusal(alone))[0] == "button"


@pytest.mark.usefixtures("database")
async def test_a_segment_and_a_coupon_are_the_shop_s_own_and_a_segment_is_not_put_away():
    shop, other = await make_shop(), await make_shop("other")
    foreign = await draft_of(other)
    coupon = await make_coupon(other)

    for segment_id in (None, foreign.segment_id):
        work = check(shop, await draft_of(shop, segment_id=segment_id))
        assert await refusal(work) == ("segmentId", ErrorCode.NOT_FOUND)
    work = check(shop, await draft_of(shop, coupon_id=coupon.id))
    assert await refusal(work) == ("couponId", ErrorCode.NOT_FOUND)
    draft = await draft_of(shop)
    await database.execute("UPDATE segment SET archived_at = $1 WHERE id = $2", now(), draft.segment_id)
    assert await refusal(check(shop, draft)) == ("segmentId", ErrorCode.NOT_FOUND)


@pytest.mark.usefixtures("database")
async def test_a_coupon_must_run_when_the_plan_starts_and_not_while_it_is_a_draft():
    shop = await make_shop()
    coupon = await make_coupon(shop)
    own = await draft_of(shop, coupon_id=coupon.id)
    varied = await draft_of(
        shop,
        experiment=Experiment(
            (Variant(coupon_id=coupon.id, has_own_coupon=True),), percent=20, metric=ExperimentMetric.READ, hours=4
        ),
    )

    for draft, field in ((own, "couponId"), (varied, "experiment.variants.0.couponId")):
        await check(shop, draft)
        await check(shop, draft, complete_at=coupon.ends_at - MOMENT)
        late = check(shop, draft, complete_at=coupon.ends_at)
        assert await refusal(late) == (field, ErrorCode.COUPON_NOT_RUNNING)


@pytest.mark.usefixtures("database")
async def test_what_a_plan_said_already_is_not_refused_for_what_changed_since_and_anything_else_is():
    shop = await make_shop()
    kept = await draft_of(shop, template="GONE", send_at=now() - timedelta(days=1))

    await check(shop, kept, kept=kept)

    assert await refusals(check(shop, kept)) == [("template", ErrorCode.NOT_FOUND), ("sendAt", ErrorCode.IN_PAST)]
    changed = replace(kept, template="GONE_TOO", send_at=now() - timedelta(days=2))
    assert await refusals(check(shop, changed, kept=kept)) == [
        ("template", ErrorCode.NOT_FOUND), ("sendAt", ErrorCode.IN_PAST),
    ]  # fmt: skip


@pytest.mark.usefixtures("database")
async def test_a_draft_may_say_nothing_yet_and_what_it_says_in_part_is_held_against_the_rules():
    shop = await make_shop()

    await check(shop, await draft_of(shop, content={}))

    silent = check(shop, await draft_of(shop, content={}), complete_at=now())
    assert all(field.startswith("texts") for field, _ in await refusals(silent))
    rude = check(shop, await draft_of(shop, content={"texts": {"en": {"text": "Call 555-123-4567"}}}))
    assert [field for field, _ in await refusals(rude)] == ["texts.en.text"]
