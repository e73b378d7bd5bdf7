"""Operations over WebSocket: the graphql-transport-ws protocol.

https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
"""

import asyncio
from contextlib import suppress
from typing import Any, Protocol

import orjson
from graphql import OperationType
from starlette.types import Scope
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from models.caller import Caller
from models.clock import now
from models.errors import RekindleError
from resolvers.context import Context
from resolvers.token import Verifier
from schema.execution.answer import Answer
from schema.execution.errors import plain
from schema.execution.operation import Engine, Operation, Ready
from schema.serving import places
from schema.serving.authentication import caller_of_payload
from schema.serving.close import (
    BAD_MESSAGE,
    BAD_PROTOCOL,
    DUPLICATE_ID,
    FORBIDDEN,
    INIT_REPEATED,
    INIT_TIMED_OUT,
    UNAUTHORIZED,
    Close,
)
from schema.serving.places import Places
from schema.serving.request import BadRequest, operation_of

PROTOCOL = "graphql-transport-ws"
INIT_TIMEOUT = 10.0
"""Seconds a client has to introduce itself."""

CLOSE_TIMEOUT = 10.0
"""Seconds a client has to take the close frame; one that reads nothing is left without it."""

MAX_OPERATIONS = 20
"""Operations that may run at once on one socket."""


class Application(Protocol):
    """What a socket needs of the application it came to."""

    engine: Engine
    verifier: Verifier
    places: Places

    def context(self, scope: Scope, caller: Caller | None, accept_language: str | None) -> Context: ...


class Socket:
    """One connection, from its handshake to its end. A bad operation ends only itself."""

    __slots__ = (
        "_acknowledged", "_application", "_caller", "_counted", "_initialised", "_operations", "_tasks", "_websocket",
    )  # fmt: skip

    def __init__(self, websocket: WebSocket, application: Application) -> None:
        self._websocket = websocket
        self._application = application
        self._caller: Caller | None = None
        self._counted = False
        self._initialised = False
        self._acknowledged = False
        self._operations: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()  # of operations, and of those whose last message is not sent yet

    async def run(self) -> None:
        """Accept the socket and serve it until it closes; nothing it started outlives it."""
        try:
            await self._accept()
            await self._serve()
        except Close as close:
            await self._close(close)
        except (WebSocketDisconnect, OSError):
            pass
        finally:
            await self._clean_up()

    async def _accept(self) -> None:
        offered = PROTOCOL in self._websocket.scope.get("subprotocols", ())
        await self._websocket.accept(subprotocol=PROTOCOL if offered else None)
        if not offered:
            raise Close(BAD_PROTOCOL, f"Subprotocol not acceptable: only {PROTOCOL} is")

    async def _serve(self) -> None:
        """Take messages until the client leaves, or its time is up: to introduce itself, or its token's."""
        timeout = INIT_TIMEOUT
        while True:
            try:
                async with asyncio.timeout(timeout) as limit:
                    while True:
                        await self._take(await self._receive())
                        if self._acknowledged:
                            limit.reschedule(self._deadline())
            except TimeoutError:
                if not self._acknowledged:
                    raise Close(INIT_TIMED_OUT, "Connection initialisation timeout") from None
                self._check_token()
                timeout = max(0.1, self._deadline() - asyncio.get_running_loop().time())

    def _deadline(self) -> float:
        """When, in the loop's time, to look at the token again: at its end, or in an hour."""
        loop_time = asyncio.get_running_loop().time()
        if self._caller is None:
            return loop_time + 3600
        left = (self._caller.expires_at - now()).total_seconds()
        return loop_time + min(max(left, 1.0), 3600.0)

    def _check_token(self) -> None:
        if self._caller is not None and self._caller.expired(now()):
            raise Close(FORBIDDEN, "The token has expired")

    async def _receive(self) -> dict[str, Any]:
        event = await self._websocket.receive()
        if event["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(event.get("code", 1000))
        text = event.get("text")
        if text is None:
            raise Close(BAD_MESSAGE, "Messages must be text")
        try:
            message = orjson.loads(text)
        except orjson.JSONDecodeError:
            raise Close(BAD_MESSAGE, "Messages must be JSON") from None
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            raise Close(BAD_MESSAGE, "A message is an object with a type")
        return message

    async def _take(self, message: dict[str, Any]) -> None:
        kind = message["type"]
        if kind == "connection_init":
            await self._initialise(message)
        elif kind == "ping":
            await self._pong(message.get("payload"))
        elif kind == "subscribe":
            await self._subscribe(message)
        elif kind == "complete":
            self._stop(_id(message))
        elif kind != "pong":
            raise Close(BAD_MESSAGE, f"Unknown message type {kind[:40]}")

    async def _pong(self, payload: Any) -> None:
        try:
            orjson.dumps(payload)
        except TypeError:  # it reads four times as many levels as it writes
            raise Close(BAD_MESSAGE, "The payload of ping is nested too deeply") from None
        await self._send({"type": "pong", **({"payload": payload} if payload else {})})

    async def _initialise(self, message: dict[str, Any]) -> None:
        if self._initialised:
            raise Close(INIT_REPEATED, "Too many initialisation requests")
        self._initialised = True
        payload = message.get("payload")
        if not isinstance(payload, dict | None):
            raise Close(BAD_MESSAGE, "The payload of connection_init must be an object")
        try:
            header = self._websocket.headers.get("authorization")
            self._caller = await caller_of_payload(self._application.verifier, payload or {}, header)
        except RekindleError as error:
            raise Close(FORBIDDEN, f"Forbidden: {error}") from None
        self._count()
        await self._send({"type": "connection_ack"})
        self._acknowledged = True

    def _count(self) -> None:
        """Count this socket for its caller, or for all who have no token, and refuse one too many."""
        self._counted = self._application.places.take(self._caller)
        if not self._counted:
            raise Close(FORBIDDEN, f"Forbidden: at most {places.MAX_CONNECTIONS} connections at once")

    async def _subscribe(self, message: dict[str, Any]) -> None:
        if not self._acknowledged:
            raise Close(UNAUTHORIZED, "Unauthorized: send connection_init first")
        self._check_token()
        identifier = _id(message)
        if identifier in self._operations:
            raise Close(DUPLICATE_ID, f"Subscriber for {identifier[:60]} already exists")
        try:
            operation = operation_of(message.get("payload"))
        except BadRequest as bad:
            raise Close(BAD_MESSAGE, f"Invalid subscribe payload: {bad.message}") from None
        if len(self._operations) >= MAX_OPERATIONS:
            refusal = Answer(errors=[plain("THROTTLED", f"At most {MAX_OPERATIONS} at once.")])
            await self._send(_error(identifier, refusal))
            return
        await self._room()
        task = asyncio.create_task(self._operate(identifier, operation))
        self._operations[identifier] = task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _room(self) -> None:
        """Wait until the tasks of ended operations are gone, as far as they leave no room for one more.

        A client that does not read what it is sent is not read either, so that it cannot pile up answers here.
        """
        while len(self._tasks) >= MAX_OPERATIONS:
            await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)

    async def _operate(self, identifier: str, operation: Operation) -> None:
        """Run one operation to its end. Its id is free again before its last message is sent."""
        answering = self._answer(identifier, operation)
        del operation  # a subscription would keep its text for as long as it lives, beside all who sent the same
        try:
            last = await answering
        except (WebSocketDisconnect, OSError, RuntimeError):
            return
        finally:
            if self._operations.get(identifier) is asyncio.current_task():
                del self._operations[identifier]
        with suppress(WebSocketDisconnect, OSError, RuntimeError):
            await self._send(last)

    async def _answer(self, identifier: str, operation: Operation) -> dict[str, Any]:
        """Send the operation's answers; the message that ends it is returned."""
        application = self._application
        accept_language = self._websocket.headers.get("accept-language")
        context = application.context(self._websocket.scope, self._caller, accept_language)
        ready = await application.engine.admit(operation, context) or application.engine.prepare(
            operation, self._caller
        )
        del operation
        if not isinstance(ready, Ready):
            return _error(identifier, ready)
        if ready.kind is not OperationType.SUBSCRIPTION:
            return await self._pass_on(identifier, await application.engine.execute(ready, context))
        async for answer in application.engine.stream(ready, context):
            last = await self._pass_on(identifier, answer)
            if last["type"] == "error":
                return last
        return {"id": identifier, "type": "complete"}

    async def _pass_on(self, identifier: str, answer: Answer) -> dict[str, Any]:
        if not answer.was_run:
            return _error(identifier, answer)
        await self._send({"id": identifier, "type": "next", "payload": answer.payload()})
        return {"id": identifier, "type": "complete"}

    def _stop(self, identifier: str) -> None:
        task = self._operations.pop(identifier, None)
        if task is not None:
            task.cancel()

    async def _send(self, message: dict[str, Any]) -> None:
        if self._websocket.application_state is not WebSocketState.CONNECTED:  # another send found the client gone
            raise WebSocketDisconnect(1006)
        await self._websocket.send({"type": "websocket.send", "text": orjson.dumps(message).decode()})

    async def _close(self, close: Close) -> None:
        with suppress(WebSocketDisconnect, OSError, RuntimeError):
            if self._websocket.application_state is WebSocketState.CONNECTED:
                # A close frame holds 123 bytes of reason (RFC 6455 §5.5).
                reason = close.reason.encode()[:123].decode(errors="ignore")
                async with asyncio.timeout(CLOSE_TIMEOUT):
                    await self._websocket.close(close.code, reason)

    async def _clean_up(self) -> None:
        if self._counted:
            self._application.places.leave(self._caller)
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _id(message: dict[str, Any]) -> str:
    identifier = message.get("id")
    if not isinstance(identifier, str) or not identifier:
        raise Close(BAD_MESSAGE, "A message of this type needs an id: a text, and not empty")
    return identifier


def _error(identifier: str, answer: Answer) -> dict[str, Any]:
    return {"id": identifier, "type": "error", "payload": answer.errors}
