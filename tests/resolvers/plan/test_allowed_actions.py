"""What a plan offers to do with it over the API is what can be done: all that is offered works, nothing else does."""

import random
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from models import audience, intent
from models import database as databases
from models import slice as slices
from models.clock import Clock
from models.delivery import DeliveryState
from models.plan import Plan, PlanChannel, advance, wording
from models.plan.status import SELLERS_ACTIONS, PlanAction
from models.shop import Shop
from resolvers import global_id
from tests.api import Api, seller
from tests.automation import make_automated
from tests.factories import DEADLINE, make_customers, make_draft, make_resolved, make_shop
from tests.slices import hold, make_worker, settled

OFFERED = "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Plan { allowedActions } } }"
MUTATIONS = {
    PlanAction.EDIT: "planUpdate", PlanAction.SUBMIT: "planSubmit", PlanAction.DUPLICATE: "planDuplicate",
    PlanAction.PAUSE: "planPause", PlanAction.RESUME: "planResume", PlanAction.CANCEL: "planCancel",
    PlanAction.RETRY: "planRetryFailed", PlanAction.DELETE: "planDelete",
}  # fmt: skip
CHANGED = ("plan", "plan_content", "plan_coupon", "plan_history", "delivery", "slice", "contact", "quota_week")
"""The tables that a seller's action on a plan may change."""


async def offered(api: Api, shop: Shop, plan: Plan) -> list[str]:
    """What the plan offers."""
    nodes = (await api.data(OFFERED, seller(shop), ids=[global_id.encode("Plan", plan.id)]))["nodes"]
    actions: list[str] = nodes[0]["allowedActions"]
    return actions


async def do(api: Api, shop: Shop, plan: Plan, action: PlanAction, **given: Any) -> list[dict[str, Any]]:
    """Do something to a plan; what is wrong with that."""
    name = MUTATIONS[action]
    if action is PlanAction.EDIT:
        given = {"name": "Renamed", **given} if plan.trigger else {"channel": "CHAT", **given}
        name = "automatedPlanUpdate" if plan.trigger else name
    if action is PlanAction.RETRY:
        given = {"includeUnknown": True, **given}
    kind = name[0].upper() + name[1:]
    mutation = f"mutation ($input: {kind}Input!) {{ {name}(input: $input) {{ plan {{ id }} userErrors {{ field message code }} }} }}"
    answer = await api.data(mutation, seller(shop), input={"id": global_id.encode("Plan", plan.id), **given})
    errors: list[dict[str, Any]] = answer[name]["userErrors"]
    assert (answer[name]["plan"] is None) == bool(errors)
    return errors


async def everything() -> list[str]:
    """All that an action could change."""
    return [
        row[0] for table in CHANGED for row in await databases.fetch(f"SELECT t::text FROM {table} t ORDER BY t::text")
    ]


async def sent_by_mail(shop: Shop, *states: DeliveryState) -> Plan:
    """A plan that is SENT by mail, of whose messages these became this."""
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)
    held, waiting = await hold(plan)
    await intent.commit([], waiting)
    await intent.commit([settled(each, state) for each, state in zip(waiting, states, strict=True)], [])
    await slices.release(held)
    assert await advance.finish(plan.id)
    return plan


@pytest.mark.parametrize(
    ("state", "is_offered"), [(DeliveryState.SENT, False), (DeliveryState.FAILED, True), (DeliveryState.UNKNOWN, True)]
)
async def test_a_sent_plan_offers_a_retry_where_something_failed_or_is_unknown(
    api: Api, state: DeliveryState, is_offered: bool
):
    shop = await make_shop()
    await make_customers(shop, 2)
    plan = await sent_by_mail(shop, DeliveryState.SENT, state)

    assert ("RETRY" in await offered(api, shop, plan)) == is_offered
    assert (await do(api, shop, plan, PlanAction.RETRY) == []) == is_offered


async def test_a_draft_by_mail_offers_an_edit_where_only_chat_is_open_to_the_shop(api: Api):
    shop = await make_shop()
    plan = await make_draft(shop, channel=PlanChannel.EMAIL)
    await Shop.filter(id=shop.id).update(gmv=0)

    assert await offered(api, shop, plan) == ["EDIT", "DELETE"]
    assert await do(api, shop, plan, PlanAction.EDIT, channel="CHAT") == []
    assert await offered(api, shop, plan) == ["EDIT", "SUBMIT", "DUPLICATE", "DELETE"]


async def test_a_plan_of_which_something_is_in_flight_after_its_cancel_offers_nothing_but_its_copy(api: Api):
    shop = await make_shop()
    await make_customers(shop, 1)
    plan = await make_resolved(shop, channel=PlanChannel.EMAIL)
    await intent.commit([], (await hold(plan))[1])
    assert await do(api, shop, plan, PlanAction.CANCEL) == []
    before = await everything()

    assert await offered(api, shop, plan) == ["DUPLICATE"]
    for action in [each for each in SELLERS_ACTIONS if each is not PlanAction.DUPLICATE]:
        assert [error["code"] for error in await do(api, shop, plan, action)] == ["ILLEGAL_TRANSITION"]
    assert await everything() == before


class Outreach:
    """A shop whose plans get into whatever state chance brings them."""

    def __init__(self, shop: Shop, chance: random.Random, clock: Clock) -> None:
        self.shop, self.chance, self.clock = shop, chance, clock

    async def begin(self) -> None:
        """A new plan, drafted or running, of a shop that may."""
        await self.score("4.5", 400_000_00)
        await self.new_week()
        if self.chance.random() < 0.3:
            ends_at = self.chance.choice([None, self.clock.now() + timedelta(hours=5)])
            await make_automated(self.shop, "WELCOME_FOLLOWER", ends_at=ends_at)
        else:
            plan = await make_draft(self.shop, channel=self.chance.choice(list(PlanChannel)))
            if self.chance.random() < 0.7:
                send_at = self.chance.choice([None, None, self.clock.now() + timedelta(hours=2)])
                await plan.submit(self.shop, send_at=send_at, deadline_after=DEADLINE)

    async def go_on(self) -> None:
        """The server does what is due, but for mail."""
        for plan in await advance.alive():
            await advance.start(plan.id)
            if await wording.pin(plan.id):
                await audience.resolve_range(plan.id)
            await advance.end(plan.id)
            await advance.conclude(plan.id)

    async def mail(self) -> None:
        """A slice is handed over, and what is in it is in flight until, perhaps, it has ended in one way or another."""
        for due in await slices.due(1):
            held = await slices.acquire(due.plan_id, due.number, await make_worker(), uuid4())
            if held is None:  # its plan's deadline has passed
                return
            waiting = await slices.load(held)
            if held.channel == "EMAIL" and self.chance.random() < 0.8:
                await intent.commit([], waiting)
                if self.chance.random() < 0.5:
                    return
                ends = [DeliveryState.SENT, DeliveryState.FAILED, DeliveryState.UNKNOWN]
                await intent.commit([settled(each, self.chance.choice(ends)) for each in waiting], [])
            await slices.release(held)

    async def lose(self) -> None:
        """All workers are lost with what they had in flight."""
        await databases.execute("DELETE FROM worker")
        await slices.give_up_lost()

    async def stand(self) -> None:
        """The platform writes another score and GMV; what a revoked access does to plans is told elsewhere."""
        score, gmv = self.chance.choice([("4.5", 400_000_00)] * 4 + [("4.5", 0), ("3.2", 400_000_00), ("2.0", 0)])
        await self.score(score, gmv)

    async def score(self, score: str, gmv: int) -> None:
        """These are the shop's score and GMV."""
        await Shop.filter(id=self.shop.id).update(score=Decimal(score), gmv=gmv)

    async def wait(self) -> None:
        """Time passes."""
        self.clock.move(timedelta(hours=self.chance.choice([1, 24, 7 * 24])))
        await self.new_week()

    async def new_week(self) -> None:
        """The shop has its whole quota."""
        await databases.execute("DELETE FROM quota_week")

    async def happen(self) -> None:
        """One of these."""
        happenings: Sequence[Any] = (
            self.begin, self.begin, self.go_on, self.go_on, self.mail, self.mail, self.lose, self.stand, self.wait,
        )  # fmt: skip
        await self.chance.choice(happenings)()


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_became_of_a_plan_all_that_it_offers_works_and_all_else_is_refused_and_changes_nothing(
    api: Api, clock: Clock, seed: int
):
    chance = random.Random(seed)
    shop = await make_shop()
    await make_customers(shop, 2)
    life = Outreach(shop, chance, clock)
    await life.begin()

    for _ in range(60):
        await life.happen()
        plan = chance.choice(await Plan.all().order_by("id"))
        offers = await offered(api, shop, plan)
        action = (
            PlanAction[chance.choice(offers or ["EDIT"])] if chance.random() < 0.4 else chance.choice(SELLERS_ACTIONS)
        )
        before = await everything()

        errors = await do(api, shop, plan, action)

        told = (plan.kind, plan.channel, plan.status, action, offers, errors)
        assert (errors == []) == (action.name in offers), told
        assert all(each["code"] and each["message"] for each in errors), told
        assert (await everything() == before) == bool(errors), told
