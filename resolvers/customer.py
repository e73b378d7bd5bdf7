"""Answers about customers, as far as they are the shop's, and the platform's writing of customers."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated

import strawberry
from strawberry import UNSET

from models.caller import Action
from models.customer import Customer
from models.identifier import customer_id
from resolvers import global_id, row
from resolvers.context import Info
from resolvers.mutation import IDEMPOTENCY_KEY, Payload


class Gender(StrEnum):
    """What the platform knows of a customer's gender."""

    FEMALE = "FEMALE"
    MALE = "MALE"
    OTHER = "OTHER"


class ConsentState(StrEnum):
    """What a customer said to a shop's email."""

    SUBSCRIBED = "SUBSCRIBED"
    UNSUBSCRIBED = "UNSUBSCRIBED"
    NEVER = "NEVER"


@strawberry.input(description="What a customer said to the shop's email, where and when.")
class EmailConsentInput:
    """Part of a customer's row."""

    state: ConsentState = strawberry.field(description="What holds since then.")
    source: str | None = strawberry.field(default=None, description="Where it was given; required with SUBSCRIBED.")
    at: datetime = strawberry.field(description="When it was given. A later one replaces an earlier one.")


@strawberry.input(description="A customer, as the platform writes them. A field left out stays; null empties it.")
class CustomerInput:
    """One row of `customersUpsert`."""

    external_id: str = strawberry.field(description="The customer's id in the platform's own system.")
    name: str | None = strawberry.field(default=UNSET, description="The name messages address them by.")
    email: str | None = strawberry.field(default=UNSET, description="Email address.")
    language: str | None = strawberry.field(default=UNSET, description="BCP 47 tag of their app's language.")
    time_zone: str | None = strawberry.field(default=UNSET, description="IANA time zone they live in.")
    country: str | None = strawberry.field(default=UNSET, description="ISO 3166-1 alpha-2 code.")
    region: str | None = strawberry.field(default=UNSET, description="ISO 3166-2 code, such as MX-JAL.")
    gender: Gender | None = strawberry.field(default=UNSET, description="Gender.")
    birth_date: date | None = strawberry.field(default=UNSET, description="Day of birth.")
    email_consent: EmailConsentInput | None = strawberry.field(
        default=UNSET, description="What they said to this shop's email."
    )


@strawberry.input(description="Customers to write. A customer is one person across all shops.")
class CustomersUpsertInput:
    """What `customersUpsert` takes."""

    shop: str = strawberry.field(description="External id of the shop whose email consents these are.")
    rows: list[CustomerInput] = strawberry.field(description="At most 250 customers.")
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


async def find(info: Info, key: str) -> Customer | None:
    """The customer with this key, when they belong to the shop's universe."""
    shop = await info.context.shop(Action.READ_SHOP)
    wanted = global_id.uuid_of(key)
    return await info.context.loaders.customer.load((shop.id, wanted)) if wanted else None


async def of_external_id(
    info: Info,
    external_id: Annotated[str, strawberry.argument(description="The customer's id in the platform's own system.")],
) -> Customer | None:
    """The customer whom the platform knows by this id, when they belong to the shop's universe (R26)."""
    shop = await info.context.shop(Action.READ_SHOP)
    return await info.context.loaders.customer.load((shop.id, customer_id(external_id)))


def identify(root: strawberry.Parent[Customer]) -> strawberry.ID:
    """A customer's global id."""
    return global_id.encode("Customer", root.id)


async def upsert(info: Info, input: CustomersUpsertInput) -> Payload:
    """Write customers."""
    return await row.write(info, input, "customer", input.rows, lambda _, each: _id_of(each.external_id))


def _id_of(external_id: str) -> strawberry.ID:
    return global_id.encode("Customer", customer_id(external_id))
