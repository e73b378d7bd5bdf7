"""Answers about plans, and what sellers do with them."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import replace
from typing import Annotated, Any, TypeAlias

import strawberry

from models import database, sender
from models.caller import Action
from models.page import page_of, rows_by_id
from models.plan import NEWEST_FIRST, Plan, PlanChannel, listed, permission
from models.plan import history as plan_history
from models.plan.history import Entry
from models.plan.status import PlanAction, PlanKind, PlanStatus, allowed
from models.product import Product
from models.progress import Progress
from models.segment import Segment
from models.shop import Shop
from resolvers import global_id
from resolvers.connection import After, Before, Connection, First, Last, connect, searched
from resolvers.context import Info
from resolvers.live import looks
from resolvers.mutation import Kept, Payload, answer
from resolvers.plan_input import (
    PlanCancelInput,
    PlanCreateInput,
    PlanDeleteInput,
    PlanDuplicateInput,
    PlanPauseInput,
    PlanResumeInput,
    PlanRetryFailedInput,
    PlanSubmitInput,
    PlanUpdateInput,
    changed,
    drafted,
)
from resolvers.shop import own_row

LOOK_AGAIN = 10.0
"""Seconds after which a subscription looks at its plan even when nothing was heard of it."""

PlanId: TypeAlias = Annotated[strawberry.ID, strawberry.argument(description="Global id of a plan.")]


async def _load(plan_id: Any) -> Plan:
    return await Plan.get(id=plan_id)


PLAN: Kept[Plan] = Kept("plan", lambda plan: plan.id, _load)


async def plans(
    info: Info,
    *,
    kind: Annotated[PlanKind | None, strawberry.argument(description="Only plans of this kind.")] = None,
    status: Annotated[
        list[PlanStatus] | None,
        strawberry.argument(description="Only plans with one of these; all but deleted ones when left out or empty."),
    ] = None,
    search: Annotated[
        str | None,
        strawberry.argument(description="Only plans with this in their name, in any case; up to 200 characters."),
    ] = None,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> Connection[Plan]:
    """The shop's plans, newest first."""
    shop = await info.context.shop(Action.READ_SHOP)
    page = page_of(NEWEST_FIRST, first=first, after=after, last=last, before=before)
    query = listed(shop.id, kind=kind, statuses=status or (), search=searched(search))
    return connect(page, await rows_by_id(query, page), lambda plan: (plan.id,), query.count)


async def plan(info: Info, id: PlanId) -> Plan | None:
    """One of the shop's plans."""
    shop = await info.context.shop(Action.READ_SHOP)
    return await own_row(info.context.loaders.plan, shop, global_id.integer(id, "Plan"))


async def find(info: Info, key: str) -> Plan | None:
    """The shop's plan with this key."""
    shop = await info.context.shop(Action.READ_SHOP)
    return await own_row(info.context.loaders.plan, shop, global_id.integer_of(key))


async def own_or_refuse(info: Info, shop: Shop, plan_id: strawberry.ID, field: str = "id") -> Plan:
    """The shop's plan that an input names in `field`; refused when there is none."""
    own = await own_row(info.context.loaders.plan, shop, global_id.integer(plan_id, "Plan"))
    if own is None:
        raise global_id.missing(field, "plan")
    return own


def identify(root: strawberry.Parent[Plan]) -> strawberry.ID:
    """A plan's global id."""
    return global_id.encode("Plan", root.id)


async def segment(info: Info, root: strawberry.Parent[Plan]) -> Segment | None:
    """The segment a plan goes to."""
    return await info.context.loaders.segment.load(root.segment_id) if root.segment_id else None


async def products(info: Info, root: strawberry.Parent[Plan]) -> list[Product]:
    """The products a plan shows."""
    found = await info.context.loaders.product.load_many([(root.shop_id, each) for each in root.product_ids])
    return [product for product in found if product is not None]


async def allowed_actions(info: Info, root: strawberry.Parent[Plan]) -> list[PlanAction]:
    """What the caller may do to a plan now, its status, what failed of it and the shop's access considered."""
    shop = await info.context.shop(Action.READ_SHOP)
    actions = [
        action
        for action in allowed(root.kind, root.status)
        if not permission.refusals(action, _channel_after(action, root), shop.score, shop.gmv)
    ]
    if PlanAction.RETRY in actions and not await info.context.loaders.may_retry.load(root.id):
        actions.remove(PlanAction.RETRY)
    return actions


def _channel_after(action: PlanAction, plan: Plan) -> PlanChannel | None:
    """The channel that an action must be allowed on: an edit may take another, where the shop may not mail."""
    return None if action is PlanAction.EDIT else plan.channel


async def history(
    info: Info,
    root: strawberry.Parent[Plan],
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> Connection[Entry]:
    """What happened to a plan."""
    page = page_of(plan_history.NEWEST_FIRST, first=first, after=after, last=last, before=before)
    loaders = info.context.loaders
    entries = await loaders.plan_history.load((root.id, page))
    return connect(page, entries, lambda entry: (entry.id,), lambda: loaders.plan_history_count.load(root.id))


async def progress_of(info: Info, root: strawberry.Parent[Plan]) -> Progress | None:
    """How far a plan has come."""
    return await info.context.readings.progress.load(root.id)


async def create(info: Info, input: PlanCreateInput) -> Payload:
    """Keep a new draft."""
    shop = await info.context.shop(Action.CHANGE_SHOP)
    actor = info.context.actor
    return await answer(info, input, PLAN, lambda: Plan.draft(shop, drafted(input), actor=actor))


async def update(info: Info, input: PlanUpdateInput) -> Payload:
    """Change a draft."""

    async def edit(shop: Shop, own: Plan, actor: str) -> Plan:
        return await own.edit(shop, lambda decided: changed(decided, input), actor=actor)

    return await _act(info, input, edit)


async def submit(info: Info, input: PlanSubmitInput) -> Payload:
    """Send a draft, now or later."""
    settings = info.context.settings

    async def send(shop: Shop, own: Plan, actor: str) -> Plan:
        async with database.transaction():
            await own.submit(
                shop,
                send_at=input.send_at,
                local_time=input.local_time,
                deadline_after=settings.plan_deadline,
                actor=actor,
            )
            await sender.require(shop, own.channel, settings)
        return own

    return await _act(info, input, send, job="localise_plan")


async def pause(info: Info, input: PlanPauseInput) -> Payload:
    """Hold a plan."""
    return await _act(info, input, lambda _, own, actor: own.pause(actor=actor))


async def resume(info: Info, input: PlanResumeInput) -> Payload:
    """Let a paused plan go on."""
    return await _act(info, input, lambda shop, own, actor: own.resume(shop, actor=actor), job="localise_plan")


async def cancel(info: Info, input: PlanCancelInput) -> Payload:
    """Stop a plan."""
    return await _act(info, input, lambda _, own, actor: own.cancel(actor=actor), job="finish_plan")


async def retry_failed(info: Info, input: PlanRetryFailedInput) -> Payload:
    """Try again what failed."""
    deadline_after = info.context.settings.plan_deadline
    return await _act(
        info,
        input,
        lambda shop, own, actor: own.retry_failed(
            shop, include_unknown=input.include_unknown, deadline_after=deadline_after, actor=actor
        ),
    )


async def duplicate(info: Info, input: PlanDuplicateInput) -> Payload:
    """Draft a plan again."""
    return await _act(info, input, lambda shop, own, actor: own.duplicate(shop, actor=actor))


async def delete(info: Info, input: PlanDeleteInput) -> Payload:
    """Put a plan out of sight."""
    return await _act(info, input, lambda _, own, actor: own.discard(actor=actor))


async def _act(
    info: Info,
    input: Any,
    verb: Callable[[Shop, Plan, str], Awaitable[Plan]],
    *,
    job: str | None = None,
) -> Payload:
    """Do something to the plan that the input names, then tell whoever watches it and wake a worker."""
    shop = await info.context.shop(Action.CHANGE_SHOP)
    actor = info.context.actor

    async def act() -> Plan:
        return await verb(shop, await own_or_refuse(info, shop, input.id), actor)

    payload = await answer(info, input, PLAN, act)
    if payload.entity is not None:
        await info.context.plan_changed(payload.entity.id)
        if job:
            await info.context.enqueue(job, payload.entity.id)
    return payload


async def watch(info: Info, plan_id: PlanId) -> AsyncGenerator[Progress, None]:
    """A plan's progress: how it stands now, then again whenever it has changed, until it is over."""
    shop = await info.context.shop(Action.READ_SHOP)
    own = await own_row(info.context.loaders.plan, shop, global_id.integer(plan_id, "Plan"))
    if own is None:
        raise global_id.missing("planId", "plan")
    told: Progress | None = None
    async with info.context.news().watch_plan(own.id) as changed:
        async for _ in looks(changed, every=LOOK_AGAIN):
            seen = await info.context.readings.progress.load(own.id)
            if seen is None:
                return
            if told is None or replace(seen, version=told.version) != told:
                told = seen
                yield seen
            if seen.is_final:
                return
