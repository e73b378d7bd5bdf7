"""Top-level errors: who the caller is and may do, limits and bugs, each with a code; bugs say nothing more."""

import logging
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import asyncpg
from graphql import GraphQLError
from redis.exceptions import RedisError

from models.availability import outage_of
from models.errors import Refused, RekindleError, Throttled
from schema.execution.variable_error import in_json

log = logging.getLogger(__name__)

PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
BAD_INPUT = "BAD_USER_INPUT"
INTERNAL = "INTERNAL_SERVER_ERROR"

AFTER_A_TIMEOUT = "Ask for less at once, or again when the server is less busy."
"""What helps a caller whose time was up."""


def formatted(
    error: GraphQLError, *, otherwise: str = BAD_INPUT, variables: dict[str, Any] | None = None
) -> dict[str, Any]:
    """An error as clients get it. `otherwise` is the code of what graphql-core itself refuses, of `variables` perhaps.

    A bug is logged with its traceback under a reference, and the client gets only the reference.
    """
    message, extensions = _outcome(error, otherwise, variables or {})
    answer: dict[str, Any] = {"message": message}
    if error.locations:
        answer["locations"] = [location.formatted for location in error.locations]
    if error.path is not None:
        answer["path"] = error.path
    answer["extensions"] = extensions
    return answer


def plain(code: str, message: str) -> dict[str, Any]:
    """An error that concerns no part of a document."""
    return {"message": message, "extensions": {"code": code}}


def _outcome(error: GraphQLError, otherwise: str, variables: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    for cause in _causes(error):
        if isinstance(cause, RekindleError):
            return str(cause), _extensions(cause)
        if isinstance(cause, TimeoutError | asyncpg.QueryCanceledError):
            return f"This took too long and was stopped. {AFTER_A_TIMEOUT}", {"code": "TIMEOUT"}
        if isinstance(cause, asyncpg.CharacterNotInRepertoireError):
            return "A text has a character that cannot be stored.", {"code": BAD_INPUT}
        if outage_of(cause):
            return "The database cannot be reached just now.", {"code": "UNAVAILABLE"}
        if isinstance(cause, RedisError):
            return "Live news and jobs cannot be reached just now.", {"code": "UNAVAILABLE"}
    if all(isinstance(cause, GraphQLError) for cause in _causes(error)):
        return in_json(error.message, variables), {"code": otherwise, **(error.extensions or {})}
    return _masked(error)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The exceptions behind an error, outermost first."""
    cause: BaseException | None = error.original_error if isinstance(error, GraphQLError) else None
    seen = 0
    while cause is not None and seen < 10:
        yield cause
        seen += 1
        cause = cause.original_error if isinstance(cause, GraphQLError) else cause.__cause__


def _extensions(cause: RekindleError) -> dict[str, Any]:
    extensions: dict[str, Any] = {"code": cause.code}
    if isinstance(cause, Throttled):
        extensions["retryAfter"] = cause.retry_after
    if isinstance(cause, Refused):
        extensions["userErrors"] = [
            {"field": list(each.field), "message": each.message, "code": each.code.value, "rule": each.rule}
            for each in cause.problems
        ]
    return extensions


def _masked(error: GraphQLError) -> tuple[str, dict[str, Any]]:
    reference = uuid4().hex[:12]
    log.error("bug %s at %s", reference, error.path, exc_info=error.original_error)
    return "Something went wrong here.", {"code": INTERNAL, "reference": reference}
