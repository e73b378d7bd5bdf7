"""What sellers do with automated plans that they do not do with others: drafting and changing them."""

import re
from dataclasses import fields, replace
from datetime import datetime, time
from enum import StrEnum
from typing import Any

import strawberry
from pydantic.alias_generators import to_camel
from strawberry import UNSET

from models import template
from models.caller import Action
from models.errors import ErrorCode, refuse
from models.plan import Plan
from models.plan.automation import Automation
from models.plan.draft import PlanChannel, PlanDraft
from models.scenario import Destination
from models.trigger import TRIGGERS, TriggerCode
from models.trigger.parameter import read
from resolvers import global_id
from resolvers.change import given_or, or_kept, refuse_nulls
from resolvers.context import Info
from resolvers.mutation import IDEMPOTENCY_KEY, Payload, answer
from resolvers.plan import PLAN, own_or_refuse
from resolvers.plan_input import PlanTextInput, content_of, coupon_id_of, product_ids_of

_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


class Watch(StrEnum):
    """How somebody watches a product."""

    VIEWED = "VIEWED"
    FAVOURITED = "FAVOURITED"
    CARTED = "CARTED"


@strawberry.input(description="Parameters of a trigger; the query triggers tells which it has. Left out: its default.")
class PlanParametersInput:
    """What a trigger's form asks for."""

    steps: list[int] | None = strawberry.field(
        default=UNSET, description="Minutes after what happened, or before the LIVE: a message each."
    )
    watched_days: int | None = strawberry.field(
        default=UNSET, description="So many days before the change is a product watched."
    )
    minimum_drop_percent: int | None = strawberry.field(default=UNSET, description="The smallest drop, in percent.")
    watched_by: list[Watch] | None = strawberry.field(default=UNSET, description="What counts as watching.")
    followers_only: bool | None = strawberry.field(default=UNSET, description="Whether only followers are reminded.")
    use_product_cycle: bool | None = strawberry.field(
        default=UNSET, description="Whether an order goes by the repurchaseDays of its products."
    )


@strawberry.input(description="A new automated plan. It goes by CHAT and takes no quota.")
class AutomatedPlanCreateInput:
    """What `automatedPlanCreate` takes."""

    name: str = strawberry.field(description="What sellers call it, 1–100 words.")
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
        default=None, description="When its timeframe begins, once submitted; at once when left out. Refused when past."
    )
    end_at: datetime | None = strawberry.field(
        default=None, description="When its timeframe ends; until it is cancelled when left out."
    )
    quiet_from: str | None = strawberry.field(
        default=None, description="From when on, on the customer's clock, nothing goes out: 22:00."
    )
    quiet_until: str | None = strawberry.field(default=None, description="Until when: 08:00.")
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.input(description="Changes to an automated draft. What is left out stays as it is.")
class AutomatedPlanUpdateInput:
    """What `automatedPlanUpdate` takes."""

    id: strawberry.ID = strawberry.field(description="Global id of the draft.")
    name: str | None = strawberry.field(default=UNSET, description="A new name, 1–100 words.")
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
    quiet_from: str | None = strawberry.field(
        default=UNSET, description="Another beginning of its quiet hours; null for no quiet hours."
    )
    quiet_until: str | None = strawberry.field(
        default=UNSET, description="Another end of its quiet hours; null for no quiet hours."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


async def create(info: Info, input: AutomatedPlanCreateInput) -> Payload:
    """Keep a new automated draft."""
    shop = await info.context.shop(Action.CHANGE_SHOP)
    actor = info.context.actor

    async def make() -> Plan:
        return await Plan.draft(shop, _drafted(input), actor=actor)

    return await answer(info, input, PLAN, make)


async def update(info: Info, input: AutomatedPlanUpdateInput) -> Payload:
    """Change an automated draft."""
    shop = await info.context.shop(Action.CHANGE_SHOP)
    actor = info.context.actor

    async def edit() -> Plan:
        own = await own_or_refuse(info, shop, input.id)
        return await own.edit(shop, lambda decided: _changed(decided, input), actor=actor)

    payload = await answer(info, input, PLAN, edit)
    if payload.entity is not None:
        await info.context.plan_changed(payload.entity.id)
    return payload


def _drafted(given: AutomatedPlanCreateInput) -> PlanDraft:
    """The draft that an input describes."""
    trigger = TRIGGERS[given.trigger]
    texts = content_of(given.texts) if given.texts else _template(given.template, given.trigger)
    return PlanDraft(
        name=given.name,
        channel=PlanChannel.CHAT,
        segment_id=global_id.optional(given.segment_id, "Segment"),
        content=texts,
        template=given.template if given.texts else given.trigger.value,
        product_ids=product_ids_of(given.product_ids),
        image_url=given.image_url,
        send_at=given.start_at,
        coupon_id=coupon_id_of(given.coupon_id),
        button=trigger.scenario.destination if given.button is UNSET else given.button,
        holdout_percent=given.holdout_percent,
        automation=Automation(
            trigger.code,
            read(trigger, _given(given.parameters)),
            ends_at=given.end_at,
            has_smart_coupon=given.smart_coupon,
            quiet=_quiet(given.quiet_from, given.quiet_until),
        ),
    )


def _changed(draft: PlanDraft, change: AutomatedPlanUpdateInput) -> PlanDraft:
    """The draft with what the input names changed. The share that was held out goes with a trigger that can have none."""
    if draft.automation is None:
        raise refuse("id", "This is no automated plan; planUpdate changes it.", rule="R9")
    refuse_nulls(change, "name", "trigger", "texts", "smart_coupon")
    automation = _changed_automation(draft.automation, change)
    kept_percent = draft.holdout_percent if automation.trigger.is_marketing else None
    return replace(
        draft,
        name=or_kept(change.name, draft.name),
        segment_id=draft.segment_id if change.segment_id is UNSET else global_id.optional(change.segment_id, "Segment"),
        content=content_of(change.texts) if isinstance(change.texts, list) else draft.content,
        template=given_or(change.template, draft.template),
        product_ids=draft.product_ids if change.product_ids is UNSET else product_ids_of(change.product_ids or []),
        image_url=given_or(change.image_url, draft.image_url),
        coupon_id=draft.coupon_id if change.coupon_id is UNSET else coupon_id_of(change.coupon_id),
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
        known.parameters if keeps else read(TRIGGERS[code], _given(change.parameters or None)),
        ends_at=given_or(change.end_at, known.ends_at),
        has_smart_coupon=or_kept(change.smart_coupon, known.has_smart_coupon),
        quiet=_changed_quiet(known.quiet, change),
    )


def _template(wanted: str | None, code: TriggerCode) -> dict[str, Any]:
    if wanted is not None and wanted != code.value:
        message = f"Without texts the template is the trigger's own, {code.value}."
        raise refuse("template", message, rule="R9")
    return template.content_of(code.value)


def _given(parameters: PlanParametersInput | None) -> dict[str, Any]:
    """The parameters that an input names, by their names of the registry."""
    if parameters is None:
        return {}
    named = {to_camel(field.name): getattr(parameters, field.name) for field in fields(parameters)}
    return {
        name: [str(each) if isinstance(each, Watch) else each for each in value] if isinstance(value, list) else value
        for name, value in named.items()
        if value is not UNSET and value is not None
    }


def _quiet(begin: str | None, end: str | None) -> tuple[time, time] | None:
    if begin is None and end is None:
        return None
    return _clock(begin, "quietFrom"), _clock(end, "quietUntil")


def _changed_quiet(known: tuple[time, time] | None, change: AutomatedPlanUpdateInput) -> tuple[time, time] | None:
    """Each half that is left out stays. Null ends the other half too, unless that is given: then it lacks its end."""
    ends = None in (change.quiet_from, change.quiet_until)
    begin, end = (None, None) if known is None or ends else (f"{half:%H:%M}" for half in known)
    return _quiet(given_or(change.quiet_from, begin), given_or(change.quiet_until, end))


def _clock(written: str | None, field: str) -> time:
    found = _CLOCK.fullmatch(written or "")
    if found is None:
        raise refuse(field, "Quiet hours have a beginning and an end, such as 22:00 and 08:00.", ErrorCode.INVALID)
    return time(int(found[1]), int(found[2]))
