"""Jobs, told: their ids in every log line that they cause, a line when they end, and one when they fail."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from functools import wraps
from inspect import signature
from typing import Any

from structlog.contextvars import bind_contextvars, clear_contextvars

from jobs.context import Context
from models import availability
from models.span import span

log = logging.getLogger(__name__)

NAMES = {"plan_id": "plan", "number": "slice"}
"""How arguments are called in logs, where it is not by their own name."""

Job = Callable[..., Coroutine[Any, Any, None]]


def told(job: Job) -> Job:
    """The job, with its ids bound. An error ends only itself: the sweep finds what it left."""
    names = [NAMES.get(name, name) for name in signature(job).parameters][1:]

    @wraps(job)
    async def run(ctx: Context, *arguments: Any) -> None:
        clear_contextvars()
        ids = _ids(names, arguments)
        bind_contextvars(job=job.__name__, **ids)
        began = asyncio.get_running_loop().time()
        try:
            with span("job", job=job.__name__, **ids):
                await job(ctx, *arguments)
        except Exception as error:
            if outage := availability.outage_of(error):
                log.warning("job failed, PostgreSQL is not reachable: %s", outage)
            else:
                log.exception("job failed")
        else:
            log.info("job ended", extra={"seconds": round(asyncio.get_running_loop().time() - began, 4)})

    return run


def _ids(names: list[str], arguments: tuple[Any, ...]) -> dict[str, int]:
    """The arguments that are numbers: a text could be about somebody."""
    return {name: value for name, value in zip(names, arguments, strict=False) if isinstance(value, int)}
