"""Answers about the global stop, and the platform's stopping and resuming all sending."""

from typing import Any

import strawberry

from models import sending
from models.caller import Action
from models.sending import Sending
from resolvers.context import Info
from resolvers.mutation import IDEMPOTENCY_KEY, Kept, Payload, answer


@strawberry.input(description="That nothing is to leave any more.")
class SendingStopInput:
    """What `sendingStop` takes."""

    reason: str = strawberry.field(description="Why, for whoever finds it stopped: 1–500 characters.")
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.input(description="That everything may leave again.")
class SendingResumeInput:
    """What `sendingResume` takes."""

    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


async def _load(_: Any) -> Sending:
    return await sending.read()


SENDING: Kept[Sending] = Kept("sending", lambda _: None, _load)


async def read(info: Info) -> Sending:
    """Whether anything may leave."""
    info.context.platform(Action.STOP_SENDING)
    return await sending.read()


async def stop(info: Info, input: SendingStopInput) -> Payload:
    """Let nothing leave."""
    actor = info.context.platform(Action.STOP_SENDING).actor

    async def work() -> Sending:
        await sending.stop(input.reason, actor=actor)
        return await sending.read()

    return await answer(info, input, SENDING, work)


async def resume(info: Info, input: SendingResumeInput) -> Payload:
    """Let everything go on."""
    actor = info.context.platform(Action.STOP_SENDING).actor

    async def work() -> Sending:
        await sending.resume(actor=actor)
        return await sending.read()

    return await answer(info, input, SENDING, work)
