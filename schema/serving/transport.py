"""GraphQL over HTTP: queries and mutations as JSON, subscriptions as server-sent events, and the console."""

from collections.abc import AsyncGenerator, Callable
from functools import partial
from math import ceil
from typing import Any

import orjson
from graphql import OperationType
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from models.caller import Caller
from models.errors import Forbidden, RekindleError, Unauthenticated, Unavailable
from models.turn import Turns
from resolvers.context import Context
from resolvers.live import Readings
from resolvers.token import Verifier
from schema import schema
from schema.cost.throttle import Throttle
from schema.execution.answer import Answer
from schema.execution.errors import BAD_INPUT, plain
from schema.execution.operation import Engine, Ready
from schema.execution.traffic import NO_KIND, Traffic
from schema.execution.trusted import TrustedDocuments
from schema.serving import places
from schema.serving.authentication import STATUS_OF, caller_of_header
from schema.serving.console import console
from schema.serving.event_stream import HEADERS, events, single
from schema.serving.patience import PatientStream
from schema.serving.places import Places
from schema.serving.request import EVENT_STREAM, HTML, JSON, RESPONSE_JSON, BadRequest, acceptable, read_operation
from schema.serving.websocket import Socket
from settings import Settings

INVALID_DOCUMENT_STATUS = 400
"""Status of what was never run, for clients that take application/graphql-response+json.

The audits and today's clients want 400; the August 2026 draft of GraphQL over HTTP wants 422.
"""

CALLERS = 3
"""So many callers it takes to have all of a process's connections to PostgreSQL at work."""

CONSOLE_HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src data:; img-src data:;"
        " connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Referrer-Policy": "no-referrer",
}


def create_graphql_app(settings: Settings, verifier: Verifier, traffic: Traffic | None = None) -> CORSMiddleware:
    """The ASGI application to mount at /graphql, for HTTP and WebSocket.

    It takes the process's queue and live listener from `queue` and `listener` of the Starlette
    application's state, and counts in `traffic`. Pages of any origin may call it: it knows no cookies, only bearer tokens.
    That concerns HTTP alone, so WebSockets may go to its `app` directly: a layer less for each that is open.
    """
    return CORSMiddleware(
        GraphQLApp(settings, verifier, traffic or Traffic()),
        allow_origins=["*"],
        allow_methods=["GET", "POST"],
        allow_headers=["authorization", "content-type"],
        expose_headers=["x-request-id"],
        max_age=86400,
    )


class GraphQLApp:
    """Answers HTTP requests itself, and hands WebSockets to `Socket`."""

    def __init__(self, settings: Settings, verifier: Verifier, traffic: Traffic) -> None:
        self.settings = settings
        self.traffic = traffic
        self.verifier = verifier
        self.engine = Engine(
            schema,
            production=settings.production,
            trusted=TrustedDocuments(settings.trusted_documents),
            throttle=Throttle(points=settings.throttle_points, refill=settings.throttle_refill),
            traffic=traffic,
            turns=Turns(max(1, settings.database_pool // CALLERS)),
        )
        self.places = Places()
        self.readings = Readings()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request or one socket."""
        if scope["type"] == "websocket":
            await Socket(WebSocket(scope, receive, send), self).run()
            return
        request = Request(scope, receive)
        response = await self._respond(request)
        await response(scope, receive, send)

    def context(self, scope: Scope, caller: Caller | None, accept_language: str | None) -> Context:
        """A fresh context for one operation."""
        state = getattr(scope.get("app"), "state", None)
        return Context(
            caller,
            self.settings,
            queue=getattr(state, "queue", None),
            listener=getattr(state, "listener", None),
            accept_language=accept_language,
            readings=self.readings,
        )

    async def _respond(self, request: Request) -> Response:
        types = acceptable(request.headers.get("accept"))
        if HTML in types[:1] and self._is_for_console(request):
            return HTMLResponse(console(), headers=CONSOLE_HEADERS)
        plain_types = [t for t in types if t in (JSON, RESPONSE_JSON)]
        media_type = plain_types[0] if plain_types else JSON
        try:
            _check_acceptable(types)
            return await self._answer(request, types, media_type)
        except BadRequest as bad:
            self.traffic.ended(NO_KIND, ["BAD_REQUEST"], was_run=False)
            return _json({"errors": [plain("BAD_REQUEST", bad.message)]}, media_type, bad.status, bad.headers)
        except (Unauthenticated, Forbidden, Unavailable) as error:
            self.traffic.ended(NO_KIND, [error.code or BAD_INPUT], was_run=False)
            return _refusal(error, media_type)

    def _is_for_console(self, request: Request) -> bool:
        asks = {"query", "documentId", "extensions"}.intersection(request.query_params)
        return request.method == "GET" and not asks and not self.settings.production

    async def _answer(self, request: Request, types: list[str], media_type: str) -> Response:
        operation = await read_operation(request)
        caller = await caller_of_header(self.verifier, request.headers.get("authorization"))
        context = self.context(request.scope, caller, request.headers.get("accept-language"))
        ready = await self.engine.admit(operation, context) or self.engine.prepare(operation, caller)
        streaming = EVENT_STREAM in types and (
            types[0] == EVENT_STREAM or (isinstance(ready, Ready) and ready.kind is OperationType.SUBSCRIPTION)
        )
        if isinstance(ready, Answer):
            return _event_stream(single(ready)) if streaming else _respond_with(ready, media_type)
        _check_method(request, ready)
        if ready.kind is OperationType.SUBSCRIPTION:
            if not streaming:
                raise BadRequest(406, f"A subscription needs {EVENT_STREAM} or a WebSocket (graphql-transport-ws).")
            return self._stream(ready, context)
        answer = await self.engine.execute(ready, context)
        return _event_stream(single(answer)) if streaming else _respond_with(answer, media_type)

    def _stream(self, ready: Ready, context: Context) -> Response:
        """A subscription's events, in one of its caller's places; or an answer that there is none left."""
        if not self.places.take(context.caller):
            self.traffic.ended(ready.kind.value, ["THROTTLED"], was_run=False)
            return _event_stream(
                single(Answer(errors=[plain("THROTTLED", f"At most {places.MAX_CONNECTIONS} connections at once.")]))
            )
        stream = events(self.engine.stream(ready, context), context.caller)
        return _Stream(stream, partial(self.places.leave, context.caller))


class _Stream(PatientStream):
    """A stream of events that leaves its place when it ends, however that is, begun or not, read or not."""

    def __init__(self, body: AsyncGenerator[bytes], leave: Callable[[], None]) -> None:
        super().__init__(body, headers=HEADERS)
        self._leave = leave

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._leave()


def _check_acceptable(types: list[str]) -> None:
    if not {RESPONSE_JSON, JSON, EVENT_STREAM}.intersection(types):
        raise BadRequest(406, f"This server answers in {RESPONSE_JSON}, {JSON} or {EVENT_STREAM}.")


def _check_method(request: Request, ready: Ready) -> None:
    if request.method == "GET" and ready.kind is OperationType.MUTATION:
        raise BadRequest(405, "Mutations need POST.", {"Allow": "POST"})


def _respond_with(answer: Answer, media_type: str) -> Response:
    headers = {"Retry-After": str(ceil(answer.retry_after))} if answer.retry_after else {}
    status = 200
    if not answer.was_run and media_type == RESPONSE_JSON:
        status = 429 if answer.retry_after else INVALID_DOCUMENT_STATUS
    return _json(answer.payload(), media_type, status, headers)


def _json(payload: dict[str, Any], media_type: str, status: int, headers: dict[str, str] | None = None) -> Response:
    content_type = {"content-type": f"{media_type}; charset=utf-8", "cache-control": "no-store"}
    return Response(orjson.dumps(payload), status, {**content_type, **(headers or {})})


def _refusal(error: RekindleError, media_type: str) -> Response:
    headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'} if isinstance(error, Unauthenticated) else {}
    return _json({"errors": [plain(error.code or BAD_INPUT, str(error))]}, media_type, STATUS_OF[type(error)], headers)


def _event_stream(body: Any) -> Response:
    return PatientStream(body, headers=HEADERS)
