"""Answers about a shop's webhooks, and what its administrators do with them."""

from typing import Annotated, Any, TypeAlias

import strawberry
from strawberry import UNSET

from models import webhook
from models.caller import Action
from models.page import page_of, rows_by_id
from models.webhook import Webhook, Wish, posting
from models.webhook.fact import WebhookFact
from models.webhook.posting import Posting
from resolvers import global_id
from resolvers.change import or_kept, refuse_nulls
from resolvers.connection import After, Before, Connection, First, Last, connect
from resolvers.context import Info
from resolvers.mutation import IDEMPOTENCY_KEY, Kept, Payload, answer, gone

WebhookId: TypeAlias = Annotated[strawberry.ID, strawberry.argument(description="Global id of a webhook.")]


@strawberry.input(description="A new webhook.")
class WebhookCreateInput:
    """What `webhookCreate` takes."""

    url: str = strawberry.field(description="The https URL that facts are posted to, up to 2,000 characters.")
    facts: list[WebhookFact] = strawberry.field(description="What it is told of: one at least.")
    description: str | None = strawberry.field(default=None, description="What it is for, at most 200 characters.")
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.input(description="What to change of a webhook. A field left out stays.")
class WebhookUpdateInput:
    """What `webhookUpdate` takes."""

    id: strawberry.ID = strawberry.field(description="Global id of the webhook.")
    url: str | None = strawberry.field(
        default=UNSET, description="The https URL that facts are posted to, up to 2,000 characters."
    )
    facts: list[WebhookFact] | None = strawberry.field(default=UNSET, description="What it is told of: one at least.")
    description: str | None = strawberry.field(default=UNSET, description="What it is for; null empties it.")
    is_enabled: bool | None = strawberry.field(
        default=UNSET, description="Whether it is told anything. Enabled again, of what becomes true from then on."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.input(description="A webhook to forget.")
class WebhookDeleteInput:
    """What `webhookDelete` takes."""

    id: strawberry.ID = strawberry.field(description="Global id of the webhook.")
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.input(description="A webhook whose secret to replace.")
class WebhookRotateSecretInput:
    """What `webhookRotateSecret` takes."""

    id: strawberry.ID = strawberry.field(description="Global id of the webhook.")
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.input(description="A webhook to try.")
class WebhookTestInput:
    """What `webhookTest` takes."""

    id: strawberry.ID = strawberry.field(description="Global id of the webhook.")
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


async def _load(webhook_id: Any) -> Webhook:
    return await Webhook.get(id=webhook_id)


def _with_secret(key: bytes) -> Kept[Webhook]:
    """An answer that told a secret tells it again as long as it is in use: it is derived from the salt that is kept."""

    async def load(kept: Any) -> Webhook:
        webhook_id, salt = kept
        return (await _load(webhook_id)).reveal(key, salt)

    return Kept("webhook", lambda own: [own.id, own.salt], load)


async def _load_id(kept: Any) -> strawberry.ID:
    return strawberry.ID(kept)


async def _load_posting(kept: Any) -> Posting:
    found = await posting.find(*kept)
    if found is None:
        raise gone()
    return found


WEBHOOK: Kept[Webhook] = Kept("webhook", lambda own: own.id, _load)
DELETED: Kept[strawberry.ID] = Kept("webhook_id", str, _load_id)
POSTING: Kept[Posting] = Kept("posting", lambda own: [own.webhook_id, own.id], _load_posting)


async def webhooks(
    info: Info, *, first: First = None, after: After = None, last: Last = None, before: Before = None
) -> Connection[Webhook]:
    """The shop's webhooks, newest first."""
    shop = await info.context.shop(Action.MANAGE_CONNECTIONS)
    page = page_of(webhook.NEWEST_FIRST, first=first, after=after, last=last, before=before)
    query = Webhook.filter(shop_id=shop.id)
    return connect(page, await rows_by_id(query, page), lambda own: (own.id,), query.count)


async def find(info: Info, key: str) -> Webhook | None:
    """The shop's webhook with this key."""
    shop = await info.context.shop(Action.MANAGE_CONNECTIONS)
    number = global_id.integer_of(key)
    return await webhook.of_shop(shop.id, number) if number else None


async def one(info: Info, id: WebhookId) -> Webhook | None:
    """One of the shop's webhooks."""
    shop = await info.context.shop(Action.MANAGE_CONNECTIONS)
    number = global_id.integer(id, "Webhook")
    return await webhook.of_shop(shop.id, number) if number else None


def identify(root: strawberry.Parent[Webhook]) -> strawberry.ID:
    """A webhook's global id."""
    return global_id.encode("Webhook", root.id)


def facts(root: strawberry.Parent[Webhook]) -> list[WebhookFact]:
    """What a webhook is told of."""
    return [WebhookFact(each) for each in root.facts]


def is_enabled(root: strawberry.Parent[Webhook]) -> bool:
    """Whether a webhook is told anything."""
    return root.disabled_at is None


async def postings(
    info: Info,
    root: strawberry.Parent[Webhook],
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> Connection[Posting]:
    """What was posted to a webhook within the last week."""
    page = page_of(posting.NEWEST_FIRST, first=first, after=after, last=last, before=before)
    loaders = info.context.loaders
    found = await loaders.postings.load((root.id, page))
    return connect(page, found, lambda each: (each.id,), lambda: loaders.posting_count.load(root.id))


async def create(info: Info, input: WebhookCreateInput) -> Payload:
    """Create a webhook."""
    shop = await info.context.shop(Action.MANAGE_CONNECTIONS)
    key, targets, actor = info.context.secret, info.context.settings.webhook_targets, info.context.actor
    wish = Wish(url=input.url, facts=input.facts, description=input.description)

    async def work() -> Webhook:
        return await webhook.create(shop, wish, targets=targets, key=key, actor=actor)

    return await answer(info, input, _with_secret(key), work)


async def update(info: Info, input: WebhookUpdateInput) -> Payload:
    """Change a webhook."""
    shop = await info.context.shop(Action.MANAGE_CONNECTIONS)
    targets = info.context.settings.webhook_targets

    async def work() -> Webhook:
        return await webhook.edit(shop, _number(input.id), _wish(input), targets=targets)

    return await answer(info, input, WEBHOOK, work)


async def delete(info: Info, input: WebhookDeleteInput) -> Payload:
    """Forget a webhook."""
    shop = await info.context.shop(Action.MANAGE_CONNECTIONS)

    async def work() -> strawberry.ID:
        return global_id.encode("Webhook", await webhook.remove(shop, _number(input.id)))

    return await answer(info, input, DELETED, work)


async def rotate(info: Info, input: WebhookRotateSecretInput) -> Payload:
    """Take a new secret."""
    shop = await info.context.shop(Action.MANAGE_CONNECTIONS)
    key = info.context.secret

    async def work() -> Webhook:
        return await webhook.rotate(shop, _number(input.id), key=key)

    return await answer(info, input, _with_secret(key), work)


async def test(info: Info, input: WebhookTestInput) -> Payload:
    """Let a test be posted."""
    shop = await info.context.shop(Action.MANAGE_CONNECTIONS)

    async def work() -> Posting:
        return await posting.ask_test(shop, _number(input.id))

    payload = await answer(info, input, POSTING, work)
    if not payload.user_errors:
        await info.context.enqueue("send_webhooks")
    return payload


def _number(webhook_id: strawberry.ID) -> int:
    return global_id.row(webhook_id, "Webhook")


def _wish(wanted: WebhookUpdateInput) -> Wish:
    """What an update asks for. Only a description can be emptied."""
    refuse_nulls(wanted, "url", "facts", "is_enabled")
    description = "" if wanted.description is None else wanted.description
    return Wish(
        url=or_kept(wanted.url, None),
        facts=or_kept(wanted.facts, None),
        description=or_kept(description, None),
        is_enabled=or_kept(wanted.is_enabled, None),
    )
