"""What sellers say about plans: the inputs of their mutations."""

from collections import Counter
from dataclasses import replace
from datetime import datetime, time
from typing import Any

import strawberry
from strawberry import UNSET

from models.errors import ErrorCode, Problem, Refused
from models.experiment import Experiment, ExperimentMetric, Variant
from models.plan.draft import PlanChannel, PlanDraft
from models.scenario import Destination
from resolvers import global_id
from resolvers.change import given_or, or_kept, read_or_kept, refuse_nulls
from resolvers.mutation import IDEMPOTENCY_KEY

VARIANTS = ("experiment", "variants")
"""Where an input has its variants."""


@strawberry.input(description="What a plan says in one language.")
class PlanTextInput:
    """ICU MessageFormat, with the variables that the plan can fill."""

    language: str = strawberry.field(description="BCP 47 tag, such as en, es-MX or zh-Hant.")
    text: str = strawberry.field(
        description="The message, as ICU MessageFormat, up to 5,000 characters: Hi {name}, {shop} has news for you."
    )
    subject: str | None = strawberry.field(
        default=None, description="The email's subject, as ICU MessageFormat, up to 200 characters."
    )
    preheader: str | None = strawberry.field(
        default=None, description="The email's preheader, as ICU MessageFormat, up to 200 characters."
    )


@strawberry.input(description="How a variant differs from the plan. What is left out is as in the plan itself.")
class PlanVariantInput:
    """One of the variants B, C and D."""

    texts: list[PlanTextInput] | None = strawberry.field(
        default=UNSET, description="What it says, in the languages of the plan."
    )
    coupon_id: strawberry.ID | None = strawberry.field(
        default=UNSET, description="Global id of the coupon that comes with it; null for none."
    )


@strawberry.input(description="Variants that are tried on a part of the audience, so that the rest gets the best one.")
class PlanExperimentInput:
    """The plan itself is variant A."""

    variants: list[PlanVariantInput] = strawberry.field(description="Variants B, C and D: 1–3 of them.")
    percent: int = strawberry.field(default=20, description="Percent of the audience that it is tried on, 1–100.")
    metric: ExperimentMetric = strawberry.field(
        default=ExperimentMetric.CLICK, description="What makes a variant the better one."
    )
    hours: int = strawberry.field(default=4, description="So long after the start the winner is declared, 1–48.")


@strawberry.input(description="A new one-time plan.")
class PlanCreateInput:
    """What `planCreate` takes."""

    name: str = strawberry.field(description="What sellers call it, 1–100 words, at most 1,000 characters.")
    channel: PlanChannel = strawberry.field(description="How it reaches its audience.")
    segment_id: strawberry.ID = strawberry.field(description="Global id of the segment it goes to.")
    texts: list[PlanTextInput] = strawberry.field(
        default_factory=list, description="What it says, in up to 50 languages. May be completed until it is submitted."
    )
    template: str | None = strawberry.field(
        default=None, description="The template its texts were made from, if any: the code of a scenario."
    )
    product_ids: list[strawberry.ID] = strawberry.field(
        default_factory=list, description="Global ids of up to 4 products it shows."
    )
    image_url: str | None = strawberry.field(
        default=None, description="Where its image is, the same in all languages: https, up to 2,000 characters."
    )
    coupon_id: strawberry.ID | None = strawberry.field(
        default=None, description="Global id of a coupon that comes with it."
    )
    button: Destination | None = strawberry.field(default=None, description="Where its button leads, if it has one.")
    holdout_percent: int | None = strawberry.field(
        default=None,
        description="Percent of its audience, 0–50, that get nothing, for comparison; the shop's own when left out.",
    )
    experiment: PlanExperimentInput | None = strawberry.field(
        default=None, description="Variants to try on a part of its audience."
    )
    send_at: datetime | None = strawberry.field(
        default=None,
        description=(
            "When to send it, once submitted, then at most 366 days ahead; at once when left out. Refused when past."
        ),
    )
    local_time: time | None = strawberry.field(
        default=None,
        description="The hour of each customer's own day to send it at, from sendAt on; all at once when left out.",
    )
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.input(description="Changes to a draft. What is left out stays as it is.")
class PlanUpdateInput:
    """What `planUpdate` takes."""

    id: strawberry.ID = strawberry.field(description="Global id of the draft.")
    name: str | None = strawberry.field(default=UNSET, description="A new name, 1–100 words, at most 1,000 characters.")
    channel: PlanChannel | None = strawberry.field(default=UNSET, description="Another channel.")
    segment_id: strawberry.ID | None = strawberry.field(default=UNSET, description="Global id of another segment.")
    texts: list[PlanTextInput] | None = strawberry.field(
        default=UNSET, description="All its texts; languages that are not here are dropped."
    )
    template: str | None = strawberry.field(
        default=UNSET, description="Another template, by its scenario's code; null for none."
    )
    product_ids: list[strawberry.ID] | None = strawberry.field(
        default=UNSET, description="Global ids of all the products it shows, up to 4; null or empty for none."
    )
    image_url: str | None = strawberry.field(default=UNSET, description="Where another image is; null for none.")
    coupon_id: strawberry.ID | None = strawberry.field(
        default=UNSET, description="Global id of another coupon; null for none."
    )
    button: Destination | None = strawberry.field(
        default=UNSET, description="Where its button leads; null for no button."
    )
    holdout_percent: int | None = strawberry.field(
        default=UNSET,
        description="Another percent of its audience, 0–50, that get nothing, for comparison; null for the shop's own.",
    )
    experiment: PlanExperimentInput | None = strawberry.field(
        default=UNSET, description="All its other variants; null for none."
    )
    send_at: datetime | None = strawberry.field(
        default=UNSET, description="Another time; null for at once. Refused when past."
    )
    local_time: time | None = strawberry.field(
        default=UNSET, description="Another hour of each customer's own day; null for all at once. One-time plans only."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.input(description="A draft to be sent.")
class PlanSubmitInput:
    """What `planSubmit` takes."""

    id: strawberry.ID = strawberry.field(description="Global id of the draft.")
    send_at: datetime | None = strawberry.field(
        default=None,
        description=(
            "When to send it. Left out or null it is the draft's own sendAt, and at once only where the draft has none: "
            "a draft for later begins at once by the present time here. At most 366 days ahead; refused when past."
        ),
    )
    local_time: time | None = strawberry.field(
        default=None,
        description=(
            "The hour of each customer's own day to send it at; left out or null it is the draft's own, if any. "
            "One-time plans only."
        ),
    )
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.input(description="A plan to be held.")
class PlanPauseInput:
    """What `planPause` takes."""

    id: strawberry.ID = strawberry.field(description="Global id of a plan that is scheduled or ongoing.")
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.input(description="A plan to go on.")
class PlanResumeInput:
    """What `planResume` takes."""

    id: strawberry.ID = strawberry.field(description="Global id of a paused plan.")
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.input(description="A plan to be stopped.")
class PlanCancelInput:
    """What `planCancel` takes."""

    id: strawberry.ID = strawberry.field(description="Global id of a plan that is scheduled, ongoing or paused.")
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.input(description="A plan of which to try again what failed.")
class PlanRetryFailedInput:
    """What `planRetryFailed` takes."""

    id: strawberry.ID = strawberry.field(description="Global id of a one-time plan that is sent.")
    include_unknown: bool = strawberry.field(
        default=False,
        description="Also those that may have arrived: some customers may get it twice, and are marked so.",
    )
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.input(description="A plan to be drafted again.")
class PlanDuplicateInput:
    """What `planDuplicate` takes."""

    id: strawberry.ID = strawberry.field(description="Global id of a plan, whatever its status.")
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.input(description="A plan to be put out of sight.")
class PlanDeleteInput:
    """What `planDelete` takes."""

    id: strawberry.ID = strawberry.field(description="Global id of a draft, or of a cancelled one-time plan.")
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


def drafted(given: PlanCreateInput) -> PlanDraft:
    """The draft that an input describes."""
    return PlanDraft(
        name=given.name,
        channel=given.channel,
        segment_id=global_id.row(given.segment_id, "Segment"),
        content=content_of(given.texts),
        template=given.template,
        product_ids=global_id.uuids(given.product_ids, "Product"),
        image_url=given.image_url,
        send_at=given.send_at,
        local_time=given.local_time,
        coupon_id=global_id.optional(given.coupon_id, "Coupon"),
        button=given.button,
        holdout_percent=given.holdout_percent,
        experiment=_experiment(given.experiment),
    )


def changed(draft: PlanDraft, change: PlanUpdateInput) -> PlanDraft:
    """The draft with what the input names changed."""
    refuse_nulls(change, "name", "channel", "segment_id", "texts")
    return replace(
        draft,
        name=or_kept(change.name, draft.name),
        channel=or_kept(change.channel, draft.channel),
        segment_id=or_kept(global_id.optional(change.segment_id, "Segment"), draft.segment_id),
        content=content_of(change.texts) if isinstance(change.texts, list) else draft.content,
        template=given_or(change.template, draft.template),
        product_ids=read_or_kept(
            change.product_ids, draft.product_ids, lambda ids: global_id.uuids(ids or [], "Product")
        ),
        image_url=given_or(change.image_url, draft.image_url),
        coupon_id=read_or_kept(change.coupon_id, draft.coupon_id, lambda given: global_id.optional(given, "Coupon")),
        button=given_or(change.button, draft.button),
        send_at=given_or(change.send_at, draft.send_at),
        local_time=given_or(change.local_time, draft.local_time),
        holdout_percent=given_or(change.holdout_percent, draft.holdout_percent),
        experiment=read_or_kept(change.experiment, draft.experiment, _experiment),
    )


def content_of(texts: list[PlanTextInput], *place: str) -> dict[str, Any]:
    """Texts as a plan's content, which has one in each language: of two, one would be lost. `place` has the texts."""
    twice = [tag for tag, times in Counter(each.language for each in texts).items() if times > 1]
    if twice:
        raise Refused([Problem((*place, "texts", tag), "is there twice", ErrorCode.CONFLICT) for tag in twice])
    return {
        "texts": {
            each.language: {
                field: value
                for field, value in (("text", each.text), ("subject", each.subject), ("preheader", each.preheader))
                if value is not None
            }
            for each in texts
        }
    }


def _experiment(given: PlanExperimentInput | None) -> Experiment | None:
    if given is None:
        return None
    variants = tuple(
        Variant(
            content=None if not isinstance(each.texts, list) else content_of(each.texts, *VARIANTS, str(place)),
            coupon_id=global_id.optional(each.coupon_id, "Coupon"),
            has_own_coupon=each.coupon_id is not UNSET,
        )
        for place, each in enumerate(given.variants)
    )
    return Experiment(variants, given.percent, given.metric, given.hours)
