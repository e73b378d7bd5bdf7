"""Answers about the caller's shop, and the platform's writing of shops."""

from typing import Protocol, TypeVar

import strawberry
from strawberry import UNSET
from strawberry.dataloader import DataLoader

from models import ingest
from models.caller import Action
from models.shop import Shop
from resolvers import global_id
from resolvers.context import Info
from resolvers.long import Long
from resolvers.mutation import IDEMPOTENCY_KEY, Payload
from resolvers.row import Written, checked, wire, written


@strawberry.input(description="A shop, as the platform writes it. An optional field left out stays; null empties it.")
class ShopInput:
    """One row of `shopsUpsert`."""

    external_id: str = strawberry.field(description="The shop's id in the platform's own system, 1–255 characters.")
    name: str = strawberry.field(description="The shop's name.")
    currency: str = strawberry.field(description="ISO 4217 code of all its amounts. Never changes.")
    time_zone: str = strawberry.field(description="IANA time zone, such as Asia/Jakarta.")
    default_language: str = strawberry.field(description="BCP 47 tag of the language its messages fall back to.")
    country: str | None = strawberry.field(default=UNSET, description="ISO 3166-1 alpha-2 code.")
    score: float | None = strawberry.field(default=UNSET, description="Shop Performance Score, 0–5.")
    gmv: Long | None = strawberry.field(default=UNSET, description="Gross merchandise value, in minor units.")
    gmv_days: int | None = strawberry.field(default=UNSET, description="Over how many days the GMV is summed, 1–366.")
    tier: str | None = strawberry.field(
        default=UNSET, description="GMV tier, T1 to T5; taken from the GMV and its currency when there is none."
    )
    store_url: str | None = strawberry.field(
        default=UNSET, description="The store's page; below it lie the pages that links in emails lead to."
    )
    sender_address: str | None = strawberry.field(
        default=UNSET, description="The address its emails are from; one at the operator's domain when there is none."
    )
    reply_to: str | None = strawberry.field(
        default=UNSET, description="Where answers to its emails go; back to their sender when there is none."
    )
    postal_address: str | None = strawberry.field(
        default=UNSET, description="Where it can be written to by post, at the foot of each of its emails."
    )
    mail_tracking: bool | None = strawberry.field(
        default=UNSET, description="Whether opens and clicks of its emails are noted; they are unless it says false."
    )


@strawberry.input(description="Shops to write.")
class ShopsUpsertInput:
    """What `shopsUpsert` takes."""

    rows: list[ShopInput] = strawberry.field(description="At most 250 shops.")
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


async def shop(info: Info) -> Shop:
    """The caller's own shop."""
    return await info.context.shop(Action.READ_SHOP)


async def find(info: Info, key: str) -> Shop | None:
    """The shop with this key, when it is the caller's own."""
    own = await shop(info)
    return own if str(own.id) == key else None


class OfOneShop(Protocol):
    """A row that belongs to a shop."""

    shop_id: int


SomeRow = TypeVar("SomeRow", bound=OfOneShop)


async def own_row(loader: DataLoader[int, SomeRow | None], shop: Shop, row_id: int | None) -> SomeRow | None:
    """The row with this id if it is the shop's: another's reads exactly like one that is not there."""
    found = await loader.load(row_id) if row_id else None
    return found if found is not None and found.shop_id == shop.id else None


def identify(root: strawberry.Parent[Shop]) -> strawberry.ID:
    """A shop's global id."""
    return global_id.encode("Shop", root.id)


async def upsert(info: Info, input: ShopsUpsertInput) -> Payload:
    """Write shops, each with its presets."""
    info.context.platform()

    async def work() -> list[Written]:
        results = await ingest.ingest_shops(wire(row) for row in input.rows)
        # What was refused may be nothing that PostgreSQL can even be asked for.
        names = [row.external_id for row, result in zip(input.rows, results, strict=True) if not result.problems]
        known = {shop.external_id: shop for shop in await Shop.filter(external_id__in=names)}
        ids = {name: global_id.encode("Shop", shop.id) for name, shop in known.items()}
        return written(results, [ids.get(row.external_id, strawberry.ID("")) for row in input.rows])

    return await checked(info, input, input.rows, work)
