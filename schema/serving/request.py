"""GraphQL over HTTP requests: read from a body or a query string, or refused with the right status.

https://graphql.github.io/graphql-over-http/draft/
"""

import re
from collections.abc import Mapping
from typing import Any

import orjson
from starlette.requests import Request

from resolvers.body import CLOSE, NoBody, body_of
from schema.cost.limits import MAX_BODY
from schema.execution.operation import Operation

RESPONSE_JSON = "application/graphql-response+json"
JSON = "application/json"
EVENT_STREAM = "text/event-stream"
HTML = "text/html"

DIGEST = re.compile(r"[0-9a-fA-F]{64}")


class BadRequest(Exception):
    """A request that is no GraphQL request: its HTTP status, and what is wrong with it."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = dict(headers or {})


async def read_operation(request: Request) -> Operation:
    """The operation of a GET or POST request."""
    if request.method == "GET":
        return operation_of(_query_parameters(request))
    if request.method == "POST":
        _check_content_type(request.headers.get("content-type", ""))
        return operation_of(_parsed(await _body(request), "The body"))
    raise BadRequest(405, "GraphQL takes GET and POST requests.", {"Allow": "GET, POST"})


def operation_of(parameters: Any) -> Operation:
    """The operation that the `parameters` of a request (or of a WebSocket message) name."""
    if isinstance(parameters, list):
        raise BadRequest(400, "Batching is not supported: send one operation per request.")
    if not isinstance(parameters, dict):
        raise BadRequest(400, "A GraphQL request is a JSON object with a query.")
    extensions = _object(parameters, "extensions")
    digest = _digest(parameters.get("documentId"), extensions.get("persistedQuery"))
    # Clients that send a digest alone may leave the query empty.
    query = parameters.get("query") or None if digest else parameters.get("query")
    if not isinstance(query, str | None) or not (query or digest):
        raise BadRequest(400, "The parameter query must be a text, and not empty; or documentId says which document.")
    name = parameters.get("operationName")
    if name is not None and not isinstance(name, str):
        raise BadRequest(400, "The parameter operationName must be a text or null.")
    # Some clients send "" for a document's only operation.
    return Operation(query, name or None, _object(parameters, "variables"), digest)


def _digest(document_id: Any, persisted_query: Any) -> str | None:
    """The SHA-256 by which a request names its document, in hexadecimal; None when it does not."""
    if document_id is None and persisted_query is None:
        return None
    if persisted_query is None:
        given = document_id.removeprefix("sha256:") if isinstance(document_id, str) else None
        is_known = given != document_id
    else:
        given = persisted_query.get("sha256Hash") if isinstance(persisted_query, dict) else None
        is_known = given is not None and persisted_query.get("version", 1) == 1
    if not is_known or not isinstance(given, str) or not DIGEST.fullmatch(given):
        raise BadRequest(
            400,
            "A document is named by documentId, as sha256: and 64 hexadecimal digits, or by"
            " extensions.persistedQuery, as version 1 and sha256Hash.",
        )
    return given.lower()


def _object(parameters: dict[str, Any], name: str) -> dict[str, Any]:
    value = parameters.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadRequest(400, f"The parameter {name} must be an object or null.")
    return value


def _query_parameters(request: Request) -> dict[str, Any]:
    parameters: dict[str, Any] = dict(request.query_params)
    for name in ("variables", "extensions"):
        if parameters.get(name):
            parameters[name] = _parsed(parameters[name].encode(errors="replace"), f"The parameter {name}")
    return parameters


def _check_content_type(header: str) -> None:
    media_type, _, parameters = header.partition(";")
    if media_type.strip().lower() != JSON:
        raise BadRequest(415, f"The content type must be {JSON}.")
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset" and value.strip().strip('"').lower() not in ("utf-8", "utf8"):
            raise BadRequest(415, "The charset must be utf-8.")


async def _body(request: Request) -> bytes:
    try:
        return await body_of(request, MAX_BODY)
    except NoBody as none:
        raise BadRequest(none.status, none.message, CLOSE) from None


def _parsed(text: bytes, what: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise BadRequest(400, f"{what} is not JSON in UTF-8: {error}.") from None


def acceptable(accept: str | None) -> list[str]:
    """The media types that a client takes among ours, best first; plain JSON when it has no preference.

    What is said of a type by its name goes before what is said of many by a `*` (RFC 9110 §12.5.1).
    """
    said: dict[str, tuple[int, float]] = {}
    for part in (accept or "*/*").split(","):
        media_type, *parameters = (piece.strip().lower() for piece in part.split(";"))
        for known in _matching(media_type):
            word = (-media_type.count("*"), _quality(parameters))
            said[known] = max(said.get(known, word), word)
    wanted = {known: quality for known, (_, quality) in said.items()}
    preference = [RESPONSE_JSON, JSON, EVENT_STREAM, HTML]
    return sorted((t for t in wanted if wanted[t] > 0), key=lambda t: (-wanted[t], preference.index(t)))


def _matching(media_type: str) -> list[str]:
    if media_type in (RESPONSE_JSON, JSON, EVENT_STREAM, HTML):
        return [media_type]
    # Whoever takes anything gets plain JSON, which every client can read.
    return [JSON] if media_type in ("*/*", "application/*", "*") else []


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
