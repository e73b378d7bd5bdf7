"""What an experiment may be: every refusal names its place, and nothing is kept (B7)."""

from datetime import timedelta
from typing import Any

import pytest

from models.errors import Refused
from models.experiment import Experiment, ExperimentMetric, Variant, contents, coupon_ids, number_of, read
from models.plan import Plan, PlanChannel, PlanStatus
from tests.factories import DEADLINE, TEXTS, make_coupon, make_draft, make_shop

pytestmark = pytest.mark.usefixtures("database")

OTHER = Variant({"texts": TEXTS})


def tried(*variants: Variant, **changes: Any) -> Experiment:
    return Experiment(
        **{"variants": variants or (OTHER,), "percent": 20, "metric": ExperimentMetric.CLICK, "hours": 4, **changes}
    )


@pytest.mark.parametrize(
    ("experiment", "field"),
    [
        (Experiment((), 20, ExperimentMetric.CLICK, 4), "experiment.variants"),
        (tried(OTHER, OTHER, OTHER, OTHER), "experiment.variants"),
        (tried(percent=0), "experiment.percent"),
        (tried(percent=101), "experiment.percent"),
        (tried(hours=0), "experiment.hours"),
        (tried(hours=49), "experiment.hours"),
        (tried(OTHER, Variant()), "experiment.variants.1"),
        (tried(Variant(coupon_id=10**9, has_own_coupon=True)), "experiment.variants.0.couponId"),
        (tried(OTHER, Variant({"texts": {"en": {"text": "See https://evil.example"}}})), "experiment.variants.1.texts.en.text"),
        (tried(Variant({"texts": {"en": {"text": "Hi {nobody}"}}})), "experiment.variants.0.texts.en.text"),
    ],
)  # fmt: skip
async def test_what_no_experiment_can_be_is_refused_with_its_place(experiment: Experiment, field: str):
    shop = await make_shop()
    with pytest.raises(Refused) as caught:
        await make_draft(shop, experiment=experiment)

    assert [".".join(problem.field) for problem in caught.value.problems] == [field]
    assert not await Plan.all().exists()


@pytest.mark.parametrize(
    ("experiment", "field"),
    [
        (tried(Variant({"texts": {"en": TEXTS["en"]}})), "experiment.variants.0.texts"),
        (tried(Variant({"texts": {**TEXTS, "de": TEXTS["en"]}})), "experiment.variants.0.texts"),
        (tried(Variant({"texts": {"es": TEXTS["es"]}})), "experiment.variants.0.texts.en"),
        (tried(Variant({"texts": {**TEXTS, "en": {"text": "no subject"}}})), "experiment.variants.0.texts.en.subject"),
    ],
)
async def test_every_variant_must_be_complete_when_the_plan_is_submitted(experiment: Experiment, field: str):
    shop = await make_shop()
    plan = await make_draft(shop, channel=PlanChannel.EMAIL, experiment=experiment)
    with pytest.raises(Refused) as caught:
        await plan.submit(shop, send_at=None, deadline_after=DEADLINE)

    assert [".".join(problem.field) for problem in caught.value.problems] == [field]
    assert (await Plan.get(id=plan.id)).status is PlanStatus.DRAFT


async def test_a_winner_must_be_declared_before_what_waits_expires():
    shop = await make_shop()
    plan = await make_draft(shop, experiment=tried(hours=12))
    with pytest.raises(Refused, match="12 hours after the start"):
        await plan.submit(shop, send_at=None, deadline_after=timedelta(hours=12))
    await plan.submit(shop, send_at=None, deadline_after=timedelta(hours=13))

    assert plan.status is PlanStatus.ONGOING


async def test_a_coupon_of_a_variant_must_run_when_the_plan_starts():
    shop = await make_shop()
    coupon = await make_coupon(shop)
    plan = await make_draft(shop, experiment=tried(Variant(coupon_id=coupon.id, has_own_coupon=True)))
    await coupon.end()
    with pytest.raises(Refused) as caught:
        await plan.submit(shop, send_at=None, deadline_after=DEADLINE)

    assert caught.value.problems[0].field == ("experiment", "variants", "0", "couponId")


def test_what_a_variant_leaves_out_is_as_in_the_plan():
    own = {"texts": {"en": {"text": "A"}}}
    experiment = tried(OTHER, Variant(coupon_id=7, has_own_coupon=True), Variant(has_own_coupon=True))

    assert contents(own, experiment) == [own, {"texts": TEXTS}, own, own]
    assert coupon_ids(3, experiment) == [3, 3, 7, None]
    assert (contents(own, None), coupon_ids(3, None)) == ([own], [3])
    assert read(experiment.stored()) == experiment
    assert [number_of(name, experiment) for name in ("A", "D", "E", "", "AB")] == [0, 3, None, None, None]
    assert number_of("B", None) is None
