"""Shops, as their sellers see them."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import strawberry

from models import shop as models
from resolvers import access as resolvers_access
from resolvers import chat_platform as resolvers_chat_platform
from resolvers import holdout as resolvers_holdout
from resolvers import quiet_hours as resolvers_quiet_hours
from resolvers import quota as resolvers_quota
from resolvers import send_rate as resolvers_send_rate
from resolvers import sender as resolvers_sender
from resolvers import shop as resolvers
from resolvers.long import Long
from schema.access import ShopAccess
from schema.chat_platform import ChatPlatform
from schema.holdout import Holdout
from schema.money import Money
from schema.node import Node
from schema.quiet_hours import QuietHours
from schema.quota import Quota
from schema.sender import EmailSender
from schema.user_error import UserError


def _gmv(root: strawberry.Parent[models.Shop]) -> Money | None:
    return None if root.gmv is None else Money(amount=Long(root.gmv), currency=root.currency)


def _score(root: strawberry.Parent[models.Shop]) -> float | None:
    score: Decimal | None = root.score
    return None if score is None else float(score)


def _mail_tracking(root: strawberry.Parent[models.Shop]) -> bool:
    return root.mail_tracking is not False


@strawberry.type(description="A seller's shop. What the platform has not told of it is null.")
class Shop(Node):
    """One shop, only ever the caller's own."""

    id: strawberry.ID = strawberry.field(resolver=resolvers.identify, description="Opaque id, unique across all types.")
    external_id: str = strawberry.field(description="The shop's id in the platform's own system.")
    name: str = strawberry.field(description="The shop's name.")
    currency: str = strawberry.field(description="ISO 4217 code of the currency of all its amounts.")
    time_zone: str = strawberry.field(description="IANA time zone, such as Asia/Jakarta.")
    default_language: str = strawberry.field(description="BCP 47 tag of the language its messages fall back to.")
    country: str | None = strawberry.field(description="ISO 3166-1 alpha-2 code.")
    score: float | None = strawberry.field(
        resolver=_score, description="Shop Performance Score, 0–5, as the platform last wrote it."
    )
    gmv: Money | None = strawberry.field(
        resolver=_gmv, description="Gross merchandise value, as the platform last wrote it."
    )
    gmv_days: int | None = strawberry.field(description="Over how many days the GMV is summed.")
    store_url: str | None = strawberry.field(description="The store's page; links in emails lead below it.")
    email_sender = strawberry.field(
        resolver=resolvers_sender.of_shop, graphql_type=EmailSender, description="Who its emails are from."
    )
    mail_tracking: bool = strawberry.field(
        resolver=_mail_tracking, description="Whether opens and clicks of its emails are noted."
    )
    access = strawberry.field(
        resolver=resolvers_access.of_shop, graphql_type=ShopAccess, description="What its score lets it do."
    )
    quota = strawberry.field(
        resolver=resolvers_quota.of_shop, graphql_type=Quota, description="How many one-time plans it may submit."
    )
    holdout = strawberry.field(
        resolver=resolvers_holdout.of_shop, graphql_type=Holdout, description="Whom its plans hold out."
    )
    quiet_hours = strawberry.field(
        resolver=resolvers_quiet_hours.of_shop,
        graphql_type=QuietHours,
        description="When its marketing reaches nobody.",
    )
    messages_per_minute = strawberry.field(
        resolver=resolvers_send_rate.of_shop,
        graphql_type=int | None,
        description="How fast it may send, as the platform decided; null: as fast as it can.",
    )
    chat_platform = strawberry.field(
        resolver=resolvers_chat_platform.of_shop,
        graphql_type=ChatPlatform | None,
        description="Where its chat goes; null when it stays in the inbox.",
    )
    created_at: datetime = strawberry.field(description="When the platform first wrote the shop.")

    @classmethod
    def is_type_of(cls, value: Any, _info: Any) -> bool:
        """Whether a row is of this type."""
        return isinstance(value, models.Shop)


@strawberry.type(description="What became of chatPlatformDisconnect.")
class ChatPlatformDisconnectPayload:
    """The shop, whose chat stays in the inbox now."""

    shop: Shop | None = strawberry.field(description="The shop; null when it was refused.")
    user_errors: list[UserError] = strawberry.field(description="What to mend; empty when it was disconnected.")
