"""Every request gets an id: in all log lines that it causes, in its answer's head, and in one line when it is over."""

import asyncio
import logging
import re
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars, clear_contextvars

log = logging.getLogger(__name__)

HEADER = "X-Request-ID"
GIVEN_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
"""An id that whoever stands before us has given, so that its log and ours can be laid side by side."""

FIRST_PART = re.compile(r"/[a-z-]{0,20}")
"""What of a path is logged: the rest may hold a token."""

LOOKS = {"/health", "/ready", "/metrics"}
"""What is asked every few seconds: a line only when it does not go well."""

STOPPING = PlainTextResponse("The server is being stopped.", status_code=503, headers={"Connection": "close"})
"""What is said to whom no answer was begun when the server could wait no longer."""


class RequestLog:
    """ASGI middleware that binds `request` for HTTP requests and sockets, and logs how HTTP requests ended."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request or one socket."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        request = _id(scope)
        clear_contextvars()
        bind_contextvars(request=request)
        if scope["type"] == "websocket":
            await self._app(scope, receive, send)
        else:
            await self._answer(scope, receive, send, request)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, request: str) -> None:
        """Answer, however long it takes; what is not ready when uvicorn, stopped, waits no longer is cancelled, and no bug."""
        status = 0
        began = asyncio.get_running_loop().time()

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[HEADER] = request
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        except asyncio.CancelledError:
            if not status:  # what was begun is broken off by returning
                await STOPPING(scope, receive, send_with_id)
        finally:
            _tell(scope, status or 500, asyncio.get_running_loop().time() - began)


def _id(scope: Scope) -> str:
    given = Headers(scope=scope).get(HEADER, "")
    return given if GIVEN_ID.fullmatch(given) else uuid4().hex


def _tell(scope: Scope, status: int, seconds: float) -> None:
    path = FIRST_PART.match(scope["path"]) if "endpoint" in scope else None  # of ours, not whatever was asked for
    place = path[0] if path else "elsewhere"
    if place in LOOKS and status < 400:
        return
    log.info(
        "answered", extra={"method": scope["method"], "path": place, "status": status, "seconds": round(seconds, 4)}
    )
