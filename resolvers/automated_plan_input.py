"""What sellers say about automated plans: the inputs of their mutations, and the drafts that these describe."""

from dataclasses import replace
from datetime import datetime, time
from typing import Any

import strawberry
from strawberry import UNSET

from models import template
from models.errors import refuse
from models.plan.automation import Automation
from models.plan.draft import PlanChannel, PlanDraft
from models.scenario import Destination
from models.trigger import TRIGGERS, TriggerCode
from models.trigger.parameter import read
from resolvers import global_id, plan_quiet_hours
from resolvers.change import given_or, or_kept, read_or_kept, refuse_nulls
from resolvers.mutation import IDEMPOTENCY_KEY
from resolvers.plan_input import PlanTextInput, content_of
from resolvers.trigger import PlanParametersInput, named


@strawberry.input(description="A new automated plan. It goes by CHAT and takes no quota.")
class AutomatedPlanCreateInput:
    """What `automatedPlanCreate` takes."""

    name: str = strawberry.field(description="What sellers call it, 1–100 words, at most 1,000 characters.")
    trigger: TriggerCode = strawberry.field(description="What it answers.")
    parameters: PlanParametersInput | None = strawberry.field(default=None, description="When, exactly.")
    segment_id: strawberry.ID | None = strawberry.field(
        default=None, description="Global id of a segment it keeps to; everybody when left out."
    )
    texts: list[PlanTextInput] = strawberry.field(
        default_factory=list, description="What it says, per language; the trigger's own template when left out."
    )
    template: str | None = strawberry.field(
        default=None, description="The template its texts were made from; without texts only the trigger's own."
    )
    product_ids: list[strawberry.ID] = strawberry.field(
        default_factory=list, description="Global ids of up to 4 products, where they are not those of the occasion."
    )
    image_url: str | None = strawberry.field(
        default=None, description="Where its image is, the same in all languages: https, up to 2,000 characters."
    )
    coupon_id: strawberry.ID | None = strawberry.field(
        default=None, description="Global id of a coupon that comes with it."
    )
    smart_coupon: bool = strawberry.field(
        default=False, description="Whether each customer gets the best coupon that they could use, if there is one."
    )
    button: Destination | None = strawberry.field(
        default=UNSET, description="Where its button leads: the trigger's own when left out, null for none."
    )
    holdout_percent: int | None = strawberry.field(
        default=None,
        description="Percent of its customers, 0–50, that get nothing, for comparison; the shop's own when left out."
        " An order confirmation has none.",
    )
    start_at: datetime | None = strawberry.field(
        default=None,
        description=(
            "When its timeframe begins, once submitted, then at most 366 days ahead; at once when left out. Refused when "
            "past."
        ),
    )
    end_at: datetime | None = strawberry.field(
        default=None, description="When its timeframe ends; until it is cancelled when left out."
    )
    quiet_from: time | None = strawberry.field(
        default=None, description="From when on, on the customer's clock, nothing goes out: 22:00."
    )
    quiet_until: time | None = strawberry.field(default=None, description="Until when: 08:00.")
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.input(description="Changes to an automated draft. What is left out stays as it is.")
class AutomatedPlanUpdateInput:
    """What `automatedPlanUpdate` takes."""

    id: strawberry.ID = strawberry.field(description="Global id of the draft.")
    name: str | None = strawberry.field(default=UNSET, description="A new name, 1–100 words, at most 1,000 characters.")
    trigger: TriggerCode | None = strawberry.field(
        default=UNSET, description="Another trigger; parameters that are not given have its defaults then."
    )
    parameters: PlanParametersInput | None = strawberry.field(
        default=UNSET,
        description="Other parameters; those left out have their defaults, null gives all of them theirs.",
    )
    segment_id: strawberry.ID | None = strawberry.field(
        default=UNSET, description="Global id of another segment; null for everybody."
    )
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
    smart_coupon: bool | None = strawberry.field(default=UNSET, description="Whether the coupon is smart.")
    button: Destination | None = strawberry.field(
        default=UNSET, description="Where its button leads; null for no button."
    )
    holdout_percent: int | None = strawberry.field(
        default=UNSET, description="Another share that gets nothing; null for the shop's own."
    )
    start_at: datetime | None = strawberry.field(
        default=UNSET, description="Another start; null for at once. Refused when past."
    )
    end_at: datetime | None = strawberry.field(default=UNSET, description="Another end; null for none.")
    quiet_from: time | None = strawberry.field(
        default=UNSET, description="Another beginning of its quiet hours; null for no quiet hours."
    )
    quiet_until: time | None = strawberry.field(
        default=UNSET, description="Another end of its quiet hours; null for no quiet hours."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


def drafted(given: AutomatedPlanCreateInput) -> PlanDraft:
    """The draft that an input describes."""
    trigger = TRIGGERS[given.trigger]
    texts = content_of(given.texts) if given.texts else _template(given.template, given.trigger)
    return PlanDraft(
        name=given.name,
        channel=PlanChannel.CHAT,
        segment_id=global_id.optional(given.segment_id, "Segment"),
        content=texts,
        template=given.template if given.texts else given.trigger.value,
        product_ids=global_id.uuids(given.product_ids, "Product"),
        image_url=given.image_url,
        send_at=given.start_at,
        coupon_id=global_id.optional(given.coupon_id, "Coupon"),
        button=trigger.scenario.destination if given.button is UNSET else given.button,
        holdout_percent=given.holdout_percent,
        automation=Automation(
            trigger.code,
            read(trigger, named(given.parameters)),
            ends_at=given.end_at,
            has_smart_coupon=given.smart_coupon,
            quiet=plan_quiet_hours.read(given.quiet_from, given.quiet_until),
        ),
    )


def changed(draft: PlanDraft, change: AutomatedPlanUpdateInput) -> PlanDraft:
    """The draft with what the input names changed. The share that was held out goes with a trigger that can have none."""
    if draft.automation is None:
        raise refuse("id", "This is no automated plan; planUpdate changes it.", rule="R9")
    refuse_nulls(change, "name", "trigger", "texts", "smart_coupon")
    automation = _changed_automation(draft.automation, change)
    kept_percent = draft.holdout_percent if automation.trigger.is_marketing else None
    return replace(
        draft,
        name=or_kept(change.name, draft.name),
        segment_id=read_or_kept(
            change.segment_id, draft.segment_id, lambda given: global_id.optional(given, "Segment")
        ),
        content=content_of(change.texts) if isinstance(change.texts, list) else draft.content,
        template=given_or(change.template, draft.template),
        product_ids=read_or_kept(
            change.product_ids, draft.product_ids, lambda ids: global_id.uuids(ids or [], "Product")
        ),
        image_url=given_or(change.image_url, draft.image_url),
        coupon_id=read_or_kept(change.coupon_id, draft.coupon_id, lambda given: global_id.optional(given, "Coupon")),
        button=given_or(change.button, draft.button),
        holdout_percent=given_or(change.holdout_percent, kept_percent),
        send_at=given_or(change.start_at, draft.send_at),
        automation=automation,
    )


def _changed_automation(known: Automation, change: AutomatedPlanUpdateInput) -> Automation:
    code = or_kept(change.trigger, known.code)
    keeps = code is known.code and change.parameters is UNSET
    return Automation(
        code,
        known.parameters if keeps else read(TRIGGERS[code], named(change.parameters or None)),
        ends_at=given_or(change.end_at, known.ends_at),
        has_smart_coupon=or_kept(change.smart_coupon, known.has_smart_coupon),
        quiet=plan_quiet_hours.changed(known.quiet, change.quiet_from, change.quiet_until),
    )


def _template(wanted: str | None, code: TriggerCode) -> dict[str, Any]:
    if wanted is not None and wanted != code.value:
        message = f"Without texts the template is the trigger's own, {code.value}."
        raise refuse("template", message, rule="R9")
    return template.content_of(code.value)
