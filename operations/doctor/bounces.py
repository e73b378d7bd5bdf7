"""What comes back from mail servers: whether somebody takes it."""

import asyncio

from operations.bounces import place_of
from operations.doctor.diagnosis import Diagnosis, ok, warn
from settings import Settings

ANSWER_WITHIN = 2.0
"""Seconds in which whoever listens says so."""


async def check(settings: Settings) -> Diagnosis:
    """Whether bounces are taken: by the process that listens for them, or over HTTP."""
    host, port = place_of(settings)
    if await _greets(host, port):
        return ok("bounces", f"taken at {settings.bounces_url}")
    if settings.bounce_secret is not None:
        return ok("bounces", "taken by the API, at /bounces")
    mend = "start `.venv/bin/python server.py bounces`, or set BOUNCE_SECRET and post them: bad addresses go on being written to"
    return warn("bounces", f"nobody listens at {settings.bounces_url}", mend)


async def _greets(host: str, port: int) -> bool:
    try:
        async with asyncio.timeout(ANSWER_WITHIN):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                return (await reader.readline()).startswith(b"220")
            finally:
                writer.close()
    except (OSError, TimeoutError, ValueError):
        return False
