"""Two shops with one shopper each, everything of theirs, and a way to ask as either: the world of test_isolation.py."""

from contextlib import aclosing
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from starlette.applications import Starlette

from models import chat_platform, conversation, violation, webhook
from models import database as databases
from models.caller import Role, caller_of
from models.clock import now
from models.content_rule import WayOut
from models.content_rule.violation import Violation as Breach
from models.coupon import Coupon
from models.coupon.claim import claim
from models.coupon.terms import CouponVisibility
from models.identifier import product_id
from models.message import MessageKey
from models.plan import Plan
from models.segment import Segment
from models.segment import size as segment_size
from models.segment.definition import define
from models.shop import Shop
from models.webhook import Wish, posting
from models.webhook.fact import WebhookFact
from resolvers import global_id
from resolvers.context import Context
from schema import schema
from schema.execution.operation import Engine, Operation, Ready
from settings import Settings
from tests.api import Api, seller, shopper, token_of
from tests.automation import welcome
from tests.factories import make_coupon, make_customers, make_draft, make_resolved, make_shop

NOTHING: UUID = uuid4()


@dataclass(frozen=True)
class Side:
    """One shop with one shopper, and everything of theirs; `mark` is in all their texts."""

    mark: str
    shop: Shop
    customer: UUID
    segment: Segment
    own: Segment
    draft: Plan
    automated: Plan
    running: Plan
    paused: Plan
    product: UUID
    coupon: Coupon
    webhook: int

    @property
    def shopper(self) -> str:
        """The shopper's external id."""
        return f"{self.mark}-0"

    @property
    def ids(self) -> dict[str, str]:
        """A global id of each type, and the shopper's external id."""
        return {
            "Shop": global_id.encode("Shop", self.shop.id),
            "Segment": global_id.encode("Segment", self.segment.id),
            "Own": global_id.encode("Segment", self.own.id),
            "Plan": global_id.encode("Plan", self.running.id),
            "Draft": global_id.encode("Plan", self.draft.id),
            "Automated": global_id.encode("Plan", self.automated.id),
            "Paused": global_id.encode("Plan", self.paused.id),
            "Customer": global_id.encode("Customer", self.customer),
            "Product": global_id.encode("Product", self.product),
            "Message": global_id.encode("Message", self.running.id, self.customer, ""),
            "Conversation": global_id.encode("Conversation", self.shop.id, self.customer),
            "Coupon": global_id.encode("Coupon", self.coupon.id),
            "Offer": global_id.encode("Offer", self.coupon.id),
            "Recommendation": global_id.encode("Recommendation", self.shop.id, "HOLDOUT_OFF", ""),
            "Webhook": global_id.encode("Webhook", self.webhook),
            "ExternalId": self.shopper,
        }


async def make_side(mark: str) -> Side:
    shop = await make_shop(f"{mark}-shop", name=f"{mark} store")
    (customer,) = await make_customers(shop, 1, prefix=f"{mark}-")
    product = product_id(shop.external_id, "p")
    await databases.execute(
        "INSERT INTO product (id, shop_id, external_id, title, category, price, created_at, updated_at)"
        " VALUES ($1, $2, $3, $3, $3, 100, $4, $4)",
        product,
        shop.id,
        f"{mark} soap",
        now(),
    )
    texts = {"en": {"text": f"{mark} greetings to {{name}}"}}
    coupon = await make_coupon(
        shop, name=f"{mark} coupon", visibility=CouponVisibility.PRIVATE, customer_limit=2, product_ids=[product]
    )
    running = await make_resolved(
        shop, name=f"{mark} plan", content={"texts": texts}, product_ids=[product], coupon_id=coupon.id
    )
    await claim(customer, coupon.id)
    await conversation.reply(MessageKey(running.id, customer), f"{mark} asks", actor="test")
    paused = await make_resolved(shop, name=f"{mark} pause")
    await paused.pause()
    draft = await make_draft(shop, name=f"{mark} draft")
    segment = await Segment.get(shop_id=shop.id, preset="REPEAT")
    automated = await make_draft(
        shop, name=f"{mark} welcome", segment_id=segment.id, content={"texts": texts}, automation=welcome()
    )
    own = await Segment.make(shop, f"{mark} segment", define(shop, text="orders >= 2"), actor="test")
    await segment_size.measure([segment])
    await chat_platform.connect(shop, f"https://chat.example/{mark}", targets="public", key=b"key")
    hook = Wish(url=f"https://{mark}.example/hook", facts=[WebhookFact.MESSAGE_READ], description=f"{mark} hook")
    told = await webhook.create(shop, hook, targets="public", key=b"key", actor="test")
    await posting.ask_test(shop, told.id)
    refused = Breach(("texts", "en", "text"), WayOut.LINK, f"{mark}.example").problem(f"See {mark}.example")
    await violation.note(shop.id, running.id, [refused], actor="test")
    return Side(mark, shop, customer, segment, own, draft, automated, running, paused, product, coupon, told.id)


UNKNOWN = {
    "ExternalId": "nobody",
    "Shop": global_id.encode("Shop", 2_000_000_000),
    "Segment": global_id.encode("Segment", 2_000_000_000),
    "Own": global_id.encode("Segment", 2_000_000_000),
    "Plan": global_id.encode("Plan", 2_000_000_000),
    "Draft": global_id.encode("Plan", 2_000_000_000),
    "Automated": global_id.encode("Plan", 2_000_000_000),
    "Paused": global_id.encode("Plan", 2_000_000_000),
    "Customer": global_id.encode("Customer", NOTHING),
    "Product": global_id.encode("Product", NOTHING),
    "Message": global_id.encode("Message", 2_000_000_000, NOTHING, ""),
    "Conversation": global_id.encode("Conversation", 2_000_000_000, NOTHING),
    "Coupon": global_id.encode("Coupon", 2_000_000_000),
    "Offer": global_id.encode("Offer", 2_000_000_000),
    "Recommendation": global_id.encode("Recommendation", 2_000_000_000, "HOLDOUT_OFF", ""),
    "Webhook": global_id.encode("Webhook", 2_000_000_000),
}


def token(role: Role, side: Side) -> str:
    if role is Role.OWNER:
        return seller(side.shop)
    return shopper(side.shopper) if role is Role.CUSTOMER else token_of(Role.PLATFORM, "cron")


@dataclass(frozen=True)
class World:
    """Two of everything, and a way to ask."""

    alpha: Side
    omega: Side
    api: Api
    app: Starlette
    settings: Settings

    async def ask(self, document: str, variables: dict[str, Any], role: Role | None, side: Side) -> dict[str, Any]:
        """The answer that a caller of this role and side gets; of a subscription the first."""
        if document.startswith("subscription"):
            return await self._first_event(document, variables, role, side)
        return await self.api.answer(document, token(role, side) if role else None, **variables)

    async def _first_event(
        self, document: str, variables: dict[str, Any], role: Role | None, side: Side
    ) -> dict[str, Any]:
        claims = {
            "sub": side.shopper if role is Role.CUSTOMER else "u1",
            "role": role,
            "shop": side.shop.external_id,
            "exp": now().timestamp() + 60,
        }
        caller = caller_of(claims, now()) if role else None
        engine = Engine(schema)
        ready = engine.prepare(Operation(document, variables=variables))
        assert isinstance(ready, Ready)
        context = Context(caller, self.settings, self.app.state.queue, self.app.state.listener)
        async with aclosing(engine.stream(ready, context)) as answers:  # type: ignore[type-var]
            return (await anext(answers)).payload()
