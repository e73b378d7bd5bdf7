"""Subscriptions as server-sent events, one connection each.

https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md (distinct connections mode)
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress

import orjson

from models.caller import Caller
from models.clock import now
from schema.execution.answer import Answer
from schema.execution.errors import plain

HEARTBEAT = 15.0
"""Seconds of silence after which a comment is sent, so that nothing between us closes the connection."""

HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",
}
COMPLETE = b"event: complete\ndata:\n\n"


def _next(answer: Answer) -> bytes:
    return b"event: next\ndata: " + orjson.dumps(answer.payload()) + b"\n\n"


async def single(answer: Answer) -> AsyncGenerator[bytes]:
    """The events of an operation that has one answer."""
    yield _next(answer)
    yield COMPLETE


async def events(answers: AsyncIterator[Answer], caller: Caller | None) -> AsyncGenerator[bytes]:
    """The events of a subscription, until it ends or the caller's token does."""
    following = asyncio.ensure_future(anext(answers, None))
    try:
        while True:
            await asyncio.wait({following}, timeout=HEARTBEAT)
            if caller is not None and caller.expired(now()):
                yield _next(Answer(errors=[plain("UNAUTHENTICATED", "The token has expired.")]))
                break
            if not following.done():
                yield b":\n\n"
                continue
            answer = following.result()
            if answer is None:
                break
            yield _next(answer)
            following = asyncio.ensure_future(anext(answers, None))
        yield COMPLETE
    finally:
        following.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await following
        await answers.aclose()  # type: ignore[attr-defined] # an async generator
