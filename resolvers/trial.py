"""Answers about trials of a plan's email, and the sending of them."""

import strawberry

from models import trial as trials
from models.caller import Action
from models.plan import Plan
from models.trial import Trial
from resolvers.context import Info
from resolvers.mutation import IDEMPOTENCY_KEY, Kept, Payload, answer, gone
from resolvers.plan import own_or_refuse


@strawberry.input(description="A plan's email to be looked at in a mailbox.")
class PlanTestSendInput:
    """What `planTestSend` takes."""

    id: strawberry.ID = strawberry.field(description="Global id of a plan that goes by email.")
    addresses: list[str] = strawberry.field(
        description="1–5 addresses, of people who expect it; at most 50 of a shop in 24 hours."
    )
    language: str | None = strawberry.field(
        default=None, description="BCP 47 tag; the shop's default language when left out."
    )
    variant: str | None = strawberry.field(
        default=None, description="Of an experiment, which variant: A, B, C or D; A when left out."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


async def trials_of(info: Info, root: strawberry.Parent[Plan]) -> list[Trial]:
    """A plan's latest trials."""
    return await info.context.loaders.trials.load(root.id)


async def test_send(info: Info, input: PlanTestSendInput) -> Payload:
    """Send a plan's email to a few named addresses."""
    shop = await info.context.shop(Action.CHANGE_SHOP)
    secret = info.context.secret

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
    left = await trials.find(ids)
    if not left:
        raise gone()
    return left


TRIALS: Kept[list[Trial]] = Kept("trials", lambda asked: [str(each.id) for each in asked], _load)
