"""What sellers do with automated plans that they do not do with others: drafting and changing them."""

from models.caller import Action
from models.plan import Plan
from resolvers.automated_plan_input import AutomatedPlanCreateInput, AutomatedPlanUpdateInput, changed, drafted
from resolvers.context import Info
from resolvers.mutation import Payload, answer
from resolvers.plan import PLAN, own_or_refuse


async def create(info: Info, input: AutomatedPlanCreateInput) -> Payload:
    """Keep a new automated draft."""
    shop = await info.context.shop(Action.CHANGE_SHOP)
    actor = info.context.actor

    async def make() -> Plan:
        return await Plan.draft(shop, drafted(input), actor=actor)

    return await answer(info, input, PLAN, make)


async def update(info: Info, input: AutomatedPlanUpdateInput) -> Payload:
    """Change an automated draft."""
    shop = await info.context.shop(Action.CHANGE_SHOP)
    actor = info.context.actor

    async def edit() -> Plan:
        own = await own_or_refuse(info, shop, input.id)
        return await own.edit(shop, lambda decided: changed(decided, input), actor=actor)

    payload = await answer(info, input, PLAN, edit)
    if payload.entity is not None:
        await info.context.plan_changed(payload.entity.id)
    return payload
