"""Answers that go on for long: each part must be taken in time, so that who reads nothing holds no place for long."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from models.patience import PATIENCE

log = logging.getLogger(__name__)


class PatientStream(StreamingResponse):
    """A stream that ends, incomplete, when its client is gone or has not taken what it was sent."""

    def __init__(self, parts: AsyncGenerator[bytes], **options: Any) -> None:
        super().__init__(parts, **options)
        self._parts = parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it all, or as much as is taken. What the parts are from is closed with it, not when memory is tidied up."""

        async def send_in_time(message: Message) -> None:
            async with asyncio.timeout(PATIENCE):
                await send(message)

        try:
            async with aclosing(self._parts):
                await super().__call__(scope, receive, send_in_time)
        except (ClientDisconnect, TimeoutError) as error:  # the server closes the connection of an incomplete answer
            log.info("a stream ended early: %s", type(error).__name__)
