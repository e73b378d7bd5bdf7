"""What comes with a message, as shoppers see it."""

import strawberry

from models.scenario import Destination
from resolvers import enclosure as resolvers
from resolvers.long import Long
from schema.money import Money

Root = strawberry.Parent[resolvers.MessageProduct]


@strawberry.type(description="A message's button.")
class MessageButton:
    """Where the reader goes from here."""

    destination: Destination = strawberry.field(description="Where in the shop it leads.")
    label: str = strawberry.field(description="What it says, in the message's language.")
    url: str | None = strawberry.field(description="Its address; null when the shop has told of no page of its own.")


def _external_id(root: Root) -> str:
    return str(root.product.external_id)


def _title(root: Root) -> str:
    return str(root.product.title)


def _price(root: Root) -> Money | None:
    price = root.product.price
    return None if price is None else Money(amount=Long(price), currency=root.product.currency)


def _image_url(root: Root) -> str | None:
    url: str | None = root.product.image_url
    return url


@strawberry.type(description="A product that a message shows.")
class MessageProduct:
    """One product, as it is now."""

    external_id: str = strawberry.field(
        resolver=_external_id, description="The product's id in the platform's own system."
    )
    title: str = strawberry.field(resolver=_title, description="What it is called.")
    price: Money | None = strawberry.field(resolver=_price, description="What it costs; null when that is not known.")
    image_url: str | None = strawberry.field(resolver=_image_url, description="Where its picture is, if it has one.")
    url: str | None = strawberry.field(description="Its page; null when the shop has told of no page of its own.")
