"""Dataloaders against N+1: made anew for every operation, and every mutation of one, so nothing is stale and nothing grows.

They trust what they are asked for: whose it is was decided before.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Generic, TypeAlias, TypeVar
from uuid import UUID

from strawberry.dataloader import DataLoader
from tortoise.models import Model

from models import consent, conversation, customer, enclosure, metric, product, trial
from models.conversation import Conversation, ConversationKey, Remark
from models.coupon import Coupon, claim
from models.customer import Customer
from models.enclosure import Enclosure
from models.experiment import lift, winner
from models.experiment.lift import Lift
from models.experiment.winner import Result
from models.metric import PlanFigures, funnel
from models.metric import part as plan_part
from models.metric.funnel import Funnel
from models.metric.part import PlanParts
from models.page import Page
from models.plan import Plan, retry
from models.plan import history as plan_history
from models.plan.history import Entry
from models.product import Product
from models.segment import Segment, Version, member, performance, size, versions
from models.segment.member import Question
from models.segment.performance import Performance
from models.segment.size import Size
from models.shop import Shop
from models.trial import Trial
from models.webhook import posting
from models.webhook.posting import Posting

T = TypeVar("T")
Key = TypeVar("Key")
Value = TypeVar("Value")
Row = TypeVar("Row", bound=Model)

OfShop: TypeAlias = tuple[int, UUID]
"""A shop's id, and the id of something of that shop."""


def _by(field: str, kind: type[Row]) -> Callable[[list[Any]], Awaitable[list[Row | None]]]:
    """A loader's function of rows that people touch, by a field that no two of them share."""

    async def load(keys: list[Any]) -> list[Row | None]:
        found = await kind.in_bulk(keys, field)
        return [found.get(wanted) for wanted in keys]

    return load


async def _enclosures(plan_ids: list[int]) -> list[Enclosure]:
    found = await enclosure.of_plans(plan_ids)
    return [found[wanted] for wanted in plan_ids]


async def _blocked_shops(customer_ids: list[UUID]) -> list[set[int]]:
    return [await consent.blocked_shops(wanted) for wanted in customer_ids]


def _of_shop(
    load: Callable[[int, Sequence[UUID]], Awaitable[Mapping[UUID, T]]],
) -> Callable[[list[OfShop]], Awaitable[list[T | None]]]:
    """A loader's function that asks once per shop; one operation hardly ever knows more than one."""

    async def load_all(keys: list[OfShop]) -> list[T | None]:
        by_shop: dict[int, list[UUID]] = defaultdict(list)
        for shop_id, wanted in keys:
            by_shop[shop_id].append(wanted)
        found = {shop_id: await load(shop_id, ids) for shop_id, ids in by_shop.items()}
        return [found[shop_id].get(wanted) for shop_id, wanted in keys]

    return load_all


class Loader(DataLoader[Key, Value]):
    """A loader of rows that several fields wait for: when one of them is cancelled, the others get theirs all the same.

    A field is cancelled when one beside it fails and takes their object with it.
    """

    def load(self, key: Key) -> Awaitable[Value]:
        """The row of a key, or what its reading raises."""
        return asyncio.shield(super().load(key))


class Lazily(Generic[Key, Value]):
    """A loader that is made when it is first asked for: a subscriber keeps its operation's for hours, and few of them."""

    def __init__(self, load: Callable[[list[Key]], Awaitable[Sequence[Value]]]) -> None:
        self._load = load

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, loaders: object, owner: type) -> Loader[Key, Value]:
        """The loader, which from then on stands in this one's place."""
        loader: Loader[Key, Value] = Loader(self._load)
        vars(loaders)[self._name] = loader
        return loader


class Loaders:
    """One loader per kind of thing that lists refer to.

    Where a loader has its module's name, it stands below those that ask that module for something else.
    """

    shop = Lazily[str, Shop | None](_by("external_id", Shop))
    shop_by_id = Lazily[int, Shop | None](_by("id", Shop))
    plan = Lazily[int, Plan | None](_by("id", Plan))
    plan_history_count = Lazily[int, int](plan_history.counts)
    plan_history = Lazily[tuple[int, Page], list[Entry]](plan_history.histories)
    may_retry = Lazily[int, bool](retry.is_there)
    postings = Lazily[tuple[int, Page], list[Posting]](posting.pages)
    posting_count = Lazily[int, int](posting.counts)
    trials = Lazily[int, list[Trial]](trial.of_plans)
    coupon = Lazily[int, Coupon | None](_by("id", Coupon))
    own_claims = Lazily[tuple[UUID, int], int](claim.own_counts)
    remarks = Lazily[tuple[ConversationKey, Page], list[Remark]](conversation.remarks)
    conversation = Lazily[ConversationKey, Conversation | None](conversation.of_keys)
    segment = Lazily[int, Segment | None](_by("id", Segment))
    segment_versions = Lazily[int, list[Version]](versions)
    size_history = Lazily[tuple[int, int], list[Size]](size.histories)
    figures = Lazily[int, PlanFigures | None](metric.of_plans)
    plan_parts = Lazily[int, PlanParts](plan_part.of_plans)
    variant_results = Lazily[int, list[Result]](winner.results)
    lift = Lazily[tuple[int, int], Lift | None](lift.of_plans)
    funnel = Lazily[int, Funnel](funnel.of_plans)
    performance = Lazily[int, Performance | None](performance.of_segments)
    customer = Lazily[OfShop, Customer | None](_of_shop(customer.of_shop))
    product = Lazily[OfShop, Product | None](_of_shop(product.of_shop))
    blocked_shops = Lazily[UUID, set[int]](_blocked_shops)
    enclosure = Lazily[int, Enclosure](_enclosures)
    member_page = Lazily[tuple[Question, Page], list[UUID]](member.pages)
