"""Answers about what comes with a message: its image, its button, its products, its coupon (R8, R9, R13, R16)."""

from dataclasses import dataclass, replace

import strawberry

from models import enclosure, experiment
from models.enclosure import Enclosure
from models.message import Message
from models.product import Product
from models.scenario import Destination
from resolvers.context import Info
from resolvers.offer import Offer


@dataclass(frozen=True, slots=True)
class MessageButton:
    """A message's button: where it leads, what it says, and its address, if the shop has told of its page."""

    destination: Destination
    label: str
    url: str | None


@dataclass(frozen=True, slots=True)
class MessageProduct:
    """A product that a message shows, and its page."""

    product: Product
    url: str | None


async def _enclosed(info: Info, message: Message) -> Enclosure:
    """What comes with the message: the plan's products, or those that it was sent with itself."""
    own = await info.context.loaders.enclosure.load(message.plan_id)
    if message.product_ids is None:
        return own
    found = await info.context.loaders.product.load_many([(message.shop_id, each) for each in message.product_ids])
    shown = [enclosure.within_rules(each, own.shop_name) for each in found if each is not None]
    return replace(own, products=tuple(shown))


async def image_url(info: Info, root: strawberry.Parent[Message]) -> str | None:
    """Where the image of a message is: its plan's."""
    url: str | None = (await info.context.loaders.enclosure.load(root.plan_id)).image_url
    return url


async def button(info: Info, root: strawberry.Parent[Message]) -> MessageButton | None:
    """A message's button, in the message's language."""
    enclosed = await _enclosed(info, root)
    label = enclosed.label(root.language)
    if enclosed.button is None or label is None:
        return None
    return MessageButton(enclosed.button, label, enclosed.address(enclosed.button))


async def products(info: Info, root: strawberry.Parent[Message]) -> list[MessageProduct]:
    """The products that a message shows."""
    enclosed = await _enclosed(info, root)
    return [MessageProduct(each, enclosed.page(each)) for each in enclosed.products]


async def coupon(info: Info, root: strawberry.Parent[Message]) -> Offer | None:
    """The coupon that came with a message: the one chosen for this customer, or its variant's, or the plan's."""
    coupon_id = root.coupon_id
    if coupon_id is None:
        plan = await info.context.loaders.plan.load(root.plan_id)
        assert plan is not None  # a message has its plan
        coupon_id = experiment.coupon_ids(plan.coupon_id, experiment.read(plan.experiment))[root.variant]
    found = await info.context.loaders.coupon.load(coupon_id) if coupon_id is not None else None
    shop = await info.context.loaders.shop_by_id.load(root.shop_id)
    return Offer(found, shop, root.customer_id) if found and shop else None
