"""Conditions as clients write and read them: inputs of the API, and the ids of plans inside them."""

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from datetime import date
from enum import Enum
from typing import Any

import strawberry
from pydantic.alias_generators import to_camel
from strawberry import UNSET

from models.condition.document import write
from models.condition.phrase import write_text
from models.condition.tree import Condition, Response
from resolvers import global_id
from resolvers.customer import Gender
from resolvers.long import Long

WITHIN = "Only what happened in the past so many days (24 hours each), 1–3650; ever when left out."
CATEGORY = "Only content of this category."
MIN, MAX = "At least so many.", "At most so many."


@strawberry.input(description="A range of whole years; someone born on 29 February turns on 1 March.")
class AgeConditionInput:
    """`age`."""

    min: int | None = strawberry.field(default=UNSET, description="At least so old, 0–130.")
    max: int | None = strawberry.field(default=UNSET, description="At most so old, 0–130.")


@strawberry.input(description="A number of orders; cancelled and refunded ones do not count.")
class OrdersConditionInput:
    """`orders`."""

    within_days: int | None = strawberry.field(default=UNSET, description=WITHIN)
    min: int | None = strawberry.field(default=UNSET, description=MIN)
    max: int | None = strawberry.field(default=UNSET, description=MAX)


@strawberry.input(description="An amount of money in orders, in minor units of the shop's currency.")
class AmountConditionInput:
    """`spent` and `averageOrder`."""

    within_days: int | None = strawberry.field(default=UNSET, description=WITHIN)
    min: Long | None = strawberry.field(default=UNSET, description="This or more.")
    above: Long | None = strawberry.field(default=UNSET, description="More than this. Not with `min`.")
    max: Long | None = strawberry.field(default=UNSET, description="This or less.")
    below: Long | None = strawberry.field(default=UNSET, description="Less than this. Not with `max`.")
    currency: str = strawberry.field(description="ISO 4217 code; must be the shop's.")


@strawberry.input(description="When something happened: within a window, or on calendar days of the shop.")
class MomentConditionInput:
    """`firstOrder`, `lastOrder` and `followed`."""

    within_days: int | None = strawberry.field(
        default=UNSET, description="In the past so many days (24 hours each), 1–3650. Not with `from` or `to`."
    )
    from_: date | None = strawberry.field(name="from", default=UNSET, description="On this day or later.")
    to: date | None = strawberry.field(default=UNSET, description="On this day or earlier.")


@strawberry.input(description="Done at least once.")
class DeedConditionInput:
    """What a customer did in the shop."""

    within_days: int | None = strawberry.field(default=UNSET, description=WITHIN)


@strawberry.input(description="Done at least once.")
class ContentConditionInput:
    """What a customer did with content."""

    within_days: int | None = strawberry.field(default=UNSET, description=WITHIN)
    category: str | None = strawberry.field(default=UNSET, description=CATEGORY)


@strawberry.input(description="Watched at least once, or for so long altogether.")
class WatchConditionInput:
    """What a customer watched."""

    within_days: int | None = strawberry.field(default=UNSET, description=WITHIN)
    category: str | None = strawberry.field(default=UNSET, description=CATEGORY)
    min_seconds: int | None = strawberry.field(
        default=UNSET, description="Seconds watched, all such videos or LIVEs together."
    )


@strawberry.input(description="Done at least once with the shop's messages.")
class MessageConditionInput:
    """What a customer did with messages."""

    within_days: int | None = strawberry.field(default=UNSET, description=WITHIN)
    plan: strawberry.ID | None = strawberry.field(
        default=UNSET, description="Only with the messages of the plan with this global id."
    )


def _field(description: str, *, name: str | None = None) -> Any:
    return strawberry.field(default=UNSET, description=description, name=name)


@strawberry.input(
    one_of=True,
    description=(
        "Who is meant: exactly one of a combination (`all`, `any`, `not`) or a condition on the customer. Each is "
        "true or false; what is not known of a customer makes a condition false. At most 100 conditions, 20 deep."
    ),
)
class ConditionInput:
    """A node of a condition's tree."""

    all: list["ConditionInput"] | None = _field("All of these.")
    any: list["ConditionInput"] | None = _field("At least one of these.")
    not_: "ConditionInput | None" = _field("Not this: all other customers of the shop.", name="not")
    age: AgeConditionInput | None = _field("The customer's age, today in the shop's time zone.")
    gender: list[Gender] | None = _field("One of these genders.")
    region: list[str] | None = _field("One of these regions (ISO 3166-2, such as MX-JAL), 1–100.")
    orders: OrdersConditionInput | None = _field("Number of orders.")
    spent: AmountConditionInput | None = _field("Total of the orders; 0 for who has none.")
    average_order: AmountConditionInput | None = _field("Average of the orders; false for who has none.")
    first_order: MomentConditionInput | None = _field("When the first order was placed.")
    last_order: MomentConditionInput | None = _field("When the latest order was placed.")
    viewed: DeedConditionInput | None = _field("Viewed a product.")
    favourited: DeedConditionInput | None = _field("Favourited a product.")
    carted: DeedConditionInput | None = _field("Added a product to the cart.")
    reviewed: DeedConditionInput | None = _field("Reviewed a product.")
    checkout_started: DeedConditionInput | None = _field("Began a checkout.")
    follows: bool | None = _field("Follows the shop (true), or does not (false).")
    followed: MomentConditionInput | None = _field("When the customer last began to follow the shop.")
    card_clicked: ContentConditionInput | None = _field("Clicked a product card.")
    video_watched: WatchConditionInput | None = _field("Watched a video.")
    video_liked: ContentConditionInput | None = _field("Liked a video.")
    video_clicked: ContentConditionInput | None = _field("Clicked a product in a video.")
    live_watched: WatchConditionInput | None = _field("Watched a LIVE.")
    live_clicked: ContentConditionInput | None = _field("Clicked in a LIVE.")
    engaged: ContentConditionInput | None = _field("Engaged through LIVE, short video or product card.")
    message_read: MessageConditionInput | None = _field("Read a message of the shop.")
    message_clicked: MessageConditionInput | None = _field("Clicked in a message of the shop.")
    unsubscribed: MessageConditionInput | None = _field("Unsubscribed from, or blocked, the shop's messages.")


def conditions_of(condition: ConditionInput) -> dict[str, Any]:
    """The input in the JSON form of the language, plans by their global ids."""
    document: dict[str, Any] = _json(condition)
    return document


def _json(value: Any) -> Any:
    if is_dataclass(value):
        given = ((field.name.rstrip("_"), getattr(value, field.name)) for field in fields(value))
        return {to_camel(name): _json(each) for name, each in given if each is not UNSET and each is not None}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date):
        return value.isoformat()
    return [_json(each) for each in value] if isinstance(value, list) else value


def plan_of(identifier: str) -> int | None:
    """The plan that a global id names."""
    return global_id.integer(identifier, "Plan")


def shown(condition: Condition) -> dict[str, Any]:
    """A condition as a client may give it back: the shape of `ConditionInput`, plans by their global ids."""
    return _with_plans(write(condition), lambda plan: global_id.encode("Plan", plan))


def _with_plans(node: dict[str, Any], name: Callable[[int], str]) -> dict[str, Any]:
    ((key, value),) = node.items()
    if key in ("all", "any"):
        return {key: [_with_plans(member, name) for member in value]}
    if key == "not":
        return {key: _with_plans(value, name)}
    if key in tuple(Response) and "plan" in value:
        return {key: {**value, "plan": name(value["plan"])}}
    return node


def said(condition: Condition) -> str:
    """A condition as a line of text, plans by their global ids in quotes."""
    return write_text(condition, plan_name=lambda plan: f'"{global_id.encode("Plan", plan)}"')
