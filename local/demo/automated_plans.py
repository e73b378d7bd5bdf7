"""The demo's two automated plans: a cart reminder and a welcome, with delays short enough to be waited for."""

from datetime import timedelta
from random import Random

from jobs.queue import enqueue, redis_pool
from local.demo.fill import BLOCKING
from local.demo.first_plan import ACTOR
from local.demo.people import person_of
from local.demo.shops import DemoShop
from models import database, template
from models.plan import Plan, PlanChannel, PlanDraft
from models.plan.automation import Automation
from models.shop import Shop
from models.trigger import TRIGGERS, TriggerCode
from settings import Settings

CART_DELAY = timedelta(seconds=5)
"""Sellers cannot ask for less than an hour; nobody waits so long for a demo."""

NAMES = {
    TriggerCode.ABANDONED_CART: f"Cart reminder (demo: after {CART_DELAY.seconds} seconds)",
    TriggerCode.WELCOME_FOLLOWER: "Welcome (at once)",
}
"""The plans by what triggers them."""

DELAYS = {TriggerCode.ABANDONED_CART: CART_DELAY, TriggerCode.WELCOME_FOLLOWER: timedelta()}


async def ensure_automated_plans(shop: Shop, settings: Settings) -> list[Plan]:
    """The demo's automated plans, submitted now unless they were before; however often called, there is one of each."""
    async with database.transaction():
        await database.fetch("SELECT FROM shop WHERE id = $1 FOR NO KEY UPDATE", shop.id)
        known = {plan.trigger for plan in await Plan.filter(shop_id=shop.id, created_by=ACTOR, trigger__isnull=False)}
        made = [await _make(shop, code, settings) for code in NAMES if code.value not in known]
    await _wake_worker(made, settings)
    return made


async def _make(shop: Shop, code: TriggerCode, settings: Settings) -> Plan:
    draft = PlanDraft(
        name=NAMES[code],
        channel=PlanChannel.CHAT,
        segment_id=None,
        content=template.content_of(code),
        template=code.value,
        button=TRIGGERS[code].scenario.destination,
        automation=Automation(code, {"steps": [DELAYS[code].seconds]}, has_smart_coupon=True),
    )
    plan = await Plan.draft(shop, draft, actor=ACTOR)
    return await plan.submit(shop, send_at=None, deadline_after=settings.plan_deadline, actor=ACTOR)


async def _wake_worker(plans: list[Plan], settings: Settings) -> None:
    """Spare the plans the wait for the next sweep."""
    redis = redis_pool(settings)
    try:
        for plan in plans:
            await enqueue(redis, "localise_plan", plan.id)
    finally:
        await redis.aclose()


def curl_line(url: str, token: str, told: DemoShop) -> str:
    """A command for a shell that puts something into a demo customer's cart, now."""
    row = (
        '{"externalId":"try-\'$(date +%s)\'","kind":"CART_ADDED","customer":"' + reader_of(told)
        + '","product":"' + told.products[0].external_id + '","occurredAt":"\'$(date -u +%FT%TZ)\'"}'
    )  # fmt: skip
    query = "mutation($input:EventsUpsertInput!){eventsUpsert(input:$input){results{errors{message}}}}"
    body = '{"query":"' + query + '","variables":{"input":{"shop":"' + told.external_id + '","rows":[' + row + "]}}}"
    return f"curl -s {url}/graphql -H 'Authorization: Bearer {token}' -H 'Content-Type: application/json' -d '{body}'"


def reader_of(told: DemoShop) -> str:
    """Whose cart and inbox it is: the first customer who has not blocked the shop's chat and reads English."""
    for number in told.people:
        person = person_of(number)
        blocks = Random(f"rekindle demo block {told.external_id} {person.external_id}").random() < BLOCKING
        if not blocks and person.language == "en":
            return person.external_id
    return person_of(told.people[0]).external_id
