"""Answers about how a plan's messages look, whom they would reach, and trials of them."""

from dataclasses import dataclass
from typing import Annotated

import strawberry

from models import estimate as estimates
from models import preview as previews
from models import trial as trials
from models.caller import Action
from models.coupon.smart import Considered
from models.errors import Problem, Refused
from models.estimate import Estimate
from models.plan import Plan
from models.preview import Advice, Preview
from models.trial import Trial
from models.trigger import dry_run as dry_runs
from models.trigger.dry_run import DryRun
from resolvers import global_id
from resolvers.context import Info
from resolvers.mutation import IDEMPOTENCY_KEY, Kept, Payload, answer
from resolvers.plan import PlanId, own_or_refuse


@dataclass(frozen=True, slots=True)
class Previewed:
    """A preview with its advice, or what to mend before there can be one."""

    preview: Preview | None
    advice: list[Advice]
    user_errors: list[Problem]


@dataclass(frozen=True, slots=True)
class Estimated:
    """An estimate, or why there is none."""

    estimate: Estimate | None
    user_errors: list[Problem]


@dataclass(frozen=True, slots=True)
class Tried:
    """A dry run, or why there is none."""

    dry_run: DryRun | None
    user_errors: list[Problem]


@strawberry.input(description="A plan's email to be looked at in a mailbox.")
class PlanTestSendInput:
    """What `planTestSend` takes."""

    id: strawberry.ID = strawberry.field(description="Global id of a plan that goes by email.")
    addresses: list[str] = strawberry.field(description="1–5 addresses, of people who expect it.")
    language: str | None = strawberry.field(
        default=None, description="BCP 47 tag; the shop's default language when left out."
    )
    variant: str | None = strawberry.field(
        default=None, description="Of an experiment, which variant: A, B, C or D; A when left out."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


async def preview(
    info: Info,
    *,
    plan_id: PlanId,
    channel: Annotated[
        str | None, strawberry.argument(description="CHAT or EMAIL; the plan's first when left out.")
    ] = None,
    language: Annotated[
        str | None, strawberry.argument(description="BCP 47 tag; the customer's, or the shop's, when left out.")
    ] = None,
    customer_id: Annotated[
        strawberry.ID | None,
        strawberry.argument(description="Global id of one of the shop's customers; a sample one when left out."),
    ] = None,
    variant: Annotated[
        str | None,
        strawberry.argument(description="Of an experiment, which variant: A to D; the customer's when left out."),
    ] = None,
) -> Previewed:
    """A plan's message exactly as one customer would get it."""
    shop = await info.context.shop(Action.READ_SHOP)
    try:
        plan = await own_or_refuse(info, shop, plan_id, "planId")
        reader = global_id.uuid(customer_id, "Customer") if customer_id is not None else None
        if customer_id is not None and reader is None:
            raise global_id.missing("customerId", "customer")
        shown = await previews.preview(shop, plan, channel=channel, tag=language, customer_id=reader, variant=variant)
        estimated = await estimates.estimate(shop, plan)
        return Previewed(shown, await previews.advice(shop, plan, estimated, shown), [])
    except Refused as refused:
        return Previewed(None, [], refused.problems)


async def estimate(info: Info, plan_id: PlanId) -> Estimated:
    """Whom a plan would reach if it started now."""
    shop = await info.context.shop(Action.READ_SHOP)
    try:
        return Estimated(await estimates.estimate(shop, await own_or_refuse(info, shop, plan_id, "planId")), [])
    except Refused as refused:
        return Estimated(None, refused.problems)


def considered_coupon(root: strawberry.Parent[Considered]) -> strawberry.ID:
    """The global id of a coupon that was considered."""
    return global_id.encode("Coupon", root.coupon_id)


async def dry_run(
    info: Info,
    plan_id: PlanId,
    days: Annotated[int, strawberry.argument(description="So many days back, 1–90.")] = 28,
) -> Tried:
    """What an automated plan would have sent over the last days."""
    shop = await info.context.shop(Action.READ_SHOP)
    try:
        plan = await own_or_refuse(info, shop, plan_id, "planId")
        return Tried(await dry_runs.dry_run(shop, plan, days=days, life=info.context.settings.plan_deadline), [])
    except Refused as refused:
        return Tried(None, refused.problems)


async def trials_of(info: Info, root: strawberry.Parent[Plan]) -> list[Trial]:
    """A plan's latest trials."""
    return await info.context.loaders.trials.load(root.id)


async def test_send(info: Info, input: PlanTestSendInput) -> Payload:
    """Send a plan's email to a few named addresses."""
    shop = await info.context.shop(Action.CHANGE_SHOP)
    secret = info.context.settings.secret

    async def work() -> list[Trial]:
        plan = await own_or_refuse(info, shop, input.id)
        return await trials.ask(
            shop,
            plan,
            input.addresses,
            tag=input.language,
            variant=input.variant,
            actor=info.context.actor,
            secret=secret,
        )

    payload = await answer(info, input, TRIALS, work)
    if payload.entity is not None:
        await info.context.enqueue("send_trials")
    return payload


async def _load(ids: list[str]) -> list[Trial]:
    return await trials.find(ids)


TRIALS: Kept[list[Trial]] = Kept("trials", lambda asked: [str(each.id) for each in asked], _load)
