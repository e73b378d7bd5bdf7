"""What is posted to a shop's chat platform: one chat message as one customer gets it (R20).

Its id is that of the ledger's row, the same at every try, so that a platform can tell a repetition.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from models import content, customer, database, enclosure, experiment
from models.chat_platform import ChatPlatform
from models.clock import now
from models.content import Localised
from models.enclosure import Enclosure
from models.identifier import global_id
from models.money import written
from models.plan import wording
from models.plan.wording import Text
from models.product import Product
from models.slice import Waiting, frozen_values
from models.webhook import signature


@dataclass(frozen=True, slots=True)
class Post:
    """A request to a chat platform: its headers, and its body as JSON."""

    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes a plan's chat messages: everything that its recipients share is prepared."""

    platform: ChatPlatform
    key: bytes
    shop: str
    texts: Mapping[Text, Localised]
    shared: Mapping[Text, Mapping[str, Any]]
    customers: Mapping[UUID, str]

    def write(self, message: Waiting) -> Post | None:
        """The request of a message of one of the prepared texts; None when the platform knows no such customer."""
        external_id = self.customers.get(message.customer_id)
        if external_id is None:
            return None
        at = now()
        said: Text = (message.language, message.variant)
        data = {
            "id": global_id("Message", message.plan_id, message.customer_id, message.reference),
            "shop": self.shop,
            "customer": external_id,
            "language": self.texts[said].language,
            "text": content.fill(self.texts[said], frozen_values(message)).text,
            **self.shared[said],
        }
        body = orjson.dumps({"type": "chat.message", "timestamp": at, "data": data}, option=orjson.OPT_UTC_Z)
        return Post(self._signed(message, at, body), body)

    def _signed(self, message: Waiting, at: datetime, body: bytes) -> Mapping[str, str]:
        return signature.signed(self.key, self.platform.salts.valid(at), message_id(message), at, body)


def message_id(message: Waiting) -> str:
    """The `webhook-id` of a ledger row, which also is its idempotency key."""
    suffix = f"_{message.reference.encode().hex()}" if message.reference else ""
    return f"msg_{message.plan_id}_{message.customer_id.hex}{suffix}"


async def writer(plan_id: int, messages: Sequence[Waiting], *, key: bytes) -> Writer | None:
    """A writer of this plan's messages; None when its shop has no platform (any more)."""
    row = await database.fetch_one(
        "SELECT p.shop_id, p.coupon_id, p.experiment, s.external_id"
        " FROM plan p JOIN shop s ON s.id = p.shop_id WHERE p.id = $1",
        plan_id,
    )
    platform = await ChatPlatform.get_or_none(shop_id=row["shop_id"]) if row else None
    if row is None or platform is None:
        return None
    said: set[Text] = {(message.language, message.variant) for message in messages}
    texts = await wording.of_plan(plan_id, "CHAT", said)
    tried = experiment.read(database.decode(row["experiment"]))
    enclosed = await enclosure.with_coupons(plan_id, experiment.coupon_ids(row["coupon_id"], tried))
    return Writer(
        platform=platform,
        key=key,
        shop=row["external_id"],
        texts=texts,
        shared={text: _shared(enclosed[text[1]], texts[text].language) for text in said},
        customers=await customer.external_ids([message.customer_id for message in messages]),
    )


def _shared(enclosed: Enclosure, language: str) -> dict[str, Any]:
    """Image, button, products and coupon, the same for all who read `language`."""
    button, coupon = enclosed.button, enclosed.coupon
    return {
        "imageUrl": enclosed.image_url,
        "button": {
            "destination": button.value, "label": enclosed.label(language), "url": enclosed.address(button),
        } if button else None,
        "products": [_product(enclosed, each, language) for each in enclosed.products],
        "coupon": {
            "name": coupon.name, "gives": coupon.gives(enclosed.currency, language),
            "startsAt": coupon.starts_at, "endsAt": coupon.ends_at,
        } if coupon else None,
    }  # fmt: skip


def _product(enclosed: Enclosure, shown: Product, language: str) -> dict[str, Any]:
    return {
        "externalId": shown.external_id,
        "title": shown.title,
        "price": None if shown.price is None else written(shown.price, shown.currency, language),
        "imageUrl": shown.image_url,
        "url": enclosed.page(shown),
    }
