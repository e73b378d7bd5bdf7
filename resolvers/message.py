"""Answers about the shopper's inbox, and what shoppers do with it."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import strawberry

from models import message as messages
from models.message import Message, MessageKey
from models.page import page_of
from resolvers import global_id
from resolvers.connection import After, Before, Connection, First, Last, connect
from resolvers.context import Info
from resolvers.live import looks
from resolvers.mutation import IDEMPOTENCY_KEY, Kept, Payload, answer

LOOK_AGAIN = 60.0
"""Seconds after which a subscription looks at its inbox even when nothing was heard of it."""

OVERLAP = timedelta(minutes=5)
"""How much earlier than the newest message another may have been sent that is seen only later."""


@dataclass(frozen=True, slots=True)
class Sender:
    """A shop, as a shopper sees it."""

    shop_id: int
    name: str
    customer_id: UUID


@dataclass(frozen=True, slots=True)
class InboxEvent:
    """What an inbox holds at one moment that it did not at the one before."""

    version: int
    unread_count: int
    messages: list[Message]


@strawberry.input(description="A message that the shopper has read.")
class MessageMarkReadInput:
    """What `messageMarkRead` takes."""

    id: strawberry.ID = strawberry.field(description="Global id of a message in the shopper's inbox.")
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.input(description="A message whose button or link the shopper clicked.")
class MessageClickInput:
    """What `messageClick` takes."""

    id: strawberry.ID = strawberry.field(description="Global id of a message in the shopper's inbox.")
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


async def inbox(
    info: Info, *, first: First = None, after: After = None, last: Last = None, before: Before = None
) -> Connection[Message]:
    """The shopper's messages, newest first."""
    customer_id = info.context.customer()
    page = page_of(messages.NEWEST_FIRST, first=first, after=after, last=last, before=before)
    return connect(page, await messages.inbox(customer_id, page), _place, lambda: messages.count(customer_id))


def _place(message: Message) -> tuple[Any, ...]:
    return (message.sent_at, message.plan_id, message.reference)


async def message(
    info: Info,
    id: Annotated[strawberry.ID, strawberry.argument(description="Global id of a message.")],
) -> Message | None:
    """One of the shopper's messages."""
    customer_id = info.context.customer()
    key = key_of(id, customer_id)
    return (await messages.messages([key])).get(key) if key else None


async def find(info: Info, key: str) -> Message | None:
    """The shopper's message with this key."""
    return await message(info, global_id.encode("Message", key))


def identify(root: strawberry.Parent[Message]) -> strawberry.ID:
    """A message's global id: plan, customer and the plan's occasion."""
    return global_id.encode("Message", root.plan_id, root.customer_id, root.reference)


def key_of(identifier: strawberry.ID, customer_id: UUID) -> MessageKey | None:
    """The key in a message's id, when it is one of this customer's."""
    kind, key = global_id.decode(identifier) or ("", "")
    plan, _, rest = key.partition(":")
    owner, _, reference = rest.partition(":")
    plan_id = global_id.integer_of(plan)
    if kind != "Message" or plan_id is None or owner != str(customer_id):
        return None
    return MessageKey(plan_id, customer_id, reference)


def sender(root: strawberry.Parent[Message]) -> Sender:
    """The shop a message is from."""
    return Sender(root.shop_id, root.shop_name, root.customer_id)


def identify_sender(root: strawberry.Parent[Sender]) -> strawberry.ID:
    """The global id of the sender's shop."""
    return global_id.encode("Shop", root.shop_id)


async def mark_read(info: Info, input: MessageMarkReadInput) -> Payload:
    """Note that the shopper read a message."""
    return await _touch(info, input, messages.mark_read)


async def click(info: Info, input: MessageClickInput) -> Payload:
    """Note that the shopper clicked a message."""
    return await _touch(info, input, messages.click)


async def _touch(
    info: Info,
    input: MessageMarkReadInput | MessageClickInput,
    verb: Callable[[MessageKey], Awaitable[Message | None]],
) -> Payload:
    customer_id = info.context.customer()
    key = key_of(input.id, customer_id)

    async def touch() -> Message:
        touched = await verb(key) if key else None
        if touched is None:
            raise global_id.missing("id", "message")
        return touched

    async def load(_: Any) -> Message | None:
        return (await messages.messages([key])).get(key) if key else None

    payload = await answer(info, input, Kept("message", lambda _: True, load), touch)
    if payload.entity is not None:
        await info.context.inbox_changed(customer_id)
    return payload


async def watch(info: Info) -> AsyncGenerator[InboxEvent, None]:
    """The shopper's inbox: its newest messages at first, then those that arrive, as they do."""
    customer_id = info.context.customer()
    told: set[tuple[Any, ...]] = set()
    unread: int | None = None
    since = datetime.min.replace(tzinfo=UTC)
    async with info.context.news().watch_inbox(customer_id) as changed:
        async for _ in looks(changed, every=LOOK_AGAIN):
            inbox = await info.context.readings.inbox.load((customer_id, since))
            recent = [each for each in inbox.newest if each.sent_at >= since]
            arrived = [each for each in recent if _place(each) not in told]
            if unread is None or arrived or inbox.unread != unread:
                yield InboxEvent(inbox.version, inbox.unread, arrived)
            unread = inbox.unread
            since = max([since, *(each.sent_at - OVERLAP for each in recent[:1])])
            told = {_place(each) for each in recent}
