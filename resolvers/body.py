"""The bodies of requests, taken in as they come: not more, nor for longer, than is allowed."""

import asyncio

from starlette.requests import ClientDisconnect, Request

from models.patience import PATIENCE

CLOSE = {"Connection": "close"}
"""How to refuse a body: what else comes of it is not to be read as another request."""


class NoBody(Exception):
    """A body that is not taken: the HTTP status to say so with, and why."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


async def body_of(request: Request, most: int) -> bytes:
    """The whole body. NoBody when it has more than `most` bytes, announced or not, or does not come whole in time."""
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > most:
        raise _too_long(most)
    try:
        async with asyncio.timeout(PATIENCE):
            return await _read(request, most)
    except TimeoutError:
        raise NoBody(408, f"The body is not whole after {PATIENCE:.0f} seconds.") from None
    except ClientDisconnect:
        raise NoBody(400, "The body is not whole: the client has left.") from None


async def _read(request: Request, most: int) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise _too_long(most)
    return bytes(body)


def _too_long(most: int) -> NoBody:
    return NoBody(413, f"A request has at most {most // 1024} KiB.")
