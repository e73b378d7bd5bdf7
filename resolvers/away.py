"""Plain HTTP while PostgreSQL is away: who asks is asked to come again, rather than told of a bug."""

import logging
from collections.abc import Awaitable, Callable

import asyncpg
from starlette.responses import Response

from models import availability

log = logging.getLogger(__name__)

COME_AGAIN = {"Retry-After": "30"}
"""When to: in so many seconds."""


async def unless_away(answer: Awaitable[Response], otherwise: Callable[[], Response]) -> Response:
    """The answer; `otherwise` when PostgreSQL is away, or stopped a statement that took too long."""
    try:
        return await answer
    except Exception as error:
        if not isinstance(error, asyncpg.QueryCanceledError) and availability.outage_of(error) is None:
            raise
        log.warning("asked to come again, PostgreSQL is away: %s", type(error).__name__)
        return otherwise()
