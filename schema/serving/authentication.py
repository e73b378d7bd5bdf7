"""Who sent a request: the bearer token of its Authorization header, or of a socket's first message."""

from collections.abc import Mapping
from typing import Any

from models.caller import Caller
from models.errors import Forbidden, Unauthenticated, Unavailable
from resolvers.token import Verifier

STATUS_OF = {Unauthenticated: 401, Forbidden: 403, Unavailable: 503}
"""The HTTP status of a request whose caller is refused, or cannot be known just now."""


async def caller_of_header(verifier: Verifier, header: str | None) -> Caller | None:
    """The caller of an `Authorization: Bearer …` header (RFC 6750 §2.1); None when there is no header."""
    if header is None:
        return None
    scheme, _, token = header.strip().partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("The Authorization header must be: Bearer TOKEN.")
    return await verifier.caller(token.strip())


async def caller_of_payload(verifier: Verifier, payload: Mapping[str, Any], header: str | None) -> Caller | None:
    """The caller of a connection_init payload, under `authorization` in any case; else of the handshake's header."""
    for name, value in payload.items():
        if name.lower() == "authorization":
            if not isinstance(value, str):
                raise Unauthenticated("The payload's authorization must be a text: Bearer TOKEN.")
            return await caller_of_header(verifier, value)
    return await caller_of_header(verifier, header)
